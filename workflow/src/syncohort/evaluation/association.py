"""Do synthetic people carry the associations of the disease that real people have?

`scan_cohort` scans one source of people, `measure_association` compares the scan of a
synthetic cohort with that of the real training people: effect sizes, discoveries of known
causal SNPs, and a polygenic score tested on the real holdout people.

Read slopes with care. Effects estimated in training people carry their noise, and those of
the strongest SNPs too much of it: an ideal generator, which draws from the population,
stays below 1 as other real people do, and a copier, which shares the noise, reaches 1. The
slope "against holdout" is free of this bias, but few holdout people make it noisy, by the
same factor in every row: compare it with that of unseen people. At known causal SNPs, which
nobody selected by their effects, the slope of an ideal generator is near 1.

Axes: V variants, S people, K principal components, M SNPs compared.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.association import (
    SITE_COLUMNS,
    clump,
    logistic_estimates,
    scan_variants,
    separates,
    site_table,
)
from syncohort.dosages import read_dosages
from syncohort.errors import InputError, examples
from syncohort.evaluation import (
    check_same_variants,
    metric_row,
    people_in,
    percentile_interval,
    ratio,
    tidy,
)
from syncohort.evaluation.discoveries import SUGGESTIVE_P, discovery_rows, find_causal_snps
from syncohort.evaluation.embedding import PrincipalAxes
from syncohort.evaluation.polygenic_score import score_holdout, score_rows
from syncohort.genotypes import CohortStore

REAL = "real"
CLUMP_P, CLUMP_R2, CLUMP_KB = 0.1, 0.1, 250
MIN_SNPS = 5  # fewer are not compared
ENOUGH_PEOPLE = 0.9  # of the training people, for power "at the same sample size"
MAX_PC_VARIANTS = 10_000


@dataclass(frozen=True)
class Association:
    """A synthetic cohort's associations against the real ones.

    metrics: tidy table of the generator and of "real" (trained on real people).
    effects: one row per SNP compared: contig, position_bp, id, effect_allele, other_allele,
    group ("all": leads of the real scan, or "causal SNPs"), real, synthetic, holdout (log
    odds ratio per ALT allele), real_se, effect (the true one, NaN where unknown).
    """

    metrics: pd.DataFrame
    effects: pd.DataFrame


def scan_cohort(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore] | None,
    *,
    case_label: str,
    n_components: int,
    minimum_people: int,
    seed: int,
) -> pd.DataFrame:
    """Logistic scan of cases against everybody else, in the training or in synthetic people.

    The stores are one per chromosome; synthetic_stores: None for the training people. Of
    synthetic people at most as many cases and controls take part as there are in training,
    drawn from `seed`. Covariates: n_components principal components of the training
    people, on which synthetic people are placed.

    Returns the columns of `association.SCAN_COLUMNS`, lead (bool: survives clumping among
    p <= 0.1 at r2 0.1 within 250 kb in these people), cases, controls, components (0 where
    these alone tell cases from controls). With fewer than `minimum_people` cases or
    controls, beta to p are NaN and nothing leads.
    Raises InputError for a case_label no real person or everybody has.
    """
    _check_case_label(real_stores[0], case_label)
    stores, people = real_stores, people_in(real_stores[0], "train")
    if synthetic_stores is not None:
        for real, synthetic in zip(real_stores, synthetic_stores, strict=True):
            check_same_variants(real, synthetic)
        real_cases = real_stores[0].people.label[people] == case_label
        stores = synthetic_stores
        people = _matched(stores[0].people.label == case_label, real_cases, seed)
    is_case = stores[0].people.label[people] == case_label
    counts = {"cases": int(is_case.sum()), "controls": int((~is_case).sum())}
    if min(counts.values()) < minimum_people:
        return _empty_scan(stores).assign(**counts, components=0)
    covariates = _components(real_stores, stores, people, n_components, seed)
    if separates(covariates, is_case):  # unlinked alleles place all cases on one spot
        covariates = covariates[:, :0]
    table = scan_variants(stores, people, is_case, covariates, model="logistic")
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
    case_label: str,
    n_components: int,
    minimum_people: int,
    seed: int,
    draws: int = 1_000,
) -> Association:
    """Compare the `scan_cohort` tables of the training people and of a synthetic cohort.

    real_stores: one per chromosome, those of the scans; causal_snps: from
    `read_causal_snps`, None where nobody knows them; the rest as for `scan_cohort`, with
    the same seed.

    Metrics, over the leads of the real scan with p < 0.001 (group "all") and over the known
    "causal SNPs", each SNP weighted by 1 / se^2 of the real scan:
    effect_r: correlation about the origin with the real effects (which allele is ALT decides
    the sign of an effect, so the mean has no meaning); group "true effects" with the known
    ones; effect_slope: of synthetic on real effects; group "against holdout": sum of
    synthetic times training effects over sum of holdout times training effects; sign_agreement:
    share of SNPs with effects of the same sign. Intervals resample SNPs.
    power and false_discoveries: see `discovery_rows`; score_auc: see `compare_scores`.

    Raises InputError for a scan of other variants.
    """
    for table in (real_scan, synthetic_scan):
        _check_scan(real_stores, table)
    causal = find_causal_snps(real_scan, causal_snps)
    people = {"case_label": case_label, "minimum_people": minimum_people}
    components = {"n_components": n_components, "seed": seed}
    effects = _compared_effects(
        real_stores, real_scan, synthetic_scan, causal.snps, **people, **components
    )
    bootstrap = {"seed": seed, "draws": draws}
    no_real = _too_few(real_scan, minimum_people)
    no_synthetic = no_real or _too_few(synthetic_scan, minimum_people)
    smaller = no_synthetic or _smaller(synthetic_scan, real_scan)
    real_score = score_holdout(real_stores, real_scan, withheld=no_real, **people)
    score = score_holdout(real_stores, synthetic_scan, withheld=no_synthetic, **people)
    remark = _adjustment(synthetic_scan, n_components)
    rows = [
        *_effect_rows(effects, no_synthetic, remark, **bootstrap),
        *_true_effect_rows(effects, "synthetic", no_synthetic, **bootstrap),
        *discovery_rows(real_stores, synthetic_scan, causal, withheld=smaller, **bootstrap),
        *score_rows(score, real_score, **bootstrap),
    ]
    real_rows = [
        *_true_effect_rows(effects, "real", no_real, **bootstrap),
        *discovery_rows(real_stores, real_scan, causal, withheld=no_real, **bootstrap),
        *score_rows(real_score, **bootstrap),
    ]
    tables = [
        tidy(rows, cohort=cohort, generator=generator),
        tidy(real_rows, cohort=cohort, generator=REAL),
    ]
    return Association(pd.concat(tables, ignore_index=True), effects)


def _check_case_label(store: CohortStore, case_label: str) -> None:
    labels = sorted(set(store.people.label))
    if case_label not in labels or len(labels) < 2:
        raise InputError(
            f"evaluation.case_label is {case_label!r}; the labels of this cohort are "
            f"{examples(labels, limit=30)}. Name the one that means a case."
        )


def _matched(is_case, real_cases, seed) -> np.ndarray:
    """At most as many cases and controls as in training, sorted indices."""
    rng = np.random.default_rng(seed)
    chosen = []
    for group, at_most in ((is_case, real_cases.sum()), (~is_case, (~real_cases).sum())):
        group = np.flatnonzero(group)
        chosen.append(rng.choice(group, min(len(group), at_most), replace=False))
    return np.sort(np.concatenate(chosen))


def _components(real_stores, stores, people, n_components, seed) -> np.ndarray:
    """Places [S, K] of people on the principal axes of the training people."""
    if n_components == 0:
        return np.empty((len(people), 0))
    n_variants = sum(len(store.variants) for store in real_stores)
    kept = min(MAX_PC_VARIANTS, n_variants)
    variants = np.linspace(0, n_variants - 1, kept).round().astype(int)
    train = read_dosages(real_stores, people_in(real_stores[0], "train"), variants)
    axes = PrincipalAxes.fit(train, n_components, seed)
    return axes.project(read_dosages(stores, people, variants))


def _empty_scan(stores) -> pd.DataFrame:
    nothing = dict.fromkeys(["frequency", "beta", "se", "z", "p"], np.nan)
    sites = pd.concat([site_table(store) for store in stores], ignore_index=True)
    return sites.assign(**nothing, n=0, test="", lead=False)


def _by_store(stores, table) -> list[pd.DataFrame]:
    edges = np.cumsum([len(store.variants) for store in stores])[:-1]
    starts, stops = [0, *edges], [*edges, len(table)]
    return [table.iloc[start:stop] for start, stop in zip(starts, stops, strict=True)]


def _check_scan(stores, table) -> None:
    positions = np.concatenate([store.variants.position_bp for store in stores])
    if not np.array_equal(positions, table["position_bp"].to_numpy()):
        raise InputError(
            f"a scan of {len(table):,} variants and a cohort of {len(positions):,} do not hold "
            "the same variants; scan this cohort again"
        )


def _too_few(scan, minimum_people) -> str:
    """Why a scan tells nothing, or ""."""
    fewest = int(scan[["cases", "controls"]].iloc[0].min())
    return f"too few: {fewest} cases or controls" if fewest < minimum_people else ""


def _smaller(synthetic_scan, real_scan) -> str:
    """Why discoveries cannot be compared, or ""."""
    ours, real = (
        int(scan[["cases", "controls"]].iloc[0].sum()) for scan in (synthetic_scan, real_scan)
    )
    return f"too few: {ours:,} people, {real:,} in training" if ours < ENOUGH_PEOPLE * real else ""


def _adjustment(synthetic_scan, n_components) -> str:
    """What a reader must know of the covariates of the synthetic people's scan, or ""."""
    dropped = n_components > 0 and (synthetic_scan["components"] == 0).all()
    return "without covariates, which alone tell cases from controls" if dropped else ""


