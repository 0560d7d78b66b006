"""Do synthetic people have the allele frequencies and the heterozygosity of unseen people?

Each measure comes in two steps: a table per chromosome (`allele_frequencies`,
`heterozygous_counts`), and a summary of the chromosomes' tables together.

Axes: V variants, S people, P = 2 ploidy, Q groups of people.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.evaluation import (
    MAF_BINS,
    MIN_PEOPLE,
    REAL_TRAIN,
    check_same_variants,
    maf_bin,
    metric_row,
    percentile_interval,
    ratio,
    tidy,
)
from syncohort.genotypes import CHUNK_VARIANTS, SPLITS, CohortStore

PEOPLE_AT_ONCE = 5_000


@dataclass(frozen=True)
class Frequencies:
    """ALT frequencies of one chromosome.

    variants: one row per variant: contig, position_bp, id, maf_bin (of the training
    people), train, validation, holdout, synthetic (frequency of ALT, NaN without a call).
    labels: one row per label and source ("synthetic", "train"): contig, label, source,
    people, holdout_people, variants, error (mean |frequency - holdout's| within the label).
    """

    variants: pd.DataFrame
    labels: pd.DataFrame


def group_frequencies(store: CohortStore, groups: dict) -> dict:
    """ALT frequency [V] of each group of people (name -> mask [S]) over their called alleles.

    NaN where nobody in the group has a call.
    """
    member = np.stack(list(groups.values()), axis=1).astype(np.float32)  # [S, Q]
    alt = np.zeros((len(store.variants), len(groups)))
    called = np.zeros_like(alt)
    for variants, people, calls in _blocks(store):
        alt[variants] += (calls == 1).sum(axis=2, dtype=np.float32) @ member[people]
        called[variants] += (calls >= 0).sum(axis=2, dtype=np.float32) @ member[people]
    frequency = np.divide(alt, called, out=np.full_like(alt, np.nan), where=called > 0)
    return dict(zip(groups, frequency.T, strict=True))


def allele_frequencies(real_store: CohortStore, synthetic_store: CohortStore) -> Frequencies:
    """Frequencies of one chromosome in training, validation, holdout and synthetic people."""
    check_same_variants(real_store, synthetic_store)
    labels = sorted(set(real_store.people.label))
    real, synthetic = real_store.people, synthetic_store.people
    by_split = {split: real.split == split for split in SPLITS}
    within = {
        (label, source): (real.label == label) & by_split[source]
        for label in labels
        for source in ("train", "holdout")
    }
    of_real = group_frequencies(real_store, by_split | within)
    of_synthetic = group_frequencies(
        synthetic_store,
        {"all": np.ones(len(synthetic), dtype=bool)}
        | {label: synthetic.label == label for label in labels},
    )
    variants = pd.DataFrame(
        {
            "contig": real_store.contig,
            "position_bp": real_store.variants.position_bp,
            "id": real_store.variants.id,
            "maf_bin": maf_bin(of_real["train"]),
            **{split: of_real[split] for split in SPLITS},
            "synthetic": of_synthetic["all"],
        }
    )
    rows = []
    for label in labels:
        holdout = of_real[label, "holdout"]
        holdout_people = within[label, "holdout"].sum()
        for source, frequency, people in (
            ("synthetic", of_synthetic[label], (synthetic.label == label).sum()),
            ("train", of_real[label, "train"], within[label, "train"].sum()),
        ):
            row = {"contig": real_store.contig, "label": label, "source": source}
            row |= {"people": int(people), "holdout_people": int(holdout_people)}
            rows.append(row | _mean_difference(frequency, holdout))
    return Frequencies(variants, pd.DataFrame(rows))


def summarise_frequencies(
    variants: pd.DataFrame, labels: pd.DataFrame, *, cohort: str, generator: str
) -> pd.DataFrame:
    """Tidy table from the `Frequencies` tables of all chromosomes, one below the other.

    frequency_r: Pearson correlation with the holdout's frequencies (close to 1 for almost
    any generator); frequency_error: mean absolute difference from them, over all variants,
    per MAF bin, per label and averaged over labels (the one that does not depend on the mix
    of labels drawn); minor_frequency_kept: mean frequency of the minor allele over its mean
    in the holdout, per MAF bin: below 1 where rare alleles were lost.
    """
    tables = []
    for source, name in (("synthetic", generator), ("train", REAL_TRAIN)):
        rows = _frequency_rows(variants, source)
        rows += _label_rows(labels[labels["source"] == source])
        tables.append(tidy(rows, cohort=cohort, generator=name))
    return pd.concat(tables, ignore_index=True)


def heterozygous_counts(real_store: CohortStore, synthetic_store: CohortStore) -> pd.DataFrame:
    """Heterozygous and called genotypes of each holdout, training and synthetic person.

    Returns person, source, label, heterozygous, called of one chromosome.
    """
    check_same_variants(real_store, synthetic_store)
    tables = []
    for store, real in ((real_store, True), (synthetic_store, False)):
        counts = np.zeros((2, len(store.people)), dtype=np.int64)
        for _, people, calls in _blocks(store):
            called = (calls >= 0).all(axis=2)
            counts[0, people] += ((calls[..., 0] != calls[..., 1]) & called).sum(axis=0)
            counts[1, people] += called.sum(axis=0)
        table = pd.DataFrame(
            {
                "person": store.people.id,
                "source": store.people.split if real else "synthetic",
                "label": store.people.label,
                "heterozygous": counts[0],
                "called": counts[1],
            }
        )
        tables.append(table[table["source"].isin(["train", "holdout", "synthetic"])])
    return pd.concat(tables, ignore_index=True)


def summarise_heterozygosity(
    counts: pd.DataFrame, *, cohort: str, generator: str, seed: int, draws: int = 1_000
) -> pd.DataFrame:
    """Tidy table from `heterozygous_counts` of all chromosomes, one below the other.

    heterozygosity_ratio: mean share of heterozygous genotypes per person over the
    holdout's mean, all people and per label, with a bootstrap interval over people;
    heterozygosity_spread: the same of the standard deviation between people.
    """
    people = counts.groupby(["source", "person", "label"], as_index=False).sum(numeric_only=True)
    people["rate"] = people["heterozygous"] / people["called"].where(people["called"] > 0)
    groups = [("all", people)]
    groups += [(f"label {label}", part) for label, part in people.groupby("label") if label]
    tables = []
    for source, name in (("synthetic", generator), ("train", REAL_TRAIN)):
        rng = np.random.default_rng(seed)
        rows = []
        for group, part in groups:
            ours = part.loc[part["source"] == source, "rate"].dropna().to_numpy()
            holdout = part.loc[part["source"] == "holdout", "rate"].dropna().to_numpy()
            rows.append(
                _ratio_row("heterozygosity_ratio", group, np.mean, ours, holdout, rng, draws)
            )
            if group == "all":
                rows.append(
                    _ratio_row("heterozygosity_spread", group, np.std, ours, holdout, rng, draws)
                )
        tables.append(tidy(rows, cohort=cohort, generator=name))
    return pd.concat(tables, ignore_index=True)


def _blocks(store: CohortStore) -> Iterator[tuple[slice, slice, np.ndarray]]:
    for start in range(0, len(store.variants), CHUNK_VARIANTS):
        variants = slice(start, min(start + CHUNK_VARIANTS, len(store.variants)))
        for begin in range(0, len(store.people), PEOPLE_AT_ONCE):
            people = slice(begin, min(begin + PEOPLE_AT_ONCE, len(store.people)))
            yield variants, people, store.read(variants, people)


def _mean_difference(frequency, holdout) -> dict:
    difference = np.abs(frequency - holdout)
    used = np.isfinite(difference)
    error = difference[used].mean() if used.any() else np.nan
    return {"variants": int(used.sum()), "error": error}


def _frequency_rows(variants: pd.DataFrame, source: str) -> list[dict]:
    used = variants.dropna(subset=["train", source, "holdout"])
    ours, holdout = used[source].to_numpy(), used["holdout"].to_numpy()
    varies = len(used) > 1 and np.ptp(ours) > 0 and np.ptp(holdout) > 0
    r = np.corrcoef(ours, holdout)[0, 1] if varies else np.nan
    error = np.abs(ours - holdout)
    mean_error = error.mean() if len(used) else np.nan
    rows = [
        metric_row("frequency_r", "all", r, note=f"{len(used):,} variants"),
        metric_row("frequency_error", "all", mean_error, note=f"{len(used):,} variants"),
    ]
    alt_is_minor = used["train"].to_numpy() <= 0.5
    ours, holdout = (np.where(alt_is_minor, f, 1 - f) for f in (ours, holdout))
    for name in MAF_BINS:
        inside = (used["maf_bin"] == name).to_numpy()
        if not inside.any():
            continue
        note, group = f"{inside.sum():,} variants", f"MAF {name}"
        rows.append(metric_row("frequency_error", group, error[inside].mean(), note=note))
        kept = ratio(ours[inside].sum(), holdout[inside].sum())
        note = note if np.isfinite(kept) else "none of these alleles in the holdout"
        rows.append(metric_row("minor_frequency_kept", group, kept, note=note))
    return rows


def _label_rows(labels: pd.DataFrame) -> list[dict]:
    rows = []
    for label, part in labels.groupby("label"):
        people = int(part[["people", "holdout_people"]].iloc[0].min())
        weight = part["variants"].to_numpy()
        enough = people >= MIN_PEOPLE and weight.sum() > 0
        error = np.average(part["error"].fillna(0), weights=weight) if enough else np.nan
        note = "" if enough else f"too few: {people} people"
        rows.append(metric_row("frequency_error", f"label {label}", error, note=note))
    measured = [row["value"] for row in rows if np.isfinite(row["value"])]
    mean = np.mean(measured) if measured else np.nan
    note = f"{len(measured)} of {len(rows)} labels"
    return [metric_row("frequency_error", "mean over labels", mean, note=note), *rows]


def _ratio_row(metric, group, statistic, ours, holdout, rng, draws) -> dict:
    people = min(len(ours), len(holdout))
    if people < MIN_PEOPLE:
        return metric_row(metric, group, np.nan, note=f"too few: {people} people")

    def resampled(values):
        return np.array([statistic(rng.choice(values, len(values))) for _ in range(draws)])

    with np.errstate(divide="ignore", invalid="ignore"):
        interval = percentile_interval(resampled(ours) / resampled(holdout))
    return metric_row(metric, group, ratio(statistic(ours), statistic(holdout)), *interval)
