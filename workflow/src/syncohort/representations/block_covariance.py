"""Covariance of the SNPs within each gene block, in one pass over people.

Everything summed is a whole number, so the result is the same to the last bit whatever
the chunks of people. Axes: V variants, R rows, N blocks or stretches, B of them of one
padded size m, K components.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from threadpoolctl import ThreadpoolController

ROUNDING = 1e-9  # relative, of shares of variance and ranks
_BATCH_BYTES = 1 << 19  # of one temporary array: a core's cache holds a few

# Numpy makes half of the products of a matrix with itself, by a routine slower for few variants.
_FEW_VARIANTS = 36


@dataclass(frozen=True)
class Batch:
    """Blocks of about one size, padded to it. member [B]: which of the blocks asked for;
    column [B, m]: their variants, the last one repeated; real [B, m]: False where padded."""

    member: np.ndarray
    column: np.ndarray
    real: np.ndarray


def batches(first: np.ndarray, length: np.ndarray, depth: int = 0) -> Iterator[Batch]:
    """Group blocks, given by first variant and number of variants [N], by padded size.

    Padding adds at most a sixteenth; a batch is limited so that float64 arrays [B, m, m]
    and float32 arrays [B, m, depth] stay small.
    """
    step = 1 << np.maximum(np.log2(length).astype(int) - 4, 0)
    padded = -(-length // step) * step
    for size in np.unique(padded):
        members = np.flatnonzero(padded == size)
        at_once = max(1, _BATCH_BYTES // int(size * max(8 * size, 4 * depth)))
        for start in range(0, len(members), at_once):
            member = members[start : start + at_once]
            offset = np.arange(size)
            column = first[member, None] + np.minimum(offset, length[member, None] - 1)
            yield Batch(member, column, offset < length[member, None])


@cache
def _libraries() -> ThreadpoolController:
    """Those for linear algebra; to look for them takes longer than a small batch."""
    return ThreadpoolController()


def _spread(work: Callable, items: Iterable, threads: int) -> None:
    """Call work(item) for every item, in so many threads: numpy lets go of the interpreter."""
    # small matrices are slower on several threads of the linear algebra itself
    with _libraries().limit(limits=1), ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, items):
            pass


class BlockSums:
    """Running sums over rows of values x (missing = 0) and of missing indicators m.

    first, length: of the blocks [N]; rows_at_once: about how many `add` is given; threads:
    of this and of the covariance.
    """

    def __init__(self, first: np.ndarray, length: np.ndarray, rows_at_once: int, threads: int = 1):
        self._batches = list(batches(first, length, rows_at_once))
        self._threads = threads
        self._n_rows = 0
        self._any_missing = False
        sizes = [batch.column.size * batch.column.shape[1] for batch in self._batches]
        self._starts = np.cumsum([0, *sizes])
        n_variants = int(length.sum())
        self._x, self._m = np.zeros((2, n_variants), np.int64)
        # Zeros take no memory before they are written: without missing calls one of three does.
        # Some after the last block are there to be read with it (`BlockCovariance.matrices`).
        n_pairs = self._starts[-1] + max((b.column.shape[1] for b in self._batches), default=0)
        self._xx, self._xm, self._mm = (np.zeros(n_pairs, np.int32) for _ in range(3))

    def add(self, values: np.ndarray) -> None:
        """Add values int8 [V, r], -1 missing; r at most 4 million, so that float32 is exact."""
        self._n_rows += values.shape[1]

        def add_batch(number: int) -> None:
            column = self._batches[number].column
            calls = values[column]  # [B, m, r]
            missing = calls < 0 if calls.min(initial=0) < 0 else None
            x = (calls if missing is None else np.maximum(calls, 0)).astype(np.float32)
            self._x[column] += _sums(x)
            self._pairs(self._xx, number)[:] += _products(x, x)
            if missing is not None:
                self._any_missing = True
                m = missing.astype(np.float32)
                self._m[column] += _sums(m)
                self._pairs(self._xm, number)[:] += _products(x, m)
                self._pairs(self._mm, number)[:] += _products(m, m)

        _spread(add_batch, range(len(self._batches)), self._threads)

    def _pairs(self, flat: np.ndarray, number: int) -> np.ndarray:
        """The part [B, m, m] of flat sums that belongs to a batch."""
        column = self._batches[number].column
        return flat[slice(*self._starts[number : number + 2])].reshape(*column.shape, -1)

    def finish(self) -> "BlockCovariance":
        """Covariance with missing calls at the mean of the observed ones (0 if none is)."""
        origin = np.empty(len(self._x), np.int64)
        for batch, start in zip(self._batches, self._starts[:-1], strict=True):
            size = batch.column.shape[1]
            row = start + size * np.arange(batch.column.size).reshape(batch.column.shape)
            origin[batch.column[batch.real]] = (row - batch.column[:, :1])[batch.real]
        missing = (self._m, self._xm, self._mm) if self._any_missing else None
        return BlockCovariance(self._n_rows, origin, self._x, self._xx, missing, self._threads)


def _sums(values: np.ndarray) -> np.ndarray:
    """Sums [B, m] over the rows of values [B, m, r]."""
    return (values @ np.ones(values.shape[2], np.float32)).astype(np.int32)


def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sums [B, m, m] of products over the rows of values [B, m, r]."""
    if right is left and left.shape[1] <= _FEW_VARIANTS:
        right = left.copy()
    return (left @ right.swapaxes(1, 2)).astype(np.int32)


