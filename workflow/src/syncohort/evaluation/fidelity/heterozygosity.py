"""Are synthetic people as heterozygous, and as inbred, as holdout people?

`people_table` measures one chromosome, `summarise_people` sums up all chromosomes.

Axes: V variants, S people, L labels.
"""

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.fidelity.genotype_counts import LabelCounts
from syncohort.evaluation.fidelity.haplotypes import length_ratio_row, mean_stretch_bp
from syncohort.evaluation.groups import ALL, Group
from syncohort.evaluation.intervals import DRAWS, percentile_interval
from syncohort.evaluation.tidy import MIN_PEOPLE, metric_row, people_in, ratio
from syncohort.genotypes import CHUNK_SAMPLES
from syncohort.ploidy import ABSENT

CALLS_AT_ONCE = 1 << 27
VALUES_AT_ONCE = 1 << 20


def expected_heterozygosity(counts: LabelCounts) -> np.ndarray:
    """Expected share of heterozygous people float32 [V, L] at the label's frequencies.

    2 p (1 - p) n / (n - 1) of n alleles, unbiased in small labels. Source: Nei 1978, eq. 3.
    """
    n, p = counts.alleles, counts.frequency
    expected = 2 * p * (1 - p) * n / np.maximum(n - 1, 1)
    return np.nan_to_num(expected).astype(np.float32)


def people_table(
    real_store: CohortStore,
    synthetic_store: CohortStore,
    labels: list[str],
    expected: dict[str, np.ndarray],
) -> pd.DataFrame:
    """Heterozygosity of each holdout and synthetic person on one chromosome.

    labels [L] and expected [V, L] by source, as `expected_heterozygosity`: what people of a
    label would have.
    Returns person, source, label, called, heterozygous, expected (heterozygous calls at the
    person's called variants), homozygous_bp (`mean_stretch_bp` between heterozygous calls).
    """
    tables = []
    for source, store, people in (
        ("holdout", real_store, people_in(real_store, "holdout")),
        ("synthetic", synthetic_store, np.arange(len(synthetic_store.people))),
    ):
        own = store.people[people]
        columns = {
            "person": own.id,
            "source": source,
            "label": own.label,
            **_per_person(store, people, labels, expected[source]),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def summarise_people(table: pd.DataFrame, *, seed: int) -> list[dict]:
    """Metric rows from the `people_table` of all chromosomes.

    heterozygosity_ratio: mean share of heterozygous genotypes per person over the holdout's
    mean, all people and per label; heterozygosity_spread: the same of the standard deviation
    between people; inbreeding_f: mean of F = 1 - heterozygous / expected of the label, with
    the holdout's in the note; homozygosity_runs: mean length of stretches without a
    heterozygous call over the holdout's, mean over labels. Intervals by bootstrap over people.
    """
    keys = ["source", "person", "label"]
    people = table.groupby(keys, as_index=False).agg(
        {"called": "sum", "heterozygous": "sum", "expected": "sum", "homozygous_bp": "mean"}
    )
    people["rate"] = people["heterozygous"] / people["called"].where(people["called"] > 0)
    people["f"] = 1 - people["heterozygous"] / people["expected"].where(people["expected"] > 0)
    rng = np.random.default_rng(seed)
    rows = []
    groups = [(ALL, people)]
    groups += [(Group(label=label), part) for label, part in people.groupby("label") if label]
    for group, part in groups:
        both = [_of(part, source, "rate") for source in ("synthetic", "holdout")]
        rows.append(_ratio_row("heterozygosity_ratio", group, np.mean, *both, rng))
        if group == ALL:
            rows.append(_ratio_row("heterozygosity_spread", group, np.std, *both, rng))
    rows.append(_inbreeding_row(people, rng))
    runs = people.dropna(subset=["homozygous_bp"])
    return [*rows, length_ratio_row("homozygosity_runs", runs, "homozygous_bp", seed=seed)]


def _per_person(store, people, labels, expected) -> dict[str, np.ndarray]:
    result = {
        name: np.zeros(len(people))
        for name in ("called", "heterozygous", "expected", "homozygous_bp")
    }
    label = np.searchsorted(labels, store.people.label[people].astype(str))
    size = max(1, min(CHUNK_SAMPLES, CALLS_AT_ONCE // (2 * max(len(expected), 1))))
    start = 0
    for part, calls in store.people_chunks(people, size):
        own = slice(start, start + len(part))
        called = (calls >= 0).all(axis=2)
        heterozygous = (calls[..., 0] != calls[..., 1]) & called
        result["called"][own] = called.sum(axis=0)
        result["heterozygous"][own] = heterozygous.sum(axis=0)
        result["expected"][own] = _expected_count(called, expected, label[own])
        if len(expected):
            position_bp = store.variants.position_bp
            stretches = mean_stretch_bp(heterozygous, position_bp)
            one_copy = (calls[..., 1] == ABSENT).any(axis=0)
            result["homozygous_bp"][own] = np.where(one_copy, np.nan, stretches)
        start = own.stop
    return result


def _expected_count(called, expected, label) -> np.ndarray:
    """Sum [s] over a person's called variants of what the person's label expects."""
    everywhere = expected.sum(axis=0, dtype=float)[label]
    variant, person = np.nonzero(~called)
    lost = np.bincount(person, weights=expected[variant, label[person]], minlength=len(label))
    return everywhere - lost


def _of(people: pd.DataFrame, source: str, column: str) -> np.ndarray:
    return people.loc[people["source"] == source, column].dropna().to_numpy(float)


def _resampled(values: np.ndarray, statistic, rng) -> np.ndarray:
    """The statistic [draws] of values [S] drawn with replacement."""
    n = len(values)
    at_once = max(1, VALUES_AT_ONCE // n)
    sizes = [min(at_once, DRAWS - start) for start in range(0, DRAWS, at_once)]
    return np.concatenate(
        [statistic(values[rng.integers(n, size=(size, n))], axis=1) for size in sizes]
    )


def _ratio_row(metric, group, statistic, ours, holdout, rng) -> dict:
    people = min(len(ours), len(holdout))
    if people < MIN_PEOPLE:
        return metric_row(metric, group, np.nan, note=f"too few: {people} people")
    drawn = [_resampled(values, statistic, rng) for values in (ours, holdout)]
    value = ratio(statistic(ours), statistic(holdout))
    with np.errstate(divide="ignore", invalid="ignore"):
        return metric_row(metric, group, value, *percentile_interval(drawn[0] / drawn[1]))


def _inbreeding_row(people: pd.DataFrame, rng) -> dict:
    ours, holdout = (_of(people, source, "f") for source in ("synthetic", "holdout"))
    n_people = min(len(ours), len(holdout))
    if n_people < MIN_PEOPLE:
        return metric_row("inbreeding_f", ALL, np.nan, note=f"too few: {n_people} people")
    interval = percentile_interval(_resampled(ours, np.mean, rng))
    note = f"holdout {holdout.mean():.4f}"
    return metric_row("inbreeding_f", ALL, ours.mean(), *interval, note=note)
