"""What a test of association adjusts for: ancestry, and columns of the label table.

Axes: V variants, S people, K covariates.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils.extmath import randomized_svd

from syncohort.dosages import PEOPLE_AT_ONCE, DosageScale, read_dosages
from syncohort.errors import InputError, examples
from syncohort.genotypes import CohortStore

MAX_PC_VARIANTS = 10_000
MAX_CLASSES = 30  # of a covariate of text; more are no covariate but a name


@dataclass(frozen=True)
class PrincipalAxes:
    """Axes [V, K] of the training people's standardised dosages, and their scale.

    Source: Patterson, Price and Reich 2006, eq. 1 to 3.
    """

    scale: DosageScale
    axes: np.ndarray

    @staticmethod
    def fit(dosages: np.ndarray, n_components: int, seed: int) -> "PrincipalAxes":
        """Fit at most n_components axes to training dosages int8 [S, V], -1 missing.

        Raises InputError when these people do not differ.
        """
        scale = DosageScale.fit(dosages)
        varying = int((scale.inverse_scale > 0).sum())
        n_components = min(n_components, len(dosages) - 1, varying)
        if n_components < 1:
            raise InputError(
                "principal components need at least 2 training people and a variant in which "
                f"they differ; found {len(dosages)} people and {varying} such variants"
            )
        _, _, axes = randomized_svd(scale.apply(dosages), n_components, n_iter=7, random_state=seed)
        return PrincipalAxes(scale, axes.T)

    def project(self, dosages: np.ndarray) -> np.ndarray:
        """Coordinates [S, K] of dosages int8 [S, V], -1 missing."""
        places = np.empty((len(dosages), self.axes.shape[1]))
        for start in range(0, len(dosages), PEOPLE_AT_ONCE):
            part = slice(start, start + PEOPLE_AT_ONCE)
            places[part] = self.scale.apply(dosages[part]) @ self.axes
        return places


def ancestry_components(
    real_stores: list[CohortStore],
    stores: list[CohortStore],
    people: np.ndarray,
    n_components: int,
    seed: int,
) -> np.ndarray:
    """Places [S, K] of people (indices into stores) on the principal axes of the training people.

    real_stores: the cohort that holds the training people, one store per chromosome; at most
    10,000 of its variants, evenly spread, make the axes. stores: the same, or a synthetic
    cohort of the same variants.
    """
    if n_components == 0:
        return np.empty((len(people), 0))
    n_variants = sum(len(store.variants) for store in real_stores)
    kept = min(MAX_PC_VARIANTS, n_variants)
    variants = np.linspace(0, n_variants - 1, kept).round().astype(int)
    training = np.flatnonzero(real_stores[0].people.split == "train")
    axes = PrincipalAxes.fit(read_dosages(real_stores, training, variants), n_components, seed)
    return axes.project(read_dosages(stores, people, variants))


def covariate_problems(table: pd.DataFrame, columns: list[str], missing: list[str]) -> list[str]:
    """Why columns of a table of str cannot be covariates; [] when they can.

    missing: values that mean that there is none.
    """
    problems = []
    for column in columns:
        if column not in table:
            problems.append(f"no column {column!r}; found {examples(table, 30)}")
            continue
        values = table[column].str.strip()
        known = values[_is_known(values, missing)]
        is_text = pd.to_numeric(known, errors="coerce").isna()
        if known.empty:
            problems.append(f"column {column!r} has no value")
        elif is_text.any() and known.nunique() > MAX_CLASSES:
            problems.append(
                f"column {column!r} holds text ({examples(known[is_text], 3)}) of "
                f"{known.nunique():,} kinds; a covariate is numbers, or at most {MAX_CLASSES} kinds"
            )
    return problems


def covariate_values(
    table: pd.DataFrame, columns: list[str], missing: list[str]
) -> tuple[np.ndarray, dict[str, int]]:
    """Columns of a table of str [S] as numbers float64 [S, K].

    Text of C kinds becomes C - 1 columns of 0 and 1. Somebody without a value gets the mean.
    Returns the numbers, and how many people got the mean by column (of those where any did).
    Raises InputError for columns that cannot be covariates.
    """
    problems = covariate_problems(table, columns, missing)
    if problems:
        raise InputError(f"selection.covariates: {'; '.join(problems)}")
    parts, filled = [np.empty((len(table), 0))], {}
    for column in columns:
        values = table[column].str.strip()
        known = _is_known(values, missing)
        numbers = pd.to_numeric(values.where(known), errors="coerce")
        if numbers[known].isna().any():
            numbers = pd.get_dummies(values.where(known), drop_first=True, dtype=float)
            numbers[~known] = np.nan
        numbers = numbers.to_numpy(float).reshape(len(table), -1)
        parts.append(np.where(np.isnan(numbers), np.nanmean(numbers, axis=0), numbers))
        if not known.all():
            filled[column] = int((~known).sum())
    return np.column_stack(parts), filled


def _is_known(values: pd.Series, missing: list[str]) -> pd.Series:
    return ~values.isin(["", *missing])
