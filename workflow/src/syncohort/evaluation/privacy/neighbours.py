"""Distances between rows of genotypes, all pairs at once, and the nearest rows.

Differences are counted (`evaluation.pair_counts`), so equal rows are at distance 0 and nothing near
0 is rounded. Rows are compared where both are called.

Axes: A, B rows (haplotypes or people), V variants.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.evaluation.pair_counts import PairCounts, Planes
from syncohort.genotypes import slices

VARIANTS_AT_ONCE = 32_768
ROWS_AT_ONCE = 4_096
METRICS = ("hamming", "l1", "l2", "cosine")


def distances_of(counts: PairCounts, metric: str) -> np.ndarray:
    """Distances float32 [A, B]; metric: see `pairwise_distances`."""
    if metric in ("hamming", "l1"):
        return _per_variant(counts.alleles, counts.compared())
    square = counts.alleles + 2 * counts.opposite  # 1 for a difference of 1, 4 for one of 2
    if metric == "l2":
        return np.sqrt(_per_variant(square, counts.compared()))
    own_squares = [ones + 3 * twos for ones, twos in counts.own()]
    norms = np.sqrt(own_squares[0].astype(np.float64) * own_squares[1])
    product = (own_squares[0] + own_squares[1] - square) / 2
    cosine = np.divide(product, norms, out=np.zeros_like(norms), where=norms > 0)
    return (1 - cosine).astype(np.float32)


def _per_variant(sums: np.ndarray, compared) -> np.ndarray:
    """sums [A, B] as shares of compared variants; infinite where none was."""
    if np.ndim(compared) == 0 and compared:
        return np.divide(sums, np.float32(compared), dtype=np.float32)
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
    dosages = metric != "hamming"
    counts = PairCounts(len(a), len(b), dosages=dosages, own=metric == "cosine")
    for part in slices(a.shape[1], variants_at_once):
        planes = Planes.of(a[:, part], dosages=dosages)
        counts.add(planes, planes if b is a else Planes.of(b[:, part], dosages=dosages))
    return distances_of(counts, metric)


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
