"""Are synthetic people as mixed within labels, and as different between labels, as real ones?

`equilibrium_table` and `fst_table` measure a piece of a chromosome; the summaries take the
pieces of all chromosomes together.

Axes: V variants, L labels.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from syncohort.cohort.hardy_weinberg import hwe_p_values as exact_p_values
from syncohort.dosages import minor
from syncohort.evaluation.fidelity.genotype_counts import EQUALLY_MANY, LabelCounts
from syncohort.evaluation.groups import ALL
from syncohort.evaluation.intervals import stretch_row
from syncohort.evaluation.tidy import metric_row

COMMON_MAF = 0.05
HWE_P = 1e-3
HWE_PEOPLE = 20  # fewer cannot be rejected at that p-value
FST_PEOPLE = 5  # per label and source
EQUILIBRIUM_SOURCES = ("synthetic", "train", "holdout")
FST_SOURCES = ("synthetic", "holdout")


def equilibrium_table(
    stretch: np.ndarray, labels: list[str], counts: dict[str, LabelCounts]
) -> pd.DataFrame:
    """Rejections of Hardy-Weinberg equilibrium per stretch and label, of `walk_counts`.

    stretch [V]: the stretch of each variant.
    Returns stretch, label, common (variants with a MAF of 5 % in the label's training
    people) and how many of those have an exact p < 0.001 in synthetic, train, holdout; in as many
    synthetic as training people.
    """
    frequency = counts["train"].frequency
    common = minor(frequency) >= COMMON_MAF  # False for NaN
    names, starts = np.unique(stretch, return_index=True)
    columns = {"common": common}
    for source in EQUILIBRIUM_SOURCES:
        own = counts[EQUALLY_MANY.get(source, source)]
        columns[source] = common & (hwe_p_values(own) < HWE_P)
    return pd.DataFrame(
        {
            "stretch": np.repeat(names, len(labels)),
            "label": np.tile(labels, len(names)),
            **{
                name: np.add.reduceat(values, starts, axis=0, dtype=int).ravel()
                for name, values in columns.items()
            },
        }
    )


def hwe_p_values(counts: LabelCounts) -> np.ndarray:
    """Exact Hardy-Weinberg p-values [V, L]; 1 without a call."""
    hom_ref = counts.called - counts.het - counts.hom_alt
    return exact_p_values(np.stack([hom_ref, counts.het, counts.hom_alt], axis=-1))


def summarise_equilibrium(table: pd.DataFrame, people: pd.DataFrame, *, seed: int) -> list[dict]:
    """Metric rows from the `equilibrium_table` of all chromosomes.

    people: label, synthetic, train, holdout (numbers of people).

    hwe_rejected: share of common variants with an exact p < 0.001 within the label, mean
    over labels with 20 people or more; hwe_rejected_ratio: that share over the share in as
    many labels of the training people, both with 0.001 added, which is what chance alone
    rejects. The test finds more in more people, so of each label as many synthetic as training people
    are tested; the share of the holdout, who are fewer, is in the note.
    """
    size = people.set_index("label")[["synthetic", "train"]].min(axis=1)
    used = [label for label in size.index if size[label] >= HWE_PEOPLE]
    sums = table.groupby(["contig", "stretch", "label"], sort=False).sum(numeric_only=True)
    if not used or not sums["common"].any():
        fewest = int(size.max()) if len(size) else 0
        note = f"too few: {fewest} people in the largest label; it takes {HWE_PEOPLE}"
        names = ("hwe_rejected", "hwe_rejected_ratio")
        return [metric_row(name, ALL, np.nan, note=note) for name in names]
    names = ["common", *EQUILIBRIUM_SOURCES]
    cube = _by_stretch(sums, "label", names)  # [B, labels, 4]
    cube = cube[:, [label in used for label in sorted(set(table["label"]))]]
    cube = cube[:, cube[..., 0].sum(axis=0) > 0]

    def share(totals, source=1):
        return (totals[:, source] / totals[:, 0]).mean(axis=0)

    def share_ratio(totals):
        return (share(totals) + HWE_P) / (share(totals, 2) + HWE_P)

    total = cube.sum(axis=0)
    note = f"training people {share(total, 2):.3g}, holdout {share(total, 3):.3g}"
    return [
        stretch_row(name, ALL, cube, each, seed, note)
        for name, each in (("hwe_rejected", share), ("hwe_rejected_ratio", share_ratio))
    ]


def fst_table(
    stretch: np.ndarray, labels: list[str], counts: dict[str, LabelCounts]
) -> pd.DataFrame:
    """Numerator and denominator of Hudson's Fst, summed per stretch and pair of labels.

    Returns stretch, label_1, label_2, and for synthetic and holdout people {source}_between
    and {source}_total: Fst is the ratio of their sums.
    Source: Bhatia et al. 2013, eq. 10, as a ratio of averages.
    """
    pairs = np.triu_indices(len(labels), k=1)
    tables = []
    for name, part in _stretches(stretch):
        table = {
            "stretch": name,
            "label_1": np.array(labels, dtype=object)[pairs[0]],
            "label_2": np.array(labels, dtype=object)[pairs[1]],
        }
        for source in FST_SOURCES:
            between, total = hudson_sums(
                counts[source].frequency[part], counts[source].alleles[part]
            )
            table |= {f"{source}_between": between[pairs], f"{source}_total": total[pairs]}
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def hudson_sums(frequency: np.ndarray, alleles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over variants of numerator and denominator of Hudson's Fst, each [L, L].

    frequency [V, L] of ALT, alleles [V, L] called; a variant with fewer than two alleles in
    either label does not count.
    Source: Bhatia et al. 2013, eq. 10: N = (p1 - p2)^2 - p1 (1 - p1) / (n1 - 1)
    - p2 (1 - p2) / (n2 - 1), D = p1 (1 - p2) + p2 (1 - p1).
    """
    known = (alleles >= 2).astype(float)
    p = np.where(known > 0, frequency, 0)
    noise = p * (1 - p) / np.maximum(alleles - 1, 1)
    own = (p**2 - noise).T @ known  # sum of p1^2 - noise1 where both are known
    product = p.T @ p
    mean = p.T @ known
    return own + own.T - 2 * product, mean + mean.T - 2 * product


