"""Sums over called values; dosages of ALT per person, and their scale.

Axes: V variants, S people.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.cohort_store import CohortStore, common_people
from syncohort.genotypes import slices, to_rows

PEOPLE_AT_ONCE = 500
VARIANTS_AT_ONCE = 4_096
# How well imputation does is told by minor allele frequency.
IMPUTATION_BINS = ("0-1 %", "1-5 %", "5-50 %")
_IMPUTATION_EDGES = (0.01, 0.05)


def called_sums(values: np.ndarray, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the called values along an axis, int64, and their number.

    values: alleles or dosages int8, -1 missing.
    """
    called = (values >= 0).sum(axis=axis)
    missing = values.shape[axis] - called
    return values.sum(axis=axis, dtype=np.int64) + missing, called  # a missing one counts as -1


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, such as the frequency of ALT among called alleles; NaN where whole is 0."""
    kind = np.result_type(part, whole, np.float32)
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan, kind), where=whole > 0)


def minor(frequency: np.ndarray) -> np.ndarray:
    """Frequency of the rarer allele, from that of ALT; NaN stays NaN."""
    return np.minimum(frequency, 1 - frequency)


def imputation_bin(maf: np.ndarray) -> np.ndarray:
    """The place in `IMPUTATION_BINS` of minor allele frequencies."""
    return np.searchsorted(_IMPUTATION_EDGES, maf, side="right")


def read_dosages(stores: list[CohortStore], people: np.ndarray, variants=None) -> np.ndarray:
    """Dosages of ALT, int8 [len(people), V] in [0, 2], -1 missing, chromosomes joined.

    people: indices, the same in every store; variants: sorted indices into the joined
    chromosomes (default all). Calls are read a chunk of variants at a time.
    """
    common_people(stores)  # raises unless they are the same
    offsets = np.cumsum([0] + [len(store.variants) for store in stores])
    variants = np.arange(offsets[-1]) if variants is None else np.asarray(variants)
    dosages = np.empty((len(people), len(variants)), dtype=np.int8)
    for store, first in zip(stores, offsets[:-1], strict=True):
        for part in store.variant_slices():
            edges = [first + part.start, first + part.stop]
            columns = slice(*np.searchsorted(variants, edges))
            if columns.start < columns.stop:
                calls = store.read(part, people)[variants[columns] - edges[0]]
                dosages[:, columns] = to_rows(calls, "genotype")
    return dosages


@dataclass(frozen=True)
class DosageScale:
    """Centre and scale of each variant, from one group of people (the training people).

    mean [V] float32: mean dosage, and what stands for a missing call; inverse_scale [V]
    float32: 1 / sqrt(2 p (1 - p)), 0 where those people do not vary.
    """

    mean: np.ndarray
    inverse_scale: np.ndarray

    @staticmethod
    def fit(dosages: np.ndarray, min_frequency: float = 0.0) -> "DosageScale":
        """Fit to dosages int8 [S, V], -1 missing.

        min_frequency: the scale is at least that of this minor allele frequency, so that
        a variant these people nearly lack does not dwarf the others in people who have it.
        """
        columns = slices(dosages.shape[1], VARIANTS_AT_ONCE)
        sums = [called_sums(dosages[:, part]) for part in columns] or [called_sums(dosages)]
        total, called = (np.concatenate(parts) for parts in zip(*sums, strict=True))
        mean = total / np.maximum(called, 1)
        p = mean / 2
        floor = 2 * min_frequency * (1 - min_frequency)
        variance = np.maximum(2 * p * (1 - p), floor)
        varies = (p > 0) & (p < 1)
        inverse_scale = np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1)), 0)
        return DosageScale(mean.astype(np.float32), inverse_scale.astype(np.float32))

    def apply(self, dosages: np.ndarray, variants=slice(None)) -> np.ndarray:
        """Standardise dosages int8 [S, V'] of a slice of the variants to float32 [S, V']."""
        scaled = dosages.astype(np.float32)
        scaled -= self.mean[variants]
        scaled[dosages < 0] = 0
        scaled *= self.inverse_scale[variants]
        return scaled
