"""Could a test have seen a leak with so few people?

A value passes up to a bound, and values vary: by the standard error e that its interval shows, the leak that
passes in one of five studies is 0.84 e beyond the bound. It is the smallest that is seen with a power of 80 %
(Cohen 1988, chapter 1; Bloom 1995, "minimum detectable effect"). Few people make e large, and the bound wide
where it is what validation people reach by chance.

A pass counts when the test would have seen the leak at which failing begins, before the bounds are widened, or
when its interval excludes that leak (Hoenig & Heisey 2001). A pass without either is a look.
"""

from math import inf, isfinite, nan

from syncohort.evaluation.verdicts.bounds import Bounds

POWER = 0.8
_QUANTILE = 0.8416  # of the normal distribution, at POWER
_INTERVAL = 3.92  # width of an interval of 95 % in standard errors


def smallest_leak(bounds: Bounds, low: float, high: float) -> float:
    """The smallest leak that is seen with a power of 80 %.

    bounds: on one side, of a value with the interval low to high. NaN without an interval.
    """
    beyond = _QUANTILE * (high - low) / _INTERVAL
    if isfinite(bounds.pass_high):
        return bounds.pass_high + beyond
    return bounds.pass_low - beyond if bounds.pass_low > -inf else nan


def can_tell(bounds: Bounds, smallest: float, low: float, high: float) -> bool:
    """Whether a value that passes tells that there is no leak that must fail.

    bounds: of the metric, not widened to what validation people reach.
    smallest: from `smallest_leak`; low, high: the value's interval; NaN: it is known without error.
    """
    is_seen = not bounds.excess(smallest) > 1
    return is_seen or max(bounds.excess(low), bounds.excess(high)) <= 1
