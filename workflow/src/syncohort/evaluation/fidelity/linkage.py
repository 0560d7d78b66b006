"""Do synthetic people have the linkage disequilibrium of holdout people?

`linkage` measures pairs of variants of one chromosome, `summarise_linkage` sums up the
chromosomes' tables together.

Axes: V variants, R rows (haplotypes of phased cohorts, else people), L labels, M pairs,
B stretches of variants.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from syncohort.association.correlation import LabelledCalls
from syncohort.cohort_store import CohortStore
from syncohort.dosages import minor
from syncohort.evaluation.groups import ALL, Group
from syncohort.evaluation.intervals import STRETCHES_PER_CHROMOSOME, stretch_row, stretch_sums
from syncohort.evaluation.tidy import check_same_variants, metric_row, people_in
from syncohort.formats.genetic_map import GeneticMap
from syncohort.genotypes import rows_per_person

PAIRS_AT_ONCE = 5_000
LABEL_PEOPLE = 50  # fewest people of a label, of those drawn, for its own correlations
CM_EDGES = (0, 0.01, 0.03, 0.1, 0.3, 1)
DISTANCE_EDGES = (0, 0.1, 0.25, 0.5, 1)  # of the window: 0, 20, 50, 100, 200 kb of 200
_PRODUCTS = ("product", "ours_squared", "theirs_squared")


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
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Correlation of pairs of variants within `window_kb`, in each source of people.

    train_frequency [V]: of ALT in the training people. Alleles are centred by label first,
    so that population structure does not pass for linkage. At most `max_pairs` pairs are
    drawn, evenly over four bins of distance, among variants with a training MAF of at least
    `min_maf`, and at most `max_people` per source. Correlations are over haplotypes where
    both cohorts are phased, else over dosages; a missing call leaves its pair.

    Returns two tables. One row per pair: contig, position_1_bp, position_2_bp, distance_bin,
    distance_cM, and for each source in train, holdout, synthetic its r and its degrees of
    freedom (`train_df`: rows less labels; the expected r2 of unlinked variants is 1 / df).
    One row per source in holdout, train, label and stretch of variants: contig, source, label,
    stretch, pairs, product, ours_squared, theirs_squared: how many pairs have an r within the
    label, both in synthetic people and in the source, and the sums over them of the product
    of both r and of their squares. Labels with fewer than `LABEL_PEOPLE` drawn people on
    either side have no row.
    """
    check_same_variants(real_store, synthetic_store)
    rng = np.random.default_rng(seed)
    train = people_in(real_store, "train")
    maf = minor(train_frequency)
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
    of_label = {}
    for source, store, people in (
        ("train", real_store, train),
        ("holdout", real_store, people_in(real_store, "holdout")),
        ("synthetic", synthetic_store, np.arange(len(synthetic_store.people))),
    ):
        if len(people) > max_people:
            people = np.sort(rng.choice(people, max_people, replace=False))
        found = _pair_correlations(store, people, first, second, mode)
        table[source], table[f"{source}_df"], of_label[source] = found
    stretch = first * STRETCHES_PER_CHROMOSOME // len(real_store.variants)
    return table, _label_table(real_store.contig, stretch, of_label)


def summarise_linkage(pairs: pd.DataFrame, labels: pd.DataFrame, *, seed: int) -> list[dict]:
    """Metric rows from both `linkage` tables of all chromosomes, one below the other.

    ld_r and ld_slope: correlation and slope of the pairs' r on the holdout's r, both about
    the origin, because the sign of an r is only which alleles are called ALT; ld_r_train and
    ld_slope_train: the same on the r of the training people, who are more and blur it less;
    ld_r and ld_r_train also label by label, of the r within the label's people;
    ld_kept and ld_kept_cM: per bin of distance the mean r2 over the holdout's, each less the
    1 / df that sampling alone gives unlinked variants. Intervals by bootstrap over stretches
    of the genome.
    """
    rows = [
        *_agreement_rows(pairs, "holdout", "", seed),
        *_agreement_rows(pairs, "train", "_train", seed),
    ]
    for name in _by_distance(pairs):
        part = pairs[pairs["distance_bin"] == name]
        rows.append(_kept_row("ld_kept", Group(distance_bin=name), part, seed))
    for low, high in pairwise(CM_EDGES):
        part = pairs[pairs["distance_cM"].between(low, high, inclusive="left")]
        if len(part):
            group = Group(distance_bin=f"{low:g}-{high:g} cM")
            rows.append(_kept_row("ld_kept_cM", group, part, seed))
    return [
        *rows,
        *_label_rows(labels, "holdout", "ld_r", seed),
        *_label_rows(labels, "train", "ld_r_train", seed),
    ]


