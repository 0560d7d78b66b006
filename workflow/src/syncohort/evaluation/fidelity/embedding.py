"""Where people lie: principal components of the training people, UMAP and t-SNE.

`fit_embedding` sees training people alone and is done once; `embed_people` places the holdout
and one generator's people on it.

Axes: V variants, S people, K principal components.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.stats import wasserstein_distance

from syncohort.association.ancestry import PrincipalAxes
from syncohort.cohort_store import CohortStore
from syncohort.dosages import VARIANTS_AT_ONCE, DosageScale, read_dosages
from syncohort.errors import InputError
from syncohort.evaluation.fidelity.coverage import compare_coverage
from syncohort.evaluation.fidelity.relatedness import compare_relatedness
from syncohort.evaluation.groups import ALL
from syncohort.evaluation.tidy import (
    check_same_variants,
    metric_row,
    people_in,
    tidy,
    withhold_small,
)
from syncohort.files import load_arrays, save_arrays
from syncohort.genotypes import slices

SOURCES = ("train", "holdout", "synthetic")
NEIGHBOURS = 15  # of UMAP, and of placing others in it
MAX_PEOPLE = 3_000  # most of a source in the pictures
TSNE_PEOPLE = 1_000  # the same in a t-SNE
TSNE_PERPLEXITY = 30


@dataclass(frozen=True, eq=False)
class Embedding:
    """Training people on their principal axes and in their UMAP.

    variants [V]: which of the joined chromosomes' variants are used, of n_variants in all;
    mean, inverse_scale [V], axes [V, K]: see `PrincipalAxes`; person, label [S]; places
    [S, K]; umap [S, 2], NaN when there are not more than `NEIGHBOURS` people.
    """

    variants: np.ndarray
    n_variants: np.ndarray
    mean: np.ndarray
    inverse_scale: np.ndarray
    axes: np.ndarray
    person: np.ndarray
    label: np.ndarray
    places: np.ndarray
    umap: np.ndarray

    def save(self, path: str | Path) -> None:
        """Write to one .npz file of plain arrays."""
        save_arrays(path, "embedding", {f.name: getattr(self, f.name) for f in fields(self)})

    @staticmethod
    def load(path: str | Path) -> "Embedding":
        """Read what `save` wrote. Raises InputError for anything else."""
        return Embedding(**load_arrays(path, "embedding"))

    def principal_axes(self) -> PrincipalAxes:
        """The axes with their scale."""
        return PrincipalAxes(DosageScale(self.mean, self.inverse_scale), self.axes)

    def project(self, dosages: np.ndarray) -> np.ndarray:
        """Coordinates [S', K] of dosages int8 [S', V] at `variants`, -1 missing."""
        return self.principal_axes().project(dosages)

    def umap_of(self, places: np.ndarray) -> np.ndarray:
        """Places [S', 2] in the UMAP of people with coordinates [S', K].

        The mean of the 15 nearest training people, weighted by 1 / distance: a training
        person lies where it lay.
        """
        if np.isnan(self.umap).any():
            return np.full((len(places), 2), np.nan)
        distance, index = cKDTree(self.places).query(places, NEIGHBOURS)
        weight = 1 / np.maximum(distance, 1e-9)
        weight /= weight.sum(axis=1, keepdims=True)
        return np.einsum("sn,snd->sd", weight, self.umap[index])


def fit_embedding(
    real_stores: list[CohortStore],
    *,
    seed: int,
    n_components: int = 10,
    max_variants: int = 20_000,
    max_people: int = MAX_PEOPLE,
) -> Embedding:
    """Fit principal axes and a UMAP to training people.

    The stores are one per chromosome. Variants are thinned evenly to `max_variants`, people
    at random to `max_people`.
    Source of UMAP: McInnes, Healy and Melville 2018, arXiv 1802.03426.
    """
    n_variants = sum(len(store.variants) for store in real_stores)
    kept = min(max_variants, n_variants)
    variants = np.linspace(0, n_variants - 1, kept).round().astype(int)  # distinct: kept <= V
    people = _some(people_in(real_stores[0], "train"), max_people, seed, "train")
    dosages = read_dosages(real_stores, people, variants)
    axes = PrincipalAxes.fit(dosages, n_components, seed)
    places = axes.project(dosages)
    everyone = real_stores[0].people
    return Embedding(
        variants=variants,
        n_variants=np.array(n_variants),
        mean=axes.scale.mean,
        inverse_scale=axes.scale.inverse_scale,
        axes=axes.axes,
        person=everyone.id[people],
        label=everyone.label[people],
        places=places,
        umap=_fit_umap(places, seed),
    )


@dataclass(frozen=True)
class EmbeddedPeople:
    """One row per person: person, source, label, pc1 .., umap1, umap2, tsne1, tsne2.

    metrics: tidy table of pca_distance, projection_variance, knn_precision, knn_recall,
    kinship_pairs, pairwise_distance.
    """

    people: pd.DataFrame
    metrics: pd.DataFrame


def embed_people(
    embedding: Embedding,
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    *,
    cohort: str,
    generator: str,
    tsne: bool,
    minimum_people: int,
    seed: int,
    max_people: int = MAX_PEOPLE,
) -> EmbeddedPeople:
    """Place holdout and synthetic people beside the training people, and compare them.

    The stores are one per chromosome, those the embedding was fitted to. Of each source at
    most `max_people` people are drawn. tsne: also draw a joint t-SNE of the three sources.
    Raises InputError when the stores do not hold the variants the embedding was fitted to.
    """
    for real, synthetic in zip(real_stores, synthetic_stores, strict=True):
        check_same_variants(real, synthetic)
    n_variants = sum(len(store.variants) for store in real_stores)
    if n_variants != embedding.n_variants:
        raise InputError(
            f"the embedding was fitted to {embedding.n_variants:,} variants, the cohort has "
            f"{n_variants:,}; fit it again"
        )
    everyone = {"holdout": real_stores[0].people, "synthetic": synthetic_stores[0].people}
    people = {
        "holdout": people_in(real_stores[0], "holdout"),
        "synthetic": np.arange(len(everyone["synthetic"])),
    }
    people = {source: _some(people[source], max_people, seed, source) for source in people}
    dosages = {
        source: read_dosages(stores, people[source], embedding.variants)
        for source, stores in (("holdout", real_stores), ("synthetic", synthetic_stores))
    }
    tables = [_table("train", embedding.person, embedding.label, embedding.places, embedding.umap)]
    for source, own in dosages.items():
        chosen, places = everyone[source][people[source]], embedding.project(own)
        tables.append(_table(source, chosen.id, chosen.label, places, embedding.umap_of(places)))
    table = add_tsne(pd.concat(tables, ignore_index=True), seed=seed, drawn=tsne)
    label = {source: everyone[source].label[people[source]] for source in people}
    haploid = np.concatenate([store.variants.male_haploid for store in real_stores])
    of_two = ~haploid[embedding.variants]  # kinship is that of chromosomes of which all have two
    rows = [
        pca_distance(table),
        projection_variance(embedding, dosages["synthetic"], dosages["holdout"], seed),
        *compare_coverage(*(_places(table, s) for s in ("synthetic", "holdout")), seed=seed),
        *compare_relatedness(
            dosages["synthetic"][:, of_two],
            label["synthetic"],
            dosages["holdout"][:, of_two],
            label["holdout"],
            seed=seed,
        ),
    ]
    rows = withhold_small(rows, min(map(len, people.values())), minimum_people)
    return EmbeddedPeople(table, tidy(rows, cohort=cohort, generator=generator))


def add_tsne(people: pd.DataFrame, *, seed: int, drawn: bool = True) -> pd.DataFrame:
    """Add tsne1 and tsne2 of at most 1,000 people of each source; NaN for the others.

    t-SNE cannot place people in a finished picture, so that train, holdout and synthetic
    people are drawn together, from their principal components.
    Source: van der Maaten and Hinton 2008.
    """
    table = people.assign(tsne1=np.nan, tsne2=np.nan)
    chosen = np.concatenate(
        [
            _some(np.flatnonzero(table["source"] == source), TSNE_PEOPLE, seed, source)
            for source in SOURCES
        ]
    )
    if not drawn or len(chosen) <= 3 * TSNE_PERPLEXITY:
        return table
    from sklearn.manifold import TSNE

    places = table.loc[chosen, _axis_names(table)].to_numpy()
    model = TSNE(perplexity=TSNE_PERPLEXITY, init="pca", random_state=seed, n_jobs=1)
    table.loc[chosen, ["tsne1", "tsne2"]] = model.fit_transform(places)
    return table


def pca_distance(people: pd.DataFrame) -> dict:
    """Metric row: Wasserstein distance of synthetic from holdout people along each axis.

    people: pc1, pc2 .. and source. In standard deviations of the holdout people, averaged
    over the axes.
    """
    ours, holdout = _places(people, "synthetic"), _places(people, "holdout")
    fewer = min(len(ours), len(holdout))
    scale = holdout.std(axis=0) if fewer > 1 else np.zeros(holdout.shape[1])
    if not (scale > 0).all():
        return metric_row("pca_distance", ALL, np.nan, note=f"too few: {fewer} people")
    distances = [
        wasserstein_distance(a / s, b / s) for a, b, s in zip(ours.T, holdout.T, scale, strict=True)
    ]
    return metric_row("pca_distance", ALL, np.mean(distances), note=f"{len(scale)} axes")


def projection_variance(
    embedding: Embedding, synthetic: np.ndarray, holdout: np.ndarray, seed: int
) -> dict:
    """Metric row: are axes learned from synthetic people as good for real people as real ones?

    What share of the holdout people's variance lies on the leading axes of the synthetic people,
    over the share on as many axes of the training people; dosages are standardised by those whom the
    axes come from. synthetic, holdout: dosages int8 [S, V] at the embedding's variants, -1 missing.
    """
    name, real = "projection_variance", embedding.principal_axes()
    try:
        own = PrincipalAxes.fit(synthetic, real.axes.shape[1], seed)
    except InputError:
        return metric_row(name, ALL, np.nan, note="the synthetic people do not differ")
    real = PrincipalAxes(real.scale, real.axes[:, : own.axes.shape[1]])  # few people have fewer
    shares = [share_of_variance(axes, holdout) for axes in (own, real)]
    if not shares[1] > 0:
        return metric_row(name, ALL, np.nan, note="the holdout people do not differ")
    note = f"{own.axes.shape[1]} axes: {shares[0]:.3f} of the variance, training {shares[1]:.3f}"
    return metric_row(name, ALL, shares[0] / shares[1], note=note)


def share_of_variance(axes: PrincipalAxes, dosages: np.ndarray) -> float:
    """Share of the variance of people, dosages int8 [S, V], that lies on axes; NaN if they do not vary."""
    total = sum(
        axes.scale.apply(dosages[:, part], part).var(axis=0).sum(dtype=float)
        for part in slices(dosages.shape[1], VARIANTS_AT_ONCE)
    )
    return axes.project(dosages).var(axis=0).sum() / total if total > 0 else np.nan


def _fit_umap(places: np.ndarray, seed: int) -> np.ndarray:
    if len(places) <= NEIGHBOURS:
        return np.full((len(places), 2), np.nan)
    from umap import UMAP  # 14 s to import

    model = UMAP(n_neighbors=NEIGHBOURS, random_state=seed, n_jobs=1)
    return model.fit_transform(places).astype(float)


def _some(people: np.ndarray, most: int, seed: int, source: str) -> np.ndarray:
    """At most so many of these people; a stream per source: one does not move another."""
    if len(people) <= most:
        return people
    rng = np.random.default_rng([seed, SOURCES.index(source)])
    return np.sort(rng.choice(people, most, replace=False))


def _table(source, person, label, places, umap) -> pd.DataFrame:
    table = pd.DataFrame({"person": person, "source": source, "label": label})
    table[[f"pc{k + 1}" for k in range(places.shape[1])]] = places
    table[["umap1", "umap2"]] = umap
    return table


def _axis_names(people: pd.DataFrame) -> list[str]:
    return [name for name in people.columns if name.startswith("pc")]


def _places(people: pd.DataFrame, source: str) -> np.ndarray:
    return people.loc[people["source"] == source, _axis_names(people)].to_numpy()
