"""A binary trait imposed on a cohort, from a liability model with recorded causal variants.

Axes: V variants, C causal variants, S people.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore, common_people, site_table
from syncohort.dosages import read_dosages
from syncohort.errors import InputError, examples, raise_all
from syncohort.genotypes import PLOIDY, to_rows
from syncohort.packed_calls import minor_allele_frequency

TRAIT, LIABILITY = "trait", "liability"
CASE, CONTROL = "case", "control"
_SITE_COLUMNS = ["id", "contig", "position", "effect_allele", "other_allele"]


@dataclass(frozen=True)
class Trait:
    """A binary trait of S people, caused by C variants (liability scale, variance 1).

    beta [C]: effect of one ALT allele; variance_explained [C]: of each variant taken alone;
    genetic_value [S]: centred sum of effects; liability [S]; is_case [S] bool;
    between_groups: share of the variance of the sum of effects that lay between the means of
    the groups, in [0, 1], before these were taken out; 0 where there are none.
    """

    beta: np.ndarray
    variance_explained: np.ndarray
    genetic_value: np.ndarray
    liability: np.ndarray
    is_case: np.ndarray
    between_groups: float


def liability_trait(
    dosage: np.ndarray,
    groups: np.ndarray | None,
    *,
    heritability: float,
    prevalence: float,
    rng: np.random.Generator,
) -> Trait:
    """Draw a binary trait from the liability-threshold model (Falconer 1965, Ann Hum Genet
    29:51), with effects on standardised genotypes N(0, h2 / C) (Yang et al. 2011, AJHG
    88:76), then scaled so that the sample's variances are exactly h2 and 1 - h2.

    dosage: [S, C] ALT alleles of the causal variants, 0..2, every column polymorphic;
    groups: [S] names, within each of which genetic value and liability have mean 0, so that
    being a case does not tell the group; None: over all people. heritability h2 in [0, 1];
    prevalence in (0, 1): the round(prevalence * S) highest liabilities are cases.
    Raises InputError where people do not differ within their groups.
    """
    n_people, n_causal = dosage.shape
    group = np.zeros(n_people, int) if groups is None else pd.factorize(np.asarray(groups))[0]
    deviation = dosage.std(axis=0)  # [C]
    standardised = (dosage - dosage.mean(axis=0)) / deviation  # [S, C]
    effect = rng.normal(0, np.sqrt(heritability / n_causal), n_causal)
    score = standardised @ effect  # [S]
    genetic = _less_group_means(score, group)
    between = 0.0
    if heritability > 0:
        between = 1 - genetic.var() / score.var()
        if genetic.std() < 1e-9 * score.std():
            raise InputError(
                "trait.within: people of a group all have the same genetic value, so that the "
                "trait cannot be imposed; name a column with fewer groups, or null"
            )
        scale = np.sqrt(heritability) / genetic.std()
        effect, genetic = effect * scale, genetic * scale
    # noise uncorrelated with the genetic value, so that the liability has variance exactly 1
    noise = _less_group_means(rng.normal(size=n_people), group)
    if heritability > 0:
        noise -= genetic * (genetic @ noise) / (genetic @ genetic)
    liability = genetic + noise * np.sqrt(1 - heritability) / noise.std()
    is_case = np.zeros(n_people, dtype=bool)
    is_case[np.argsort(-liability, kind="stable")[: round(prevalence * n_people)]] = True
    return Trait(effect / deviation, effect**2, genetic, liability, is_case, between)


def _less_group_means(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    means = np.bincount(group, weights=values) / np.bincount(group)
    return values - means[group]


def simulate_trait(
    stores: list[CohortStore],
    table: pd.DataFrame,
    id_column: str,
    *,
    heritability: float,
    n_causal: int,
    prevalence: float,
    maf_min: float,
    within: str | None,
    seed: int,
    people_path: str | Path,
    causal_path: str | Path,
) -> Trait:
    """Impose a binary trait on the people of a cohort and write the tables that describe it.

    stores: imported chromosomes; table: the label table, of str, its people's ids in
    id_column; heritability in [0, 1] on the liability scale; n_causal: causal variants
    (polygenicity), drawn at random from those whose minor-allele frequency is at least
    maf_min in these people; prevalence in (0, 1); within: column of the groups of
    `liability_trait`, or None. A missing call counts as the mean dosage.

    The trait is a phenotype, not a fit: everybody gets one, before the split.
    Writes people_path (TSV: the table, its id column first, then trait: case or control, and
    liability, "" for those without genotypes) and causal_path (TSV: id, contig, position,
    effect_allele, other_allele, beta per allele in units of the liability's standard deviation,
    allele_frequency of the effect allele, variance_explained by the variant alone; LD between
    them is why these do not add up to the heritability).
    Raises InputError for settings out of range and for a table that does not fit.
    """
    _check_table(table, id_column, within)
    ids = table[id_column].str.strip()
    place = pd.Index(common_people(stores).id).get_indexer(ids)  # -1: not genotyped
    rows = np.flatnonzero((place >= 0) & ~ids.duplicated())
    rows = rows[np.argsort(place[rows])]  # of the table, in the order of the genotypes
    people = place[rows]
    if len(people) < 2:
        raise InputError(
            f"trait: {len(people)} of the {len(table):,} people of the label table (such as "
            f"{examples(ids, 3)}) are genotyped (such as {examples(stores[0].people.id, 3)}); "
            "set labels.id_column or rewrite the ids"
        )
    eligible = _common_variants(stores, people, maf_min)
    _check_settings(heritability, n_causal, len(eligible), maf_min, prevalence, len(people))
    rng = np.random.default_rng(seed)
    causal = np.sort(rng.choice(eligible, n_causal, replace=False))
    dosage = _filled_dosages(stores, people, causal)
    groups = None if within is None else table[within].to_numpy()[rows]
    trait = liability_trait(
        dosage, groups, heritability=heritability, prevalence=prevalence, rng=rng
    )
    sites = pd.concat([site_table(store) for store in stores], ignore_index=True).iloc[causal]
    sites = sites.rename(columns={"position_bp": "position"})[_SITE_COLUMNS].assign(
        beta=trait.beta,
        allele_frequency=dosage.mean(axis=0) / PLOIDY,
        variance_explained=trait.variance_explained,
    )
    _write_table(sites, causal_path)
    table = table[[id_column, *table.columns.drop(id_column)]].assign(trait="", liability=np.nan)
    table.loc[table.index[rows], TRAIT] = np.where(trait.is_case, CASE, CONTROL)
    table.loc[table.index[rows], LIABILITY] = trait.liability
    _write_table(table, people_path)
    return trait


def _common_variants(stores, people, maf_min) -> np.ndarray:
    """Variants that vary in these people, with MAF >= maf_min: indices, chromosomes joined."""
    found, offset = [], 0
    for store in stores:
        for part, calls in store.variant_chunks(people):
            dosage = to_rows(calls, "genotype")  # [S, v]
            maf = minor_allele_frequency(calls)
            varies = np.where(dosage < 0, PLOIDY, dosage).min(axis=0) < dosage.max(axis=0)
            found.append(offset + part.start + np.flatnonzero(varies & (maf >= maf_min)))
        offset += len(store.variants)
    return np.concatenate(found)


def _filled_dosages(stores, people, variants) -> np.ndarray:
    """Dosages float64 [S, C], the mean of these people where missing."""
    dosage = read_dosages(stores, people, variants).astype(float)
    dosage[dosage < 0] = np.nan
    return np.where(np.isnan(dosage), np.nanmean(dosage, axis=0), dosage)


def _check_table(table, id_column, within) -> None:
    problems = [
        f"no column {column!r} ({key})"
        for key, column in (("labels.id_column", id_column), ("trait.within", within))
        if column is not None and column not in table
    ]
    problems += [
        f"a column {column!r}, which the simulated one would hide: rename it, or set trait: null"
        for column in (TRAIT, LIABILITY)
        if column in table
    ]
    raise_all(problems, f"trait: the label table has the columns {', '.join(table)}")


def _check_settings(heritability, n_causal, n_sites, maf_min, prevalence, n_people) -> None:
    problems = []
    if not 0 <= heritability <= 1:
        problems.append(f"heritability is {heritability}; give a share in [0, 1]")
    if not 1 <= n_causal <= n_sites:
        problems.append(
            f"n_causal is {n_causal}; give 1 to {n_sites:,}, the variants with a minor-allele "
            f"frequency of at least maf_min, {maf_min:g}"
        )
    if not 0 < prevalence < 1:
        problems.append(f"prevalence is {prevalence}; give a share in (0, 1)")
    elif not 0 < round(prevalence * n_people) < n_people:
        problems.append(
            f"prevalence {prevalence} of {n_people:,} people leaves no case or no control; "
            f"give {1 / n_people:.2g} to {1 - 1 / n_people:.4g}"
        )
    raise_all(problems, "trait: settings out of range")


def _write_table(table: pd.DataFrame, path: str | Path) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # nine digits: what the number of threads changes in a sum stays out of the file
    table.to_csv(path, sep="\t", index=False, lineterminator="\n", float_format="%.9g")
