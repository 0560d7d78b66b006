"""How long stretches are shared: by a person's two haplotypes, and by haplotypes of two people.

A stretch ends where the two differ. Its length is the expected one around a random place of
the chromosome, so that long stretches count by the sequence they cover.

Axes: V variants, S people, M pairs of haplotypes.
"""

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import ALL
from syncohort.evaluation.intervals import percentile_interval, redrawn_means
from syncohort.evaluation.tidy import metric_row, people_in, ratio
from syncohort.genotypes import to_rows

PAIRS_PER_LABEL = 100
LABEL_PEOPLE = 5
CALLS_AT_ONCE = 1 << 27


def mean_stretch_bp(differs: np.ndarray, position_bp: np.ndarray) -> np.ndarray:
    """Expected length [M] in bp of the stretch without a difference around a random place.

    differs: bool [V, M]; position_bp [V]. The chromosome reaches from its first to its last
    variant, and stretches end there; NaN where it has no length.
    """
    ends = differs.copy()
    ends[[0, -1]] = True
    column, row = np.nonzero(np.ascontiguousarray(ends.T))  # by column, then along the chromosome
    length_bp = np.diff(position_bp[row].astype(float))
    length_bp[column[1:] != column[:-1]] = 0
    squares = np.bincount(column[1:], weights=length_bp**2, minlength=differs.shape[1])
    total_bp = float(position_bp[-1] - position_bp[0])
    return squares / total_bp if total_bp > 0 else np.full(differs.shape[1], np.nan)


def matching_haplotypes(
    real_store: CohortStore, synthetic_store: CohortStore, *, seed: int
) -> pd.DataFrame:
    """Shared stretches of random pairs of haplotypes of two people of one label.

    At most `PAIRS_PER_LABEL` pairs for each label and source; missing alleles differ from
    none. Returns source, label, pair, shared_bp; no row unless both cohorts are phased and
    the chromosome has a length.
    """
    columns = ["source", "label", "pair", "shared_bp"]
    position_bp = real_store.variants.position_bp
    phased = real_store.phased and synthetic_store.phased
    if not phased or len(position_bp) < 2 or position_bp[0] == position_bp[-1]:
        return pd.DataFrame(columns=columns)
    tables = []
    for index, (source, store, people) in enumerate(
        (
            ("holdout", real_store, people_in(real_store, "holdout")),
            ("synthetic", synthetic_store, np.arange(len(synthetic_store.people))),
        )
    ):
        labels, pairs = _draw_pairs(
            store.people.label[people], np.random.default_rng([seed, index])
        )
        table = {
            "source": source,
            "label": labels,
            "pair": np.arange(len(labels)),
            "shared_bp": _shared_bp(store, people, pairs, position_bp),
        }
        tables.append(pd.DataFrame(table, columns=columns))
    return pd.concat(tables, ignore_index=True)


def summarise_haplotypes(pairs: pd.DataFrame, *, seed: int) -> list[dict]:
    """Metric row from the `matching_haplotypes` of all chromosomes.

    haplotype_match_length: mean shared stretch of two haplotypes of a label over the
    holdout's, mean over labels, with a bootstrap interval over pairs.
    """
    if pairs.empty:
        note = "needs phased cohorts and 5 people of a label"
        return [metric_row("haplotype_match_length", ALL, np.nan, note=note)]
    per_pair = pairs.groupby(["source", "label", "pair"], as_index=False)["shared_bp"].mean()
    return [length_ratio_row("haplotype_match_length", per_pair, "shared_bp", seed=seed)]


def length_ratio_row(metric: str, table: pd.DataFrame, column: str, *, seed: int) -> dict:
    """Row of the mean over labels of (synthetic mean / holdout mean), resampling rows.

    table: source, label and the column. Labels with fewer than 5 rows in either source are
    left out; the note gives the mean lengths in kb.
    """
    values = {key: part.to_numpy(float) for key, part in table.groupby(["source", "label"])[column]}
    labels = [
        label
        for label in sorted(set(table["label"]))
        if all(
            len(values.get((source, label), ())) >= LABEL_PEOPLE
            for source in ("synthetic", "holdout")
        )
    ]
    if not labels:
        return metric_row(metric, ALL, np.nan, note=f"too few: no label with {LABEL_PEOPLE}")
    rng = np.random.default_rng(seed)
    ours, holdout = (
        np.array([values[source, label].mean() for label in labels])
        for source in ("synthetic", "holdout")
    )
    drawn = [
        redrawn_means(values["synthetic", label], rng)
        / redrawn_means(values["holdout", label], rng)
        for label in labels
    ]
    note = f"{ours.mean() / 1e3:.3g} kb, holdout {holdout.mean() / 1e3:.3g} kb"
    value = np.mean([ratio(a, b) for a, b in zip(ours, holdout, strict=True)])
    return metric_row(metric, ALL, value, *percentile_interval(np.mean(drawn, axis=0)), note=note)


def _draw_pairs(label: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
    """Labels [M] and haplotypes [M, 2] (2 i and 2 i + 1 of person i) of pairs of two people."""
    label = label.astype(str)
    labels, pairs = [], [np.zeros((0, 2), dtype=int)]
    for name in np.unique(label):
        own = np.flatnonzero(label == name)
        if len(own) < LABEL_PEOPLE:
            continue
        first = rng.integers(len(own), size=PAIRS_PER_LABEL)
        second = (first + rng.integers(1, len(own), size=PAIRS_PER_LABEL)) % len(own)
        people = np.stack([own[first], own[second]], axis=1)
        pairs.append(2 * people + rng.integers(2, size=people.shape))
        labels += [name] * PAIRS_PER_LABEL
    return np.array(labels, dtype=object), np.concatenate(pairs)


def _shared_bp(store, people, pairs, position_bp) -> np.ndarray:
    shared = np.zeros(len(pairs))
    at_once = max(1, CALLS_AT_ONCE // (4 * len(position_bp)))
    for start in range(0, len(pairs), at_once):
        part = pairs[start : start + at_once]
        chosen, place = np.unique(part // 2, return_inverse=True)
        rows = to_rows(store.read(samples=people[chosen]), "haplotype")
        rows = np.ascontiguousarray(rows)  # [R, V]
        first, second = rows[2 * place.reshape(part.shape) + part % 2].swapaxes(0, 1)
        differs = (first != second) & (first >= 0) & (second >= 0)
        shared[start : start + at_once] = mean_stretch_bp(differs.T, position_bp)
    return shared
