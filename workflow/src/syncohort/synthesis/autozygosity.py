"""Autozygosity: people whose two haplotypes are one and the same over long stretches, as those of related parents are.

Generators draw haplotypes, and two of them make a person. Of real people some thousandths of the genome, in some labels a few
hundredths, are autozygous, in stretches of a megabase and more, and it shows: much of what people differ by in heterozygosity
comes from it. So it is measured on training people, and drawn people are given as much.

*Measured* are runs of windows with next to no heterozygous calls, of people, and of pairs of haplotypes of two people of the
same label, whose runs are the chance that common haplotypes meet. What people have more of is autozygous. On a
chromosome of length c, people of whose genome a share F is autozygous, in stretches of exponential length of mean l, have

    N(L) = F exp(-L / l) ((c - L) / l + 1)

stretches that show at least L of themselves: those that start inside, and one that is under way at the start. N at two
lengths gives l and F. How unevenly people share in it follows from the covariance of their stretches between chromosomes.

*Drawn* is a share of each person (beta distribution) and from it stretches, as a process that enters and leaves
autozygosity at constant rates; there the second haplotype becomes the first. Nothing of a single person is kept. Chromosome X is left alone.

Axes: S people, W windows, L labels, R = 2 S rows, V variants.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.files import load_arrays, save_arrays
from syncohort.ploidy import doubled
from syncohort.seeds import child_seed

log = logging.getLogger(__name__)
MOST_PEOPLE = 2_500
PAIRINGS = 8  # times that people are paired
WINDOW_BP = 100_000
LEAST_HETEROZYGOUS = 5  # calls that a window must lead one to expect
MOST_HETEROZYGOUS = 0.1  # of those, in a window of an autozygous stretch: errors of calling
RUNS = (5, 10)  # windows of the two lengths
_LABEL_PEOPLE = 50  # a label's share counts as if so many more of its people had everybody's
_SURE = 3  # standard errors by which people must have more runs than pairs
_LONGEST = 100  # l at most, in windows
_LARGEST_SHARE = 0.5
_KIND = "syncohort autozygosity 1"
_SHARE, _STRETCHES = range(2)  # random streams


@dataclass(frozen=True)
class Runs:
    """Runs of one chromosome that are at least as long as the two of `RUNS`.

    window_bp: width of a window; n_windows: W; people: [2, S], runs of a person; pairs: [2, S], of one of their haplotypes
    with another person's, mean over pairings; label: [S] str; heterozygous, expected: calls in the longest of people's runs, and
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


def measure_runs(store: CohortStore, seed: int) -> Runs:
    """Runs of at most MOST_PEOPLE training people of a chromosome; of chromosome X there are none.

    Windows are WINDOW_BP wide, or as many times that as makes LEAST_HETEROZYGOUS heterozygous calls likely; windows in
    which they are not, such as at a centromere, are left out. A label of one person has no pairs and is left out.
    """
    rng = np.random.default_rng(seed)
    train = np.flatnonzero(store.people.split == "train")
    train = np.sort(rng.permutation(train)[:MOST_PEOPLE])
    label = store.people.label[train]
    several = np.isin(label, [name for name in np.unique(label) if (label == name).sum() > 1])
    train, label = train[several], label[several]
    if store.contig == "X" or not len(train):
        return Runs(WINDOW_BP, 0, *np.zeros((2, len(RUNS), len(train))), label)
    partners = np.stack([_others_of_label(label, rng) for _ in range(PAIRINGS)])
    position_bp = store.variants.position_bp
    window = (position_bp - position_bp[0]) // WINDOW_BP
    found, expected = _heterozygous(store, train, partners, window)
    per_window = expected.sum() / len(expected)
    times = max(1, int(np.ceil(LEAST_HETEROZYGOUS / max(per_window, 1e-9))))
    starts = np.arange(0, len(expected), times)
    expected = np.add.reduceat(expected, starts)
    found = np.add.reduceat(found, starts, axis=1)  # [1 + PAIRINGS, W, S]
    telling = expected >= LEAST_HETEROZYGOUS
    found, expected = found[:, telling], expected[telling]
    low = found <= MOST_HETEROZYGOUS * expected[:, None]
    people, *pairs = (_count_runs(each) for each in low)
    inside = _inside_runs(low[0], RUNS[-1])
    there = float(found[0][inside].sum()), float((expected[:, None] * inside).sum())
    return Runs(times * WINDOW_BP, len(expected), people, np.mean(pairs, axis=0), label, *there)


