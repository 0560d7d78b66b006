"""Bootstrap over stretches of consecutive variants, which are more alike than far ones.

Axes: N variants or pairs in genomic order, B stretches, C sums a statistic is made of.
"""

import numpy as np

from syncohort.evaluation.groups import Group
from syncohort.evaluation.tidy import metric_row


def percentile_interval(draws) -> tuple[float, float]:
    """The central 95 % of bootstrap draws (Efron 1979, percentile method)."""
    draws = np.asarray(draws, dtype=float)
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return np.nan, np.nan
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


STRETCHES = 50
STRETCHES_PER_CHROMOSOME = 20  # of tables that hold the sums of stretches, not each variant
DRAWS = 1_000


def stretch_sums(columns: np.ndarray, n_stretches: int = STRETCHES) -> np.ndarray:
    """Sums [B, C] of columns [N, C] over at most n_stretches stretches of about equal length."""
    columns = np.asarray(columns, dtype=float)
    n_stretches = min(n_stretches, len(columns))
    if not n_stretches:
        return np.zeros((0, columns.shape[1]))
    starts = np.arange(n_stretches) * len(columns) // n_stretches
    return np.add.reduceat(columns, starts, axis=0)


def stretch_row(metric: str, group: Group, sums: np.ndarray, statistic, seed: int, note="") -> dict:
    """Metric row of a statistic, with the interval when whole stretches are redrawn.

    sums [B, ...]: what each stretch adds. statistic: turns totals [...] into the value, and
    totals [..., draws] into values [draws].

    The central 95 % of the draws are moved by the draws' mean less the value, because a
    distance between redrawn sums is larger than between the sums themselves. NaN without a
    stretch, and no interval with one.
    Source: Kunsch 1989 (block bootstrap); Efron and Tibshirani 1993, section 10.3 (bias).
    """
    if not len(sums):
        return metric_row(metric, group, np.nan, note=note)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = statistic(sums.sum(axis=0))
        draws = statistic(_redrawn(sums, seed))
    finite = draws[np.isfinite(draws)]
    if len(sums) == 1 or not len(finite):
        return metric_row(metric, group, value, note=note)
    shift = value - finite.mean()
    low, high = percentile_interval(finite)
    return metric_row(metric, group, value, low + shift, high + shift, note)


def _redrawn(sums: np.ndarray, seed: int) -> np.ndarray:
    """Totals [..., DRAWS] of as many stretches drawn with replacement."""
    n_stretches = len(sums)
    rng = np.random.default_rng(seed)
    copies = rng.multinomial(n_stretches, np.full(n_stretches, 1 / n_stretches), size=DRAWS)
    return np.tensordot(sums, copies, axes=(0, 1))
