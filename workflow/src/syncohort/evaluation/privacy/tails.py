"""The lower tail of a number of which few values are known: what chance has a smaller one?

Far below a threshold what lies beyond it follows a generalised Pareto distribution, whatever the
distribution (Pickands 1975; Balkema & de Haan 1974): the depth y below the threshold exceeds a depth with
probability (1 + shape y / scale)^(-1 / shape), of an exponential where the shape is 0.

Axes: n values known, A values asked about.
"""

from dataclasses import dataclass, replace

import numpy as np

TAIL = 0.05  # share of the values that the tail is fitted to; of few a fifth,
TAIL_VALUES = (10, 50)  # but at least ten, and never more than fifty for it
_ONE_SIDED = 1.645  # standard errors above which 5 % lie
_STEEPEST = 0.5  # shape beyond which the variance is infinite, and moments say nothing


@dataclass(frozen=True)
class LowerTail:
    """values: the n known ones in order; share: of them below start; scale, shape: see above."""

    values: np.ndarray
    start: float
    share: float
    scale: float
    shape: float

    @staticmethod
    def exponential(values: np.ndarray) -> "LowerTail":
        """A tail of shape 0; its scale is that of the median depth.

        The median, because one far outlier must not make the tail as deep as itself.
        """
        values = np.sort(values)
        start, share, depth = _below_start(values)
        scale = np.median(depth) / np.log(2) if len(depth) else 0.0
        return LowerTail(values, start, share, float(scale), 0.0)

    def at_its_deepest(self) -> "LowerTail":
        """An exponential tail as deep as so few values allow: its scale 1.645 standard errors up.

        The median of k depths has a standard error of scale / sqrt(k), and the scale is the median over
        log 2.
        """
        k = max(int((self.values < self.start).sum()), 1)
        return replace(self, scale=self.scale * (1 + _ONE_SIDED / (np.log(2) * np.sqrt(k))))

    @staticmethod
    def pareto(values: np.ndarray) -> "LowerTail":
        """A tail fitted by probability-weighted moments (Hosking & Wallis 1987, section 3).

        A tail that ends (shape below 0) is not taken from so few values: nothing would have a
        chance beyond its end. It is an exponential then, with the mean depth as its scale.
        """
        values = np.sort(values)
        start, share, depth = _below_start(values)
        if not len(depth):
            return LowerTail(values, start, share, 0.0, 0.0)
        depth = np.sort(depth)
        ranks = np.arange(len(depth))[::-1] / max(len(depth) - 1, 1)
        first, second = depth.mean(), (ranks * depth).mean()
        shape = 2 - first / max(first - 2 * second, 1e-12)
        if shape <= 0:
            return LowerTail(values, start, share, float(first), 0.0)
        shape = min(shape, _STEEPEST)
        return LowerTail(values, start, share, float((1 - shape) * first), float(shape))

    def chance(self, values: np.ndarray) -> np.ndarray:
        """The chance [A] of a value as small as each of `values` [A], never 0 above the start.

        Above the start it is the share of the known values that are as small, each side with one
        more (Davison & Hinkley 1997, eq. 4.11).
        """
        n = len(self.values)
        known = (1 + np.searchsorted(self.values, values, side="right")) / (n + 1)
        at_start = (1 + np.searchsorted(self.values, self.start)) / (n + 1)
        depth = np.maximum(self.start - values, 0) / max(self.scale, 1e-12)
        if self.shape:
            beyond = (1 + self.shape * depth) ** (-1 / self.shape)
        else:
            beyond = np.exp(-depth)
        return np.where(values < self.start, at_start * beyond, known)

    def limit(self, expected: float, n_values: int) -> float:
        """The value below which so many of n_values are expected; at most the start."""
        rarer = max(np.log(n_values * self.share / expected), 0)
        depth = np.expm1(self.shape * rarer) / self.shape if self.shape else rarer
        return self.start - self.scale * depth


def _below_start(values: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Start of the tail of values [n] in order, the share below it, and the depths of those."""
    if np.isnan(values).any():
        raise ValueError("a tail has no place for values that are not known")
    n = len(values)
    share = min(max(TAIL, np.clip(n / 5, *TAIL_VALUES) / n), 0.5)
    start = float(np.quantile(values, share))
    return start, float(share), start - values[values < start]
