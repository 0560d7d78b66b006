"""Synthetic against real people: one tidy table for every metric, and what metrics read.

A metric compares a source of people with the real holdout people. The same metric of the
calibration generators (validation people, copies, independent SNPs, mosaics) stands beside
it as the rows to be measured against: two real samples differ too.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.dosages import minor
from syncohort.errors import InputError
from syncohort.evaluation.groups import KEYS, Group, is_group

TIDY_COLUMNS = ["cohort", "generator", "metric", *KEYS, "value", "low", "high", "note"]
MAJORITY = "majority label"  # always naming the commonest label
MAF_EDGES = (0.0, 0.01, 0.02, 0.05, 0.2, 0.5)
MAF_BINS = [f"{100 * low:g}-{100 * high:g} %" for low, high in pairwise(MAF_EDGES)]
MIN_PEOPLE = 2  # below this a group is named as too small instead of measured


def metric_row(
    metric: str,
    group: Group,
    value: float,
    low: float = np.nan,
    high: float = np.nan,
    note: str = "",
) -> dict:
    """One value of a tidy table; `note` says what a reader must know, e.g. why it is NaN."""
    return {
        "metric": metric,
        **group._asdict(),
        "value": float(value),
        "low": float(low),
        "high": float(high),
        "note": note,
    }


def tidy(rows: list[dict], *, cohort: str, generator: str) -> pd.DataFrame:
    """Turn `metric_row`s into a table with the columns `TIDY_COLUMNS`."""
    table = pd.DataFrame(rows, columns=TIDY_COLUMNS[2:])
    table.insert(0, "cohort", cohort)
    table.insert(1, "generator", generator)
    return table


def tidy_value(table: pd.DataFrame, generator: str, metric: str, group: Group) -> dict:
    """value, low, high and note of a row of a tidy table; NaN and "" where it has none."""
    named = (table["generator"] == generator) & (table["metric"] == metric)
    found = table[named & is_group(table, group)]
    if found.empty:
        return {"value": np.nan, "low": np.nan, "high": np.nan, "note": ""}
    return dict(found.iloc[0][["value", "low", "high", "note"]])


def withhold_small(rows: list[dict], n_people: int, minimum_people: int) -> list[dict]:
    """The rows as they are, or without values when n_people is less than minimum_people."""
    if n_people >= minimum_people:
        return rows
    note = f"too few: {n_people} people"
    return [row | {"value": np.nan, "low": np.nan, "high": np.nan, "note": note} for row in rows]


def ratio(a: float, b: float) -> float:
    """a / b, or NaN where b is not positive."""
    return a / b if b > 0 else np.nan


def maf_bin(frequency: np.ndarray) -> np.ndarray:
    """Name the bin [low, high) of minor allele frequency, from frequencies of ALT [V]."""
    frequency = np.asarray(frequency, dtype=float)
    maf = minor(frequency)
    index = np.clip(np.searchsorted(MAF_EDGES, maf, side="right") - 1, 0, len(MAF_BINS) - 1)
    return np.where(np.isnan(maf), "", np.array(MAF_BINS, dtype=object)[index])


def people_in(store: CohortStore, split: str) -> np.ndarray:
    """Indices of the people of one split ("train", "validation" or "holdout")."""
    return np.flatnonzero(store.people.split == split)


def check_same_variants(real_store: CohortStore, synthetic_store: CohortStore) -> None:
    """Raise InputError unless both stores hold the same variants in the same order."""
    real, synthetic = real_store.variants, synthetic_store.variants
    same = (
        real.contig == synthetic.contig
        and np.array_equal(real.position_bp, synthetic.position_bp)
        and np.array_equal(real.allele, synthetic.allele)
    )
    if not same:
        raise InputError(
            f"{synthetic_store.path} ({len(synthetic):,} variants of chromosome "
            f"{synthetic.contig}) and {real_store.path} ({len(real):,} of {real.contig}) do not "
            "hold the same variants. A synthetic cohort is measured against the cohort it was "
            "made from; remake it from this one."
        )
