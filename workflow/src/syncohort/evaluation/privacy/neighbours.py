"""Distances between rows of genotypes, all pairs at once, and the nearest rows.

Everything is a matrix product in float32, summed over chunks of variants: counts are exact up
to 2^24, so equal rows are at distance 0 and nothing near 0 is rounded. Rows are compared where both
are called; only chunks with missing calls on both sides take more than one product.

Axes: A, B rows (haplotypes or people), V variants.
"""

from dataclasses import dataclass

import numpy as np

VARIANTS_AT_ONCE = 4_000
ROWS_AT_ONCE = 4_096
METRICS = ("hamming", "l1", "l2", "cosine")


@dataclass(frozen=True)
class Operand:
    """A chunk of rows, ready for products.

    value float32 [A, V], 0 where missing; called float32 [A, V] of 0 and 1, or None when no
    call is missing.
    """

    value: np.ndarray
    called: np.ndarray | None

    @staticmethod
    def of(rows: np.ndarray) -> "Operand":
        """Operand of rows int8 [A, V], -1 missing."""
        value = rows.astype(np.float32)
        missing = rows < 0
        if not missing.any():
            return Operand(value, None)
        value[missing] = 0
        return Operand(value, (~missing).astype(np.float32))

    @property
    def calls(self) -> np.ndarray:
        return np.ones_like(self.value) if self.called is None else self.called


def unary(dosages: np.ndarray) -> np.ndarray:
    """Code dosages int8 [A, V] in {0, 1, 2} by [d >= 1, d >= 2], int8 [A, 2 V].

    The Hamming distance of the codes is the L1 distance of the dosages; -1 stays missing.
    """
    codes = np.concatenate([dosages >= 1, dosages >= 2], axis=1).astype(np.int8)
    codes[np.concatenate([dosages < 0] * 2, axis=1)] = -1
    return codes


class HammingSums:
    """Hamming distances of all pairs of rows [A, B] of 0 and 1, chunk by chunk."""

    def __init__(self, n_a: int, n_b: int):
        self._differing = np.zeros((n_a, n_b), np.float32)
        self._compared = _Compared(n_a, n_b)

    def add(self, a: Operand, b: Operand) -> None:
        """Add a chunk of variants of 0 and 1."""
        # differing = a (called_b - b) + (called_a - a) b, with as few products as calls allow
        if a.called is None:
            self._differing += b.value.sum(axis=1)
            self._differing += a.value @ (b.calls - 2 * b.value).T
        elif b.called is None:
            self._differing += a.value.sum(axis=1)[:, None]
            self._differing += (a.called - 2 * a.value) @ b.value.T
        else:
            self._differing += a.value @ (b.called - 2 * b.value).T
            self._differing += a.called @ b.value.T
        self._compared.add(a, b)

    def distances(self) -> np.ndarray:
        """Share of compared variants that differ, float32 [A, B]; infinite where none was."""
        return _per_variant(self._differing, self._compared.counts())


class EuclideanSums:
    """L2 and cosine distances of all pairs of rows [A, B] of dosages, chunk by chunk."""

    def __init__(self, n_a: int, n_b: int):
        self._product = np.zeros((n_a, n_b), np.float32)
        self._squares = [np.zeros((n_a, 1), np.float32), np.zeros((1, n_b), np.float32)]
        self._compared = _Compared(n_a, n_b)

    def add(self, a: Operand, b: Operand) -> None:
        """Add a chunk of variants of dosages."""
        self._product += a.value @ b.value.T
        square_a, square_b = np.square(a.value), np.square(b.value)
        # where the other row has no call a square does not count
        self._squares[0] = self._squares[0] + (
            square_a.sum(axis=1)[:, None] if b.called is None else square_a @ b.called.T
        )
        self._squares[1] = self._squares[1] + (
            square_b.sum(axis=1) if a.called is None else a.called @ square_b.T
        )
        self._compared.add(a, b)

    def l2(self) -> np.ndarray:
        """Root of the mean squared difference per compared variant, float32 [A, B]."""
        square = self._squares[0] + self._squares[1] - 2 * self._product
        return np.sqrt(_per_variant(square, self._compared.counts()))

    def cosine(self) -> np.ndarray:
        """1 - cosine of the angle between dosages, float32 [A, B]; 1 where a row is all 0."""
        norms = np.sqrt(self._squares[0].astype(np.float64) * self._squares[1])
        cosine = np.divide(self._product, norms, out=np.zeros_like(norms), where=norms > 0)
        return (1 - cosine).astype(np.float32)


