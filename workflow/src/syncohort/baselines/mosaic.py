"""Mosaics of training haplotypes: long real segments, strong linkage, copies of people.

Axes: V variants, T training people, S synthetic people, P = 2 ploidy, C classes (labels),
R rows (2 S haplotypes, or S people of unphased cohorts), v variants of a stretch.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from syncohort.baselines.copying import copied_calls, mode_of, morgans, spread
from syncohort.baselines.panel import Panel, pick_like
from syncohort.cohort_store import CohortStore
from syncohort.genotypes import rows_per_person
from syncohort.ploidy import second_of_men
from syncohort.seeds import contig_seed


def mosaic_calls(
    store: CohortStore,
    panel: Panel,
    seed: int,
    *,
    effective_size: float,
    recombination_map: str | None,
    mutation_rate: float,
) -> Iterator[tuple]:
    """Walk along a chromosome: yield (slice of variants, calls int8 [v, S, P], phased).

    Every synthetic haplotype is a row of segments, each copied from a random training
    haplotype of its label (see `Segments` for their lengths). Unphased cohorts are
    mosaics of people instead. effective_size: Ne, more of it makes shorter segments;
    recombination_map: file for `read_genetic_map`, None for a constant rate of 1 cM/Mb;
    mutation_rate: see `copied_calls`.
    """
    rng = np.random.default_rng(contig_seed(seed, store.contig))
    position = morgans(store, recombination_map)
    each = rows_per_person(mode_of(store))
    segments = Segments(panel, each, effective_size, position[0], rng)

    def sources_of(part: slice):
        one_copy = store.variants.male_haploid[part]
        return lambda rows: segments.walk(position[part], rows, one_copy)

    yield from copied_calls(store, panel, rng, sources_of, mutation_rate=mutation_rate)


class Segments:
    """The segments of the rows of a mosaic, walked from the left to the right.

    The model of HAPNEST (Wharrie et al. 2023). A segment coalesces with the training people
    of its label at T ~ Gamma(shape 2, scale Ne / N) generations, N of them, and its length is
    exponential of mean 1 / (2 T rho): two lineages of T generations recombine 2 T times per
    Morgan, so rho = 0.01 where lengths are in cM, and 1 in Morgan as here. The walk starts in
    the middle of a segment: a place is covered by a length with a chance in proportion to
    it, which leaves T ~ Gamma(1, Ne / N) there. Two variants d Morgan apart thus lie in one
    segment with probability 1 / (1 + 2 d Ne / N).

    Where men have one copy, only the first of their rows is copied; see `_cross`.

    panel: who is copied; rows_per_person: 2 for haplotypes; start: place of the first
    variant [Morgan].
    """

    def __init__(self, panel: Panel, rows_per_person: int, effective_size, start, rng):
        self._panel, self._each, self._rng = panel, rows_per_person, rng
        self._class = np.repeat(panel.drawn_class, rows_per_person)  # [R]
        self._scale = effective_size / panel.sizes[self._class]  # generations [R]
        self._end = np.full(len(self._class), start, dtype=float)  # Morgan [R]
        self._source = np.zeros(len(self._class), np.int64)  # row of the training people [R]
        self._second = second_of_men(panel.train_sex, rows_per_person)  # training rows
        self._one_copy = np.zeros(len(self._class), dtype=bool)  # where the rows are [R]
        self._draw(np.arange(len(self._class)), shape=1)

    def walk(self, position: np.ndarray, rows: slice, one_copy: np.ndarray) -> np.ndarray:
        """The training row [R', v] that each of the rows copies at the next variants.

        position: [v] Morgan; every slice of rows walks over consecutive stretches; one_copy: bool
        [v], whether men have one copy there.
        """
        edges = [0, *(np.flatnonzero(np.diff(one_copy)) + 1).tolist(), len(position)]
        parts = []
        for start, stop in pairwise(edges):
            self._cross(rows, bool(one_copy[start]))
            parts.append(self._walk(position[start:stop], rows))
        return np.concatenate(parts, axis=1)

    def _cross(self, rows: slice, one_copy: bool) -> None:
        """Go on to variants of which men have one copy, or of which all have two.

        A row copies each of the rows that there are with the same chance, before and after: the
        second rows of men are exchanged for others where they end, and take their share where
        they begin.
        """
        if not self._second.any() or (self._one_copy[rows] == one_copy).all():
            return
        self._one_copy[rows] = one_copy
        row = np.arange(rows.start, rows.stop)
        of_men = np.bincount(self._row_class[self._second], minlength=len(self._panel.sizes))
        if one_copy:
            changed = row[self._second[self._source[row]]]
        else:
            share = of_men / (self._each * self._panel.sizes)
            changed = row[self._rng.random(len(row)) < share[self._class[row]]]
        self._source[changed] = self._pick(changed, self._second != one_copy)

    def _pick(self, row: np.ndarray, among: np.ndarray) -> np.ndarray:
        """A random training row, of those that are `among`, for each row: of its class."""
        known = np.flatnonzero(among)
        return known[pick_like(self._row_class[known], self._class[row], self._rng)]

    @property
    def _row_class(self) -> np.ndarray:
        """Classes of the training rows."""
        return np.repeat(self._panel.train_class, self._each)

    def _walk(self, position: np.ndarray, rows: slice) -> np.ndarray:
        """`walk` over variants at which men have as many copies as where the rows are."""
        row = np.arange(rows.start, rows.stop)
        first = [np.zeros(len(row), np.int64)]  # variant at which a segment begins
        owner, source = [row], [self._source[row]]
        while len(row := row[self._end[row] <= position[-1]]):
            first.append(np.searchsorted(position, self._end[row]))
            self._draw(row, shape=2)
            owner.append(row)
            source.append(self._source[row])
        begin = (np.concatenate(owner) - rows.start) * len(position) + np.concatenate(first)
        order = np.argsort(begin, kind="stable")
        n_rows = rows.stop - rows.start
        return spread(begin[order], np.concatenate(source)[order], (n_rows, len(position)))

    def _draw(self, row: np.ndarray, shape: int) -> None:
        """Give the rows their next segment."""
        age = self._rng.gamma(shape, self._scale[row])  # generations
        self._end[row] += self._rng.exponential(size=len(row)) / (2 * age)
        if self._one_copy[row].any():  # which all rows have there, or none
            self._source[row] = self._pick(row, ~self._second)
            return
        person = self._panel.pick(self._class[row], self._rng)
        self._source[row] = person * self._each + self._rng.integers(self._each, size=len(row))
