"""What can be done with a few SNPs of a person, such as a genealogy service or a paternity test has?

Membership: a person whose profile is near to that of a synthetic person is taken for a member.
Linkability: two profiles of other SNPs are linked when a synthetic person is among the nearest of both;
they are of one person. Source of the second: Giomi et al. 2023, section 4.2.

Axes: N attacked people, S synthetic people, K known SNPs.
"""

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.dosages import read_dosages
from syncohort.evaluation.groups import Group
from syncohort.evaluation.privacy.frequency_attack import AlleleCounts
from syncohort.evaluation.privacy.gains import gain_row
from syncohort.evaluation.privacy.membership import Targets, membership_rows
from syncohort.evaluation.privacy.neighbours import nearest_of, pairwise_distances
from syncohort.seeds import child_seed

KNOWN_SNPS = (20, 50, 100, 500)
COMMON_MAF = 0.05
LINKED_NEIGHBOURS = 5
METHOD = "profile"
LINKED = "linkability_gain"


def profile_rows(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    attacked: np.ndarray,
    synthetic: np.ndarray,
    targets: Targets,
    training: list[AlleleCounts],
    *,
    minimum_people: int,
    seed: int,
) -> list[dict]:
    """Metric rows of membership by profile and of linkability, for each of KNOWN_SNPS.

    attacked: [N] indices of the real people who are `targets`.
    synthetic: [S] indices of synthetic people.
    training: alleles of the training people, one per store: the SNPs are drawn from those with a MAF of at least
        COMMON_MAF. The same seed draws the same SNPs for every generator.

    membership_auc and membership_tpr, method "profile", of `known_snps`. linkability_gain: share of
    training people whose two profiles are linked less that of holdout people. Numbers of SNPs of
    which the cohort has not twice as many are left out.
    """
    frequency = np.concatenate([counts.frequency for counts in training])
    common = np.flatnonzero(np.minimum(frequency, 1 - frequency) >= COMMON_MAF)
    rows = []
    for stream, known in enumerate(KNOWN_SNPS):
        if 2 * known > len(common):
            continue
        rng = np.random.default_rng(child_seed(seed, stream))
        chosen = rng.choice(common, 2 * known, replace=False)
        order = np.sort(chosen)
        sides = [
            read_dosages(stores, people, order)
            for stores, people in ((real_stores, attacked), (synthetic_stores, synthetic))
        ]
        near = [
            nearest_of(
                pairwise_distances(*(side[:, np.isin(order, half)] for side in sides), "l1"),
                min(LINKED_NEIGHBOURS, len(synthetic)),
            )
            for half in (chosen[:known], chosen[known:])
        ]
        group = Group(method=METHOD, known_snps=f"{known}")
        options = {"minimum_people": minimum_people, "seed": child_seed(seed, stream, 1)}
        found = membership_rows(group, -near[0].distance[:, 0], targets, **options)
        rows += [row for row in found if not (row["label"] or row["label_size"])]
        linked = (near[0].index[:, :, None] == near[1].index[:, None, :]).any(axis=(1, 2))
        rows.append(gain_row(LINKED, group, linked.astype(float), targets, **options))
    return rows
