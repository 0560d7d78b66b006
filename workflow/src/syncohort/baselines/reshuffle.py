"""Reshuffled panels: descendants of the training people after some generations, everyone with two
children, so that no allele is lost or gained.

The haplotypes of a label are paired at random in every generation, and the ends of a pair are exchanged
at each crossover. Every SNP stays a permutation of the label's training alleles. Cavinato et al. (2024)
share reference panels in this way.

Axes: V variants, R rows of the synthetic cohort (haplotypes, or people of unphased cohorts), D rows of
the panels they are taken from, G generations, v variants of a stretch, K segments of its rows.
"""

from collections.abc import Iterator

import numpy as np

from syncohort.baselines.copying import Sources, copied_calls, mode_of, morgans, spread
from syncohort.baselines.panel import Panel, pick_like
from syncohort.cohort_store import CohortStore
from syncohort.genotypes import rows_per_person
from syncohort.ploidy import second_of_men
from syncohort.seeds import contig_seed


def reshuffled_calls(
    store: CohortStore,
    panel: Panel,
    seed: int,
    *,
    generations: int,
    recombination_map: str | None,
) -> Iterator[tuple]:
    """Walk along a chromosome: yield (slice of variants, calls int8 [v, S, P], phased).

    As many synthetic as training people of a label have exactly the label's counts of every
    allele, missing ones left out, which are drawn at its frequency. Other numbers of people are
    taken from several panels that are reshuffled apart; the last is cut, and its people are a
    random part of a panel. Where men have one copy, counts are kept on average: what descends
    from the second row of a man is a random haplotype of the label instead.

    generations: how often rows are paired, 5 bytes a row each; recombination_map: see
    `mosaic_calls`.
    """
    rng = np.random.default_rng(contig_seed(seed, store.contig))
    position = morgans(store, recombination_map)
    each = rows_per_person(mode_of(store))
    descent = Descent(panel, each, generations, position[0], rng)
    second = second_of_men(panel.train_sex, each)
    instead = _existing_rows(panel, second, each, rng) if second.any() else None

    def sources_of(part: slice) -> Sources:
        sources, one_copy = descent.sources(position[part]), store.variants.male_haploid[part]

        def of_rows(rows: slice) -> np.ndarray:
            source = sources(rows)
            if instead is None or not one_copy.any():
                return source
            return np.where(one_copy & second[source], instead[rows, None], source)

        return of_rows

    yield from copied_calls(store, panel, rng, sources_of)


