"""Do synthetic people carry the associations that real people have, with a disease or a number?

`scan_cohort` scans one source of people, `measure_association` compares the scan of a
synthetic cohort with that of the real training people: effect sizes, discoveries of known
causal SNPs, and a polygenic score tested on the real holdout people.

Axes: V variants, S people, K principal components.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.association.ancestry import ancestry_components
from syncohort.association.clumping import clump
from syncohort.association.regression import separates
from syncohort.association.scan import has_same_sites, scan_variants
from syncohort.cohort_store import CohortStore, site_table
from syncohort.errors import InputError
from syncohort.evaluation.association.discoveries import discovery_rows, find_causal_snps
from syncohort.evaluation.association.effects import compared_effects, effect_rows, true_effect_rows
from syncohort.evaluation.association.phenotype import Phenotype
from syncohort.evaluation.association.polygenic_score import score_holdout, score_rows
from syncohort.evaluation.groups import REAL
from syncohort.evaluation.tidy import check_same_variants, people_in, tidy

CLUMP_P, CLUMP_R2, CLUMP_KB = 0.1, 0.1, 250
ENOUGH_PEOPLE = 0.9  # of the training people, for power "at the same sample size"


@dataclass(frozen=True)
class Association:
    """A synthetic cohort's associations against the real ones.

    metrics: tidy table of the generator and of "real" (trained on real people).
    effects: one row per SNP compared: contig, position_bp, id, effect_allele, other_allele,
    group ("all": leads of the real scan, or "causal SNPs"), real, synthetic, holdout (log
    odds ratio, or units of the value, per ALT allele), real_se, effect (the true one, NaN where
    unknown).
    """

    metrics: pd.DataFrame
    effects: pd.DataFrame


def scan_cohort(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore] | None,
    *,
    case_label: str | None,
    n_components: int,
    minimum_people: int,
    seed: int,
) -> pd.DataFrame:
    """Scan of cases against everybody else, or of the people's value (case_label None).

    The stores are one per chromosome; synthetic_stores: None for the training people. Of
    synthetic people at most as many (cases and controls) take part as there are in training,
    drawn from `seed`. Covariates: n_components principal components of the training
    people, on which synthetic people are placed. The model is logistic, or linear for a value.

    Returns the columns of `association.SCAN_COLUMNS`, lead (bool: survives clumping among
    p <= 0.1 at r2 0.1 within 250 kb in these people), people, fewest (the smaller number of
    cases and controls, or all), components (0 where these alone tell cases from controls).
    With `fewest` below `minimum_people`, beta to p are NaN and nothing leads.
    Raises InputError for a phenotype in which real people do not differ.
    """
    phenotype = Phenotype(case_label)
    phenotype.check(real_stores[0].people)
    stores = real_stores
    people = phenotype.known(real_stores[0].people, people_in(real_stores[0], "train"))
    values = phenotype.of(real_stores[0].people)[people]
    if synthetic_stores is not None:
        for real, synthetic in zip(real_stores, synthetic_stores, strict=True):
            check_same_variants(real, synthetic)
        stores = synthetic_stores
        everybody = phenotype.of(stores[0].people)
        people = phenotype.matched(everybody, values, seed)
        values = everybody[people]
    counts = {"people": len(people), "fewest": phenotype.fewest(values)}
    if counts["fewest"] < minimum_people:
        return _empty_scan(stores).assign(**counts, components=0)
    covariates = ancestry_components(real_stores, stores, people, n_components, seed)
    if phenotype.model == "logistic" and separates(covariates, values):
        covariates = covariates[:, :0]  # unlinked alleles place all cases on one spot
    table = scan_variants(stores, people, values, covariates, model=phenotype.model)
    leads = [
        clump(store, people, part["p"].to_numpy(), p1=CLUMP_P, r2=CLUMP_R2, kb=CLUMP_KB)
        for store, part in zip(stores, _by_store(stores, table), strict=True)
    ]
    return table.assign(lead=np.concatenate(leads), **counts, components=covariates.shape[1])


def measure_association(
    real_stores: list[CohortStore],
    real_scan: pd.DataFrame,
    synthetic_scan: pd.DataFrame,
    causal_snps: pd.DataFrame | None,
    *,
    cohort: str,
    generator: str,
    case_label: str | None,
    n_components: int,
    minimum_people: int,
    seed: int,
) -> Association:
    """Compare the `scan_cohort` tables of the training people and of a synthetic cohort.

    real_stores: one per chromosome, those of the scans; causal_snps: from
    `read_causal_snps`, None where nobody knows them; the rest as for `scan_cohort`, with
    the same seed.

    Metrics: effect_r, effect_slope, sign_agreement (see `effects`), power, false_discoveries
    (see `discovery_rows`), score_auc or, for a value, score_r (see `score_rows`).

    Raises InputError for a scan of other variants.
    """
    for table in (real_scan, synthetic_scan):
        _check_scan(real_stores, table)
    phenotype = Phenotype(case_label)
    causal = find_causal_snps(real_scan, causal_snps)
    effects = compared_effects(
        real_stores,
        real_scan,
        synthetic_scan,
        causal.snps,
        phenotype,
        minimum_people=minimum_people,
        n_components=n_components,
        seed=seed,
    )
    bootstrap = {"seed": seed}
    no_real = _too_few(real_scan, phenotype, minimum_people)
    no_synthetic = no_real or _too_few(synthetic_scan, phenotype, minimum_people)
    smaller = no_synthetic or _smaller(synthetic_scan, real_scan)
    options = {"minimum_people": minimum_people}
    real_score = score_holdout(real_stores, real_scan, phenotype, withheld=no_real, **options)
    score = score_holdout(real_stores, synthetic_scan, phenotype, withheld=no_synthetic, **options)
    remark = _adjustment(synthetic_scan, n_components)
    rows = [
        *effect_rows(effects, no_synthetic, remark, **bootstrap),
        *true_effect_rows(effects, "synthetic", no_synthetic, **bootstrap),
        *discovery_rows(real_stores, synthetic_scan, causal, withheld=smaller, **bootstrap),
        *score_rows(score, phenotype, real_score, **bootstrap),
    ]
    real_rows = [
        *true_effect_rows(effects, "real", no_real, **bootstrap),
        *discovery_rows(real_stores, real_scan, causal, withheld=no_real, **bootstrap),
        *score_rows(real_score, phenotype, **bootstrap),
    ]
    tables = [
        tidy(rows, cohort=cohort, generator=generator),
        tidy(real_rows, cohort=cohort, generator=REAL),
    ]
    return Association(pd.concat(tables, ignore_index=True), effects)


def _empty_scan(stores) -> pd.DataFrame:
    nothing = dict.fromkeys(["frequency", "beta", "se", "z", "p"], np.nan)
    sites = pd.concat([site_table(store) for store in stores], ignore_index=True)
    return sites.assign(**nothing, n=0, test="", lead=False)


def _by_store(stores, table) -> list[pd.DataFrame]:
    edges = np.cumsum([len(store.variants) for store in stores])[:-1]
    starts, stops = [0, *edges], [*edges, len(table)]
    return [table.iloc[start:stop] for start, stop in zip(starts, stops, strict=True)]


def _check_scan(stores, table) -> None:
    sites = pd.concat([site_table(store) for store in stores], ignore_index=True)
    if not has_same_sites(sites, table):
        raise InputError(
            f"a scan of {len(table):,} variants and a cohort of {len(sites):,} do not hold "
            "the same variants; scan this cohort again"
        )


def _too_few(scan, phenotype: Phenotype, minimum_people: int) -> str:
    """Why a scan tells nothing, or ""."""
    fewest = int(scan["fewest"].iloc[0])
    return f"too few: {fewest} {phenotype.counted}" if fewest < minimum_people else ""


def _smaller(synthetic_scan, real_scan) -> str:
    """Why discoveries cannot be compared, or ""."""
    ours, real = (int(scan["people"].iloc[0]) for scan in (synthetic_scan, real_scan))
    return f"too few: {ours:,} people, {real:,} in training" if ours < ENOUGH_PEOPLE * real else ""


def _adjustment(synthetic_scan, n_components) -> str:
    """What a reader must know of the covariates of the synthetic people's scan, or ""."""
    dropped = n_components > 0 and (synthetic_scan["components"] == 0).all()
    return "without covariates, which alone tell cases from controls" if dropped else ""