def leading_eigenvectors(
    matrices: np.ndarray, n_top: int, real: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues [B, k], falling, and orthonormal eigenvectors [B, m, k].

    The entry of largest size of each vector is positive. matrices: symmetric, no eigenvalue
    below 0, [B, m, m]; n_top: k, or m where that is less; real: False at rows and columns of
    zeros that are padding, [B, m]: no vector enters them unless there are more vectors than
    real rows.
    """
    if not real.all():
        # padded axes must come last, behind the null space of the real ones
        matrices = matrices - np.eye(matrices.shape[1]) * ~real[:, None, :]
    values, vectors = np.linalg.eigh(matrices)
    axes = np.ascontiguousarray(vectors[:, :, ::-1][:, :, :n_top].swapaxes(1, 2))  # [B, k, m]
    size = np.abs(axes)
    # the first of entries that are equal but for rounding, so that the sign is stable
    lead = np.argmax(size >= 0.999 * size.max(axis=2, keepdims=True), axis=2)
    axes *= np.sign(np.take_along_axis(axes, lead[:, :, None], axis=2))
    return values[:, ::-1][:, :n_top], axes.swapaxes(1, 2)


@dataclass(frozen=True)
class Components:
    """Principal components of blocks.

    loadings [V, K], orthonormal axes within each block, columns a block has no SNPs for 0;
    the entry of largest size of each axis is positive. variance [N, K], of each component,
    falling; total [N], of all components of the block.
    """

    loadings: np.ndarray
    variance: np.ndarray
    total: np.ndarray


@dataclass(frozen=True)
class BlockCovariance:
    """Covariance of the variants of each block, worked out from sums where it is asked for.

    The sum of x_v x_w over n_rows rows is xx[origin[v] + w] for variants v, w of one block,
    that of x_v is x[v]; missing: the same of missing indicators m, xm and mm, or None without.
    threads: how many work on the blocks.
    """

    n_rows: int
    origin: np.ndarray
    x: np.ndarray
    xx: np.ndarray
    missing: tuple[np.ndarray, np.ndarray, np.ndarray] | None
    threads: int = 1

    @cached_property
    def mean(self) -> np.ndarray:
        """Of the observed values of each variant [V]."""
        n_missing = 0 if self.missing is None else self.missing[0]
        return self.x / np.maximum(self.n_rows - n_missing, 1)

    def matrices(self, batch: Batch) -> np.ndarray:
        """Covariance [B, m, m] of blocks, or of consecutive parts of them; 0 where padded."""
        column, size = batch.column, batch.column.shape[1]
        row = self.origin[column] + column[:, :1]

        def pairs(flat):
            # the first sums of each row lie one after the other: copied at once
            return sliding_window_view(flat, size)[row]

        x_i = self.x[column][:, :, None].astype(float)
        if self.missing is None:
            scatter = pairs(self.xx) * float(self.n_rows)
            scatter -= x_i * x_i.swapaxes(1, 2)  # whole numbers so far
            scatter /= self.n_rows**2
        else:
            m, xm, mm = self.missing
            mean_i, m_i = self.mean[column][:, :, None], m[column][:, :, None]
            mean_j, m_j = mean_i.swapaxes(1, 2), m_i.swapaxes(1, 2)
            # sum of (x_i - mean_i)(x_j - mean_j) over rows that have both calls
            x_and_o = x_i - pairs(xm)
            both = self.n_rows - m_i - m_j + pairs(mm)
            scatter = pairs(self.xx) - mean_j * x_and_o - mean_i * x_and_o.swapaxes(1, 2)
            scatter += mean_i * mean_j * both
            scatter /= self.n_rows
        if not batch.real.all():
            scatter *= batch.real[:, :, None] & batch.real[:, None, :]
        return scatter

    def spectra(self, first, length, n_top: int) -> tuple[np.ndarray, np.ndarray]:
        """The n_top largest eigenvalues [N, n_top] and the total variance [N] of blocks [N]."""
        top, total = np.zeros((len(first), n_top)), np.zeros(len(first))

        def measure(batch: Batch) -> None:
            covariance = self.matrices(batch)
            values = np.maximum(np.linalg.eigvalsh(covariance)[:, ::-1][:, :n_top], 0)
            total[batch.member] = np.trace(covariance, axis1=1, axis2=2)
            top[batch.member, : values.shape[1]] = values

        _spread(measure, batches(first, length), self.threads)
        return top, total

    def components(self, first, length, n_top: int) -> Components:
        """The n_top principal components of blocks [N]."""
        loadings = np.zeros((len(self.mean), n_top))
        top, total = np.zeros((len(first), n_top)), np.zeros(len(first))

        def decompose(batch: Batch) -> None:
            covariance = self.matrices(batch)
            total[batch.member] = np.trace(covariance, axis1=1, axis2=2)
            values, vectors = leading_eigenvectors(covariance, n_top, batch.real)
            width = values.shape[1]
            top[batch.member, :width] = np.maximum(values, 0)
            loadings[batch.column[batch.real], :width] = vectors[batch.real]

        _spread(decompose, batches(first, length), self.threads)
        return Components(loadings, top, total)

    def weakest_cuts(self, first, length, lowest, highest) -> np.ndarray:
        """Where to cut stretches [N] in two: SNPs of the first part, from lowest to highest [N].

        The cut across which the mean squared correlation of SNP pairs is smallest.
        """
        cuts = np.zeros(len(first), np.int64)

        def cut(batch: Batch) -> None:
            squared = _squared_correlation(self.matrices(batch))
            within = np.diagonal(squared.cumsum(axis=1).cumsum(axis=2), axis1=1, axis2=2)
            reaching = squared.sum(axis=2).cumsum(axis=1)  # pairs that start left of the cut
            left = np.arange(1, squared.shape[1] + 1)
            right = length[batch.member, None] - left
            across = (reaching - within) / np.maximum(left * right, 1)
            low, high = lowest[batch.member, None], highest[batch.member, None]
            allowed = (low <= left) & (left <= high)
            cuts[batch.member] = 1 + np.argmin(np.where(allowed, across, np.inf), axis=1)

        _spread(cut, batches(first, length), self.threads)
        return cuts


def _squared_correlation(covariance: np.ndarray) -> np.ndarray:
    """Squared correlation [B, m, m]; 0 where a variant does not vary."""
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    some = variance > 0
    scale = np.divide(1, np.sqrt(variance), where=some, out=np.zeros(variance.shape))
    return (covariance * scale[:, :, None] * scale[:, None, :]) ** 2


def cut_until_kept(
    covariance: BlockCovariance,
    first: np.ndarray,
    length: np.ndarray,
    n_top: int,
    variance_kept: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut blocks [N] until n_top components of each piece keep a share of its variance.

    first, length: of the blocks; variance_kept: share, 0 to 1. A block that keeps less ends
    where LD is weakest in the last quarter of its longest start that keeps enough; so does
    the rest of it. Returns first and length of the pieces [G] in genomic order.
    """

    def passes(first, length):
        top, total = covariance.spectra(first, length, n_top)
        # as many components as SNPs keep everything, whatever rounding says
        return (length <= n_top) | (top.sum(axis=1) >= (variance_kept - ROUNDING) * total)

    whole = passes(first, length)
    done = [(first[whole], length[whole])]
    start, stop = first[~whole], (first + length)[~whole]
    while len(start):
        longest = _longest_starts(passes, start, stop - start, n_top)
        taken = _weakest_ends(covariance, start, stop - start, longest)
        taken = np.where(passes(start, taken), taken, longest)
        done.append((start, taken))
        start = start + taken
        start, stop = start[start < stop], stop[start < stop]
    first, length = (np.concatenate(parts) for parts in zip(*done, strict=True))
    order = np.argsort(first)
    return first[order], length[order]


def _longest_starts(passes, first, length, n_top: int) -> np.ndarray:
    """How many SNPs [N] of stretches, from their first on, pass together; by bisection."""
    enough, too_many = np.minimum(n_top, length), length + 1
    while len(open_ := np.flatnonzero(too_many - enough > 1)):
        low, high = enough[open_], too_many[open_]
        tried = np.minimum(2 * low, (low + high) // 2)
        good = passes(first[open_], tried)
        enough[open_] = np.where(good, tried, low)
        too_many[open_] = np.where(good, high, tried)
    return enough


def _weakest_ends(covariance, first, length, longest) -> np.ndarray:
    """SNPs [N] of stretches up to the weakest LD in the last quarter of their longest start."""
    taken = longest.copy()
    cut = np.flatnonzero(longest < length)
    ahead = np.minimum(2 * longest[cut] + 1, length[cut])  # LD to about as many SNPs beyond
    lowest = -(-3 * longest[cut] // 4)
    taken[cut] = covariance.weakest_cuts(first[cut], ahead, lowest, longest[cut])
    return taken