class Descent:
    """Whom the rows descend from, walked from the left to the right of a chromosome.

    panel: who is paired; rows_per_person: 2 for haplotypes; generations: G; start: place of the
    first variant [Morgan].
    """

    def __init__(self, panel: Panel, rows_per_person: int, generations: int, start: float, rng):
        self._rng, self._place = rng, start
        founder, pool, row = _panels(panel, rows_per_person)
        founder = founder[_shuffled(pool, rng)]  # of a person's rows none stay together
        self._founder, self._row = founder, row  # [D]
        self._partner = np.stack([_pairs(pool, rng) for _ in range(generations)])  # [G, D] int32
        self._exchanged = np.zeros(self._partner.shape, dtype=bool)  # of pairs, by their first row

    def sources(self, position: np.ndarray) -> Sources:
        """What gives the training row of each row at the next variants; position: [v] Morgan."""
        width, length = len(position), position[-1] - self._place
        begin, source = np.arange(len(self._founder)) * width, self._founder
        for generation in range(len(self._partner)):
            crossovers = self._crossovers(generation, position, length)
            begin, source = self._exchange(generation, begin, source, crossovers, width)
        self._place = position[-1]
        begin = self._row[begin // width] * width + begin % width  # below 0: cut off
        order = np.argsort(begin, kind="stable")
        begin, source = begin[order], source[order]

        def of_rows(rows: slice) -> np.ndarray:
            first, last = np.searchsorted(begin, (rows.start * width, rows.stop * width))
            shape = rows.stop - rows.start, width
            return spread(begin[first:last] - rows.start * width, source[first:last], shape)

        return of_rows

    def _crossovers(self, generation: int, position: np.ndarray, length: float) -> np.ndarray:
        """Places of the crossovers, first row of the pair x v + the variant behind it, sorted.

        Two of a pair between the same variants undo each other.
        """
        first = np.flatnonzero(np.arange(len(self._founder)) < self._partner[generation])
        n = self._rng.poisson(len(first) * length)
        pair = first[self._rng.integers(len(first), size=n)] if n else np.zeros(0, np.int64)
        at = np.searchsorted(position, self._place + length * self._rng.random(n))
        at = np.minimum(at, len(position) - 1)
        places, counts = np.unique(pair * len(position) + at, return_counts=True)
        return places[counts % 2 == 1]

    def _exchange(self, generation, begin, source, crossovers, width) -> tuple:
        """Segments (places at which they begin [K], sources [K]) of the generation's children.

        begin: row x v + variant, not decreasing.
        """
        partner, exchanged = self._partner[generation], self._exchanged[generation]
        pair = crossovers // width
        other = crossovers + (partner[pair] - pair) * width
        cut = np.concatenate([crossovers, other])
        inherited = np.searchsorted(begin, cut, side="right") - 1
        begin = np.concatenate([begin, cut])
        source = np.concatenate([source, source[inherited]])
        row, variant = np.divmod(begin, width)
        first = np.minimum(row, partner[row])
        passed = np.searchsorted(crossovers, first * width + variant, side="right")
        passed -= np.searchsorted(crossovers, first * width)
        row = np.where((passed + exchanged[first]) % 2 == 1, partner[row], row)
        np.logical_xor.at(exchanged, pair, True)
        begin = row * width + variant
        order = np.argsort(begin, kind="stable")
        return begin[order], source[order]


def _existing_rows(panel: Panel, second: np.ndarray, each: int, rng) -> np.ndarray:
    """A random training row of its label for each row [R], none of those that are `second`."""
    known = np.flatnonzero(~second)
    wanted = np.repeat(panel.drawn_class, each)
    return known[pick_like(np.repeat(panel.train_class, each)[known], wanted, rng)]


def _panels(panel: Panel, each: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The panels that rows are taken from: of each row the training row it starts as [D], its panel
    [D], and its row in the synthetic cohort [D], -1 for what the last panel of a label has too many.
    """
    founder, pool, row = [], [], []
    drawn_class = np.repeat(panel.drawn_class, each)
    n_pools = 0
    for label, size in enumerate(panel.sizes.tolist()):
        wanted = np.flatnonzero(drawn_class == label)
        copies = -(-len(wanted) // (size * each))
        own = np.flatnonzero(np.repeat(panel.train_class == label, each))
        founder.append(np.tile(own, copies))
        pool.append(n_pools + np.repeat(np.arange(copies), len(own)))
        row.append(np.pad(wanted, (0, copies * len(own) - len(wanted)), constant_values=-1))
        n_pools += copies
    return np.concatenate(founder), np.concatenate(pool), np.concatenate(row)


def _shuffled(pool: np.ndarray, rng) -> np.ndarray:
    """An order [D] of the rows of each of the pools [D], which stand one after the other."""
    return np.lexsort((rng.random(len(pool)), pool))


def _pairs(pool: np.ndarray, rng) -> np.ndarray:
    """A random partner [D] of each row in its pool; of an odd number one is its own."""
    order = _shuffled(pool, rng)
    start = np.searchsorted(pool, pool)
    rank = np.arange(len(pool)) - start
    size = np.bincount(pool)[pool]
    other = np.where((rank ^ 1) < size, rank ^ 1, rank)
    partner = np.empty(len(pool), np.int32)
    partner[order] = order[start + other]
    return partner