def _others_of_label(label: np.ndarray, rng) -> np.ndarray:
    """For each person another one of the same label, drawn at random, [S]."""
    partner = np.empty(len(label), np.int64)
    for name in np.unique(label):
        own = rng.permutation(np.flatnonzero(label == name))
        partner[own] = np.roll(own, 1)
    return partner


def _heterozygous(store: CohortStore, train, partners, window) -> tuple[np.ndarray, np.ndarray]:
    """Alleles that differ within people and within pairs, int32 [1 + PAIRINGS, W, S], and those to expect, [W]."""
    found = np.zeros((1 + PAIRINGS, int(window[-1]) + 1, len(train)), np.int32)
    expected = np.zeros(found.shape[1])
    for part in store.variant_slices():
        calls = doubled(store.read(part, train))  # [v, S, 2]
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
            found[which, where] += np.add.reduceat(differ, starts, axis=0, dtype=np.int32)
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


@dataclass(frozen=True)
class Autozygosity:
    """What share of the genome is autozygous, and in stretches of what length.

    share: label -> F; length_bp: mean length of a stretch; spread: variance of people's shares within a label, over the square of
    the label's share; heterozygous: calls inside stretches that differ all the same, by errors of calling and new mutations, as a share of those to
    expect elsewhere.
    """

    share: dict[str, float]
    length_bp: float
    spread: float
    heterozygous: float = 0.0

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        Path(path).write_text(json.dumps(vars(self), indent=1) + "\n")

    @staticmethod
    def load(path: str | Path) -> "Autozygosity":
        """Read what `save` wrote."""
        return Autozygosity(**json.loads(Path(path).read_text()))

    def stretches(
        self,
        labels: np.ndarray,
        contig: str,
        span_bp: tuple[int, int],
        *,
        people_seed: int,
        seed: int,
    ) -> list[tuple[int, int, int]]:
        """Stretches of people with labels [S] on a chromosome: person, first and last bp.

        people_seed: the same on all chromosomes, so that a person has one share of all; seed: of the chromosome. A person's
        draws do not depend on who else there is.
        """
        found = []
        if contig == "X":
            return found
        for person, label in enumerate(labels):
            share = self._share_of(float(self.share.get(str(label), 0)), people_seed, person)
            if share:
                rng = np.random.default_rng(child_seed(seed, _STRETCHES, person))
                found += [(person, *each) for each in self._of_one(share, span_bp, rng)]
        return found

    def _share_of(self, mean: float, seed: int, person: int) -> float:
        """The share of a person of a label with this share."""
        if not mean or not self.spread:
            return mean
        total = max((1 - mean) / (self.spread * mean) - 1, 1e-3)
        rng = np.random.default_rng(child_seed(seed, _SHARE, person))
        return float(rng.beta(mean * total, (1 - mean) * total))

    def _of_one(self, share: float, span_bp: tuple[int, int], rng) -> list[tuple[int, int]]:
        """Stretches of a person: where the two-state process of this share is on."""
        at, last = float(span_bp[0]), float(span_bp[1])
        is_on, found = rng.random() < share, []
        between = self.length_bp * (1 - share) / share
        while at <= last:
            end = at + rng.exponential(self.length_bp if is_on else between)
            if is_on:
                found.append((int(at), int(min(end, last))))
            at, is_on = end, not is_on
        return found


NONE = Autozygosity({}, float(WINDOW_BP), 0.0)


def fit_autozygosity(runs: list[Runs]) -> Autozygosity:
    """Shares, length and spread, of the runs of all chromosomes; NONE where people have no more than pairs."""
    runs = [each for each in runs if each.n_windows >= RUNS[0]]
    if not runs:
        log.info(
            "no chromosome of %d windows: autozygosity is not known, and nobody is given any",
            RUNS[0],
        )
        return NONE
    label = runs[0].label
    people, pairs = (
        np.array([getattr(each, name) for each in runs]).sum(axis=(0, 2))
        for name in ("people", "pairs")
    )
    excess = people - pairs
    log.info("runs of %d / %d windows: %s of people, %s of pairs", *RUNS, people, pairs)
    error = np.sqrt(people + pairs / PAIRINGS)  # of counts
    if excess[0] <= 0 or (excess <= _SURE * error).all():
        log.info("people have no more of them than pairs: nobody is given any")
        return NONE
    length = _fitted_length(runs, excess)
    seen = np.array([_expected_runs([each], length)[0] for each in runs])  # of F = 1, by chromosome
    everybody = excess[0] / len(label) / seen.sum()
    own = np.sum([each.people[0] - each.pairs[0] for each in runs], axis=0)  # [S]
    share = {}
    for name in np.unique(label):
        members = label == name
        total = own[members].sum() + _LABEL_PEOPLE * everybody * seen.sum()
        found = total / (members.sum() + _LABEL_PEOPLE) / seen.sum()
        share[str(name)] = float(np.clip(found, 0, _LARGEST_SHARE))
    spread = _fitted_spread(runs, label, everybody * seen)
    there = sum(each.expected for each in runs)
    heterozygous = sum(each.heterozygous for each in runs) / there if there else 0.0
    log.info("autozygous: %.4f of the genome, in stretches of %.2g bp", everybody, length)
    log.info(
        "people's shares vary by %.2g of their square; %.3f of calls stay", spread, heterozygous
    )
    return Autozygosity(share, length, spread, heterozygous)


