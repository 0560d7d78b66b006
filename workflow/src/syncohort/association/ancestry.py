"""Principal axes of ancestry of the training people, as covariates."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.extmath import randomized_svd

from syncohort.cohort_store import CohortStore
from syncohort.dosages import PEOPLE_AT_ONCE, DosageScale, read_dosages
from syncohort.errors import InputError
from syncohort.genotypes import slices

MAX_PC_VARIANTS = 10_000


@dataclass(frozen=True)
class PrincipalAxes:
    """Axes [V, K] of the training people's standardised dosages, and their scale.

    Source: Patterson, Price and Reich 2006, eq. 1 to 3.
    """

    scale: DosageScale
    axes: np.ndarray

    @staticmethod
    def fit(dosages: np.ndarray, n_components: int, seed: int) -> "PrincipalAxes":
        """Fit at most n_components axes to training dosages int8 [S, V], -1 missing.

        Raises InputError when these people do not differ.
        """
        scale = DosageScale.fit(dosages)
        varying = int((scale.inverse_scale > 0).sum())
        n_components = min(n_components, len(dosages) - 1, varying)
        if n_components < 1:
            raise InputError(
                "principal components need at least 2 training people and a variant in which "
                f"they differ; found {len(dosages)} people and {varying} such variants"
            )
        _, _, axes = randomized_svd(scale.apply(dosages), n_components, n_iter=7, random_state=seed)
        return PrincipalAxes(scale, axes.T)

    def project(self, dosages: np.ndarray) -> np.ndarray:
        """Coordinates [S, K] of dosages int8 [S, V], -1 missing."""
        coordinates = np.empty((len(dosages), self.axes.shape[1]))
        for part in slices(len(dosages), PEOPLE_AT_ONCE):
            coordinates[part] = self.scale.apply(dosages[part]) @ self.axes
        return coordinates


def ancestry_components(
    real_stores: list[CohortStore],
    stores: list[CohortStore],
    people: np.ndarray,
    n_components: int,
    seed: int,
) -> np.ndarray:
    """Coordinates [S, K] of people (indices into stores) on the principal axes of the training people.

    real_stores: the cohort that holds the training people, one store per chromosome; at most
    10,000 of its variants, evenly spread, make the axes. stores: the same, or a synthetic
    cohort of the same variants.
    """
    if n_components == 0:
        return np.empty((len(people), 0))
    n_variants = sum(len(store.variants) for store in real_stores)
    kept = min(MAX_PC_VARIANTS, n_variants)
    variants = np.linspace(0, n_variants - 1, kept).round().astype(int)
    training = np.flatnonzero(real_stores[0].people.split == "train")
    axes = PrincipalAxes.fit(read_dosages(real_stores, training, variants), n_components, seed)
    return axes.project(read_dosages(stores, people, variants))