def _agreement_rows(pairs: pd.DataFrame, reference: str, suffix: str, seed: int) -> list[dict]:
    used = pairs.dropna(subset=["synthetic", reference])
    ours, theirs = used["synthetic"].to_numpy(float), used[reference].to_numpy(float)
    sums = stretch_sums(np.stack([ours * theirs, ours**2, theirs**2], axis=1))
    note = f"{len(used):,} of {len(pairs):,} pairs"
    statistics = {
        "ld_r": _correlation,
        "ld_slope": lambda s: s[0] / s[2],
    }
    return [
        stretch_row(f"{name}{suffix}", ALL, sums, statistic, seed, note)
        for name, statistic in statistics.items()
    ]


def _label_rows(labels: pd.DataFrame, source: str, metric: str, seed: int) -> list[dict]:
    rows = []
    for label, part in labels[labels["source"] == source].groupby("label"):
        sums = part[list(_PRODUCTS)].to_numpy(float)
        note = f"{int(part['pairs'].sum()):,} pairs"
        rows.append(stretch_row(metric, Group(label=label), sums, _correlation, seed, note))
    return rows


def _correlation(sums) -> np.ndarray:
    """About the origin, of the sums of _PRODUCTS."""
    return sums[0] / np.sqrt(sums[1] * sums[2])


def _kept_row(metric: str, group: Group, pairs: pd.DataFrame, seed: int) -> dict:
    used = pairs.dropna(subset=["synthetic", "holdout"])
    ours, holdout = (
        (used[source] ** 2 - 1 / used[f"{source}_df"]).to_numpy(float)
        for source in ("synthetic", "holdout")
    )
    if not holdout.sum() > 0:
        return metric_row(metric, group, np.nan, note="no linkage in the holdout")
    sums = stretch_sums(np.stack([ours, holdout], axis=1))
    return stretch_row(metric, group, sums, lambda s: s[0] / s[1], seed, f"{len(used):,} pairs")


def _by_distance(pairs: pd.DataFrame) -> list[str]:
    """The bins of distance, the nearest pairs first."""
    distance = pairs["position_2_bp"] - pairs["position_1_bp"]
    return list(distance.groupby(pairs["distance_bin"]).min().sort_values().index)


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


def _pair_correlations(
    store, people, first, second, mode
) -> tuple[np.ndarray, int, dict[str, np.ndarray]]:
    """Correlation [M] of each pair, centred by label, its degrees of freedom, and the
    correlations [M] within each label of `LABEL_PEOPLE` or more of these people."""
    people = people[np.argsort(store.people.label[people].astype(str), kind="stable")]
    label_names, size = np.unique(store.people.label[people].astype(str), return_counts=True)
    large = np.flatnonzero(size >= LABEL_PEOPLE)
    r, r_of_label = np.full(len(first), np.nan), np.full((len(large), len(first)), np.nan)
    for begin in range(0, len(first), PAIRS_AT_ONCE):
        part = slice(begin, begin + PAIRS_AT_ONCE)
        chosen, index = np.unique(np.r_[first[part], second[part]], return_inverse=True)
        calls = LabelledCalls.read(store, people, size, chosen, mode)
        product, spread_i, spread_j = calls.pair_sums(*np.split(index, 2))  # [m, L]
        scale = np.sqrt(spread_i.sum(axis=1) * spread_j.sum(axis=1))
        np.divide(product.sum(axis=1), scale, out=r[part], where=scale > 0)
        scale = np.sqrt(spread_i * spread_j)[:, large].T
        np.divide(product[:, large].T, scale, out=r_of_label[:, part], where=scale > 0)
    of_label = dict(zip(label_names[large], r_of_label, strict=True))
    return r, max(len(people) * rows_per_person(mode) - len(label_names), 1), of_label


def _label_table(contig: str, stretch: np.ndarray, of_label: dict) -> pd.DataFrame:
    """The second table of `linkage`.

    stretch [M]: of each pair, rising; of_label: source -> label -> r [M], NaN where a variant
    does not vary.
    """
    names, starts = np.unique(stretch, return_index=True)
    rows = []
    for source in ("holdout", "train"):
        for label in sorted(set(of_label["synthetic"]) & set(of_label[source])):
            ours, theirs = of_label["synthetic"][label], of_label[source][label]
            used = np.isfinite(ours) & np.isfinite(theirs)
            ours, theirs = (np.where(used, each, 0) for each in (ours, theirs))
            columns = np.stack([used, ours * theirs, ours**2, theirs**2], axis=1)
            sums = np.add.reduceat(columns, starts, axis=0)  # [B, 4]
            rows += [
                (contig, source, label, name, *own) for name, own in zip(names, sums, strict=True)
            ]
    return pd.DataFrame(rows, columns=["contig", "source", "label", "stretch", "pairs", *_PRODUCTS])
