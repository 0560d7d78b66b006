"""Do synthetic people have the linkage disequilibrium of unseen people?

`linkage` measures pairs of variants of one chromosome, `summarise_linkage` sums up the
chromosomes' tables together.

Axes: V variants, R rows (haplotypes of phased cohorts, else people), L labels, M pairs.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from syncohort.evaluation import check_same_variants, metric_row, people_in
from syncohort.evaluation.intervals import stretch_row, stretch_sums
from syncohort.formats.genetic_map import GeneticMap
from syncohort.genotypes import CohortStore, rows_per_person, to_rows

PAIRS_AT_ONCE = 1_000
CM_EDGES = (0, 0.01, 0.03, 0.1, 0.3, 1)
DISTANCE_EDGES = (0, 0.1, 0.25, 0.5, 1)  # of the window: 0, 20, 50, 100, 200 kb of 200


def linkage(
    real_store: CohortStore,
    synthetic_store: CohortStore,
    *,
    train_frequency: np.ndarray,
    genetic_map: GeneticMap,
    window_kb: float,
    seed: int,
    max_pairs: int = 20_000,
    max_people: int = 2_000,
    min_maf: float = 0.05,
) -> pd.DataFrame:
    """Correlation of pairs of variants within `window_kb`, in each source of people.

    train_frequency [V]: of ALT in the training people. Alleles are centred by label first,
    so that population structure does not pass for linkage. At most `max_pairs` pairs are
    drawn, evenly over four bins of distance, among variants with a training MAF of at least
    `min_maf`, and at most `max_people` per source. Correlations are over haplotypes where
    both cohorts are phased, else over dosages; a missing call leaves its pair.

    Returns one row per pair: contig, position_1_bp, position_2_bp, distance_bin, distance_cM,
    and for each source in train, holdout, synthetic its r and its degrees of freedom
    (`train_df`: rows less labels; the expected r2 of unlinked variants is 1 / df).
    """
    check_same_variants(real_store, synthetic_store)
    rng = np.random.default_rng(seed)
    train = people_in(real_store, "train")
    maf = np.minimum(train_frequency, 1 - train_frequency)
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
            "distance_cM": np.diff(genetic_map.cM(position[np.stack([first, second])]), axis=0)[0],
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


def summarise_linkage(pairs: pd.DataFrame, *, seed: int) -> list[dict]:
    """Metric rows from the `linkage` tables of all chromosomes, one below the other.

    ld_r and ld_slope: correlation and slope of the pairs' r on the holdout's r, both about
    the origin, because the sign of an r is only which alleles are called ALT; ld_r_train and
    ld_slope_train: the same on the r of the training people, who are more and blur it less;
    ld_kept and ld_kept_cM: per bin of distance the mean r2 over the holdout's, each less the
    1 / df that sampling alone gives unlinked variants. Intervals by bootstrap over stretches
    of the genome.
    """
    rows = [
        *_agreement_rows(pairs, "holdout", "", seed),
        *_agreement_rows(pairs, "train", "_train", seed),
    ]
    bins = sorted(set(pairs["distance_bin"]), key=_bin_start)
    rows += [
        _kept_row("ld_kept", name, pairs[pairs["distance_bin"] == name], seed) for name in bins
    ]
    for low, high in pairwise(CM_EDGES):
        part = pairs[pairs["distance_cM"].between(low, high, inclusive="left")]
        if len(part):
            rows.append(_kept_row("ld_kept_cM", f"{low:g}-{high:g} cM", part, seed))
    return rows


def _agreement_rows(pairs: pd.DataFrame, reference: str, suffix: str, seed: int) -> list[dict]:
    used = pairs.dropna(subset=["synthetic", reference])
    ours, theirs = used["synthetic"].to_numpy(float), used[reference].to_numpy(float)
    sums = stretch_sums(np.stack([ours * theirs, ours**2, theirs**2], axis=1))
    note = f"{len(used):,} of {len(pairs):,} pairs"
    statistics = {
        "ld_r": lambda s: s[0] / np.sqrt(s[1] * s[2]),
        "ld_slope": lambda s: s[0] / s[2],
    }
    return [
        stretch_row(f"{name}{suffix}", "all", sums, statistic, seed, note)
        for name, statistic in statistics.items()
    ]


def _kept_row(metric: str, group: str, pairs: pd.DataFrame, seed: int) -> dict:
    used = pairs.dropna(subset=["synthetic", "holdout"])
    ours, holdout = (
        (used[source] ** 2 - 1 / used[f"{source}_df"]).to_numpy(float)
        for source in ("synthetic", "holdout")
    )
    if not holdout.sum() > 0:
        return metric_row(metric, group, np.nan, note="no linkage in the holdout")
    sums = stretch_sums(np.stack([ours, holdout], axis=1))
    return stretch_row(metric, group, sums, lambda s: s[0] / s[1], seed, f"{len(used):,} pairs")


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
        squares = allele**2
        if present.all():
            total = squares.sum(axis=1)
            scale = np.sqrt(total[i] * total[j])
        else:
            spread_i = np.einsum("mr,mr->m", squares[i], present[j])
            spread_j = np.einsum("mr,mr->m", squares[j], present[i])
            scale = np.sqrt(spread_i * spread_j)
        np.divide(product, scale, out=r[part], where=scale > 0)
    return r, max(len(label) - len(label_names), 1)


def _centre_by_label(alleles, label, n_labels) -> tuple[np.ndarray, np.ndarray]:
    """Alleles [v, R] less their label's mean, 0 where missing, and where present (0/1)."""
    present = (alleles >= 0).astype(np.float32)
    member = np.eye(n_labels, dtype=np.float32)[label]  # [R, L]
    values = alleles * present
    mean = (values @ member) / np.maximum(present @ member, 1)  # [v, L]
    values -= mean @ member.T
    values *= present
    return values, present
