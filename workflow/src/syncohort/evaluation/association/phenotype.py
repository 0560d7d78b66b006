"""What variants are associated with: a disease, or a number.

Axes: S people, V variants, v of a block, K covariates.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from syncohort.association.regression import Estimates, linear_estimates, logistic_estimates
from syncohort.auc import auc
from syncohort.errors import InputError, examples
from syncohort.genotypes import People, carries


@dataclass(frozen=True)
class Phenotype:
    """A disease, by the label of its cases, or the people's value (case_label None)."""

    case_label: str | None

    @property
    def model(self) -> Literal["logistic", "linear"]:
        return "linear" if self.case_label is None else "logistic"

    @property
    def score_metric(self) -> str:
        """Name of the metric in which a score of it is judged."""
        return "score_r" if self.case_label is None else "score_auc"

    def check(self, people: People) -> None:
        """Raise InputError unless the people differ in it."""
        if self.case_label is None:
            if len(np.unique(people.value[np.isfinite(people.value)])) < 2:
                raise InputError(
                    "association with a number needs people whose values differ; set "
                    "labels.label_column to a column of numbers and labels.cuts to their bins, "
                    "or labels.case_label to the label of the cases"
                )
            return
        if carries(people.label, self.case_label).all() or not self.of(people).any():
            labels = sorted(set(people.label))
            raise InputError(
                f"labels.case_label is {self.case_label!r}; the labels of this cohort are "
                f"{examples(labels, limit=30)}. Name the one that means a case."
            )

    def of(self, people: People) -> np.ndarray:
        """Of each person [S]: bool, whether a case; or float, the value, NaN without one."""
        if self.case_label is None:
            return people.value.astype(float)
        return carries(people.label, self.case_label)

    def known(self, people: People, chosen: np.ndarray) -> np.ndarray:
        """Those of the chosen indices whose phenotype is known."""
        if self.case_label is None:
            return chosen[np.isfinite(people.value[chosen])]
        return chosen

    @property
    def counted(self) -> str:
        """What `fewest` counts, in words."""
        return "people with a value" if self.case_label is None else "cases or controls"

    def fewest(self, phenotype: np.ndarray) -> int:
        """The smaller number of cases and controls among these people [S], or all of them."""
        if self.case_label is None:
            return len(phenotype)
        return int(min(phenotype.sum(), (~phenotype).sum()))

    def estimates(self, dosages: np.ndarray, phenotype: np.ndarray, covariates) -> Estimates:
        """Effects of variants, dosages int8 [S, v], by the regression that fits."""
        estimate = linear_estimates if self.case_label is None else logistic_estimates
        return estimate(dosages, phenotype, covariates)

    def matched(self, phenotype: np.ndarray, like: np.ndarray, seed: int) -> np.ndarray:
        """Sorted indices of at most as many people (of cases, and of controls) as in `like`."""
        rng = np.random.default_rng(seed)
        groups = [(np.isfinite(phenotype), len(like))]
        if self.case_label is not None:
            groups = [(phenotype, like.sum()), (~phenotype, (~like).sum())]
        chosen = []
        for group, at_most in groups:
            group = np.flatnonzero(group)
            chosen.append(rng.choice(group, min(len(group), at_most), replace=False))
        return np.sort(np.concatenate(chosen))

    def agreement(self, score: np.ndarray, phenotype: np.ndarray) -> float:
        """How well a score [S] tells the phenotype [S]: AUC of cases, or correlation; NaN: no
        telling."""
        if self.case_label is not None:
            return auc(score, phenotype)
        if len(score) < 2 or not np.ptp(score) or not np.ptp(phenotype):
            return np.nan
        return float(np.corrcoef(score, phenotype)[0, 1])

    def redrawn(self, phenotype: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Indices of as many people drawn with replacement, cases and controls apart."""
        if self.case_label is None:
            return rng.integers(len(phenotype), size=len(phenotype))
        groups = np.flatnonzero(phenotype), np.flatnonzero(~phenotype)
        return np.concatenate([rng.choice(group, len(group)) for group in groups])
