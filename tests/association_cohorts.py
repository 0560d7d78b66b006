"""People whose linked genotypes are drawn, for the tests of association."""

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants


def store_of(path, calls, *, labels=None, splits=None, contig="1", alleles=None) -> CohortStore:
    n_variants, n_people, _ = calls.shape
    blank = [""] * n_people
    people = People([f"p{i}" for i in range(n_people)], labels or blank, splits or blank)
    alleles = [("A", "G")] * n_variants if alleles is None else alleles
    names = [f"v{contig}_{i}" for i in range(n_variants)]
    with CohortWriter(path, people) as writer:
        position_bp = 2_000 * np.arange(1, n_variants + 1)
        writer.append(Variants(contig, position_bp, names, alleles), calls.astype(np.int8), True)
    return CohortStore(path)


def draw_calls(n_variants, n_people, *, seed, n_founders=20) -> np.ndarray:
    """Calls [V, S, 2] of people who copy stretches of a few founders: linked, not structured."""
    founders = np.random.default_rng(11).random((n_variants, n_founders)) < 0.3
    rng = np.random.default_rng(seed)
    jumps = rng.random((n_variants, 2 * n_people)) < 0.1
    jumps[0] = True
    drawn = rng.integers(n_founders, size=jumps.shape)
    last = np.maximum.accumulate(np.where(jumps, np.arange(n_variants)[:, None], 0), axis=0)
    which_founder = np.take_along_axis(drawn, last, axis=0)
    calls = np.take_along_axis(founders, which_founder, axis=1)
    return calls.reshape(n_variants, n_people, 2).astype(np.int8)
