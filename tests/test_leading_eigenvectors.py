"""Leading eigenvectors against numpy's eigh, whether the spectrum helps or does not."""

import numpy as np
import pytest

from syncohort.representations import leading_eigenvectors as module
from syncohort.representations.leading_eigenvectors import TOLERANCE, leading_eigenvectors

N_TOP = 8
RANK = np.arange(60)
WITH_GAP = {
    "geometric": 0.9**RANK,
    "steep": 0.3**RANK,
    "power law": 1 / (1 + RANK) ** 2,
    "signal and noise": np.where(RANK < 19, 1 - RANK / 25, 0.02),
    "tiny": 1e-12 * 0.8**RANK,
    "huge": 1e12 * 0.8**RANK,
    "all wanted are equal": np.where(RANK < N_TOP, 1, 0.1),
    "the last wanted is one of five": np.where(RANK < 6, 2, np.where(RANK < 11, 1, 0.01)),
    "the last wanted is nearly tied": np.where(RANK < N_TOP, 1, np.where(RANK < 9, 1 - 1e-6, 0.1)),
    "zeros": 0.0 * RANK,
    "rank 1": (RANK < 1) * 1.0,
    "rank 5": (RANK < 5) / (1 + RANK),
    "rank 17": (RANK < 17) / (1 + RANK),
}
WITHOUT = {
    "identity": 1.0 + 0 * RANK,
    "falls slowly": 0.99**RANK,
    "one and many equal": np.where(RANK < 1, 1, 0.1),
}


def matrices_of(spectrum, n_matrices=12, seed=1) -> np.ndarray:
    """Symmetric matrices [B, m, m] of random axes and the given eigenvalues [m]."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((n_matrices, len(spectrum), len(spectrum)))).Q
    matrices = (axes * spectrum) @ axes.swapaxes(1, 2)
    return (matrices + matrices.swapaxes(1, 2)) / 2


def all_real(matrices) -> np.ndarray:
    return np.ones(matrices.shape[:2], bool)


def projector(vectors) -> np.ndarray:
    return vectors @ vectors.swapaxes(1, 2)


def check_eigenvectors(matrices, values, vectors):
    """Orthonormal, of one sign, of the largest eigenvalues, and each an eigenvector."""
    exact, axes = (part[..., ::-1] for part in np.linalg.eigh(matrices))
    n_top, largest = values.shape[1], exact[:, :1]
    assert vectors.shape == (*matrices.shape[:2], n_top)
    assert (np.abs(values - exact[:, :n_top]) <= TOLERANCE * largest).all()
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(
        vectors.swapaxes(1, 2) @ vectors,
        np.broadcast_to(np.eye(n_top), (len(values),) + (n_top,) * 2),
        atol=1e-13,
    )
    size = np.abs(vectors)
    assert (vectors.max(axis=1) >= 0.999 * size.max(axis=1)).all()
    residual = np.linalg.norm(matrices @ vectors - vectors * values[:, None], axis=1)
    assert (residual <= 2 * TOLERANCE * largest).all()
    # vectors of equal eigenvalues may turn: what all up to a gap span may not
    for i in range(1, n_top + 1):
        gap = (exact[:, i - 1] - exact[:, i]) / np.maximum(exact[:, 0], 1e-300)
        some = gap > 1e-3
        np.testing.assert_allclose(
            projector(vectors[some, :, :i]), projector(axes[some, :, :i]), atol=1e-6
        )


@pytest.mark.parametrize("name", WITH_GAP)
def test_a_gap_is_enough(name, monkeypatch):
    monkeypatch.setattr(module, "_by_lapack", None)  # never needed
    matrices = matrices_of(WITH_GAP[name])
    check_eigenvectors(matrices, *leading_eigenvectors(matrices, N_TOP, all_real(matrices)))


@pytest.mark.parametrize("name", WITHOUT)
def test_without_a_gap_lapack_is_asked(name, monkeypatch):
    matrices = matrices_of(WITHOUT[name])
    check_eigenvectors(matrices, *leading_eigenvectors(matrices, N_TOP, all_real(matrices)))
    monkeypatch.setattr(module, "_by_lapack", None)
    with pytest.raises(TypeError):
        leading_eigenvectors(matrices, N_TOP, all_real(matrices))


def test_what_does_not_converge_is_exact_all_the_same(monkeypatch):
    """Filters too weak for some, and no thought before of what will not converge."""
    by_lapack, filters, left = module._by_lapack, module._filters, []

    def counted(matrices, *others):
        left.append(len(matrices))
        return by_lapack(matrices, *others)

    monkeypatch.setattr(module, "_by_lapack", counted)
    monkeypatch.setattr(module, "_DEGREE", 4)
    monkeypatch.setattr(module, "_filters", lambda *given: (*filters(*given)[:2], np.inf))
    spectra = [0.95**RANK, 0.6**RANK, 0.99**RANK, WITH_GAP["rank 5"]]
    matrices = np.concatenate([matrices_of(spectrum, 3) for spectrum in spectra])
    check_eigenvectors(matrices, *leading_eigenvectors(matrices, N_TOP, all_real(matrices)))
    assert left == [6]


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 20, 35, 36, 37, 130])
@pytest.mark.parametrize("n_top", [1, 3, 8, 16])
def test_any_size_and_number(size, n_top):
    matrices = np.cov(np.random.default_rng(size).standard_normal((size, 30))).reshape(
        1, size, size
    )
    values, vectors = leading_eigenvectors(matrices, n_top, all_real(matrices))
    assert values.shape == (1, min(n_top, size))
    exact = np.linalg.eigvalsh(matrices)[:, ::-1][:, :n_top]
    np.testing.assert_allclose(values, exact, atol=1e-13 * exact[0, 0])
    np.testing.assert_allclose(
        matrices @ vectors, vectors * values[:, None], atol=2 * TOLERANCE * exact[0, 0]
    )


def test_axes_that_are_single_variants():
    """Each eigenvector in one entry: a start that leaves an entry out would never find it."""
    order = np.random.default_rng(2).permutation(60)
    matrices = np.diag(0.8**RANK)[order][:, order][None]
    _, vectors = leading_eigenvectors(matrices, N_TOP, all_real(matrices))
    expected = (order[:, None] == np.arange(N_TOP)).astype(float)
    np.testing.assert_allclose(vectors[0], expected, atol=1e-8)


@pytest.mark.parametrize("spectrum", ["geometric", "rank 5", "zeros"])
@pytest.mark.parametrize("n_real", [19, 60])
def test_padding_is_left_alone(spectrum, n_real):
    """No vector enters it, though it is as good a null space as any."""
    n_padded = n_real // 8
    matrices = matrices_of(WITH_GAP[spectrum][:n_real])
    padded = np.pad(matrices, ((0, 0), (0, n_padded), (0, n_padded)))
    real = np.pad(all_real(matrices), ((0, 0), (0, n_padded)))
    values, vectors = leading_eigenvectors(padded, N_TOP, real)
    assert not vectors[:, n_real:].any()
    check_eigenvectors(matrices, values, vectors[:, :n_real])


def test_one_matrix_does_not_depend_on_the_others():
    spectra = [*WITH_GAP.values(), *WITHOUT.values()]
    matrices = np.concatenate([matrices_of(spectrum, 2) for spectrum in spectra])
    together = leading_eigenvectors(matrices, N_TOP, all_real(matrices))
    for i in range(len(matrices)):
        alone = leading_eigenvectors(matrices[i : i + 1], N_TOP, all_real(matrices[:1]))
        for part, whole in zip(alone, together, strict=True):
            np.testing.assert_array_equal(part[0], whole[i])
