"""Runs of windows with next to no heterozygous calls: those of people, and those that chance makes.

Axes: S people, W windows, V variants.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.files import load_arrays, save_arrays
from syncohort.global_vector.pairing import Partners
from syncohort.ploidy import doubled

WINDOW_BP = 100_000
LEAST_HETEROZYGOUS = 5  # calls that a window must lead one to expect
MOST_HETEROZYGOUS = 0.1  # of those, in a window of an autozygous stretch: errors of calling
RUNS = (5, 10)  # windows of the two lengths
_KIND = "syncohort homozygous runs 1"


@dataclass(frozen=True)
class Runs:
    """Runs of one chromosome that are at least as long as the two of `RUNS`.

    window_bp: width of a window; n_windows: W; people: [2, S], runs of a person; pairs: [2, S], of one of their haplotypes
    with a partner's, mean over pairings; label: [S] str; heterozygous, expected: calls in the longest of people's runs, and
    those to expect of anybody there.
    """

    window_bp: int
    n_windows: int
    people: np.ndarray
    pairs: np.ndarray
    label: np.ndarray
    heterozygous: float = 0.0
    expected: float = 0.0

    def save(self, path: str | Path) -> None:
        """Write it to one .npz file."""
        save_arrays(path, _KIND, {name: np.asarray(each) for name, each in vars(self).items()})

    @staticmethod
    def load(path: str | Path) -> "Runs":
        """Read what `save` wrote."""
        arrays = load_arrays(path, _KIND)
        kinds = {"window_bp": int, "n_windows": int, "heterozygous": float, "expected": float}
        numbers = {name: kind(arrays.pop(name)) for name, kind in kinds.items()}
        return Runs(**numbers, **arrays)


def measure_runs(store: CohortStore, partners: Partners) -> Runs:
    """Runs of training people of a chromosome, and of pairs of them; of chromosome X there are none.

    store: the cohort; partners: the people, and whom each is paired with. Windows are WINDOW_BP wide, or as many times that as makes
    LEAST_HETEROZYGOUS heterozygous calls likely; windows in which they are not, such as at a centromere, are left out.

    Raises InputError: people who are not in the cohort.
    """
    train = _places(store.people.id, partners.sample_id)
    label = store.people.label[train]
    if store.contig == "X" or not len(train):
        return Runs(WINDOW_BP, 0, *np.zeros((2, len(RUNS), len(train))), label)
    position_bp = store.variants.position_bp
    window = (position_bp - position_bp[0]) // WINDOW_BP
    found, expected = _heterozygous(store, train, partners.partner, window)
    per_window = expected.sum() / len(expected)
    times = max(1, int(np.ceil(LEAST_HETEROZYGOUS / max(per_window, 1e-9))))
    starts = np.arange(0, len(expected), times)
    expected = np.add.reduceat(expected, starts)
    telling = expected >= LEAST_HETEROZYGOUS
    most = MOST_HETEROZYGOUS * expected[telling, None]
    counts = []
    for each in found:  # one at a time: a chromosome of 2,500 windows and people is large
        merged = np.add.reduceat(each, starts, axis=0, dtype=np.int32)[telling]  # [W, S]
        counts.append(_count_runs(merged <= most))
        if len(counts) == 1:
            inside = _inside_runs(merged <= most, RUNS[-1])
            there = float(merged[inside].sum()), float((expected[telling, None] * inside).sum())
    people, *pairs = counts
    return Runs(times * WINDOW_BP, len(most), people, np.mean(pairs, axis=0), label, *there)


def _places(people: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where the wanted ids [S] are among people's [P]."""
    place_of = {name: place for place, name in enumerate(people.astype(str))}
    try:
        return np.array([place_of[str(name)] for name in wanted], dtype=np.int64)
    except KeyError as error:
        raise InputError(
            f"{error.args[0]} has partners and is not in the cohort; delete the folders fit_pairing and "
            "filter_variants of the results, and run again"
        ) from error


def _heterozygous(store: CohortStore, train, partners, window) -> tuple[np.ndarray, np.ndarray]:
    """Alleles that differ within people and within pairs, uint16 [1 + pairings, W, S], and those to expect, [W]."""
    found = np.zeros((1 + len(partners), int(window[-1]) + 1, len(train)), np.uint16)
    expected = np.zeros(found.shape[1])
    for part, calls in store.variant_chunks(train):
        calls = doubled(calls)  # [v, S, 2]
        called = (calls >= 0).all(axis=2)
        frequency = np.where(calls > 0, 1, 0).sum(axis=(1, 2)) / np.maximum(
            2 * called.sum(axis=1), 1
        )
        starts = np.flatnonzero(np.r_[True, np.diff(window[part]) > 0])
        where = window[part][starts]
        expected[where] += np.add.reduceat(2 * frequency * (1 - frequency), starts)
        for which in range(len(found)):
            second = calls[:, partners[which - 1], 1] if which else calls[..., 1]
            differ = (calls[..., 0] != second) & (calls[..., 0] >= 0) & (second >= 0)
            found[which, where] += np.add.reduceat(differ, starts, axis=0, dtype=np.uint16)
    return found, expected


def _count_runs(low: np.ndarray) -> np.ndarray:
    """Runs of True of low [W, S] that are at least as long as RUNS, int64 [2, S]."""
    counts = np.zeros((len(RUNS), low.shape[1]), np.int64)
    length = np.zeros(low.shape[1], np.int64)
    for row in [*low, np.zeros(low.shape[1], bool)]:
        for place, least in enumerate(RUNS):
            counts[place] += ~row & (length >= least)
        length = (length + 1) * row
    return counts


def _inside_runs(low: np.ndarray, least: int) -> np.ndarray:
    """Whether windows of low [W, S] are inside a run of True of at least so many."""
    inside = np.zeros_like(low)
    for start in range(len(low) - least + 1):
        inside[start : start + least] |= low[start : start + least].all(axis=0)
    return inside
