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
EQUALLY_MANY = {"train": "train, as many", "synthetic": "synthetic, as many"}
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

    Beside them by the names of EQUALLY_MANY: of training and synthetic people as many of each label
    as the fewer of both are, for tests that find more the more people there are.
    Both stores hold the same variants. Memory is bounded by chunks of variants and people.
    """
    labels = labels_of(real_store, synthetic_store)
    real, synthetic = real_store.people, synthetic_store.people
    of_real = np.full(len(real), -1)
    for index, split in enumerate(SPLITS):
        own = real.split == split
        of_real[own] = index * len(labels) + np.searchsorted(labels, real.label[own].astype(str))
    of_synthetic = np.searchsorted(labels, synthetic.label.astype(str))
    # people beyond as many as the other side has are a group of their own, the last
    train, n_labels, n_real = SPLITS.index("train"), len(labels), (len(SPLITS) + 1) * len(labels)
    sizes = np.bincount(of_real[of_real >= 0], minlength=n_real)[train * n_labels :][:n_labels]
    fewer = np.minimum(sizes, np.bincount(of_synthetic, minlength=n_labels))
    for label in range(n_labels):
        _thin(of_real, train * n_labels + label, fewer[label], len(SPLITS) * n_labels + label)
        _thin(of_synthetic, label, fewer[label], n_labels + label)
    for start in range(0, len(real_store.variants), CHUNK_VARIANTS):
        variants = slice(start, min(start + CHUNK_VARIANTS, len(real_store.variants)))
        found = _count(real_store, variants, of_real, n_real)
        parts = [
            {name: value[..., i : i + n_labels] for name, value in found.items()}
            for i in range(0, n_real, n_labels)
        ]
        found = _count(synthetic_store, variants, of_synthetic, 2 * n_labels)
        drawn, beyond = (
            {name: value[..., i : i + n_labels] for name, value in found.items()}
            for i in (0, n_labels)
        )
        counts = dict(zip(SPLITS, parts, strict=False))
        counts |= {"train": _together(parts[train], parts[-1])}
        counts |= {"synthetic": _together(drawn, beyond)}
        counts |= {EQUALLY_MANY["train"]: parts[train], EQUALLY_MANY["synthetic"]: drawn}
        yield variants, {name: LabelCounts(**part) for name, part in counts.items()}


def _thin(group: np.ndarray, own: int, kept: int, beyond: int) -> None:
    """Leave `kept` people in a group, evenly along it, and put those beyond into another."""
    people = np.flatnonzero(group == own)
    steps = np.arange(len(people) + 1) * kept // max(len(people), 1)
    group[people[np.diff(steps) == 0]] = beyond


def _together(first: dict, second: dict) -> dict:
    """The fields of both together."""
    return {name: value + second[name] for name, value in first.items()}


def _count(store, variants: slice, group: np.ndarray, n_groups: int) -> dict[str, np.ndarray]:
    """The fields of `LabelCounts` with groups for labels; people of group -1 are left out."""
    counts = {}
    for people in slices(len(group), PEOPLE_AT_ONCE):
        calls = PackedCalls.of(store.read(variants, people))
        found = vars(calls.count(masks_of(group[people], n_groups)))
        counts = {name: counts.get(name, 0) + found[name] for name in found}
    people = np.bincount(group[group >= 0], minlength=n_groups).astype(np.int32)
    return {"people": people, **counts}
