"""Effects of SNPs in synthetic people beside those in real people, and the true ones.

Read slopes with care. Effects estimated in training people carry their noise, and those of
the strongest SNPs too much of it: an ideal generator, which draws from the population,
stays below 1 as other real people do, and a copier, which shares the noise, reaches 1. The
slope against the holdout is free of this bias, but few holdout people make it noisy, by the
same factor in every row: compare it with that of validation people. Where the true effects are
known, the slope against the truth is free of it too, and less noisy.

Metrics, over the leads of the real scan with p < 0.001 and over the known causal SNPs
(snps "causal"), each SNP weighted by 1 / se^2 of the real scan:
effect_r: correlation about the origin with the real effects (which allele is ALT decides
the sign of an effect, so the mean has no meaning); against "truth" with the known ones.
effect_slope: of synthetic on real effects; against "holdout": sum of synthetic times
training effects over sum of holdout times training effects; against "truth": sum
of synthetic times true effects over sum of real times true effects.
sign_agreement: share of SNPs with effects of the same sign. Intervals resample SNPs.

Axes: S people, M SNPs compared.
"""

import numpy as np
import pandas as pd

from syncohort.association.ancestry import ancestry_components
from syncohort.association.regression import separates
from syncohort.cohort_store import SITE_COLUMNS
from syncohort.dosages import read_dosages
from syncohort.evaluation.association.discoveries import SUGGESTIVE_P
from syncohort.evaluation.association.phenotype import Phenotype
from syncohort.evaluation.groups import ALL, CAUSAL, HOLDOUT, TRUTH, Group
from syncohort.evaluation.intervals import bootstrap, percentile_interval
from syncohort.evaluation.tidy import metric_row, people_in, ratio

MIN_SNPS = 5  # fewer are not compared


def compared_effects(
    real_stores, real_scan, synthetic_scan, causal, phenotype: Phenotype, **options
) -> pd.DataFrame:
    """The table `association.Association.effects` of two scans.

    causal: rows of the real scan, with the column effect; options: minimum_people,
    n_components and seed, as for `scan_cohort`.
    """
    leads = real_scan[real_scan["lead"] & (real_scan["p"] < SUGGESTIVE_P)]
    groups = [leads.assign(group="all", effect=np.nan), causal.assign(group="causal SNPs")]
    table = pd.concat([group for group in groups if len(group)] or groups[:1])
    holdout = _holdout_effects(real_stores, table.index, phenotype, **options)
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
    real_stores, variants, phenotype: Phenotype, *, minimum_people, n_components, seed
) -> np.ndarray:
    """Effects in the holdout people [M], NaN when they are too few."""
    everybody = real_stores[0].people
    holdout = phenotype.known(everybody, people_in(real_stores[0], "holdout"))
    values = phenotype.of(everybody)[holdout]
    if phenotype.fewest(values) < minimum_people or not len(variants):
        return np.full(len(variants), np.nan)
    chosen, where = np.unique(np.asarray(variants), return_inverse=True)
    dosages = read_dosages(real_stores, holdout, chosen)
    covariates = ancestry_components(real_stores, real_stores, holdout, n_components, seed)
    if phenotype.model == "logistic" and separates(covariates, values):
        covariates = covariates[:, :0]
    return phenotype.estimates(dosages, values, covariates).beta[where]


def effect_rows(effects, withheld: str, remark: str, *, seed: int) -> list[dict]:
    """Metric rows of synthetic beside real effects, of `compared_effects`.

    withheld: why there are no values, or ""; remark: joins the notes.
    """
    statistics = {
        "effect_r": _correlation,
        "effect_slope": _slope,
        "sign_agreement": _same_sign,
    }
    leads, causal = (effects[effects["group"] == group] for group in ("all", "causal SNPs"))
    options = {"withheld": withheld, "remark": remark, "seed": seed}
    rows = [
        _snp_row(metric, ALL, statistic, leads, ["real", "synthetic"], **options)
        for metric, statistic in statistics.items()
    ]
    columns = ["real", "synthetic", "holdout"]
    group = Group(against=HOLDOUT)
    rows.append(_snp_row("effect_slope", group, _projected, leads, columns, **options))
    if len(causal):
        of_causal = Group(snps=CAUSAL)
        rows += [
            _snp_row(metric, of_causal, statistic, causal, ["real", "synthetic"], **options)
            for metric, statistic in statistics.items()
        ]
        columns, group = ["effect", "synthetic", "real"], Group(against=TRUTH)
        rows.append(_snp_row("effect_slope", group, _projected, causal, columns, **options))
    return rows


def true_effect_rows(effects, source: str, withheld: str, *, seed: int) -> list[dict]:
    """Metric rows of a source ("real" or "synthetic") beside the known effects, where known."""
    causal = effects[effects["group"] == "causal SNPs"]
    if causal.empty:
        return []
    columns, options = ["effect", source], {"withheld": withheld, "seed": seed}
    return [_snp_row("effect_r", Group(against=TRUTH), _correlation, causal, columns, **options)]


def _snp_row(metric, group, statistic, effects, columns, *, withheld, seed, remark="") -> dict:
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
    drawn = bootstrap(lambda snps: statistic(*values[:, snps]), len(used), rng=rng)
    note = "; ".join(text for text in (f"{len(used)} SNPs", remark) if text)
    return metric_row(metric, group, statistic(*values), *percentile_interval(drawn), note=note)


def _correlation(real, ours) -> float:
    return ratio(real @ ours, np.sqrt((real @ real) * (ours @ ours)))


def _slope(real, ours) -> float:
    return ratio(real @ ours, real @ real)


def _same_sign(real, ours) -> float:
    return float(np.mean(np.sign(real) == np.sign(ours)))


def _projected(instrument, ours, theirs) -> float:
    """Size of our effects along an instrument, over that of others' effects along it.

    An instrumental-variable estimate: the noise of the others' effects averages out instead of
    flattening a slope, so long as the instrument does not share it.
    """
    return ratio(instrument @ ours, instrument @ theirs)
