"""Baselines that draw alleles, a stretch at a time: straight from the training people, or from trees.

Memory is bounded by a chunk of the real dataset: at most 8 kB for each training
person and for each synthetic one.

Axes: V variants, T training people, S synthetic people, P = 2 ploidy, C classes (labels).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from syncohort.baselines.hidden_chow_liu import hidden_chow_liu_calls
from syncohort.baselines.mosaic import mosaic_calls
from syncohort.baselines.panel import Panel
from syncohort.baselines.reshuffle import reshuffled_calls
from syncohort.cohort.synthetic_people import synthetic_ids
from syncohort.cohort_store import CohortStore
from syncohort.formats.shared_sites import settle_calls, settle_one_copy
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import CHUNK_SAMPLES, People, slices
from syncohort.ploidy import doubled, has_one_copy, keep_one
from syncohort.seeds import contig_seed

_CHOICE = 1  # random stream beside that of the alleles


def draw_alleles(
    store: CohortStore,
    people: People,
    out_path: str | Path,
    *,
    kind: str,
    seed: int,
    **settings,
) -> None:
    """Write one chromosome of a cohort drawn from the training people of the real one.

    people: ids, labels and split of the synthetic people. kind: "independent", every allele
    by itself at its label's frequency; "bootstrap", copies of people of the label, the same
    on every chromosome; "mosaic", "reshuffle" and "hidden_chow_liu", see `mosaic_calls`,
    `reshuffled_calls` and `hidden_chow_liu_calls`, which take `settings`. seed: the same for all chromosomes. Calls are phased as the real ones are. Copies
    keep their missing calls, the others have none. People are copied for people of their sex; of
    one copy, where men have one, one of two drawn alleles is left.

    Raises InputError for labels that no training person carries.
    """
    panel = Panel.of(store, people)
    choice = np.random.default_rng([contig_seed(seed, store.contig), _CHOICE])
    with CohortWriter(out_path, people) as writer:
        for part, calls, phased in _KINDS[kind](store, panel, seed, **settings):
            own = store.variants[part]
            if kind != "bootstrap":  # whole people are as they are
                writer.n_settled += settle_calls(calls, own, phased=store.phased)
            one_copy = has_one_copy(own.male_haploid, people.sex)
            # of unphased calls either allele, for they stand in the order 0/1
            second = not store.phased and choice.random(one_copy.shape) < 0.5
            calls = keep_one(doubled(calls), one_copy, second=second)
            writer.n_settled += settle_one_copy(calls, own, people.sex)
            writer.append(own, calls, phased)


def copy_validation(store: CohortStore, out_path: str | Path) -> None:
    """Write the validation people of a real cohort as if they were synthetic.

    Their calls and labels stay, their ids are replaced. Nothing is fitted to them,
    so every measure should find nothing wrong with them.
    """
    validation = np.flatnonzero(store.people.split == "validation")
    real = store.people[validation]
    blank = [""] * len(real)
    people = People(synthetic_ids(len(real)), real.label, blank, real.value, real.sex)
    with CohortWriter(out_path, people) as writer:
        for part, calls in store.variant_chunks(validation):
            writer.append(store.variants[part], calls, store.read_phasing(part, validation))


def _independent(store: CohortStore, panel: Panel, seed: int) -> Iterator[tuple]:
    """Alleles [V, S, P] are Bernoulli(label's frequency): Hardy-Weinberg, no linkage."""
    rng = np.random.default_rng(contig_seed(seed, store.contig))
    n_people = len(panel.drawn_class)
    for part, calls in store.variant_chunks(panel.train):
        frequency = panel.frequencies(calls)  # [v, C]
        drawn = np.empty((len(calls), n_people, calls.shape[2]), np.int8)
        for some in slices(n_people, CHUNK_SAMPLES):
            chance = rng.random(drawn[:, some].shape, dtype=np.float32)
            drawn[:, some] = chance < frequency[:, panel.drawn_class[some], None]
        if not store.phased:
            drawn.sort(axis=2)  # 0/1, not 1/0
        yield part, drawn, store.phased


def _bootstrap(store: CohortStore, panel: Panel, seed: int) -> Iterator[tuple]:
    """Whole people [S] of the label, drawn with replacement."""
    copied = panel.pick_people(np.random.default_rng(seed))
    for part, calls in store.variant_chunks(panel.train):
        phased = store.read_phasing(part, panel.train)
        yield part, calls[:, copied], phased[:, copied]


_KINDS = {
    "independent": _independent,
    "bootstrap": _bootstrap,
    "mosaic": mosaic_calls,
    "reshuffle": reshuffled_calls,
    "hidden_chow_liu": hidden_chow_liu_calls,
}