def _expected_runs(runs: list[Runs], length_bp: float) -> np.ndarray:
    """N [2] of the lengths of RUNS with F = 1, summed over chromosomes."""
    total = np.zeros(len(RUNS))
    for each in runs:
        for place, least in enumerate(RUNS):
            if each.n_windows >= least:
                shown, inside = least * each.window_bp, (each.n_windows - least) * each.window_bp
                total[place] += np.exp(-shown / length_bp) * (inside / length_bp + 1)
    return total


def _fitted_length(runs: list[Runs], excess: np.ndarray) -> float:
    """l [bp] at which N of the two lengths are as found, by bisection of their ratio, which falls with l."""
    window_bp = min(each.window_bp for each in runs)
    low, high = np.log([window_bp * RUNS[0] / 2, window_bp * _LONGEST])
    wanted = max(excess[1], 0.5) / excess[0]
    for _ in range(60):
        middle = (low + high) / 2
        first, second = _expected_runs(runs, np.exp(middle))
        low, high = (middle, high) if second / first < wanted else (low, middle)
    return float(np.exp((low + high) / 2))


def _fitted_spread(runs: list[Runs], label: np.ndarray, expected: np.ndarray) -> float:
    """Variance of shares over the square of their mean, by the covariance of runs between chromosomes.

    expected: runs of a person on each chromosome. One chromosome tells nothing of it.
    """
    counts = np.array([each.people[0] for each in runs], dtype=float)  # [chromosomes, S]
    for name in np.unique(label):
        counts[:, label == name] -= counts[:, label == name].mean(axis=1, keepdims=True)
    products = (counts.sum(axis=0) ** 2 - (counts**2).sum(axis=0)) / 2  # of pairs of chromosomes
    of_pairs = (expected.sum() ** 2 - (expected**2).sum()) / 2
    return float(max(products.mean() / of_pairs, 0)) if of_pairs else 0.0


class Alike:
    """Drawn people's stretches on one chromosome, to be put into pieces of their rows.

    stretches: person, first and last bp; heterozygous: share of the second haplotype that stays as it was; seed: of which.
    """

    def __init__(
        self,
        stretches: list[tuple[int, int, int]],
        position_bp: np.ndarray,
        *,
        heterozygous: float = 0.0,
        seed: int = 0,
    ):
        people, first, last = np.array(stretches, dtype=np.int64).reshape(-1, 3).T
        self._people = people
        self._start = np.searchsorted(position_bp, first, side="left")
        self._stop = np.searchsorted(position_bp, last, side="right")
        self._heterozygous, self._seed = heterozygous, seed

    def put_into(self, rows: np.ndarray, variants: slice) -> None:
        """Make the second haplotypes the first ones, in rows int8 [R, v] of some variants."""
        inside = np.flatnonzero((self._start < variants.stop) & (self._stop > variants.start))
        for place in inside:
            first, last = self._start[place], self._stop[place]
            changed = self._changed(place)[max(variants.start - first, 0) : variants.stop - first]
            some = slice(max(first - variants.start, 0), last - variants.start)
            person = 2 * self._people[place]
            rows[person + 1, some] = np.where(changed, rows[person, some], rows[person + 1, some])

    def _changed(self, place: int) -> np.ndarray:
        """Which variants of a stretch become the first haplotype's, the same in every piece."""
        n = self._stop[place] - self._start[place]
        start = int(self._start[place])
        rng = np.random.default_rng(child_seed(self._seed, int(self._people[place]), start))
        return rng.random(n) >= self._heterozygous
