"""The leading principal axes of the latents of all chromosomes, with little of them in memory.

A chromosome is read a few rows at a time; between chromosomes only numbers of each row are kept.
Time and memory grow linearly with rows and with positions.

Axes: N rows, D positions of all chromosomes (padded ones included), D_c those of one, A axes, R
numbers of a row while axes are sought.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.generators.latents import LatentFiles, Normalisation

MOST_ROWS = 8_192  # that axes are fitted to
_SPARE = 16
_POWER_ITERATIONS = 3
_VALUES_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Part:
    """The latents of a chromosome [N, G, K], and what is subtracted from them."""

    files: LatentFiles
    normalisation: Normalisation
    conditions: np.ndarray

    @property
    def size(self) -> int:
        """D_c."""
        return self.files.mask.size

    def chunks(self, rows: np.ndarray):
        """Some of the rows at a time: their places among `rows`, and their latents [n, D_c] less
        the mean of their label."""
        size = max(1, _VALUES_AT_ONCE // self.size)
        for start in range(0, len(rows), size):
            own = rows[start : start + size]
            centred = self.normalisation.centred(self.files[own], self.conditions[own])
            yield slice(start, start + len(own)), centred.reshape(len(own), -1)


def fit_axes(
    parts: list[Part], rows: np.ndarray, n_axes: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal axes [D, A] float32 of the latents' rows, and the variance [A] along each.

    parts: the chromosomes in their order; rows: indices of training rows, of which MOST_ROWS at
    even distances are read; n_axes: A, fewer where there are fewer rows. The largest number of an
    axis is positive.

    Randomised subspace iteration in the space of the rows (Halko et al. 2011, algorithm 4.4): each
    chromosome adds X_c X_c' Q to the next basis Q.
    """
    rows = rows[:: -(-len(rows) // MOST_ROWS)]
    n_axes = min(n_axes, len(rows), sum(part.size for part in parts))
    rank = min(n_axes + _SPARE, len(rows))
    basis = np.random.default_rng(seed).standard_normal((len(rows), rank)).astype(np.float32)
    for _ in range(1 + _POWER_ITERATIONS):
        basis = np.linalg.qr(sum(_there_and_back(part, rows, basis) for part in parts))[0]
    loadings = np.concatenate([_back(part, rows, basis) for part in parts])  # [D, R]
    square, turned = np.linalg.eigh(loadings.T.astype(np.float64) @ loadings)
    square, turned = square[::-1][:n_axes], turned[:, ::-1][:, :n_axes]
    axes = loadings @ (turned / np.sqrt(np.maximum(square, 1e-12))).astype(np.float32)
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(n_axes)]
    return axes * np.sign(largest), square / len(rows)


def _back(part: Part, rows: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """X_c' Q [D_c, R]."""
    return sum(x.T @ basis[at] for at, x in part.chunks(rows))


def _there_and_back(part: Part, rows: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """X_c X_c' Q [n, R]."""
    loadings = _back(part, rows, basis)
    return np.concatenate([x @ loadings for _, x in part.chunks(rows)])


def project(parts: list[Part], axes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Scores float32 [n, A] of rows on the axes [D, A]."""
    scores, start = np.zeros((len(rows), axes.shape[1]), np.float32), 0
    for part in parts:
        own = np.asarray(axes[start : start + part.size])
        for at, x in part.chunks(rows):
            scores[at] += x @ own
        start += part.size
    return scores


def held_out_share(scores: np.ndarray, is_validation: np.ndarray) -> np.ndarray:
    """Mean square of validation rows along each axis over that of training rows, [A].

    1 for an axis of the population; the smaller, the more of an axis are the training rows
    themselves.
    """
    square = scores.astype(np.float64) ** 2
    return square[is_validation].mean(axis=0) / square[~is_validation].mean(axis=0)
