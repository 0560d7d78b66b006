"""Who is compared with whom: training, holdout, reference and synthetic people, and their calls.

Axes: V variants, v some of them, N people of a party, P haplotypes of a person.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.privacy.membership import sample_index
from syncohort.genotypes import People
from syncohort.seeds import child_seed

VARIANTS_AT_ONCE = 2_048  # whole windows of `windows.WINDOW_SNPS`


@dataclass(frozen=True)
class Party:
    """Some people of a cohort: training, holdout, reference (validation) or synthetic people.

    real: of the real cohort; index, label: [N] of those whose distances are taken; members:
    bool [people of the cohort], everybody of the party.
    """

    real: bool
    index: np.ndarray
    label: np.ndarray
    members: np.ndarray


def choose_parties(
    real, synthetic, max_people: int, is_validation: bool, seed: int
) -> dict[str, Party]:
    """Name -> party, those above their limit sampled.

    real, synthetic: People. max_people: see `measure.measure_privacy`. A random stream per
    party: they do not depend on each other.
    """
    everyone = np.arange(len(synthetic))
    chosen = {
        "train": (real, np.flatnonzero(real.split == "train"), max_people),
        "holdout": (real, np.flatnonzero(real.split == "holdout"), max_people // 2),
        "reference": (real, np.flatnonzero(real.split == "validation"), max_people // 2),
        "synthetic": (synthetic, everyone, max_people),
    }
    if is_validation:
        # every second person of each label
        rank = pd.Series(synthetic.label).groupby(synthetic.label).cumcount().to_numpy()
        chosen["reference"] = (synthetic, everyone[rank % 2 == 1], max_people // 2)
        chosen["synthetic"] = (synthetic, everyone[rank % 2 == 0], max_people)
    parties = {}
    for stream, (name, (people, index, limit)) in enumerate(chosen.items()):
        is_real = people is real
        parties[name] = party_of(people, index, limit, child_seed(seed, stream), real=is_real)
    return parties


def party_of(people: People, index: np.ndarray, limit: int, seed: int, *, real: bool) -> Party:
    """The party of the people at `index`, of whom at most `limit` are compared."""
    members = np.isin(np.arange(len(people)), index)
    index = sample_index(index, limit, seed)
    return Party(real, index, people.label[index].astype(str), members)


def walk(
    real: CohortStore, synthetic: CohortStore, parties: dict[str, Party]
) -> Iterator[tuple[slice, dict]]:
    """Calls int8 [v, N, P] of each party, VARIANTS_AT_ONCE variants of a chromosome at a time."""
    sides = [
        (store, [g for g in parties if parties[g].real == (store is real)])
        for store in (real, synthetic)
    ]
    for start in range(0, len(real.variants), VARIANTS_AT_ONCE):
        variants, calls = slice(start, start + VARIANTS_AT_ONCE), {}
        for store, names in sides:
            # one read for all parties of a store, which lie in the same chunks
            wanted = np.unique(np.concatenate([parties[name].index for name in names]))
            read = store.read(variants, wanted)
            for name in names:
                calls[name] = read[:, np.searchsorted(wanted, parties[name].index)]
        yield variants, calls
