"""Small cohorts that several test files measure."""

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import KEYS, Group, groups_of, in_words, is_group
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants

NAMES = {"cohort": "test", "generator": "under test"}


def people_of(labels, splits=None, prefix="p") -> People:
    splits = [""] * len(labels) if splits is None else splits
    return People([f"{prefix}{i}" for i in range(len(labels))], labels, splits)


def store_of(path, calls, people, *, contig="1", position_bp=None, phased=True) -> CohortStore:
    n = len(calls)
    position_bp = 1_000 * np.arange(1, n + 1) if position_bp is None else position_bp
    variants = Variants(contig, position_bp, [f"v{i}" for i in range(n)], [("A", "G")] * n)
    with CohortWriter(path, people) as writer:
        writer.append(variants, np.asarray(calls, dtype=np.int8), phased)
    return CohortStore(path)


def linked_calls(n_variants, labels, *, seed, n_founders=10) -> np.ndarray:
    """Calls [V, S, 2] of people who copy stretches of their label's few founders."""
    rng = np.random.default_rng(seed)
    founders = np.random.default_rng(0).random((n_variants, n_founders)) < 0.35
    groups = np.unique(labels, return_inverse=True)[1].repeat(2)
    jumps = (rng.random((n_variants, len(groups))) < 0.05).cumsum(axis=0)
    which_founder = (jumps * 7 + rng.integers(n_founders, size=len(groups))) % n_founders
    which_founder[:, groups == 1] //= 2  # the second label knows half of the founders
    calls = founders[np.arange(n_variants)[:, None], which_founder]
    return calls.astype(np.int8).reshape(n_variants, -1, 2)


def founder_calls(n_variants=150, n_people=60, n_founders=8, seed=0) -> np.ndarray:
    """Calls [V, S, P] of people who copy long stretches of few founders, in phase."""
    rng = np.random.default_rng(seed)
    founders = rng.random((n_variants, n_founders)) < rng.uniform(0.2, 0.5, (n_variants, 1))
    jumps = (rng.random((n_variants, n_people * 2)) < 0.01).cumsum(axis=0)
    copied = (jumps * 3 + rng.integers(n_founders, size=n_people * 2)) % n_founders
    calls = founders[np.arange(n_variants)[:, None], copied]
    return calls.reshape(n_variants, n_people, 2).astype(np.int8)


def unlink(calls, labels, *, seed) -> np.ndarray:
    """Shuffle each variant among the haplotypes of a label: same frequencies, no linkage."""
    rng = np.random.default_rng(seed)
    haplotypes = calls.reshape(len(calls), -1).copy()
    of_haplotype = np.repeat(labels, 2)
    for label in np.unique(labels):
        own = np.flatnonzero(of_haplotype == label)
        haplotypes[:, own] = rng.permuted(haplotypes[:, own], axis=1)
    return haplotypes.reshape(calls.shape)


def row_of(table, metric, **group) -> pd.Series:
    """The one row of a metric and group (columns of `Group`), in a tidy table or metric rows."""
    table = pd.DataFrame(table)
    chosen = table[(table["metric"] == metric) & is_group(table, Group(**group))]
    assert len(chosen) == 1, (metric, group)
    return chosen.iloc[0]


def value_of(table, metric, **group) -> float:
    return row_of(table, metric, **group)["value"]


def worded(table) -> pd.DataFrame:
    """A tidy table with the column group: each row's group in words, "all" for everybody."""
    keyed = table.assign(**{key: "" for key in KEYS if key not in table})
    words = [in_words(group) or "all" for group in groups_of(keyed)]
    return table.assign(group=words)
