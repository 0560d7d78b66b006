"""Autozygosity: people whose two haplotypes are one and the same over long stretches, as those of related parents are.

Generators draw haplotypes, and two of them make a person. Of real people some thousandths of the genome, in some labels a few
hundredths, are autozygous, in stretches of a megabase and more, and it shows: much of what people differ by in heterozygosity
comes from it. So it is measured on training people, and drawn people are given as much.

*Measured* (`homozygous_runs`) are runs of windows with next to no heterozygous calls, of people, and of pairs of haplotypes of two
people of the same label who are as alike in ancestry as the two haplotypes of a person (`global_vector.pairing`), whose runs are
the chance that common haplotypes meet. What people have more of is autozygous. On a
chromosome of length c, people of whose genome a share F is autozygous, in stretches of exponential length of mean l, have

    N(L) = F exp(-L / l) ((c - L) / l + 1)

stretches that show at least L of themselves: those that start inside, and one that is under way at the start. N at two
lengths gives l and F. How unevenly people share in it follows from the covariance of their stretches between chromosomes.

*Drawn* is a share of each person (beta distribution) and from it stretches, as a process that enters and leaves
autozygosity at constant rates; there the second haplotype becomes the first. Nothing of a single person is kept. Chromosome X is left alone.

Axes: S people, R = 2 S rows, V variants, k stretches.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from syncohort.global_vector.pairing import PAIRINGS
from syncohort.seeds import child_seed
from syncohort.synthesis.homozygous_runs import RUNS, WINDOW_BP, Runs

log = logging.getLogger(__name__)
_LABEL_PEOPLE = 50  # a label's share counts as if so many more of its people had everybody's
_SURE = 3  # standard errors by which people must have more runs than pairs
_LONGEST = 10  # l at most, in chromosomes
_SHARE, _START, _LENGTH, _STAY = range(4)  # random streams


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
    ) -> np.ndarray:
        """Stretches of people with labels [S] on a chromosome, int64 [k, 3]: person, first and last bp.

        people_seed: the same on all chromosomes, so that a person has one share of all; seed: of the chromosome. The r-th draw of a
        stream is the r-th person's, whoever comes after.
        """
        if contig == "X" or not self.share:
            return np.empty((0, 3), np.int64)
        share = self._shares(labels, people_seed)
        is_on = np.random.default_rng(child_seed(seed, _START)).random(len(share)) < share
        between = self.length_bp * (1 - share) / np.maximum(share, 1e-12)
        at, last, found = np.full(len(share), float(span_bp[0])), float(span_bp[1]), []
        while (at <= last).any():
            rng = np.random.default_rng(child_seed(seed, _LENGTH, len(found)))
            end = at + rng.standard_exponential(len(share)) * np.where(
                is_on, self.length_bp, between
            )
            own = np.flatnonzero(is_on & (at <= last))
            found.append(
                np.column_stack([own, at[own], np.minimum(end[own], last)]).astype(np.int64)
            )
            at, is_on = np.minimum(end, last + 1), ~is_on
        return np.concatenate(found)

    def _shares(self, labels: np.ndarray, seed: int) -> np.ndarray:
        """The shares [S] of people with labels [S]."""
        names, own = np.unique(labels.astype(str), return_inverse=True)
        mean = np.array([self.share.get(name, 0.0) for name in names])[own]
        if not self.spread:
            return mean
        some = np.clip(mean, 1e-12, 1 - 1e-12)
        total = np.maximum((1 - some) / (self.spread * some) - 1, 1e-3)
        drawn = np.random.default_rng(child_seed(seed, _SHARE)).beta(
            some * total, (1 - some) * total
        )
        return np.where(mean > 0, drawn, 0.0)


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
        share[str(name)] = float(np.clip(found, 0, 1))
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
    shortest = min(each.window_bp for each in runs) * RUNS[0] / 2
    longest = _LONGEST * max(each.window_bp * each.n_windows for each in runs)
    low, high = np.log([shortest, longest])
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

    stretches: int64 [k, 3], person, first and last bp; position_bp: [V]; n_people: S; heterozygous: share of a second haplotype's alleles that
    stay as they were; seed: of which.
    """

    def __init__(
        self,
        stretches: np.ndarray,
        position_bp: np.ndarray,
        n_people: int,
        *,
        heterozygous: float = 0.0,
        seed: int = 0,
    ):
        self._people, first, last = np.asarray(stretches, np.int64).reshape(-1, 3).T
        self._position_bp, self._n_people = position_bp, n_people
        self._start = np.searchsorted(position_bp, first, side="left")
        self._stop = np.searchsorted(position_bp, last, side="right")
        self._heterozygous, self._seed = heterozygous, seed

    def put_into(self, rows: np.ndarray, variants: slice) -> None:
        """Make the second haplotypes the first ones, in rows int8 [R, v] of some variants.

        All alleles of a position change or stay together: no haplotype gets two of them.
        """
        near = np.flatnonzero((self._start < variants.stop) & (self._stop > variants.start))
        for place in range(variants.start, variants.stop):
            own = near[(self._start[near] <= place) & (self._stop[near] > place)]
            people = self._people[own]
            if self._heterozygous and len(people):
                stream = child_seed(self._seed, _STAY, int(self._position_bp[place]))
                chance = np.random.default_rng(stream).random(self._n_people)
                people = people[chance[people] >= self._heterozygous]
            rows[2 * people + 1, place - variants.start] = rows[2 * people, place - variants.start]
