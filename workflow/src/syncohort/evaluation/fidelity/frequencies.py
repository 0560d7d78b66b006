"""Do synthetic people have the allele frequencies of holdout people?

`frequency_table` and `label_table` measure a piece of a chromosome, `summarise_frequencies`
and `summarise_spectrum` sum up the pieces of all chromosomes.

Axes: V variants, L labels, B stretches of variants.
"""

import numpy as np
import pandas as pd
from scipy.special import gammaln

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.fidelity.genotype_counts import SOURCES, LabelCounts
from syncohort.evaluation.groups import ALL, Group
from syncohort.evaluation.intervals import STRETCHES, stretch_row, stretch_sums
from syncohort.evaluation.tidy import MAF_BINS, MIN_PEOPLE, maf_bin, metric_row
from syncohort.formats.shared_sites import shared_sites
from syncohort.genotypes import Variants

_MOMENTS = ("ours", "holdout", "ours_squared", "holdout_squared", "product")
SPECTRUM_ALLELES = 100  # most alleles the site-frequency spectra are projected to


def frequency_table(variants: Variants, counts: dict[str, LabelCounts]) -> pd.DataFrame:
    """One row per variant, of `walk_counts` on these variants.

    Returns contig, position_bp, id, maf_bin (of the training people), the frequency of ALT
    in train, validation, holdout, synthetic (NaN without a call), and the called alleles
    holdout_alleles, synthetic_alleles.
    """
    frequency = {source: counts[source].pooled_frequency for source in SOURCES}
    return pd.DataFrame(
        {
            "contig": variants.contig,
            "position_bp": variants.position_bp,
            "id": variants.id,
            "maf_bin": maf_bin(frequency["train"]),
            **frequency,
            **{
                f"{source}_alleles": counts[source].alleles.sum(axis=1)
                for source in ("holdout", "synthetic")
            },
        }
    )


def label_table(stretch: np.ndarray, labels: list[str], counts: dict) -> pd.DataFrame:
    """One row per stretch of variants and label, of `walk_counts`.

    stretch [V]: the stretch of each variant.
    Returns stretch, label, variants (with calls in both), error (the sum over them of
    |frequency of the label's synthetic people - of its holdout people|), and the columns of
    _MOMENTS (sums over them of both frequencies, their squares and their product).
    """
    ours, theirs = counts["synthetic"].frequency, counts["holdout"].frequency  # [V, L]
    used = np.isfinite(ours) & np.isfinite(theirs)
    ours, theirs = (np.where(used, each, 0) for each in (ours, theirs))
    names, starts = np.unique(stretch, return_index=True)
    return pd.DataFrame(
        {
            "stretch": np.repeat(names, len(labels)),
            "label": np.tile(labels, len(names)),
            "variants": np.add.reduceat(used, starts, axis=0, dtype=int).ravel(),
            **{
                name: np.add.reduceat(values, starts, axis=0).ravel()
                for name, values in {
                    "error": np.abs(ours - theirs),
                    **dict(zip(_MOMENTS, moments_of(ours, theirs), strict=True)),
                }.items()
            },
        }
    )


