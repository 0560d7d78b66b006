"""Cohorts whose rows are copied from training rows, another one from place to place.

Axes: V variants, T training people, S synthetic people, P = 2 ploidy, C classes (labels),
R rows (2 S haplotypes, or S people of unphased cohorts), v variants of a stretch.
"""

from collections.abc import Callable, Iterator

import numpy as np

from syncohort.baselines.panel import Panel
from syncohort.cohort_store import CohortStore
from syncohort.formats.genetic_map import constant_map, read_genetic_map
from syncohort.genotypes import CHUNK_SAMPLES, MISSING, from_rows, rows_per_person, slices, to_rows

CM_PER_MORGAN = 100

Sources = Callable[[slice], np.ndarray]  # rows of the synthetic cohort -> training rows [R', v]


def mode_of(store: CohortStore) -> str:
    """What is copied of a cohort: haplotypes, or people where the phase is not known."""
    return "haplotype" if store.phased else "genotype"


def morgans(store: CohortStore, recombination_map: str | None) -> np.ndarray:
    """Where the variants lie [Morgan], [V]; recombination_map: see `mosaic_calls`."""
    genetic_map = constant_map()
    if recombination_map is not None:
        genetic_map = read_genetic_map(recombination_map, store.contig)
    return genetic_map.cM(store.variants.position_bp) / CM_PER_MORGAN


def copied_calls(
    store: CohortStore,
    panel: Panel,
    rng: np.random.Generator,
    sources_of: Callable[[slice], Sources],
    *,
    mutation_rate: float = 0.0,
) -> Iterator[tuple]:
    """Walk along a chromosome: yield (slice of variants, calls int8 [v, S, P], phased).

    sources_of: called with consecutive slices of the variants, what each row copies there.
    mutation_rate: share of the copied alleles that are drawn from the label's frequency
    instead, as missing ones always are.
    """
    mode = mode_of(store)
    each = rows_per_person(mode)
    for part, calls in store.variant_chunks(panel.train):
        rows = np.ascontiguousarray(to_rows(calls, mode))  # [T or 2 T, v]
        frequency = panel.frequencies(calls)  # [v, C]
        drawn = np.empty((len(calls), len(panel.drawn_class), calls.shape[2]), np.int8)
        sources = sources_of(part)
        for people in slices(drawn.shape[1], CHUNK_SAMPLES):
            source = sources(slice(people.start * each, people.stop * each))
            copied = from_rows(np.take_along_axis(rows, source, axis=0), mode)  # [v, s, P]
            own = frequency[:, panel.drawn_class[people]]  # [v, s]
            drawn[:, people] = _redraw(copied, own, mutation_rate, rng)
        if not store.phased:
            drawn.sort(axis=2)  # 0/1, not 1/0
        yield part, drawn, store.phased


def spread(begin: np.ndarray, source: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The source [R', v] of each place from where segments begin.

    begin: place of the first variant of each segment among all R' v places, not decreasing, the
    first 0; of segments that begin at one place the last counts. source: of each segment.
    """
    length = np.diff(begin, append=shape[0] * shape[1])
    return np.repeat(source, length).reshape(shape)


def _redraw(calls, frequency, mutation_rate: float, rng) -> np.ndarray:
    """Calls [v, s, P] with missing and mutated alleles drawn at the frequency [v, s]."""
    redrawn = calls == MISSING
    if mutation_rate:
        redrawn |= rng.random(calls.shape, dtype=np.float32) < mutation_rate
    variant, person, haplotype = np.nonzero(redrawn)
    chance = rng.random(len(variant), dtype=np.float32)
    calls[variant, person, haplotype] = chance < frequency[variant, person]
    return calls