def _compared_effects(real_stores, real_scan, synthetic_scan, causal, **options) -> pd.DataFrame:
    """The table `Association.effects`."""
    leads = real_scan[real_scan["lead"] & (real_scan["p"] < SUGGESTIVE_P)]
    groups = [leads.assign(group="all", effect=np.nan), causal.assign(group="causal SNPs")]
    table = pd.concat([group for group in groups if len(group)] or groups[:1])
    holdout = _holdout_effects(real_stores, table.index, **options)
    columns = {
        "real": table["beta"],
        "synthetic": synthetic_scan["beta"].loc[table.index],
        "holdout": holdout,
        "real_se": table["se"],
        "effect": table["effect"],
    }
    values = {name: np.asarray(column, dtype=float) for name, column in columns.items()}
    return table[[*SITE_COLUMNS, "group"]].assign(**values).reset_index(drop=True)


def _holdout_effects(
    real_stores, variants, *, case_label, minimum_people, n_components, seed
) -> np.ndarray:
    """Log odds ratios in the holdout people, NaN when they are too few."""
    holdout = people_in(real_stores[0], "holdout")
    is_case = real_stores[0].people.label[holdout] == case_label
    if min(is_case.sum(), (~is_case).sum()) < minimum_people or not len(variants):
        return np.full(len(variants), np.nan)
    chosen, where = np.unique(np.asarray(variants), return_inverse=True)
    dosages = read_dosages(real_stores, holdout, chosen)
    covariates = _components(real_stores, real_stores, holdout, n_components, seed)
    if separates(covariates, is_case):
        covariates = covariates[:, :0]
    return logistic_estimates(dosages, is_case, covariates).beta[where]


