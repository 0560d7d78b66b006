"""What allele frequencies will tell, foreseen by the check, against the attack itself."""

import numpy as np
import pandas as pd
import pytest
from cohorts import people_of, store_of

from syncohort.auc import auc
from syncohort.cohort.foreseen_membership import (
    REFUSED_AUC,
    effective_segments,
    expected_auc,
    frequency_check,
    people_looked_at,
    products_of_people,
)
from syncohort.evaluation.groups import Group
from syncohort.evaluation.privacy.frequency_attack import AlleleCounts, frequency_scores
from syncohort.evaluation.verdicts.metrics import find_metric

SHARES = {"train_share": 0.8, "unseen_share": 0.2}


def calls_of(n_people, n_blocks, size=1, seed=0):
    """Calls [V, S, 2] of independent stretches of SNPs, those of a stretch all the same."""
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(0.2, 0.8, n_blocks)[:, None, None]
    return (rng.random((n_blocks, n_people, 2)) < frequency).astype(np.int8).repeat(size, axis=0)


def joined(labels):
    samples = [f"p{i}" for i in range(len(labels))]
    return pd.DataFrame({"sample": samples, "label": labels, "excluded": ""})


def products_in(tmp_path, calls, people, **options):
    store = store_of(tmp_path / "1.zarr.zip", calls, people_of(people["label"]), **options)
    index = people_looked_at(people, seed=1)
    return products_of_people(store, people["sample"].to_numpy(), index, maf_min=0.01)


@pytest.mark.parametrize("size", [1, 5])
def test_stretches_of_linked_snps_count_once(tmp_path, size):
    people = joined(["a", "b", "c"] * 100)
    products = products_in(tmp_path, calls_of(300, 200, size), people)
    labels = people["label"].to_numpy()
    assert effective_segments(products, labels) == pytest.approx(190, rel=0.1)  # variances differ


def test_labels_and_relatives_do_not_count(tmp_path):
    labels = np.array(["a"] * 100 + ["b"] * 100)
    calls = calls_of(200, 400)
    alone = effective_segments(products_in(tmp_path, calls, joined(labels)), labels)
    other = calls.copy()
    other[:150, 100:] = calls_of(100, 150, seed=2)[::-1]  # other frequencies in the second label
    apart = effective_segments(products_in(tmp_path, other, joined(labels)), labels)
    assert apart == pytest.approx(alone, rel=0.12)
    twice = calls.copy()
    twice[:, 60:100] = calls[:, 20:60]  # forty people are there twice
    twins = effective_segments(products_in(tmp_path, twice, joined(labels)), labels)
    assert twins == pytest.approx(alone, rel=0.15)


def test_missing_calls_change_little(tmp_path):
    people, calls = joined(["a"] * 200), calls_of(200, 400)
    labels = people["label"].to_numpy()
    whole = effective_segments(products_in(tmp_path, calls, people), labels)
    calls[np.random.default_rng(3).random(calls.shape[:2]) < 0.05] = -1
    assert effective_segments(products_in(tmp_path, calls, people), labels) == pytest.approx(
        whole, rel=0.05
    )


@pytest.mark.parametrize(("n", "n_variants"), [(60, 20), (60, 200), (200, 200), (40, 1_000)])
def test_the_foreseen_auc_is_that_of_the_attack(n, n_variants):
    others, drawn, found = 60, 100, []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        frequency = rng.uniform(0.1, 0.9, n_variants)
        rows = (rng.random((2 * (n + others), n_variants)) < frequency).astype(np.int8)
        train, unseen = rows[: 2 * n], rows[2 * n :]
        synthetic = (rng.random((2 * drawn, n_variants)) < train.mean(axis=0)).sum(axis=0)
        counts = (
            AlleleCounts(synthetic.astype(np.float32), np.full(n_variants, 2.0 * drawn)),
            AlleleCounts(unseen.sum(axis=0).astype(np.float32), np.full(n_variants, 2.0 * others)),
        )
        scores = (
            frequency_scores(part, 2, *counts, in_reference=own).reshape(-1, 2).sum(axis=1)
            for part, own in ((train, False), (unseen, True))
        )
        scores = np.concatenate(list(scores))
        found.append(auc(scores, np.arange(len(scores)) < n))
    variance = frequency * (1 - frequency)
    segments = variance.sum() ** 2 / (variance**2).sum()
    assert np.mean(found) == pytest.approx(expected_auc(segments, n, others, drawn), abs=0.02)


def check_of(tmp_path, people, n_variants, **options):
    products = products_in(tmp_path, calls_of(len(people), n_variants), people)
    given = {"n_synthetic": None, "most_variants": None, "public_frequencies": False}
    return frequency_check([products], people, seed=1, **SHARES, **given | options)


def test_few_people_and_many_variants_are_to_be_looked_at(tmp_path):
    people = joined(["a", "b"] * 40)
    found = check_of(tmp_path, people, 2_000)
    assert found.level == "look" and "release.public_frequencies" in found.advice
    assert "32 training people" in found.found
    assert check_of(tmp_path, people, 2_000, public_frequencies=True).level == "ok"
    assert check_of(tmp_path, people, 2_000, most_variants=5).level == "ok"
    assert check_of(tmp_path, joined(["a"] * 400), 30).level == "ok"


def test_what_cannot_be_known_is_said(tmp_path):
    people = joined([f"label {i}" for i in range(30)])
    assert "not known" in check_of(tmp_path, people, 50).found
    others = people.assign(sample=[f"q{i}" for i in range(30)])
    products = products_in(tmp_path, calls_of(30, 50), others)
    assert np.isnan(products).all()


def test_the_bound_is_that_of_the_report():
    rule = find_metric("membership_auc", Group(method="frequency")).rule
    assert rule({}, False).verdict(REFUSED_AUC - 1e-6, np.nan, np.nan) == "look"
    assert rule({}, False).verdict(REFUSED_AUC + 1e-6, np.nan, np.nan) == "fail"
