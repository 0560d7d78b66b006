"""Do synthetic people have the linkage disequilibrium of unseen people?

`linkage` measures pairs of variants of one chromosome, `summarise_linkage` sums up the
chromosomes' tables together.

Axes: V variants, R rows (haplotypes of phased cohorts, else people), L labels, M pairs.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from syncohort.evaluation import (
    REAL_TRAIN,
    check_same_variants,
    metric_row,
    people_in,
    ratio,
    tidy,
)
from syncohort.evaluation.fidelity import group_frequencies
from syncohort.genotypes import CohortStore, rows_per_person, to_rows

PAIRS_AT_ONCE = 1_000
DISTANCE_EDGES = (0, 0.1, 0.25, 0.5, 1)  # of the window: 0, 20, 50, 100, 200 kb of 200


def linkage(
    real_store: CohortStore,
    synthetic_store: CohortStore,
    *,
    window_kb: float,
    seed: int,
    max_pairs: int = 20_000,
    max_people: int = 2_000,
    min_maf: float = 0.05,
) -> pd.DataFrame:
    """Correlation of pairs of variants within `window_kb`, in each source of people.

    Alleles are centred by label first, so that population structure does not pass for
    linkage. At most `max_pairs` pairs are drawn, evenly over four bins of distance, among
    variants with a training MAF of at least `min_maf`, and at most `max_people` per source. Correlations are over haplotypes where both cohorts are phased,
    else over dosages; a missing call leaves its pair.

    Returns one row per pair: contig, position_1_bp, position_2_bp, distance_bin, and for
    each source in train, holdout, synthetic its r and its degrees of freedom (`train_df`:
    rows less labels; the expected r2 of unlinked variants is 1 / df).
    """
    check_same_variants(real_store, synthetic_store)
    rng = np.random.default_rng(seed)
    train = people_in(real_store, "train")
    frequency = group_frequencies(real_store, {"train": real_store.people.split == "train"})
    maf = np.minimum(frequency["train"], 1 - frequency["train"])
    position = real_store.variants.position_bp
    eligible = np.flatnonzero(maf >= min_maf)
    edges_kb = window_kb * np.array(DISTANCE_EDGES)
    first, second, distance_bin = _draw_pairs(position, eligible, edges_kb, max_pairs, rng)
    bins = [f"{low:g}-{high:g} kb" for low, high in pairwise(edges_kb)]
    table = pd.DataFrame(
        {
            "contig": real_store.contig,
            "position_1_bp": position[first],
            "position_2_bp": position[second],
            "distance_bin": np.array(bins, dtype=object)[distance_bin],
        }
    )
    mode = "haplotype" if real_store.phased and synthetic_store.phased else "genotype"
    for source, store, people in (
        ("train", real_store, train),
        ("holdout", real_store, people_in(real_store, "holdout")),
        ("synthetic", synthetic_store, np.arange(len(synthetic_store.people))),
    ):
        if len(people) > max_people:
            people = np.sort(rng.choice(people, max_people, replace=False))
        table[source], df = _pair_correlations(store, people, first, second, mode)
        table[f"{source}_df"] = df
    return table


def summarise_linkage(pairs: pd.DataFrame, *, cohort: str, generator: str) -> pd.DataFrame:
    """Tidy table from the `linkage` tables of all chromosomes, one below the other.

    ld_r and ld_slope: correlation and slope of the pairs' r on the holdout's r, both about
    the origin, because the sign of an r is only which alleles are called ALT; ld_kept: per
    distance bin the mean r2 over the holdout's, each less the 1 / df that sampling alone
    gives unlinked variants.
    """
    tables = []
    for source, name in (("synthetic", generator), ("train", REAL_TRAIN)):
        used = pairs.dropna(subset=[source, "holdout"])
        ours, holdout = used[source].to_numpy(float), used["holdout"].to_numpy(float)
        note = f"{len(used):,} of {len(pairs):,} pairs"
        product, own, other = ours @ holdout, ours @ ours, holdout @ holdout
        rows = [
            metric_row("ld_r", "all", ratio(product, np.sqrt(own * other)), note=note),
            metric_row("ld_slope", "all", ratio(product, other), note=note),
        ]
        for distance_bin in sorted(set(pairs["distance_bin"]), key=_bin_start):
            part = used[used["distance_bin"] == distance_bin]
            ours = (part[source] ** 2 - 1 / part[f"{source}_df"]).mean()
            holdout = (part["holdout"] ** 2 - 1 / part["holdout_df"]).mean()
            note = f"{len(part):,} pairs" if holdout > 0 else "no linkage in the holdout"
            kept = ours / holdout if holdout > 0 else np.nan
            rows.append(metric_row("ld_kept", distance_bin, kept, note=note))
        tables.append(tidy(rows, cohort=cohort, generator=name))
    return pd.concat(tables, ignore_index=True)


def _bin_start(distance_bin: str) -> float:
    return float(distance_bin.split("-")[0])


def _draw_pairs(
    position, eligible, edges_kb, max_pairs, rng
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of both variants [M] and of the distance bin [M], sorted by the first variant."""
    at = position[eligible].astype(np.int64)
    per_bin = max_pairs // (len(edges_kb) - 1)
    drawn = []
    for index, (low, high) in enumerate(pairwise(edges_kb)):
        start = np.maximum(np.searchsorted(at, at + 1_000 * low), np.arange(len(at)) + 1)
        stop = np.maximum(np.searchsorted(at, at + 1_000 * high), start)
        before = np.concatenate([[0], np.cumsum(stop - start)])  # pairs of earlier variants
        total = int(before[-1])
        rank = rng.choice(total, min(per_bin, total), replace=False)
        first = np.searchsorted(before, rank, side="right") - 1
        second = start[first] + rank - before[first]
        drawn.append((eligible[first], eligible[second], np.full(len(rank), index)))
    first, second, distance_bin = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    order = np.lexsort((second, first))
    return first[order], second[order], distance_bin[order]


def _pair_correlations(store, people, first, second, mode) -> tuple[np.ndarray, int]:
    """Correlation [M] of each pair, centred by label, and its degrees of freedom."""
    label_names, label = np.unique(store.people.label[people].astype(str), return_inverse=True)
    label = np.repeat(label, rows_per_person(mode))  # [R]
    r = np.full(len(first), np.nan)
    for begin in range(0, len(first), PAIRS_AT_ONCE):
        part = slice(begin, begin + PAIRS_AT_ONCE)
        chosen, index = np.unique(np.r_[first[part], second[part]], return_inverse=True)
        rows = to_rows(store.read(chosen, people), mode)
        allele, present = _centre_by_label(rows.T, label, len(label_names))
        i, j = np.split(index, 2)
        product = np.einsum("mr,mr->m", allele[i], allele[j])
        spread_i = np.einsum("mr,mr->m", allele[i] ** 2, present[j])
        spread_j = np.einsum("mr,mr->m", allele[j] ** 2, present[i])
        scale = np.sqrt(spread_i * spread_j)
        np.divide(product, scale, out=r[part], where=scale > 0)
    return r, len(label) - len(label_names)


def _centre_by_label(alleles, label, n_labels) -> tuple[np.ndarray, np.ndarray]:
    """Alleles [v, R] less their label's mean, 0 where missing, and where present (0/1)."""
    present = (alleles >= 0).astype(np.float32)
    member = np.eye(n_labels, dtype=np.float32)[label]  # [R, L]
    values = alleles * present
    mean = (values @ member) / np.maximum(present @ member, 1)  # [v, L]
    return (values - mean[:, label]) * present, present
