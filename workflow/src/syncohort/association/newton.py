"""Sums and Newton steps of single-variant regressions, variant by variant, compiled.

Axes: V variants, S people, K columns of the design (the intercept included).
"""

import math
from dataclasses import dataclass

import numpy as np

from syncohort.bits import compiled, compiled_sums

MAX_STEPS = 25  # of Newton's method
CONVERGED = 1e-5  # largest Newton step, in log odds; leaves 5e-6 in log10 p
DIVERGED = 30.0  # log odds of one allele that no data of finite size support
RIDGE = 1e-9  # keeps the information of a diverging variant invertible


@dataclass(frozen=True)
class CarrierSums:
    """total, called: int64 [V], of dosages and of people with one; of dosages about their mean, 0
    where missing, float64: variance [V], the sum of their squares, and products [V, C] with columns.
    """

    total: np.ndarray
    called: np.ndarray
    variance: np.ndarray
    products: np.ndarray


def carrier_sums(dosages: np.ndarray, columns: np.ndarray) -> CarrierSums:
    """Sums of dosages int8 [V, S], -1 missing, with columns float64 [S, C].

    Only who carries the allele is looked at, so a rare variant costs little.
    """
    products = np.empty((len(dosages), columns.shape[1]))
    total, called = np.empty((2, len(dosages)), dtype=np.int64)
    variance = np.empty(len(dosages))
    columns = np.ascontiguousarray(columns)
    _carrier_sums(dosages, columns, columns.sum(axis=0), total, called, variance, products)
    return CarrierSums(total, called, variance, products)


@compiled
def _carrier_sums(dosages, columns, column_sums, sums, called, variance, products):
    """Write the fields of `CarrierSums`."""
    lacking = np.empty(columns.shape[1])
    for v in range(len(dosages)):
        own = products[v]
        own[:] = 0
        lacking[:] = 0
        total = squares = missing = 0
        for s in range(dosages.shape[1]):
            dosage = dosages[v, s]
            if dosage > 0:
                total += dosage
                squares += dosage * dosage
                for c in range(columns.shape[1]):
                    own[c] += dosage * columns[s, c]
            elif dosage < 0:
                missing += 1
                for c in range(columns.shape[1]):
                    lacking[c] += columns[s, c]
        sums[v], called[v] = total, dosages.shape[1] - missing
        mean = total / max(called[v], 1)
        variance[v] = squares - total * mean
        for c in range(columns.shape[1]):
            own[c] -= mean * (column_sums[c] - lacking[c])


@dataclass(frozen=True)
class LogisticFits:
    """Of each variant [V]: sum of dosages and people with one (total, called); sum of squares of its dosages about their mean (variance); the first
    Newton step from no effect and the information there; beta and its information at the last
    step; whether that had converged."""

    total: np.ndarray
    called: np.ndarray
    variance: np.ndarray
    first_step: np.ndarray
    first_information: np.ndarray
    beta: np.ndarray
    information: np.ndarray
    converged: np.ndarray


def fit_variants(
    dosages: np.ndarray, y: np.ndarray, design: np.ndarray, null: np.ndarray
) -> LogisticFits:
    """Logistic regression of y [S] (0 or 1) on each variant, dosages int8 [V, S], and the design.

    design: float64 [S, K]; null [K]: its coefficients without a variant, where Newton's method
    starts: the first step costs all variants one matrix, as they share the weights. A missing dosage
    is the mean. Variants whose dosages part cases from controls have no maximum and take the
    first step only.
    """
    expected = 1 / (1 + np.exp(-design @ null))
    weight = expected * (1 - expected)
    inner = (design * weight[:, None]).T @ design + RIDGE * len(y) * np.eye(len(null))
    fits = np.full((7, len(dosages)), np.nan)
    converged = np.zeros(len(dosages), dtype=bool)
    _fit_variants(
        *(dosages, y, np.ascontiguousarray(design.T), null),
        *(weight, y - expected, np.linalg.inv(inner), fits, converged),
    )
    return LogisticFits(*fits, converged)