def summarise_frequencies(
    variants: pd.DataFrame, labels: pd.DataFrame, people: pd.DataFrame, *, seed: int
) -> list[dict]:
    """Metric rows from the `frequency_table` and `label_table` of all chromosomes.

    people: label, synthetic, holdout (numbers of people).

    frequency_r: Pearson correlation with the holdout's frequencies (close to 1 for almost
    any generator), over all people and per label; frequency_error: mean absolute difference
    from them, over all variants, per MAF bin and per label; balanced_frequency_error: the
    mean over labels, which does not depend on the mix of labels drawn; minor_frequency_kept: mean frequency of the minor allele over its mean
    in the holdout, per MAF bin: below 1 where rare alleles were lost. Intervals are by
    bootstrap over stretches of variants.
    """
    used = variants.dropna(subset=["train", "synthetic", "holdout"])
    ours, holdout = used["synthetic"].to_numpy(float), used["holdout"].to_numpy(float)
    error = np.abs(ours - holdout)
    note = f"{len(used):,} variants"
    moments = np.stack([np.ones_like(ours), *moments_of(ours, holdout)], axis=1)
    rows = [
        stretch_row("frequency_r", ALL, stretch_sums(moments), correlation_of, seed, note),
        _mean_row("frequency_error", ALL, error, np.ones_like(error), seed, note),
    ]
    alt_is_minor = used["train"].to_numpy() <= 0.5
    ours, holdout = (np.where(alt_is_minor, f, 1 - f) for f in (ours, holdout))
    for name in MAF_BINS:
        inside = (used["maf_bin"] == name).to_numpy()
        if not inside.any():
            continue
        note, group = f"{inside.sum():,} variants", Group(maf_bin=name)
        ones = np.ones(inside.sum())
        rows.append(_mean_row("frequency_error", group, error[inside], ones, seed, note))
        if not holdout[inside].any():
            note = "none of these alleles in the holdout"
        kept = (ours[inside], holdout[inside])
        rows.append(_mean_row("minor_frequency_kept", group, *kept, seed, note))
    return rows + _label_rows(labels, people, seed)


def summarise_spectrum(variants: pd.DataFrame, *, seed: int) -> list[dict]:
    """Metric row from the `frequency_table` of all chromosomes.

    sfs_distance: total variation distance between the folded site-frequency spectra of
    synthetic and of holdout people, fixed sites included, both projected to the same number
    of alleles (Gutenkunst et al. 2009, the hypergeometric projection).
    """
    used = variants.dropna(subset=["synthetic", "holdout"])
    fewest = used[["synthetic_alleles", "holdout_alleles"]].min().min() if len(used) else 0
    # a few calls may be missing: sites with very many are left out, not the others projected
    most = used[["synthetic_alleles", "holdout_alleles"]].max().min() if len(used) else 0
    alleles = int(min(SPECTRUM_ALLELES, max(fewest, 0.9 * most))) // 2 * 2
    used = used[(used[["synthetic_alleles", "holdout_alleles"]] >= max(alleles, 2)).all(axis=1)]
    if used.empty:
        return [metric_row("sfs_distance", ALL, np.nan, note="too few: no called alleles")]
    sums = [_projected(used, source, alleles) for source in ("synthetic", "holdout")]
    sums = np.stack(sums, axis=1)  # [B, 2, classes]

    def distance(totals):
        shares = totals / totals[:1].sum(axis=1, keepdims=True)  # the same sites in both
        return 0.5 * np.abs(shares[0] - shares[1]).sum(axis=0)

    note = f"{len(used):,} variants, {alleles} alleles"
    return [stretch_row("sfs_distance", ALL, sums, distance, seed, note)]


def shared_site_table(synthetic: CohortStore, variants: pd.DataFrame) -> pd.DataFrame:
    """One row: sites of several variants, the ALT alleles that synthetic people have there, and
    those that were taken away, because more had been drawn than there are places.

    variants: the `frequency_table` of the chromosome.
    """
    sites = shared_sites(synthetic.variants)
    copies = (variants["synthetic"].fillna(0) * variants["synthetic_alleles"]).to_numpy()
    kept = sum(copies[site].sum() for site in sites)
    row = {"sites": len(sites), "kept": round(kept), "settled": synthetic.n_settled}
    return pd.DataFrame([row])


def summarise_shared_sites(shared: pd.DataFrame) -> list[dict]:
    """Metric row from the `shared_site_table` of all chromosomes; none without such sites.

    settled_alleles: share of the ALT alleles drawn at sites of several that were taken away.
    """
    total = shared.sum()
    if not total["sites"]:
        return []
    drawn = total["kept"] + total["settled"]
    note = f"{total['settled']:,} of {drawn:,} ALT alleles at {total['sites']:,} sites"
    return [metric_row("settled_alleles", ALL, total["settled"] / max(drawn, 1), note=note)]


