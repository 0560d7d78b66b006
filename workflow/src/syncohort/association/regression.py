"""One variant at a time: linear and logistic regression with covariates.

Axes: V variants, S people, K covariates (the intercept included).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, stdtr  # scipy.stats takes half a second to import

from syncohort.dosages import called_sums
from syncohort.errors import InputError

_MAX_STEPS = 25
_CONVERGED = 1e-4  # largest Newton step, in log odds; the error left is of its square
_DIVERGED = 30.0  # log odds of one allele that no data of finite size support
_RIDGE = 1e-9  # keeps the information of a diverging variant invertible
_LEAST_VARIANCE = 1e-7  # of a variant given the covariates, as a share of its variance


@dataclass(frozen=True)
class Estimates:
    """Effects of v variants: beta per ALT allele, its standard error, statistic, two-sided p.

    All [v], NaN where a variant does not vary given the covariates. test: "t" (linear),
    "wald" or "score" (logistic).
    """

    beta: np.ndarray
    se: np.ndarray
    z: np.ndarray
    p: np.ndarray
    test: np.ndarray


def linear_estimates(dosages: np.ndarray, phenotype: np.ndarray, covariates) -> Estimates:
    """Least squares of a phenotype [S] on each variant, dosages int8 [S, v], and covariates.

    The effect is that of the residuals on the covariates (Frisch and Waugh 1933,
    Econometrica 1:387); the test is Student's with S - K - 1 degrees of freedom.
    """
    design = _orthogonal_design(covariates, len(phenotype))
    x = _centred(dosages)
    variance = (x**2).sum(axis=0)
    x -= design @ (design.T @ x) / len(x)
    y = phenotype - design @ (design.T @ phenotype) / len(x)
    information = _usable((x**2).sum(axis=0), variance)
    degrees = len(x) - design.shape[1] - 1
    beta = (y @ x) / information
    residual = np.maximum(y @ y - beta**2 * information, 0)
    se = np.sqrt(residual / degrees / information) if degrees > 0 else np.full_like(beta, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = beta / se
    return Estimates(beta, se, t, 2 * stdtr(degrees, -np.abs(t)), np.full(len(t), "t"))


def logistic_estimates(dosages: np.ndarray, is_case: np.ndarray, covariates) -> Estimates:
    """Logistic regression of cases [S] on each variant, dosages int8 [S, v], and covariates.

    Maximum likelihood by Newton's method, all variants at once, and Wald's test, as plink2
    --glm no-firth. Where it has no maximum (only cases carry a rare allele, say) the score
    test (Rao 1948) stands in, with beta the first Newton step from no effect.
    """
    y = np.asarray(is_case, dtype=float)
    design = _orthogonal_design(covariates, len(y))
    x = _centred(dosages)
    fit = _covariate_fit(design, y)
    if fit is None:
        raise InputError(
            f"the covariates alone tell {y.sum():.0f} cases from {(1 - y).sum():.0f} controls, "
            "which leaves no association to test; use fewer of them"
        )
    null = np.repeat(fit[:, None], x.shape[1], axis=1)  # [K, v]
    first = _newton_step(x, y, design, null, np.zeros(x.shape[1]))
    usable = _usable(first.information, (x**2).sum(axis=0) * y.var())
    fitted = np.flatnonzero(np.isfinite(usable) & ~_separated(x, y > 0))
    beta, information, done = _newton(x, y, design, null, fitted)
    beta = np.where(done, beta, np.where(np.isfinite(usable), first.step, np.nan))
    se = 1 / np.sqrt(np.where(done, information, usable))
    z = beta / se
    test = np.where(done, "wald", "score")
    return Estimates(beta, se, z, 2 * ndtr(-np.abs(z)), test)


def _separated(x, is_case) -> np.ndarray:
    """Whether a threshold of the dosage parts cases from controls, ties aside: no maximum."""
    cases, controls = x[is_case], x[~is_case]
    below = cases.max(axis=0) <= controls.min(axis=0)
    return below | (controls.max(axis=0) <= cases.min(axis=0))


def _newton(x, y, design, nuisance, variants) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Newton's method from the coefficients nuisance [K, v] and no effect.

    variants: indices of those to fit. Returns beta, information and converged, each [v].
    """
    nuisance, beta = nuisance.copy(), np.zeros(x.shape[1])
    information, done = np.full(x.shape[1], np.nan), np.zeros(x.shape[1], dtype=bool)
    for _ in range(_MAX_STEPS):
        if not len(variants):
            break
        found = _newton_step(x[:, variants], y, design, nuisance[:, variants], beta[variants])
        beta[variants] += found.step
        nuisance[:, variants] += found.nuisance_step
        information[variants] = found.information
        largest = np.maximum(np.abs(found.step), np.abs(found.nuisance_step).max(axis=0))
        done[variants] = largest < _CONVERGED
        # a NaN is lost too
        in_range = (np.abs(beta[variants]) < _DIVERGED) & (found.information > 0)
        variants = variants[in_range & ~done[variants]]
    return beta, information, done