@compiled_sums
def _fit_variants(dosages, y, design, null, weight_0, residual_0, inverse_0, fits, converged):
    """Write the fields of `LogisticFits` into fits [7, V] and converged [V]."""
    n_covariates, n_people = design.shape
    x, weight, residual = np.empty(n_people), np.empty(n_people), np.empty(n_people)
    inner = np.empty((n_covariates, n_covariates))
    gradient_0 = design @ residual_0
    cross, gradient = np.empty(n_covariates), np.empty(n_covariates)
    nuisance = np.empty(n_covariates)
    weighted_0 = np.empty_like(design)
    for k in range(n_covariates):
        for s in range(n_people):
            weighted_0[k, s] = weight_0[s] * design[k, s]
    for v in range(len(dosages)):
        total, called, variance, is_separated = _fill(dosages[v], y, x)
        information, own_gradient = _own_sums(x, weight_0, residual_0)
        _products(weighted_0, x, cross)
        solved_cross, solved_gradient = inverse_0 @ cross, inverse_0 @ gradient_0
        information -= (cross * solved_cross).sum()
        own_gradient -= (cross * solved_gradient).sum()
        fits[0, v], fits[1, v], fits[2, v] = total, called, variance
        fits[4, v] = information
        if not information > 0:
            continue
        step = own_gradient / information
        fits[3, v] = step
        if is_separated:
            continue
        beta, nuisance[:] = 0.0, null
        for turn in range(MAX_STEPS):
            change = solved_gradient - solved_cross * step
            beta += step
            nuisance += change
            largest = max(abs(step), np.abs(change).max())
            if largest < CONVERGED or turn == MAX_STEPS - 1 or not abs(beta) < DIVERGED:
                break
            _log_odds(design, nuisance, x, beta, weight)
            _expect(weight, y, residual)
            _design_sums(design, weight, residual, x, inner, cross, gradient)
            information, own_gradient = _own_sums(x, weight, residual)
            for k in range(n_covariates):
                inner[k, k] += RIDGE * n_people
            if not _factorise(inner):
                break
            solved_cross, solved_gradient = _solve(inner, cross), _solve(inner, gradient)
            information -= (cross * solved_cross).sum()
            own_gradient -= (cross * solved_gradient).sum()
            if not information > 0:
                break
            step = own_gradient / information
        fits[5, v], fits[6, v] = beta, information
        converged[v] = largest < CONVERGED


@compiled_sums
def _own_sums(x, weight, residual):
    """Weighted sum of squares of x [S], and its product with the residual."""
    square = product = 0.0
    for s in range(len(x)):
        square += weight[s] * x[s] * x[s]
        product += residual[s] * x[s]
    return square, product


@compiled_sums
def _products(rows, x, products):
    """Write the products of rows [K, S] with x [S]."""
    for k in range(len(rows)):
        total = 0.0
        for s in range(len(x)):
            total += rows[k, s] * x[s]
        products[k] = total


@compiled_sums
def _log_odds(design, nuisance, x, beta, log_odds):
    """Write the log odds [S]."""
    for s in range(len(x)):
        log_odds[s] = beta * x[s]
    for k in range(len(design)):
        for s in range(len(x)):
            log_odds[s] += nuisance[k] * design[k, s]


@compiled_sums
def _expect(weight, y, residual):
    """Replace log odds by weights p (1 - p), and write residuals y - p."""
    for s in range(len(y)):
        weight[s] = math.exp(-weight[s])
    for s in range(len(y)):
        expected = 1 / (1 + weight[s])
        residual[s] = y[s] - expected
        weight[s] = expected * (1 - expected)


@compiled_sums
def _design_sums(design, weight, residual, x, inner, cross, gradient):
    """Write weighted products of the design [K, S] with itself (lower half) and with x, and its
    products with the residual."""
    weighted = np.empty_like(x)
    for k in range(len(design)):
        own = against = 0.0
        for s in range(len(x)):
            weighted[s] = weight[s] * design[k, s]
            own += weighted[s] * x[s]
            against += residual[s] * design[k, s]
        cross[k], gradient[k] = own, against
        for m in range(k + 1):
            total = 0.0
            for s in range(len(x)):
                total += weighted[s] * design[m, s]
            inner[k, m] = total


@compiled_sums
def _fill(dosages, y, x):
    """Write dosages [S] about their mean into x [S], 0 where missing.

    Returns their sum and number, the sum of squares, and whether a threshold parts cases from controls, ties aside.
    """
    total, called = 0, 0
    for s in range(len(x)):
        dosage = dosages[s]
        total += max(dosage, 0)
        called += dosage >= 0
    mean = total / max(called, 1)
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    variance = 0.0
    for s in range(len(x)):
        value = dosages[s] - mean if dosages[s] >= 0 else 0.0
        x[s] = value
        variance += value * value
    for s in range(len(x)):
        case = int(y[s])
        low[case], high[case] = min(low[case], x[s]), max(high[case], x[s])
    return total, called, variance, high[0] <= low[1] or high[1] <= low[0]


@compiled
def _factorise(matrix):
    """Cholesky's factor in place of the lower half of a matrix [K, K]; False without one."""
    for k in range(len(matrix)):
        for m in range(k + 1):
            total = matrix[k, m]
            for j in range(m):
                total -= matrix[k, j] * matrix[m, j]
            if k > m:
                matrix[k, m] = total / matrix[m, m]
            elif not total > 0:
                return False
            else:
                matrix[k, k] = math.sqrt(total)
    return True


@compiled
def _solve(factor, right):
    """The solution [K] of a system given as its factor [K, K] for one right side [K]."""
    n = len(factor)
    solution = np.empty(n)
    for k in range(n):
        total = right[k]
        for m in range(k):
            total -= factor[k, m] * solution[m]
        solution[k] = total / factor[k, k]
    for k in range(n - 1, -1, -1):
        total = solution[k]
        for m in range(k + 1, n):
            total -= factor[m, k] * solution[m]
        solution[k] = total / factor[k, k]
    return solution
