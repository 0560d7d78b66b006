"""How near does each person of a release come to a training person, and has chance brought them there?

Everybody is looked at, released and real. The chance is that of one of the people nothing was trained on,
holdout and validation people, being as near: the tail of their nearness (`near_copies.nearness`), on a log
scale (`tails.LowerTail.pareto`), or the deepest that so few people allow where that is deeper. Relatives of training people are counted against the same people.

The table by person is of single people and stays inside: it must never lie in a release.

Axes: A people, B training people.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import ALL, Group
from syncohort.evaluation.kinship import FIRST_DEGREE, SECOND_DEGREE, kinship
from syncohort.evaluation.pair_counts import PairCounts, Planes
from syncohort.evaluation.privacy.membership import sample_index
from syncohort.evaluation.privacy.near_copies import nearness, rate_rows
from syncohort.evaluation.privacy.neighbours import distances_of
from syncohort.evaluation.privacy.parties import VARIANTS_AT_ONCE
from syncohort.evaluation.privacy.tails import TAIL_VALUES, LowerTail
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.genotypes import slices, to_rows

METRIC, RELATED = "riskiest_person", "related_people"
DEGREES = {"first degree": FIRST_DEGREE, "second degree": SECOND_DEGREE}  # and closer relatives
MAX_COMMON = 0.25  # relatives among real people, with so few SNPs that anybody may look like one
_PEOPLE_AT_ONCE = 2_000


@dataclass(frozen=True)
class Risk:
    """metrics: tidy table. people: one row per released person: sample, label,
    distance (to the nearest training person, alleles that differ per SNP), nearness, kinship (with
    the closest training person), p.
    """

    metrics: pd.DataFrame
    people: pd.DataFrame


def measure_risk(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    *,
    cohort: str,
    generator: str,
    max_people: int,
    seed: int,
    is_validation: bool = False,
) -> Risk:
    """The risk of each person of a release.

    The stores are one per chromosome, in the same order.
    max_people: most training people to whom distances are taken.
    is_validation: the synthetic people are the validation people; holdout people are the others.

    riskiest_person: the chance that the nearest of as many real people is as near as the nearest
    released person, 1 - (1 - p)^N (Sidak 1967). Too few real people: NaN, and p is NaN.
    related_people (by method, the degree): released people who are relatives of a training person by their kinship
    (KING-robust); NaN where real people are too, for want of SNPs. Part "real": what these lead to expect.
    People without enough calls for a nearness have no p, and the note counts them.
    """
    split = real_stores[0].people.split
    training = sample_index(np.flatnonzero(split == "train"), max_people, seed)
    others = ("holdout",) if is_validation else ("holdout", "validation")
    real = np.flatnonzero(np.isin(split, others))
    people = synthetic_stores[0].people
    table = _nearest(real_stores, training, synthetic_stores, np.arange(len(people)))
    table.insert(0, "sample", people.id)
    table.insert(1, "label", people.label)
    known = _nearest(real_stores, training, real_stores, real)
    of_real = np.log(known["nearness"].dropna().to_numpy())
    table["p"] = np.nan
    if len(of_real) < TAIL_VALUES[0]:
        note = f"too few: {len(of_real)} real people that nothing was trained on"
        groups = [(METRIC, ALL), *((RELATED, Group(method=degree)) for degree in DEGREES)]
        rows = [metric_row(*each, np.nan, note=note) for each in groups]
    else:
        table["p"] = chance_of(np.log(table["nearness"].to_numpy()), of_real)
        rows = [_riskiest_row(table["p"])]
        rows += _related_rows(table["kinship"].to_numpy(), known["kinship"].to_numpy())
    return Risk(tidy(rows, cohort=cohort, generator=generator), table)


def chance_of(asked: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Chance [A] of a log nearness as small as those asked about [A], from known ones of real people.

    By the tail that fits, or by the deepest that so few people allow, whichever is larger: the tail of
    a few people, taken to where one of thousands lies, says too often that there is no chance.
    """
    tails = LowerTail.pareto(known), LowerTail.exponential(known).at_its_deepest()
    return np.max([tail.chance(asked) for tail in tails], axis=0)


def _riskiest_row(p: pd.Series) -> dict:
    """Metric row of riskiest_person from the chance of each person, NaN where it is not known."""
    n, smallest = int(p.notna().sum()), p.min()
    note = f"p = {smallest:.2g}, the smallest of {n:,} people" if n else "too few calls"
    unknown = len(p) - n
    note += f"; {unknown:,} people have too few calls to say" if n and unknown else ""
    return metric_row(METRIC, ALL, -np.expm1(n * np.log1p(-smallest)), note=note)


def _related_rows(ours: np.ndarray, real: np.ndarray) -> list[dict]:
    """Metric rows of related_people; ours, real: kinship [A] with the closest training person."""
    rows = []
    for degree, least in DEGREES.items():
        group, common = Group(method=degree), (real >= least).mean()
        if common > MAX_COMMON:
            note = f"{common:.0%} of real people look so related by these SNPs"
            rows.append(metric_row(RELATED, group, np.nan, note=note))
        else:
            rows += rate_rows(RELATED, ours >= least, real >= least, group)
    return rows


def _nearest(
    real_stores: list[CohortStore],
    training: np.ndarray,
    stores: list[CohortStore],
    index: np.ndarray,
) -> pd.DataFrame:
    """Distance to the nearest training person, nearness and kinship, of people of stores.

    training, index: indices of the training people [B], and of the others [A]. Kinship is that by
    chromosomes of which everybody has two.
    """
    of_two, of_one = [], []
    for pair in zip(real_stores, stores, strict=True):
        (of_one if pair[0].variants.male_haploid.any() else of_two).append(pair)
    parts = []
    for part in slices(len(index), _PEOPLE_AT_ONCE):
        own = index[part]
        counts = PairCounts(len(own), len(training), dosages=True, own=True)
        _count_pairs(counts, of_two, own, training)
        closest = np.nan_to_num(kinship(counts), nan=-np.inf).max(axis=1)
        _count_pairs(counts, of_one, own, training)
        found = distances_of(counts, "l1")
        columns = {"distance": found.min(axis=1), "nearness": nearness(found), "kinship": closest}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _count_pairs(counts: PairCounts, pairs: list[tuple], own: np.ndarray, training: np.ndarray):
    """Add the chromosomes of pairs of stores: real people `training`, and `own` of the other."""
    for real, store in pairs:
        for variants in slices(len(real.variants), VARIANTS_AT_ONCE):
            rows = (
                to_rows(each.read(variants, some), "genotype")
                for each, some in ((store, own), (real, training))
            )
            counts.add(*(Planes.of(each, dosages=True) for each in rows))