@dataclass(frozen=True)
class _Newton:
    step: np.ndarray  # [v] of beta
    nuisance_step: np.ndarray  # [K, v]
    information: np.ndarray  # [v] of beta, given the covariates


def _newton_step(x, y, design, nuisance, beta) -> _Newton:
    """One step of all variants x [S, v] from the coefficients nuisance [K, v] and beta [v].

    The information matrix is inverted by blocks: covariates first, then the variant.
    """
    expected = expit(design @ nuisance + x * beta)  # [S, v]
    residual = y[:, None] - expected
    weight = expected * (1 - expected)
    n_covariates = design.shape[1]
    squares = (design[:, :, None] * design[:, None, :]).reshape(len(y), -1)  # [S, K*K]
    inner = (weight.T @ squares).reshape(-1, n_covariates, n_covariates)  # [v, K, K]
    inner += _RIDGE * len(y) * np.eye(n_covariates)
    weighted = weight * x
    cross = weighted.T @ design  # [v, K]
    gradient = residual.T @ design  # [v, K]
    solved = np.linalg.solve(inner, np.stack([cross, gradient], axis=2))  # [v, K, 2]
    information = np.einsum("sv,sv->v", weighted, x) - np.einsum("vk,vk->v", cross, solved[..., 0])
    own = np.einsum("sv,sv->v", x, residual) - np.einsum("vk,vk->v", cross, solved[..., 1])
    step = own / np.where(information > 0, information, np.nan)
    return _Newton(step, (solved[..., 1] - solved[..., 0] * step[:, None]).T, information)


def separates(covariates: np.ndarray, is_case: np.ndarray) -> bool:
    """Whether covariates [S, K'] alone tell cases [S] from controls, so that no scan can be."""
    y = np.asarray(is_case, dtype=float)
    return _covariate_fit(_orthogonal_design(covariates, len(y)), y) is None


def _covariate_fit(design, y) -> np.ndarray | None:
    """Logistic coefficients [K] of the covariates alone, None where they have no maximum."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(_MAX_STEPS):
        expected = expit(design @ coefficients)
        weight = expected * (1 - expected)
        inner = (design * weight[:, None]).T @ design + _RIDGE * len(y) * np.eye(design.shape[1])
        step = np.linalg.solve(inner, design.T @ (y - expected))
        coefficients += step
        if np.abs(step).max() < _CONVERGED:
            return coefficients
        if not np.abs(coefficients).max() < _DIVERGED:
            break
    return None


def _orthogonal_design(covariates, n_people: int) -> np.ndarray:
    """Intercept and covariates as orthogonal columns of mean square 1, [S, K]; repeats drop out."""
    covariates = np.asarray(covariates, dtype=float).reshape(n_people, -1)
    centred = covariates - covariates.mean(axis=0)
    scale = centred.std(axis=0)
    centred = centred[:, scale > 0] / scale[scale > 0]
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    left = left[:, singular > 1e-8 * singular.max(initial=0)]
    return np.sqrt(n_people) * np.column_stack([np.full(n_people, n_people**-0.5), left])


def _centred(dosages) -> np.ndarray:
    """Dosages less their mean, float64 [S, v], 0 where missing."""
    missing = dosages < 0
    total, called = called_sums(dosages)
    values = dosages - total / np.maximum(called, 1)
    values[missing] = 0
    return values


def _usable(information, variance) -> np.ndarray:
    """Information, NaN where a variant does not vary or the covariates leave nothing of it."""
    return np.where(information > _LEAST_VARIANCE * np.maximum(variance, 1e-9), information, np.nan)
