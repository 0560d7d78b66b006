"""Labels that are bins of a continuous trait: their names and their order."""

import re
from itertools import pairwise
from math import inf

import numpy as np

_NUMBER = r"(-?\d+(?:\.\d+)?(?:e[+-]\d+)?)"
_FROM = re.compile(f"{_NUMBER} (?:to {_NUMBER}|and above)")
_BELOW = re.compile(f"below {_NUMBER}")


def value_bins(values: np.ndarray, cuts: list[float]) -> np.ndarray:
    """Names of the bins of values [S], such as "18.5 to 25", [S] str; "" where it is no number.

    cuts: rising; a bin begins with its lower cut.
    """
    inner = [f"{low:.10g} to {high:.10g}" for low, high in pairwise(cuts)]
    names = np.array([f"below {cuts[0]:.10g}", *inner, f"{cuts[-1]:.10g} and above"], dtype=object)
    return np.where(np.isfinite(values), names[np.searchsorted(cuts, values, side="right")], "")


def bin_range(label: str) -> tuple[float, float]:
    """Lower and upper limit of the bin of a name, infinite where there is none."""
    if below := _BELOW.fullmatch(label):
        return -inf, float(below.group(1))
    found = _FROM.fullmatch(label)
    if not found:
        return -inf, inf
    return float(found.group(1)), float(found.group(2) or inf)


def label_order(label: str) -> tuple[float, str]:
    """Sort key that puts bins in the order of their values, and other labels by name after them."""
    if _BELOW.fullmatch(label):
        return -inf, label
    found = _FROM.fullmatch(label)
    return (float(found.group(1)) if found else inf), label
