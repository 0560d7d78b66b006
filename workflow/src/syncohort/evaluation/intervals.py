"""Bootstrap intervals: over people, SNPs, or stretches of consecutive variants, which are more
alike than far ones.

All intervals hold the central 95 % of DRAWS redraws. A bound is then itself known to 0.085
standard errors of the value, sqrt(0.025 * 0.975 / DRAWS) / 0.0584 (the density of the normal at
its 2.5 % quantile): 4 % of half the interval. Two hundred draws leave 10 %; ten thousand would
cost ten times as long for a digit that nobody reads.
Source: Efron and Tibshirani 1993, section 19.3.

Axes: N variants or pairs in genomic order, B stretches, C sums a statistic is made of.
"""

import numpy as np

from syncohort.evaluation.groups import Group
from syncohort.evaluation.tidy import metric_row
from syncohort.genotypes import slices

DRAWS = 1_000
_HELD = 1 << 21  # numbers of redraws that are held at once
NORMAL = 1.959964  # standard errors that hold the central 95 %


def percentile_interval(draws) -> tuple[float, float]:
    """The central 95 % of bootstrap draws (Efron 1979, percentile method)."""
    draws = np.asarray(draws, dtype=float)
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return np.nan, np.nan
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def newcombe_interval(first, n_first, second, n_second) -> tuple[float, float]:
    """The central 95 % of the difference of two shares of n_first and n_second people.

    Unlike a bootstrap it knows that a share of 0 or 1 of few people may be another of many.
    Source: Newcombe 1998, method 10, of Wilson's intervals (1927).
    """
    (low, high), (other_low, other_high) = _wilson(first, n_first), _wilson(second, n_second)
    below = np.hypot(first - low, other_high - second)
    above = np.hypot(high - first, second - other_low)
    return float(first - second - below), float(first - second + above)


def _wilson(share, n) -> tuple[float, float]:
    """The central 95 % of a share of n people."""
    centre = (share + NORMAL**2 / (2 * n)) / (1 + NORMAL**2 / n)
    half = np.sqrt(share * (1 - share) / n + (NORMAL / (2 * n)) ** 2)
    half *= NORMAL / (1 + NORMAL**2 / n)
    return centre - half, centre + half


def bootstrap(statistic, *sizes: int, rng: np.random.Generator) -> np.ndarray:
    """A statistic of DRAWS redraws: [DRAWS, ...].

    statistic: takes as many arrays of indices as there are sizes, each [n] of n, drawn with
    replacement.
    """
    return np.array(
        [statistic(*(rng.integers(n, size=n) for n in sizes)) for _ in range(DRAWS)], dtype=float
    )


def times_drawn(n: int, rng: np.random.Generator, draws: int = DRAWS) -> np.ndarray:
    """How often each of n is drawn in each redraw, [draws, n]; for statistics of weighted sums.

    Drawn and counted, some redraws at a time: four times as fast as `Generator.multinomial`, of the
    same distribution.
    """
    drawn = np.empty((draws, n), dtype=np.int64)
    for some in slices(draws, max(1, _HELD // n)):
        size = some.stop - some.start
        chosen = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        drawn[some] = np.bincount(chosen.ravel(), minlength=size * n).reshape(size, n)
    return drawn


def redrawn_means(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Means [DRAWS] of values [n] drawn with replacement, some redraws at a time."""
    n = len(values)
    at_once = max(1, min(DRAWS, _HELD // max(n, 1)))
    sizes = [min(at_once, DRAWS - start) for start in range(0, DRAWS, at_once)]
    parts = [times_drawn(n, rng, size) @ values for size in sizes]
    return np.concatenate(parts) / n


STRETCHES = 50
STRETCHES_PER_CHROMOSOME = 20  # of tables that hold the sums of stretches, not each variant


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
    return np.tensordot(sums, times_drawn(n_stretches, rng), axes=(0, 1))