def _effect_rows(effects, withheld, remark, seed, draws) -> list[dict]:
    statistics = {
        "effect_r": _correlation,
        "effect_slope": _slope,
        "sign_agreement": _same_sign,
    }
    leads, causal = (effects[effects["group"] == group] for group in ("all", "causal SNPs"))
    options = {"withheld": withheld, "remark": remark, "seed": seed, "draws": draws}
    rows = [
        _snp_row(metric, "all", statistic, leads, ["real", "synthetic"], **options)
        for metric, statistic in statistics.items()
    ]
    columns = ["real", "synthetic", "holdout"]
    rows.append(_snp_row("effect_slope", "against holdout", _projected, leads, columns, **options))
    if len(causal):
        rows += [
            _snp_row(metric, "causal SNPs", statistic, causal, ["real", "synthetic"], **options)
            for metric, statistic in statistics.items()
        ]
    return rows


def _true_effect_rows(effects, source, withheld, seed, draws) -> list[dict]:
    causal = effects[effects["group"] == "causal SNPs"]
    if causal.empty:
        return []
    columns, options = ["effect", source], {"withheld": withheld, "seed": seed, "draws": draws}
    return [_snp_row("effect_r", "true effects", _correlation, causal, columns, **options)]


def _snp_row(
    metric, group, statistic, effects, columns, *, withheld, seed, draws, remark=""
) -> dict:
    """A statistic of columns of effects in units of the real standard error, and its interval.

    The interval resamples SNPs.
    """
    used = effects.dropna(subset=[*columns, "real_se"])
    if not withheld and len(used) < MIN_SNPS:
        withheld = f"too few: {len(used)} SNPs"
    if withheld:
        return metric_row(metric, group, np.nan, note=withheld)
    values = (used[columns].to_numpy() / used[["real_se"]].to_numpy()).T  # [columns, M]
    rng = np.random.default_rng(seed)
    drawn = [statistic(*values[:, rng.integers(len(used), size=len(used))]) for _ in range(draws)]
    note = "; ".join(text for text in (f"{len(used)} SNPs", remark) if text)
    return metric_row(metric, group, statistic(*values), *percentile_interval(drawn), note=note)


def _correlation(real, ours) -> float:
    return ratio(real @ ours, np.sqrt((real @ real) * (ours @ ours)))


def _slope(real, ours) -> float:
    return ratio(real @ ours, real @ real)


def _same_sign(real, ours) -> float:
    return float(np.mean(np.sign(real) == np.sign(ours)))


def _projected(real, ours, holdout) -> float:
    """Size of our effects along the training effects, over that of the holdout's.

    An instrumental-variable estimate (training effects are the instrument): the noise of
    the holdout's effects averages out instead of flattening a slope.
    """
    return ratio(real @ ours, real @ holdout)
