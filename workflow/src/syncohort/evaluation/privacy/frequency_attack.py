"""Is a person nearer to a label's synthetic allele frequencies than to other real people's?

Small labels leak through frequencies whatever the generator is: a person is a large part
of them. Source: Homer et al. 2008, eq. 1, within a label.

Axes: V variants, R rows (haplotypes or people), S people, Q groups of people.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.dosages import share
from syncohort.evaluation.privacy.parties import Party
from syncohort.genotypes import CHUNK_VARIANTS, PLOIDY, slices
from syncohort.packed_calls import PackedCalls, masks

_PEOPLE_AT_ONCE = 5_000


@dataclass(frozen=True)
class AlleleCounts:
    """ALT and called alleles of a group of people at each variant, both float32 [V]."""

    alt: np.ndarray
    called: np.ndarray

    def __add__(self, other: "AlleleCounts") -> "AlleleCounts":
        return AlleleCounts(self.alt + other.alt, self.called + other.called)

    def __getitem__(self, variants: slice) -> "AlleleCounts":
        return AlleleCounts(self.alt[variants], self.called[variants])

    @property
    def frequency(self) -> np.ndarray:
        """Frequency of ALT [V], NaN without a call."""
        return share(self.alt, self.called)


def count_alleles(store: CohortStore, groups: dict[str, np.ndarray]) -> dict[str, AlleleCounts]:
    """Alleles of each group (name -> mask [S]) of the people of a store."""
    members = np.stack(list(groups.values()))  # [Q, S]
    counts = np.zeros((2, len(store.variants), len(groups)), np.float32)  # ALT, called
    for variants in slices(len(store.variants), CHUNK_VARIANTS):
        for people in slices(len(store.people), _PEOPLE_AT_ONCE):
            found = PackedCalls.of(store.read(variants, people)).count(masks(members[:, people]))
            counts[0, variants] += found.alt
            counts[1, variants] += found.alleles
    return {name: AlleleCounts(*counts[..., i]) for i, name in enumerate(groups)}


def frequency_scores(
    rows: np.ndarray,
    rows_per_person: int,
    synthetic: AlleleCounts,
    reference: AlleleCounts,
    *,
    in_reference: bool,
) -> np.ndarray:
    """Sum of |x - reference| - |x - synthetic| over the called alleles x of rows of a label.

    rows: int8 [R, V], a person's together; synthetic, reference: of the label. in_reference:
    the people are among the reference; each is left out of it when it is compared with them.
    As x is 0 or 1, a term is (1 - 2 x) (reference - synthetic). Returns [R]; a variant where
    a frequency is unknown adds nothing.
    """
    ploidy = PLOIDY // rows_per_person  # alleles a call
    signs = np.where(rows < 0, 0, ploidy - 2 * rows).astype(np.float32)
    frequency = reference.frequency
    if in_reference:
        called = rows >= 0
        alt = np.where(called, rows, 0)
        alt, called = (
            np.repeat(
                part.reshape(-1, rows_per_person, rows.shape[1]).sum(axis=1),
                rows_per_person,
                axis=0,
            )
            for part in (alt, ploidy * called)
        )  # [R, V], of the person
        # in genotype mode a man's one allele of X is two here, and may be more than there are
        frequency = np.clip(share(reference.alt - alt, reference.called - called), 0, 1)
    shift = np.nan_to_num(frequency - synthetic.frequency)
    return (signs * shift).sum(axis=1)


def label_counts(
    real: CohortStore, synthetic: CohortStore, groups: dict[str, Party]
) -> dict[str, dict[str, AlleleCounts]]:
    """Alleles by label of everybody in "synthetic" and in the attackers' "reference".

    The reference of frequencies takes in the holdout people too, each without themself.
    """
    counts = {}
    for name in ("synthetic", "reference", "holdout"):
        store = real if groups[name].real else synthetic
        members, labels = groups[name].members, store.people.label
        masks = {str(label): members & (labels == label) for label in set(labels[members])}
        counts[name] = count_alleles(store, masks)
    both = [counts["reference"], counts["holdout"]]
    labels = both[0].keys() & both[1].keys()
    counts["reference"] = {label: both[0][label] + both[1][label] for label in labels}
    return counts


def add_frequency_scores(
    scores: dict[str, np.ndarray],
    rows: dict[str, np.ndarray],
    groups: dict[str, Party],
    counts: dict[str, dict[str, AlleleCounts]],
    variants: slice,
    each: int,
) -> None:
    """Add some variants' scores to `scores`, group -> [R], NaN where a label is not known.

    rows: group -> rows int8 [R, v] of the variants, `each` a person.
    counts: from `label_counts`, of the whole chromosome.
    """
    for name, score in scores.items():
        labels = np.repeat(groups[name].label, each)
        known = counts["synthetic"].keys() & counts["reference"].keys()
        score[~np.isin(labels, list(known))] = np.nan
        for label in known & set(labels):
            own = np.flatnonzero(labels == label)
            of_label = (counts[source][label][variants] for source in ("synthetic", "reference"))
            score[own] += frequency_scores(
                rows[name][own], each, *of_label, in_reference=name == "holdout"
            )
