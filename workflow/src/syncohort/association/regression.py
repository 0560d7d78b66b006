"""One variant at a time: linear and logistic regression with covariates.

Axes: V variants, S people, K covariates (the intercept included).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, stdtr  # scipy.stats takes half a second to import

from syncohort.association.newton import (
    CONVERGED,
    DIVERGED,
    MAX_STEPS,
    RIDGE,
    carrier_sums,
    fit_variants,
)
from syncohort.dosages import share
from syncohort.errors import InputError
from syncohort.genotypes import PLOIDY

_LEAST_VARIANCE = 1e-7  # of a variant given the covariates, as a share of its variance


@dataclass(frozen=True)
class Estimates:
    """Effects of v variants: beta per ALT allele, its standard error, statistic, two-sided p.

    All [v], NaN where a variant does not vary given the covariates. test: "t" (linear),
    "wald" or "score" (logistic). frequency: of ALT in n people, those with a call.
    """

    beta: np.ndarray
    se: np.ndarray
    z: np.ndarray
    p: np.ndarray
    test: np.ndarray
    frequency: np.ndarray
    n: np.ndarray


def linear_estimates(dosages: np.ndarray, phenotype: np.ndarray, covariates) -> Estimates:
    """Least squares of a phenotype [S] on each variant, dosages int8 [S, v], and covariates.

    The effect is that of the residuals on the covariates (Frisch and Waugh 1933,
    Econometrica 1:387); the test is Student's with S - K - 1 degrees of freedom.
    """
    n_people = len(phenotype)
    design = _orthogonal_design(covariates, n_people)
    y = phenotype - design @ (design.T @ phenotype) / n_people
    found = carrier_sums(np.ascontiguousarray(dosages.T), np.column_stack([design, y]))
    explained = (found.products[:, :-1] ** 2).sum(axis=1) / n_people
    information = _usable(found.variance - explained, found.variance)
    degrees = n_people - design.shape[1] - 1
    beta = found.products[:, -1] / information
    residual = np.maximum(y @ y - beta**2 * information, 0)
    se = np.sqrt(residual / degrees / information) if degrees > 0 else np.full_like(beta, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = beta / se
    p, test = 2 * stdtr(degrees, -np.abs(t)), np.full(len(t), "t")
    return Estimates(beta, se, t, p, test, share(found.total, PLOIDY * found.called), found.called)


def logistic_estimates(dosages: np.ndarray, is_case: np.ndarray, covariates) -> Estimates:
    """Logistic regression of cases [S] on each variant, dosages int8 [S, v], and covariates.

    Maximum likelihood by Newton's method, and Wald's test, as plink2 --glm no-firth. Where it has
    no maximum (only cases carry a rare allele, say) the score test (Rao 1948) stands in, with
    beta the first Newton step from no effect.
    """
    y = np.asarray(is_case, dtype=float)
    design = _orthogonal_design(covariates, len(y))
    null = _covariate_fit(design, y)
    if null is None:
        raise InputError(
            f"the covariates alone tell {y.sum():.0f} cases from {(1 - y).sum():.0f} controls, "
            "which leaves no association to test; use fewer of them"
        )
    fit = fit_variants(np.ascontiguousarray(dosages.T), y, design, null)
    usable = _usable(fit.first_information, fit.variance * y.var())
    done = fit.converged & np.isfinite(usable)
    beta = np.where(done, fit.beta, np.where(np.isfinite(usable), fit.first_step, np.nan))
    se = 1 / np.sqrt(np.where(done, fit.information, usable))
    z = beta / se
    test = np.where(done, "wald", "score")
    p, n = 2 * ndtr(-np.abs(z)), fit.called.astype(np.int64)
    return Estimates(beta, se, z, p, test, share(fit.total, PLOIDY * n), n)


def separates(covariates: np.ndarray, is_case: np.ndarray) -> bool:
    """Whether covariates [S, K'] alone tell cases [S] from controls, so that no scan can be."""
    y = np.asarray(is_case, dtype=float)
    return _covariate_fit(_orthogonal_design(covariates, len(y)), y) is None


def _covariate_fit(design, y) -> np.ndarray | None:
    """Logistic coefficients [K] of the covariates alone, None where they have no maximum."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(MAX_STEPS):
        expected = expit(design @ coefficients)
        weight = expected * (1 - expected)
        inner = (design * weight[:, None]).T @ design + RIDGE * len(y) * np.eye(design.shape[1])
        step = np.linalg.solve(inner, design.T @ (y - expected))
        coefficients += step
        if np.abs(step).max() < CONVERGED:
            return coefficients
        if not np.abs(coefficients).max() < DIVERGED:
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


def _usable(information, variance) -> np.ndarray:
    """Information, NaN where a variant does not vary or the covariates leave nothing of it."""
    return np.where(information > _LEAST_VARIANCE * np.maximum(variance, 1e-9), information, np.nan)