class _Compared:
    """How many variants each pair of rows was compared at: one number while nothing is missing."""

    def __init__(self, n_a: int, n_b: int):
        self._shape = (n_a, n_b)
        self._common = 0
        self._pairs = None

    def add(self, a: Operand, b: Operand) -> None:
        if a.called is None and b.called is None:
            self._common += a.value.shape[1]
            return
        if self._pairs is None:
            self._pairs = np.zeros(self._shape, np.float32)
        if a.called is None:
            self._pairs += b.called.sum(axis=1)
        elif b.called is None:
            self._pairs += a.called.sum(axis=1)[:, None]
        else:
            self._pairs += a.called @ b.called.T

    def counts(self):
        return self._common if self._pairs is None else self._common + self._pairs


def _per_variant(sums: np.ndarray, compared) -> np.ndarray:
    shares = np.full(sums.shape, np.inf, np.float32)
    return np.divide(sums, compared, out=shares, where=np.asarray(compared) > 0)


@dataclass(frozen=True)
class Nearest:
    """The k nearest rows of B for each row of A, nearest first.

    distance float32 [A, k]; index int64 [A, k] into B. Equal distances: the lower index.
    """

    distance: np.ndarray
    index: np.ndarray


def nearest_of(distances: np.ndarray, k: int = 1, self_index: np.ndarray | None = None) -> Nearest:
    """The k nearest by distances [A, B].

    self_index: [A] int, where each row of A is itself in B (-1: nowhere), which does not
    count; another row at distance 0 does.

    Raises ValueError when fewer than k rows are left.
    """
    n_a, n_b = distances.shape
    if self_index is not None:
        distances = distances.copy()
        own = np.flatnonzero(self_index >= 0)
        distances[own, self_index[own]] = np.inf
    if k > n_b - (self_index is not None):
        raise ValueError(f"{k} nearest rows asked of {n_b}")
    if k == 1:
        index = distances.argmin(axis=1)[:, None]
    else:
        # the k-th smallest distance, then all ties with it in the order of the index
        bound = np.partition(distances, k - 1, axis=1)[:, k - 1]
        index = np.empty((n_a, k), np.int64)
        for row, limit in enumerate(bound):
            near = np.flatnonzero(distances[row] <= limit)
            index[row] = near[np.argsort(distances[row, near], kind="stable")[:k]]
    return Nearest(np.take_along_axis(distances, index, axis=1), index)


def pairwise_distances(
    a: np.ndarray,
    b: np.ndarray,
    metric: str = "hamming",
    *,
    variants_at_once: int = VARIANTS_AT_ONCE,
) -> np.ndarray:
    """Distances float32 [A, B] between rows int8 [A, V] and [B, V], -1 missing.

    metric: "hamming" of rows of 0 and 1, share of variants that differ; of dosages "l1", mean
    absolute difference per variant; "l2", root mean squared difference; "cosine", 1 - cosine.
    Pairs are compared at variants where both have a call.

    Raises ValueError for an unknown metric.
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS}, not {metric!r}")
    kind = HammingSums if metric in ("hamming", "l1") else EuclideanSums
    sums = kind(len(a), len(b))
    for start in range(0, a.shape[1], variants_at_once):
        parts = [rows[:, start : start + variants_at_once] for rows in (a, b)]
        if metric == "l1":
            parts = map(unary, parts)
        sums.add(*map(Operand.of, parts))
    if metric == "l1":
        return 2 * sums.distances()  # two codes a variant
    return sums.distances() if metric == "hamming" else getattr(sums, metric)()


def nearest_neighbours(
    a: np.ndarray,
    b: np.ndarray,
    metric: str = "hamming",
    *,
    k: int = 1,
    self_index: np.ndarray | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
    variants_at_once: int = VARIANTS_AT_ONCE,
) -> Nearest:
    """The k rows of b [B, V] nearest to each row of a [A, V], both int8, -1 missing.

    Memory holds `rows_at_once` x B distances. Arguments: see `pairwise_distances`, `nearest_of`.
    """
    found = []
    for start in range(0, len(a), rows_at_once):
        part = slice(start, start + rows_at_once)
        distances = pairwise_distances(a[part], b, metric, variants_at_once=variants_at_once)
        found.append(nearest_of(distances, k, None if self_index is None else self_index[part]))
    return Nearest(
        np.concatenate([each.distance for each in found]),
        np.concatenate([each.index for each in found]),
    )
