"""What decoding knows of the training people: their shares of the calls, label by label, and the
haplotypes that are common in each gene block.

Axes: R rows (two haplotypes or one row a person), V variants, L labels, B blocks, T thresholds of
a call: one in haplotype mode (ALT), two in genotype mode (at least one ALT, two ALT).
"""

import itertools
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.genotypes import PLOIDY, rows_per_person, to_rows, variants_at_once
from syncohort.representations.base import Representation
from syncohort.synthesis.block_haplotypes import BlockHaplotypes

# A label's shares count as if so many more of its rows had the shares of everybody.
PRIOR_ROWS = 10


def training_shares(rows: np.ndarray, labels: np.ndarray, n_labels: int, mode: str) -> np.ndarray:
    """Share of each label's training rows that reach each call, float64 [T, L, V].

    rows: int8 [R, V] of training rows, -1 missing (left out); labels: int [R] in 0..L-1.
    Frequencies of ALT are drawn towards those of everybody by `PRIOR_ROWS`, and in genotype
    mode the shares towards Hardy-Weinberg proportions of that frequency by as much.
    """
    member = (labels == np.arange(n_labels)[:, None]).astype(np.float32)  # [L, R]
    called = (member @ (rows >= 0)).astype(np.float64)  # [L, V]
    steps = range(1, PLOIDY // rows_per_person(mode) + 1)
    reached = np.stack([member @ (rows >= step) for step in steps]).astype(np.float64)  # [T, L, V]
    alleles = len(steps) * called
    everybody = reached.sum(axis=(0, 1)) / np.maximum(alleles.sum(axis=0), 1)  # [V]
    frequency = (reached.sum(axis=0) + PRIOR_ROWS * everybody) / (alleles + PRIOR_ROWS)  # [L, V]
    if mode == "haplotype":
        return frequency[None]
    expected = np.stack([1 - (1 - frequency) ** 2, frequency**2])
    return (reached + PRIOR_ROWS * expected) / (called + PRIOR_ROWS)


def block_edges(model: Representation, real: CohortStore) -> np.ndarray | None:
    """Where blocks begin and end, int64 [B + 1]: not within a site. None: the model has none."""
    edges = model.block_edges()
    if edges is None:
        return None
    position_bp = real.variants.position_bp
    inner = edges[1:-1]
    return np.r_[0, inner[position_bp[inner - 1] != position_bp[inner]], len(position_bp)]


def block_slices(edges: np.ndarray, size: int) -> Iterator[slice]:
    """Consecutive slices of whole blocks, each of about `size` variants or of one block."""
    starts = np.unique(np.searchsorted(edges, np.arange(0, edges[-1], size)))
    for start, stop in itertools.pairwise([*edges[starts].tolist(), int(edges[-1])]):
        if start < stop:
            yield slice(start, stop)


class TrainingRows:
    """The training people of a real cohort: their labels, their shares of the calls, their blocks.

    labels: int [R] into `names`. edges: see `block_edges`; carriers: see `Decision`.
    """

    def __init__(
        self, real: CohortStore, mode: str, edges: np.ndarray | None, carriers: int | None
    ):
        self._real, self._mode = real, mode
        self._edges, self._carriers = edges, carriers
        self._people = np.flatnonzero(real.people.split == "train")
        self.names, labels = np.unique(
            real.people.label[self._people].astype(str), return_inverse=True
        )
        self.labels = np.repeat(labels, rows_per_person(mode))

    def label_indices(self, labels: np.ndarray) -> np.ndarray:
        """Index into `names` of labels [S] str. Raises InputError for one nobody here carries."""
        found = np.unique(labels.astype(str))
        unknown = np.setdiff1d(found, self.names)
        if len(unknown):
            raise InputError(
                f"{self._real.path}: no training people carry the labels {', '.join(unknown)} "
                "of the synthetic people; draw the labels again"
            )
        return np.searchsorted(self.names, labels.astype(str))

    @cached_property
    def n_rows(self) -> np.ndarray:
        """How many rows each label has, int [L]."""
        return np.bincount(self.labels, minlength=len(self.names))

    @property
    def shares(self) -> np.ndarray:
        """See `training_shares`; of all variants, float64 [T, L, V]."""
        return self._read[0]

    def blocks_of(self, variants: slice) -> list[tuple[slice, BlockHaplotypes]]:
        """The blocks from start to stop, where both begin or end one, and where they lie in it."""
        if self._edges is None:
            return []
        first, last = np.searchsorted(self._edges, [variants.start, variants.stop])
        edges = (self._edges[first : last + 1] - variants.start).tolist()
        parts = [slice(*ends) for ends in itertools.pairwise(edges)]
        return list(zip(parts, self._read[1][first:last], strict=True))

    @cached_property
    def _read(self) -> tuple[np.ndarray, list[BlockHaplotypes]]:
        """Shares, and what is common in each block.

        The chunks of the real cohort are read once, however few variants are decoded at once.
        """
        n_labels, shares, blocks = len(self.names), [], []
        for part in self._parts():
            rows = to_rows(self._real.read(part, self._people), self._mode, once=True)
            shares.append(training_shares(rows, self.labels, n_labels, self._mode))
            for first, last in self._blocks_in(part):
                own = rows[:, first:last]
                blocks.append(BlockHaplotypes.of(own, self.labels, n_labels, self._carriers))
        return np.concatenate(shares, axis=2), blocks

    def _parts(self) -> Iterator[slice]:
        if self._edges is None:
            return self._real.variant_slices()
        return block_slices(self._edges, variants_at_once(len(self._real.people)))

    def _blocks_in(self, part: slice) -> Iterator[tuple[int, int]]:
        """From which to which of a part's variants its blocks reach."""
        if self._edges is None:
            return iter(())
        own = self._edges[(self._edges >= part.start) & (self._edges <= part.stop)]
        return itertools.pairwise((own - part.start).tolist())
