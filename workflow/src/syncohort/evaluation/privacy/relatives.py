"""Can a relative of a training person be told from a relative of somebody nobody was trained on?

Genotypes of relatives are in other studies, and in genealogy services, whatever the cohort does. A child has
of a parent one haplotype, joined of the parent's two: it is drawn here from each attacked person, with
crossovers as Haldane's map has them (1919) at 1 cM a megabase, so that any phased cohort can be asked. Sisters and
brothers have the same of two parents.

Axes: N people, V variants, B rows.
"""

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import Group
from syncohort.evaluation.pair_counts import PairCounts, Planes
from syncohort.evaluation.privacy.membership import Targets, membership_rows
from syncohort.evaluation.privacy.neighbours import distances_of
from syncohort.evaluation.privacy.parties import VARIANTS_AT_ONCE
from syncohort.genotypes import PLOIDY, slices, to_rows
from syncohort.ploidy import doubled
from syncohort.seeds import child_seed

METHOD = "child's haplotype"
_MORGAN_PER_BP = 1e-8


class Meiosis:
    """Draws the haplotype that each of N people hands on, along a chromosome."""

    def __init__(self, n_people: int, seed: int):
        self._rng = np.random.default_rng(seed)
        self._copied = self._rng.integers(PLOIDY, size=n_people)  # of the variant before
        self._position_bp = None

    def haplotypes(self, calls: np.ndarray, position_bp: np.ndarray) -> np.ndarray:
        """The next variants [v] of the haplotypes, int8 [v, N]; calls: int8 [v, N, 2]."""
        before = position_bp[0] if self._position_bp is None else self._position_bp
        morgan = np.diff(position_bp, prepend=before) * _MORGAN_PER_BP
        odd = (1 - np.exp(-2 * morgan)) / 2  # the chance of an odd number of crossovers
        crossed = self._rng.random(calls.shape[:2]) < odd[:, None]
        copied = (self._copied + np.cumsum(crossed, axis=0)) % PLOIDY
        self._copied, self._position_bp = copied[-1], position_bp[-1]
        return np.take_along_axis(calls, copied[:, :, None], axis=2)[:, :, 0]


def relative_rows(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    attacked: np.ndarray,
    synthetic: np.ndarray,
    targets: Targets,
    *,
    minimum_people: int,
    seed: int,
) -> list[dict]:
    """Metric rows of membership_auc and membership_tpr of a child's haplotype, of a phased cohort.

    attacked: [N] indices of the real people who are `targets`: they are the parents.
    synthetic: indices of the synthetic people. The score is the distance to the nearest of their
        haplotypes.
    """
    counts = PairCounts(len(attacked), PLOIDY * len(synthetic), dosages=False)
    for stream, (real, theirs) in enumerate(zip(real_stores, synthetic_stores, strict=True)):
        meiosis = Meiosis(len(attacked), child_seed(seed, stream))
        for variants in slices(len(real.variants), VARIANTS_AT_ONCE):
            position_bp = real.variants.position_bp[variants]
            children = meiosis.haplotypes(doubled(real.read(variants, attacked)), position_bp)
            rows = children.T, to_rows(theirs.read(variants, synthetic), "haplotype")
            counts.add(*(Planes.of(each, dosages=False) for each in rows))
    nearest = distances_of(counts, "hamming").min(axis=1)
    options = {"minimum_people": minimum_people, "seed": child_seed(seed, len(real_stores))}
    found = membership_rows(Group(method=METHOD), -nearest, targets, **options)
    return [row for row in found if not (row["label"] or row["label_size"])]
