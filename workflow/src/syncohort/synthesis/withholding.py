"""Which people a release leaves out: those nearest to training people.

Axes: S people.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People


def withhold(people: People, risk: pd.DataFrame, share: float) -> People:
    """The people [S] that stay when the riskiest share of them is withheld, in their order.

    risk: of the same people in the same order: p (small: risky) and nearness, which decides between
    equal p. share: of the people, rounded up to whole people.

    Raises InputError where nobody's risk is known.
    """
    if risk["p"].isna().any():
        raise InputError(
            "release.withhold: the risk of the synthetic people is not known, because there are "
            "fewer than 10 validation and holdout people together. Set release.withhold: 0, or "
            "larger shares in split.validation and split.holdout."
        )
    riskiest = np.lexsort([risk["nearness"], risk["p"]])
    stays = np.ones(len(people), dtype=bool)
    n_leaving = int(np.ceil(round(share * len(people), 9)))  # 0.07 of 100 is 7.000000000000001
    stays[riskiest[:n_leaving]] = False
    return people[stays]


def keep_people(store: CohortStore, people: People, path: str | Path) -> None:
    """Write one chromosome of a cohort with some of its people alone, in their order."""
    stays = np.isin(store.people.id.astype(str), people.id.astype(str))
    with CohortWriter(path, store.people[stays]) as writer:
        writer.n_settled = store.n_settled
        for part, calls in store.variant_chunks(stays):
            writer.append(store.variants[part], calls, store.read_phasing(part, stays))
