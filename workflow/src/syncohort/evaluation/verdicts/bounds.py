"""Which values of a metric pass: bounds from what the calibration generators score.

A verdict is "pass", "look" or "fail". Values that validation people reach by chance (their
interval) pass. A value outside whose own interval reaches the passing values is a "look":
there are too few people or SNPs to tell.

A rule turns the calibration rows of a metric into its bounds, or None without the row it
needs. Where validation people themselves are judged by an error, more is allowed: they are about as
many as the holdout people, a tenth of a synthetic cohort, so that errors of sampling are up to
sqrt(2) as large.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite, sqrt

import numpy as np

PASS, LOOK, FAIL, NOT_MEASURED = "pass", "look", "fail", "not measured"
VERDICTS = (PASS, LOOK, FAIL, NOT_MEASURED)
VALIDATION = "validation"


@dataclass(frozen=True)
class Level:
    """What a calibration row scored; low and high are the value itself without an interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bounds:
    """Values from pass_low to pass_high pass, from look_low to look_high deserve a look.

    -inf or inf where a side is open.
    """

    pass_low: float = -inf
    pass_high: float = inf
    look_low: float = -inf
    look_high: float = inf

    def widened(self, level: Level | None) -> "Bounds":
        """The bounds with all values between level.low and level.high let pass."""
        if level is None:
            return self
        low, high = min(self.pass_low, level.low), max(self.pass_high, level.high)
        return Bounds(low, high, min(self.look_low, low), max(self.look_high, high))

    def verdict(self, value: float, low: float = np.nan, high: float = np.nan) -> str:
        """The word for a value with the interval low to high (NaN: none)."""
        if not isfinite(value) or self == UNKNOWN:
            return NOT_MEASURED
        if self.pass_low <= value <= self.pass_high:
            return PASS
        undecided = low <= self.pass_high and high >= self.pass_low  # False for NaN
        return LOOK if undecided or self.look_low <= value <= self.look_high else FAIL

    def excess(self, value: float) -> float:
        """How far a value is from passing: 0 passes, 1 is where failing begins."""
        if value < self.pass_low:
            return (self.pass_low - value) / max(self.pass_low - self.look_low, 1e-9)
        if value > self.pass_high:
            return (value - self.pass_high) / max(self.look_high - self.pass_high, 1e-9)
        return 0.0

    def __str__(self) -> str:
        low, high = number(self.pass_low), number(self.pass_high)
        if self.pass_low == -inf:
            return f"at most {high}"
        return f"at least {low}" if self.pass_high == inf else f"{low} to {high}"


UNKNOWN = Bounds(
    np.inf, -np.inf, np.inf, -np.inf
)  # nothing passes, for there is nothing to compare with
Levels = dict[str, Level]  # of the calibration rows, by kind of generator
Rule = Callable[[Levels, bool], Bounds | None]  # the bool: validation people are judged


def number(value: float) -> str:
    """A number for people: three digits, thousands in full."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def within(pass_low: float, pass_high: float, look_low: float, look_high: float) -> Rule:
    """Fixed bounds, widened to what validation people reach by chance."""
    bounds = Bounds(pass_low, pass_high, look_low, look_high)
    return lambda levels, is_validation: bounds.widened(levels.get(VALIDATION))


def near(centre: float, passes: float, looks: float) -> Rule:
    """At most so far from a value, on either side; see `within`."""
    return within(centre - passes, centre + passes, centre - looks, centre + looks)


def at_most(passes: float, looks: float) -> Rule:
    """Not above a value; see `within`."""
    return within(-inf, passes, -inf, looks)


def at_least(passes: float, looks: float) -> Rule:
    """Not below a value; see `within`."""
    return within(passes, inf, looks, inf)


def _by_level(kind: str, rule_of: Callable[[Level], Rule]) -> Rule:
    """The rule that follows from a level; without the level there is none."""

    def bounds(levels: Levels, is_validation: bool) -> Bounds | None:
        return rule_of(levels[kind])(levels, is_validation) if kind in levels else None

    return bounds


def near_level(kind: str, passes: float, looks: float, *, relative: bool = True) -> Rule:
    """At most so far from a calibration row (in shares of it unless not relative)."""

    def rule(level: Level) -> Rule:
        unit = abs(level.value) if relative else 1
        return near(level.value, passes * unit, looks * unit)

    return _by_level(kind, rule)


def times(*kinds: str, passes: float, looks: float) -> Rule:
    """An error at most so many times that of calibration rows, the largest of them."""

    def bounds(levels: Levels, is_validation: bool) -> Bounds | None:
        found = [levels[kind].value for kind in kinds if kind in levels]
        if not found:
            return None
        level = max(found) * (sqrt(2) if is_validation else 1)
        return Bounds(pass_high=passes * level, look_high=looks * level)

    return bounds


def shortfall(kind: str, passes: float, looks: float) -> Rule:
    """A correlation whose distance from 1 is at most so many times that of a calibration row."""

    def bounds(levels: Levels, is_validation: bool) -> Bounds | None:
        if kind not in levels:
            return None
        level = (1 - levels[kind].value) * (
            2 if is_validation else 1
        )  # goes with the error squared
        return Bounds(pass_low=1 - passes * level, look_low=1 - looks * level)

    return bounds


def share_of(kind: str, passes: float, looks: float) -> Rule:
    """At least such a share of what a calibration row reaches; UNKNOWN where that is nothing."""

    def bounds(levels: Levels, is_validation: bool) -> Bounds | None:
        if kind not in levels:
            return None
        if levels[kind].value <= 0:
            return UNKNOWN
        level = levels[kind].value
        widest = Bounds(pass_low=passes * level, look_low=looks * level)
        return widest.widened(levels.get(VALIDATION) if is_validation else None)

    return bounds


def above(kind: str, passes: float, looks: float) -> Rule:
    """At most so much above what a calibration row may reach by chance; see `within`."""
    return _by_level(kind, lambda level: at_most(level.high + passes, level.high + looks))


def at_most_or_above(passes: float, looks: float, kind: str, beyond: float) -> Rule:
    """Not above a value, or by no more than so much above a calibration row where that is higher.

    passes, looks: the bounds where that row is no higher than passes - beyond, or is not there.
    """

    def bounds(levels: Levels, is_validation: bool) -> Bounds | None:
        level = levels[kind].value if kind in levels else -inf
        rise = max(level + beyond - passes, 0)
        return at_most(passes + rise, looks + rise)(levels, is_validation)

    return bounds


def times_above(kind: str, passes: float, looks: float) -> Rule:
    """At most so many times what a calibration row may reach by chance; see `within`."""
    return _by_level(kind, lambda level: at_most(passes * level.high, looks * level.high))


def _up_to(passes: float, looks: float = inf) -> Rule:
    """Not above a value, whatever validation people reach."""
    return lambda levels, is_validation: Bounds(pass_high=passes, look_high=looks)


def look_above(passes: float) -> Rule:
    """What is above a value is for people to decide on: it never fails."""
    return _up_to(passes)


def below(kind: str, passes: float, looks: float) -> Rule:
    """At most so much below what a calibration row may reach by chance; see `within`."""
    return _by_level(kind, lambda level: at_least(level.low - passes, level.low - looks))


def within_chance(kind: str) -> Rule:
    """At most the value of a level, what chance stays within mostly; its upper end is no chance."""
    return _by_level(kind, lambda level: _up_to(level.value, level.high))


def no_more_than(kind: str) -> Rule:
    """A count at most the upper end of a level: what is above it is no chance, and fails."""
    return _by_level(kind, lambda level: _up_to(level.high, level.high))
