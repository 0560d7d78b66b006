"""A made-up chromosome X of GRCh37: haplotypes of which men have one, and all in its shared ends."""

import numpy as np
import pandas as pd
from cohorts import linked_calls

from syncohort.cohort.pseudo_autosomal import with_male_haploid
from syncohort.cohort_store import CohortStore
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants
from syncohort.ploidy import ABSENT, FEMALE, MALE, has_one_copy

N_FIRST, N_OWN, N_SECOND = 20, 160, 10  # variants of the shared ends, and between them
LENGTH_BP = 155_270_560


def x_people(n: int, *, labels=("a", "b"), splits=None) -> People:
    """People of whom every second is a man; labels in turns of two, so that each has both sexes."""
    label = [labels[i // 2 % len(labels)] for i in range(n)]
    sex = np.where(np.arange(n) % 2 == 0, MALE, FEMALE)
    names = [f"p{i}" for i in range(n)]
    return People(names, label, [""] * n if splits is None else splits, sex=sex)


def x_variants() -> Variants:
    parts = ((100_000, 1_000, N_FIRST), (3_000_000, 200_000, N_OWN), (154_940_000, 1_000, N_SECOND))
    position_bp = np.concatenate([start + step * np.arange(n) for start, step, n in parts])
    ids = [f"x{i}" for i in range(len(position_bp))]
    variants = Variants("X", position_bp, ids, [("A", "G")] * len(ids))
    return with_male_haploid(variants, "GRCh37", "made up")


def x_calls(people: People, *, seed=1, missing=0.0) -> np.ndarray:
    """Calls int8 [V, S, 2]; missing: share of alleles, of whole calls."""
    variants = x_variants()
    calls = linked_calls(len(variants), np.asarray(people.label, str), seed=seed)
    rng = np.random.default_rng(seed)
    calls[rng.random(calls.shape[:2]) < missing] = -1
    calls[..., 1][has_one_copy(variants.male_haploid, people.sex)] = ABSENT
    return calls


def x_store(path, people: People, calls=None, *, phased=True, **options) -> CohortStore:
    calls = x_calls(people, **options) if calls is None else calls
    with CohortWriter(path, people) as writer:
        writer.append(x_variants(), calls, phased)
    return CohortStore(path)


def sex_table(people: People) -> pd.DataFrame:
    """What plink2 --update-sex reads."""
    return pd.DataFrame({"#IID": people.id, "SEX": people.sex})