def summarise_fst(table: pd.DataFrame, people: pd.DataFrame, *, seed: int) -> list[dict]:
    """Metric rows from the `fst_table` of all chromosomes.

    people: label, synthetic, holdout (numbers of people).

    fst_r: correlation over pairs of labels of the synthetic Fst with the holdout's;
    fst_error: mean absolute difference. Labels with fewer than 5 people in either are left
    out.
    """
    names = ["synthetic_between", "synthetic_total", "holdout_between", "holdout_total"]
    size = people.set_index("label")[list(FST_SOURCES)].min(axis=1)
    enough = set(size.index[size >= FST_PEOPLE])
    used = table[table["label_1"].isin(enough) & table["label_2"].isin(enough)]
    sums = used.groupby(["contig", "stretch", "label_1", "label_2"], sort=False)[names].sum()
    if sums.empty:
        note = f"too few: {len(enough)} labels with {FST_PEOPLE} people or more; it takes 2"
        return [metric_row(name, ALL, np.nan, note=note) for name in ("fst_r", "fst_error")]
    cube = _by_stretch(sums, ["label_1", "label_2"], names)  # [B, pairs, 4]

    def fst(totals):
        return totals[:, 0] / totals[:, 1], totals[:, 2] / totals[:, 3]  # [pairs, ...]

    def correlation(totals):
        ours, theirs = (each - each.mean(axis=0) for each in fst(totals))
        return (ours * theirs).sum(axis=0) / np.sqrt(
            (ours**2).sum(axis=0) * (theirs**2).sum(axis=0)
        )

    def error(totals):
        ours, theirs = fst(totals)
        return np.abs(ours - theirs).mean(axis=0)

    total = cube.sum(axis=0)
    ours, theirs = fst(total)
    note = f"{len(ours)} pairs of labels, mean Fst {ours.mean():.4f}, holdout {theirs.mean():.4f}"
    rows = []
    for name, each, fewest in (("fst_r", correlation, 3), ("fst_error", error, 1)):
        if len(ours) < fewest:
            rows.append(metric_row(name, ALL, np.nan, note=f"too few: {len(ours)} pair of labels"))
            continue
        rows.append(stretch_row(name, ALL, cube, each, seed, note))
    return rows


def _stretches(stretch: np.ndarray) -> Iterator[tuple[int, slice]]:
    """The name and the variants of each stretch of consecutive variants."""
    names, starts = np.unique(stretch, return_index=True)
    for name, start, stop in zip(names, starts, [*starts[1:], len(stretch)], strict=True):
        yield int(name), slice(start, stop)


def _by_stretch(sums: pd.DataFrame, keys, names: list[str]) -> np.ndarray:
    """Sums indexed by contig, stretch and keys as an array [stretches, keys, names]."""
    wide = sums[names].unstack(keys, fill_value=0)
    return np.stack([wide[name].sort_index(axis=1).to_numpy(float) for name in names], axis=-1)
