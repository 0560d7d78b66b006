"""How near does each person of a release come to a training person, and has chance brought them there?

Everybody is looked at, released and real. The chance is that of one of the people nothing was trained on,
holdout and validation people, being as near: the tail of their nearness (`near_copies.nearness`), on a log
scale (`tails.LowerTail.pareto`).

The table by person is of single people and stays inside: it must never lie in a release.

Axes: A people, B training people.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.evaluation.groups import ALL
from syncohort.evaluation.pair_counts import PairCounts, Planes
from syncohort.evaluation.privacy.membership import sample_index
from syncohort.evaluation.privacy.near_copies import nearness
from syncohort.evaluation.privacy.neighbours import distances_of
from syncohort.evaluation.privacy.parties import VARIANTS_AT_ONCE
from syncohort.evaluation.privacy.tails import TAIL_VALUES, LowerTail
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.genotypes import CohortStore, slices, to_rows

METRIC = "riskiest_person"
_PEOPLE_AT_ONCE = 4_000


@dataclass(frozen=True)
class Risk:
    """metrics: tidy table of one row. people: one row per released person: sample, label,
    distance (to the nearest training person, alleles that differ per SNP), nearness, p.
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
    """
    split = real_stores[0].people.split
    training = sample_index(np.flatnonzero(split == "train"), max_people, seed)
    others = ("holdout",) if is_validation else ("holdout", "validation")
    real = np.flatnonzero(np.isin(split, others))
    people = synthetic_stores[0].people
    distance, near = _nearest(real_stores, training, synthetic_stores, np.arange(len(people)))
    table = pd.DataFrame(
        {"sample": people.id, "label": people.label, "distance": distance, "nearness": near}
    )
    if len(real) < TAIL_VALUES[0]:
        note = f"too few: {len(real)} real people that nothing was trained on"
        row, table["p"] = metric_row(METRIC, ALL, np.nan, note=note), np.nan
    else:
        known = _nearest(real_stores, training, real_stores, real)[1]
        table["p"] = LowerTail.pareto(np.log(known)).chance(np.log(near))
        smallest = table["p"].min()
        note = f"p = {smallest:.2g}, the smallest of {len(table):,} people"
        row = metric_row(METRIC, ALL, -np.expm1(len(table) * np.log1p(-smallest)), note=note)
    return Risk(tidy([row], cohort=cohort, generator=generator), table)


def _nearest(
    real_stores: list[CohortStore],
    training: np.ndarray,
    stores: list[CohortStore],
    index: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the nearest training person, and nearness, [A] each, of people of stores.

    training, index: indices of the training people [B], and of the others [A].
    """
    distances, nearnesses = [], []
    for part in slices(len(index), _PEOPLE_AT_ONCE):
        own = index[part]
        counts = PairCounts(len(own), len(training), dosages=True)
        for real, store in zip(real_stores, stores, strict=True):
            for variants in slices(len(real.variants), VARIANTS_AT_ONCE):
                rows = (
                    to_rows(each.read(variants, some), "genotype")
                    for each, some in ((store, own), (real, training))
                )
                counts.add(*(Planes.of(each, dosages=True) for each in rows))
        found = distances_of(counts, "l1")
        distances.append(found.min(axis=1))
        nearnesses.append(nearness(found))
    return np.concatenate(distances), np.concatenate(nearnesses)
