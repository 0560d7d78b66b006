"""Covariance of the SNPs within each gene block, in one pass over people.

Everything summed is a whole number, so the result is the same to the last bit whatever
the chunks of people. Axes: V variants, R rows, N blocks or stretches, B of them of one
padded size m, K components.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

ROUNDING = 1e-9  # relative, of shares of variance and ranks
_BATCH_ELEMENTS = 1 << 18  # of one temporary array: 2 MB in float64, what a core's cache holds


@dataclass(frozen=True)
class Batch:
    """Blocks of about one size, padded to it. member [B]: which of the blocks asked for;
    column [B, m]: their variants, the last one repeated; real [B, m]: False where padded."""

    member: np.ndarray
    column: np.ndarray
    real: np.ndarray


def batches(first: np.ndarray, length: np.ndarray, depth: int = 0) -> Iterator[Batch]:
    """Group blocks, given by first variant and number of variants [N], by padded size.

    Padding adds at most an eighth; a batch is limited so that arrays [B, m, m] and
    [B, m, depth] stay small.
    """
    step = 1 << np.maximum(np.log2(length).astype(int) - 3, 0)
    padded = -(-length // step) * step
    for size in np.unique(padded):
        members = np.flatnonzero(padded == size)
        at_once = max(1, _BATCH_ELEMENTS // int(size * max(size, depth)))
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
        n_variants = int(length.sum())
        self._n_rows = 0
        self._x = np.zeros(n_variants, np.int64)
        self._m = np.zeros(n_variants, np.int64)
        self._xx = self._zeros()
        self._xm, self._mm = None, None  # made when the first missing call turns up

    def add(self, values: np.ndarray) -> None:
        """Add values int8 [V, r], -1 missing; r at most 4 million, so that float32 is exact."""
        self._n_rows += values.shape[1]
        missing = values < 0 if values.min(initial=0) < 0 else None
        if missing is not None:
            values = np.maximum(values, 0)
            self._m += missing.sum(axis=1)
            if self._xm is None:
                self._xm, self._mm = self._zeros(), self._zeros()
        self._x += values.sum(axis=1, dtype=np.int32)

        def add_batch(number: int) -> None:
            column = self._batches[number].column
            x_batch = values[column].astype(np.float32)  # [B, m, r]
            self._xx[number] += _products(x_batch, x_batch)
            if missing is not None and missing[column].any():
                m_batch = missing[column].astype(np.float32)
                self._xm[number] += _products(x_batch, m_batch)
                self._mm[number] += _products(m_batch, m_batch)

        _spread(add_batch, range(len(self._batches)), self._threads)

    def finish(self) -> "BlockCovariance":
        """Covariance with missing calls at the mean of the observed ones (0 if none is)."""
        mean = self._x / np.maximum(self._n_rows - self._m, 1)
        sizes = [batch.column.shape[1] ** 2 * len(batch.column) for batch in self._batches]
        starts = np.cumsum([0, *sizes])
        flat = np.empty(starts[-1])
        origin = np.empty(len(mean), np.int64)

        def finish_batch(number: int) -> None:
            column, real = self._batches[number].column, self._batches[number].real
            start, stop = starts[number : number + 2]
            flat[start:stop] = self._covariance(number, mean).ravel()
            rows = start + np.arange(column.size).reshape(column.shape) * column.shape[1]
            origin[column[real]] = (rows - column[:, :1])[real]

        _spread(finish_batch, range(len(self._batches)), self._threads)
        return BlockCovariance(mean, flat, origin, self._threads)

    def _zeros(self) -> list[np.ndarray]:
        shapes = [(len(b.column), *(b.column.shape[1],) * 2) for b in self._batches]
        return [np.zeros(shape, np.int32) for shape in shapes]

    def _covariance(self, number: int, mean: np.ndarray) -> np.ndarray:
        """Covariance [B, m, m] of the variants of one batch."""
        column = self._batches[number].column
        x_i, xx = self._x[column][:, :, None], self._xx[number]
        if self._xm is None:
            scatter = self._n_rows * xx.astype(np.float64)
            scatter -= x_i.astype(np.float64) * x_i.swapaxes(1, 2)  # whole numbers so far
            scatter /= self._n_rows**2
            return scatter
        mean_i, m_i = mean[column][:, :, None], self._m[column][:, :, None]
        mean_j, m_j = mean_i.swapaxes(1, 2), m_i.swapaxes(1, 2)
        # sum of (x_i - mean_i)(x_j - mean_j) over rows that have both calls
        x_and_o = x_i - self._xm[number]
        both = self._n_rows - m_i - m_j + self._mm[number]
        scatter = xx - mean_j * x_and_o - mean_i * x_and_o.swapaxes(1, 2)
        scatter += mean_i * mean_j * both
        scatter /= self._n_rows
        return scatter


def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left @ right.swapaxes(1, 2)).astype(np.int32)


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
    """mean [V]; the covariance of variants v, w of one block is flat[origin[v] + w].

    threads: how many work on the blocks.
    """

    mean: np.ndarray
    flat: np.ndarray
    origin: np.ndarray
    threads: int = 1

    def matrices(self, batch: Batch) -> np.ndarray:
        """Covariance [B, m, m] of blocks, or of consecutive parts of them; 0 where padded."""
        column = batch.column
        values = self.flat[self.origin[column][:, :, None] + column[:, None, :]]
        values *= batch.real[:, :, None] & batch.real[:, None, :]
        return values

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
            # padded axes must come last, behind the null space of the real ones
            diagonal = np.arange(covariance.shape[1])
            covariance[:, diagonal, diagonal] -= ~batch.real
            values, vectors = np.linalg.eigh(covariance)
            values, vectors = values[:, ::-1][:, :n_top], vectors[:, :, ::-1][:, :, :n_top]
            width = values.shape[1]
            top[batch.member, :width] = np.maximum(values, 0)
            loadings[batch.column[batch.real], :width] = _with_signs(vectors)[batch.real]

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


def _with_signs(vectors: np.ndarray) -> np.ndarray:
    """Axes [B, m, K], each turned so that its entry of largest size is positive."""
    size = np.abs(vectors)
    # the first of entries that are equal but for rounding, so that the sign is stable
    lead = np.argmax(size >= 0.999 * size.max(axis=1, keepdims=True), axis=1)
    return vectors * np.sign(np.take_along_axis(vectors, lead[:, None, :], axis=1))


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
