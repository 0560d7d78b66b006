"""Counts of genotypes in each label, for real and synthetic people, along a chromosome.

Axes: V variants, S people, P = 2 ploidy, L labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.dosages import share
from syncohort.genotypes import CHUNK_VARIANTS, SPLITS, slices
from syncohort.packed_calls import GenotypeCounts, PackedCalls, masks_of

SOURCES = (*SPLITS, "synthetic")
PEOPLE_AT_ONCE = 5_000


@dataclass(frozen=True)
class LabelCounts(GenotypeCounts):
    """Genotypes of one source of people on some variants, [V, L], and its people, int32 [L]."""

    people: np.ndarray

    @property
    def frequency(self) -> np.ndarray:
        """Frequency of ALT [V, L], NaN without a call."""
        return share(self.alt, self.alleles)

    @property
    def pooled_frequency(self) -> np.ndarray:
        """Frequency of ALT [V] over all labels, NaN without a call."""
        return share(self.alt.sum(axis=1), self.alleles.sum(axis=1))


def labels_of(real_store: CohortStore, synthetic_store: CohortStore) -> list[str]:
    """The labels of either cohort, sorted: the order of the axis L."""
    return sorted({*map(str, real_store.people.label), *map(str, synthetic_store.people.label)})


def walk_counts(
    real_store: CohortStore, synthetic_store: CohortStore
) -> Iterator[tuple[slice, dict[str, LabelCounts]]]:
    """Walk along a chromosome: yield (slice of variants, counts of each of `SOURCES`).

    Both stores hold the same variants. Memory is bounded by chunks of variants and people.
    """
    labels = labels_of(real_store, synthetic_store)
    real, synthetic = real_store.people, synthetic_store.people
    of_real = np.full(len(real), -1)
    for index, split in enumerate(SPLITS):
        own = real.split == split
        of_real[own] = index * len(labels) + np.searchsorted(labels, real.label[own].astype(str))
    of_synthetic = np.searchsorted(labels, synthetic.label.astype(str))
    for start in range(0, len(real_store.variants), CHUNK_VARIANTS):
        variants = slice(start, min(start + CHUNK_VARIANTS, len(real_store.variants)))
        counts = _count(real_store, variants, of_real, len(SPLITS) * len(labels))
        parts = [
            {name: value[..., i * len(labels) : (i + 1) * len(labels)] for name, value in counts}
            for i in range(len(SPLITS))
        ]
        parts.append(dict(_count(synthetic_store, variants, of_synthetic, len(labels))))
        yield variants, {s: LabelCounts(**part) for s, part in zip(SOURCES, parts, strict=True)}


def _count(store, variants: slice, group: np.ndarray, n_groups: int) -> list[tuple]:
    """The fields of `LabelCounts` with groups for labels; people of group -1 are left out."""
    counts = {}
    for people in slices(len(group), PEOPLE_AT_ONCE):
        calls = PackedCalls.of(store.read(variants, people))
        found = vars(calls.count(masks_of(group[people], n_groups)))
        counts = {name: counts.get(name, 0) + found[name] for name in found}
    people = np.bincount(group[group >= 0], minlength=n_groups).astype(np.int32)
    return [("people", people), *counts.items()]