def _mean_row(metric, group, above, below, seed, note) -> dict:
    """The ratio of two sums over variants."""
    sums = stretch_sums(np.stack([above, below], axis=1))
    return stretch_row(metric, group, sums, lambda s: s[0] / s[1], seed, note)


def moments_of(ours, holdout) -> tuple:
    """What a correlation is made of but the number of variants, in the order of _MOMENTS."""
    return ours, holdout, ours**2, holdout**2, ours * holdout


def correlation_of(sums) -> np.ndarray:
    """Pearson correlations from sums [6, ...]: of 1 and of `moments_of`."""
    n, x, y, xx, yy, xy = sums
    vx, vy = n * xx - x**2, n * yy - y**2
    varies = (vx > 1e-9 * n * xx) & (vy > 1e-9 * n * yy)
    return np.where(varies, (n * xy - x * y) / np.sqrt(np.where(varies, vx * vy, 1)), np.nan)


def _label_rows(labels: pd.DataFrame, people: pd.DataFrame, seed: int) -> list[dict]:
    smaller = people.set_index("label")[["synthetic", "holdout"]].min(axis=1)
    order = ["contig", "stretch"]
    columns = ["error", "variants", *_MOMENTS]
    sums = labels.groupby([*order, "label"], sort=False)[columns].sum()
    rows, measured = [], []
    for label, part in sums.groupby("label"):
        group, own = Group(label=label), part.to_numpy(float)
        if smaller[label] < MIN_PEOPLE or not own[:, 1].any():
            note = f"too few: {smaller[label]} people"
            rows.append(metric_row("frequency_error", group, np.nan, note=note))
            continue
        measured.append(own[:, :2])
        rows.append(stretch_row("frequency_r", group, own[:, 1:], correlation_of, seed))
        rows.append(_mean_row("frequency_error", group, *own[:, :2].T, seed, ""))
    note = f"{len(measured)} of {len(smaller)} labels"
    if not measured:
        return [metric_row("balanced_frequency_error", ALL, np.nan, note=note), *rows]
    together = np.stack(measured, axis=1)  # [B, labels, 2]

    def mean(totals):
        return (totals[:, 0] / totals[:, 1]).mean(axis=0)

    return [
        stretch_row("balanced_frequency_error", ALL, together, mean, seed, note),
        *rows,
    ]


def _projected(variants: pd.DataFrame, source: str, alleles: int) -> np.ndarray:
    """Sums [B, alleles / 2 + 1] over stretches of the sites' expected folded spectra."""
    called = variants[f"{source}_alleles"].to_numpy(int)
    alt = np.rint(variants[source].to_numpy(float) * called).astype(int)
    patterns, pattern = np.unique(np.stack([called, alt]), axis=1, return_inverse=True)
    pmf = _hypergeometric(*patterns[:, :, None], alleles)
    half = alleles // 2
    folded = pmf[:, : half + 1].copy()
    folded[:, :half] += pmf[:, :half:-1]
    parts = np.array_split(pattern.ravel(), min(STRETCHES, len(variants)))
    return np.stack([np.bincount(part, minlength=patterns.shape[1]) for part in parts]) @ folded


def _hypergeometric(called, alt, alleles: int) -> np.ndarray:
    """Probability [N, alleles + 1] of 0, 1, ... ALT among so many of the called alleles.

    called, alt: [N, 1]; called is at least alleles.
    """
    drawn = np.arange(alleles + 1)
    possible = (drawn <= alt) & (alleles - drawn <= called - alt)
    log_p = _log_choose(alt, drawn) + _log_choose(called - alt, alleles - drawn)
    return np.where(possible, np.exp(log_p - _log_choose(called, alleles)), 0)


def _log_choose(n, k) -> np.ndarray:
    """Log of n over k, whatever where k > n."""
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(np.maximum(n - k, 0) + 1)
