"""The largest eigenvalues of many covariance matrices, and their eigenvectors.

Where few eigenvectors of a matrix are wanted, LAPACK makes all of them or looks for each by
itself, in small scalar steps. Subspace iteration with a Chebyshev filter (Zhou, Saad, Tiago &
Chelikowsky 2006, J. Comput. Phys. 219:172) is nearly all products of matrices. Whatever it
finds is checked; matrices whose spectrum has no gap for it to use are left to LAPACK.

Axes: B matrices of m rows, k eigenvectors wanted, b = k + SPARE iterated on.
"""

from functools import cache

import numpy as np

SPARE = 8  # vectors beyond those wanted: likely that there is a gap somewhere among so many
TOLERANCE = 1e-10  # of |C v - value v|, relative to the largest eigenvalue
_WORTHWHILE = 2.25  # rows for each vector iterated on, from which on the iteration is faster
_ROUNDS = 2
_DEGREE = 12

# How much more a filter may amplify the first than the last vector wanted: rounding of the
# one must not cover the other.
_APART = 1e10
_SMALLEST = 1e-300  # instead of 0, where there is nothing but zeros


def leading_eigenvectors(
    matrices: np.ndarray, n_top: int, real: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues [B, k], falling, and orthonormal eigenvectors [B, m, k].

    The entry of largest size of each vector is positive. matrices: symmetric, no eigenvalue
    below 0, [B, m, m]; n_top: k, or m where that is less; real: False at rows and columns of
    zeros that are padding, the last ones and an eighth at most, [B, m]: no vector enters them
    unless there are more vectors than real rows. What is found for one matrix does not depend
    on the others.
    """
    size = matrices.shape[1]
    if size < _WORTHWHILE * (n_top + SPARE):
        values, vectors = _by_lapack(matrices, n_top, real)
        return values, _with_signs(vectors)
    values = np.empty((len(matrices), n_top))
    vectors = np.empty((len(matrices), size, n_top))
    rest = ~_iterate(matrices, values, vectors)
    if rest.any():
        values[rest], vectors[rest] = _by_lapack(matrices[rest], n_top, real[rest])
    return values, _with_signs(vectors)


def _with_signs(vectors: np.ndarray) -> np.ndarray:
    """Axes [B, m, k], each turned so that its entry of largest size is positive."""
    axes = np.ascontiguousarray(vectors.swapaxes(1, 2))
    size = np.abs(axes)
    # the first of entries that are equal but for rounding, so that the sign is stable
    lead = np.argmax(size >= 0.999 * size.max(axis=2, keepdims=True), axis=2)
    sign = np.sign(np.take_along_axis(axes, lead[:, :, None], axis=2))
    return vectors * sign.swapaxes(1, 2)


def _by_lapack(matrices, n_top: int, real) -> tuple[np.ndarray, np.ndarray]:
    if not real.all():
        # padded axes must come last, behind the null space of the real ones
        matrices = matrices - np.eye(matrices.shape[1]) * ~real[:, None, :]
    values, vectors = np.linalg.eigh(matrices)
    return values[:, ::-1][:, :n_top], vectors[:, :, ::-1][:, :, :n_top]


def _iterate(matrices, values, vectors) -> np.ndarray:
    """Fill in values [B, k] and vectors [B, m, k] where it works; returns where, [B]."""
    n_top = values.shape[1]
    block = matrices @ _start(matrices.shape[1], n_top + SPARE)
    for _ in range(2):
        block = matrices @ block
    axes, images = _orthonormal(matrices, block)
    ritz = np.sort(np.einsum("bmk,bmk->bk", axes, images), axis=1)[:, ::-1]  # about
    left = np.arange(len(matrices))
    found, passed = np.zeros((2, len(left)), bool)
    # how large C v - value v is, at most, where another stands for the last vector wanted
    wrong = ritz[:, n_top - 1] / np.maximum(ritz[:, 0], _SMALLEST)
    for rounds_left in range(_ROUNDS, 0, -1):
        half, degree, gain = _filters(ritz, n_top)
        keep = ~passed & (wrong * np.exp(-rounds_left * gain) <= TOLERANCE)
        if not keep.any():
            break
        if not keep.all():
            left, matrices, half, degree = left[keep], matrices[keep], half[keep], degree[keep]
            axes, images = axes[keep], images[keep]
        block = _filtered(matrices, half[:, None, None], degree, axes, images)
        ritz, axes, images = _rayleigh_ritz(matrices, block)
        residual = images[:, :, :n_top] - axes[:, :, :n_top] * ritz[:, None, :n_top]
        wrong = np.sqrt(np.einsum("bmk,bmk->bk", residual, residual).max(axis=1))
        wrong /= np.maximum(ritz[:, 0], _SMALLEST)
        passed = wrong <= TOLERANCE
        values[left[passed]] = ritz[passed, :n_top]
        vectors[left[passed]] = axes[passed, :, :n_top]
        found[left[passed]] = True
        if passed.all():
            break
    return found


@cache
def _start(size: int, width: int) -> np.ndarray:
    """Random, so that no vector of any data is orthogonal to all of it, [m, b]."""
    return np.random.default_rng(0).standard_normal((size, width))


def _orthonormal(matrices, block) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal axes [B, m, b] of the span of block [B, m, b], and matrices @ axes."""
    axes = np.linalg.qr(block).Q
    return axes, matrices @ axes


def _rayleigh_ritz(matrices, block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best approximations of eigenvectors within the span of block [B, m, b].

    Values [B, b], falling; orthonormal axes [B, m, b]; and matrices @ axes.
    """
    axes, images = _orthonormal(matrices, block)
    values, turn = np.linalg.eigh(axes.swapaxes(1, 2) @ images)
    turn = turn[:, :, ::-1]
    return values[:, ::-1], axes @ turn, images @ turn


def _filters(ritz, n_top: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chebyshev polynomials, one per matrix, within 1 from 0 to the last Ritz value.

    Half of that value, the degree, and the log of how much the last vector wanted gains, [B].
    """
    half = np.maximum(ritz[:, -1], np.finfo(float).eps * ritz[:, 0]) / 2
    half = np.maximum(half, _SMALLEST)
    # log of how much one degree amplifies the first and the last vector wanted
    growth = np.arccosh(np.maximum(ritz[:, [0, n_top - 1]] / half[:, None] - 1, 1))
    apart = np.maximum(growth[:, 0] - growth[:, 1], np.log(_APART) / _DEGREE)
    degree = np.maximum(np.log(_APART) / apart, 2).astype(int)
    return half, degree, growth[:, 1] * degree


def _filtered(matrices, half, degree, axes, images) -> np.ndarray:
    """Each matrix's polynomial of it, times its axes [B, m, b]."""
    twice = matrices * (2 / half)
    diagonal = np.arange(matrices.shape[1])
    twice[:, diagonal, diagonal] -= 2  # twice the matrix with 0 .. last Ritz value at -1 .. 1
    before, now = axes, images / half - axes
    found = np.empty_like(now)
    for step in range(2, degree.max() + 1):
        following = twice @ now
        following -= before
        before, now = now, following
        if (ends := degree == step).any():
            found[ends] = now[ends]
    return found
