"""Where people lie: principal components of the training people, and UMAP of those.

Axes: V variants, S people, K principal components.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance
from sklearn.utils.extmath import randomized_svd

from syncohort.dosages import PEOPLE_AT_ONCE, DosageScale, read_dosages
from syncohort.errors import InputError
from syncohort.evaluation import (
    REAL_TRAIN,
    check_same_variants,
    metric_row,
    people_in,
    tidy,
)
from syncohort.genotypes import CohortStore

SOURCES = ("train", "holdout", "synthetic")
UMAP_NEIGHBOURS = 15


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
        places = np.empty((len(dosages), self.axes.shape[1]))
        for start in range(0, len(dosages), PEOPLE_AT_ONCE):
            part = slice(start, start + PEOPLE_AT_ONCE)
            places[part] = self.scale.apply(dosages[part]) @ self.axes
        return places


def principal_components(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    *,
    seed: int,
    n_components: int = 10,
    max_variants: int = 20_000,
    max_people: int = 3_000,
) -> pd.DataFrame:
    """Project training, holdout and synthetic people on axes fitted to training people.

    The stores are one per chromosome, in the same order. Variants are thinned evenly to
    `max_variants`, each source of people at random to `max_people`.

    Returns one row per person: person, source, label, pc1, pc2, ...
    """
    for real, synthetic in zip(real_stores, synthetic_stores, strict=True):
        check_same_variants(real, synthetic)
    n_variants = sum(len(store.variants) for store in real_stores)
    kept = min(max_variants, n_variants)
    variants = np.linspace(0, n_variants - 1, kept).round().astype(int)  # distinct: kept <= V
    dosages, tables = {}, {}
    for index, source in enumerate(SOURCES):
        stores = synthetic_stores if source == "synthetic" else real_stores
        everyone = stores[0].people
        people = np.arange(len(everyone)) if source == "synthetic" else people_in(stores[0], source)
        if len(people) > max_people:
            # a stream per source: who is drawn from one does not depend on the others
            rng = np.random.default_rng([seed, index])
            people = np.sort(rng.choice(people, max_people, replace=False))
        dosages[source] = read_dosages(stores, people, variants)
        tables[source] = pd.DataFrame(
            {"person": everyone.id[people], "source": source, "label": everyone.label[people]}
        )
    axes = PrincipalAxes.fit(dosages["train"], n_components, seed)
    names = [f"pc{k + 1}" for k in range(axes.axes.shape[1])]
    for source in SOURCES:
        tables[source][names] = axes.project(dosages[source])
    return pd.concat(tables.values(), ignore_index=True)


def add_umap(embedding: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Add umap1 and umap2, fitted to the training people's components; others are placed.

    Both are NaN when there are not more than `UMAP_NEIGHBOURS` training people.
    Source: McInnes, Healy and Melville 2018, arXiv 1802.03426.
    """
    names = [name for name in embedding.columns if name.startswith("pc")]
    train = embedding["source"] == "train"
    table = embedding.assign(umap1=np.nan, umap2=np.nan)
    if train.sum() <= UMAP_NEIGHBOURS:
        return table
    from umap import UMAP  # 14 s to import

    model = UMAP(n_neighbors=UMAP_NEIGHBOURS, random_state=seed, n_jobs=1)
    places = ["umap1", "umap2"]
    table.loc[train, places] = model.fit_transform(embedding.loc[train, names].to_numpy())
    if not train.all():
        table.loc[~train, places] = model.transform(embedding.loc[~train, names].to_numpy())
    return table


def embed_people(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    *,
    seed: int,
    n_components: int = 10,
    max_variants: int = 20_000,
    max_people: int = 3_000,
) -> pd.DataFrame:
    """`principal_components` and `add_umap` in one: person, source, label, pc1.., umap1, umap2."""
    components = principal_components(
        real_stores,
        synthetic_stores,
        seed=seed,
        n_components=n_components,
        max_variants=max_variants,
        max_people=max_people,
    )
    return add_umap(components, seed=seed)


def summarise_embedding(embedding: pd.DataFrame, *, cohort: str, generator: str) -> pd.DataFrame:
    """Tidy table: pca_distance, how far a source lies from the holdout along the axes.

    Wasserstein distance along each axis, in standard deviations of the holdout people,
    averaged over the axes.
    """
    names = [name for name in embedding.columns if name.startswith("pc")]
    holdout = embedding.loc[embedding["source"] == "holdout", names].to_numpy()
    tables = []
    for source, name in (("synthetic", generator), ("train", REAL_TRAIN)):
        ours = embedding.loc[embedding["source"] == source, names].to_numpy()
        people = min(len(ours), len(holdout))
        scale = holdout.std(axis=0) if people > 1 else np.zeros(len(names))
        if (scale > 0).all():
            distances = [
                wasserstein_distance(a / s, b / s)
                for a, b, s in zip(ours.T, holdout.T, scale, strict=True)
            ]
            row = metric_row("pca_distance", "all", np.mean(distances), note=f"{len(names)} axes")
        else:
            row = metric_row("pca_distance", "all", np.nan, note=f"too few: {people} people")
        tables.append(tidy([row], cohort=cohort, generator=name))
    return pd.concat(tables, ignore_index=True)
