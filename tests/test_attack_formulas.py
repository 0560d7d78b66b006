"""Every attack against a plain loop."""

import numpy as np
import pandas as pd
import pytest
from attacked import N_VARIANTS, attacked_cohort, population_calls
from cohorts import people_of, row_of, store_of, value_of, worded
from scipy.stats import mannwhitneyu

from syncohort.evaluation.groups import Group
from syncohort.evaluation.privacy.copies import WINDOW_SNPS, find_copies
from syncohort.evaluation.privacy.frequency_attack import count_alleles, frequency_scores
from syncohort.evaluation.privacy.membership import Targets, membership_rows
from syncohort.evaluation.privacy.neighbours import pairwise_distances
from syncohort.evaluation.privacy.record_distances import adversarial_rows, data_copying_row


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return attacked_cohort(tmp_path_factory.mktemp("privacy"))


def test_labels_are_compared_with_themselves():
    """Scores that differ between labels alone tell nothing about membership."""
    rng = np.random.default_rng(1)
    label = np.repeat(["x", "y"], 400).astype(object)
    member = rng.random(800) < np.where(label == "x", 0.9, 0.3)
    targets = Targets(np.arange(800).astype(str), label, member, {"x": 360, "y": 30})
    rows = membership_rows(
        Group(method="test"),
        np.where(label == "x", 9, 0) + rng.normal(size=800),
        targets,
        minimum_people=9,
        seed=0,
    )
    row = row_of(rows, "membership_auc", method="test")
    assert row["low"] < 0.5 < row["high"] and row["high"] - row["low"] < 0.15
    groups = worded(pd.DataFrame(rows))["group"].tolist()
    assert groups == [
        "test",
        "test, labels of 0-49 people",
        "test, labels of 200-999 people",
        "test, label x",
        "test, label y",
        "test, at 1 % false positives",
        "test, at 10 % false positives",
    ]


def test_frequency_scores_equal_homers_sum(tmp_path):
    rng = np.random.default_rng(2)
    calls = rng.integers(-1, 2, (40, 9, 2)).astype(np.int8)
    store = store_of(tmp_path / "c.zip", calls, people_of(["x"] * 9))
    reference, synthetic = np.arange(9) < 5, np.arange(9) >= 5
    counts = count_alleles(store, {"reference": reference, "synthetic": synthetic})

    def frequency(people):
        return [
            np.mean(c) if (c := calls[v, people][calls[v, people] >= 0]).size else np.nan
            for v in range(40)
        ]

    ours = frequency(np.flatnonzero(synthetic))
    for person in range(5):
        theirs = frequency([p for p in range(5) if p != person])
        expected = [0.0, 0.0]
        for v in range(40):
            for copy in range(2):
                x = calls[v, person, copy]
                if x >= 0 and not np.isnan(theirs[v] + ours[v]):
                    expected[copy] += abs(x - theirs[v]) - abs(x - ours[v])
        found = frequency_scores(
            calls[:, person].T, 2, counts["synthetic"], counts["reference"], in_reference=True
        )
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_copies_equal_a_plain_search(cohort):
    drawn = population_calls(cohort.train_labels, seed=10)
    drawn[100:400, 7, 1] = cohort.train[100:400, 3, 0]
    people = people_of(cohort.train_labels, prefix="s")
    synthetic = store_of(cohort.folder / "stretch.zip", drawn, people)
    copies = find_copies([cohort.real], [synthetic], "haplotype", seed=0)
    assert list(copies["synthetic"].windows) == [length for length in WINDOW_SNPS if length <= 500]
    training = cohort.train.reshape(N_VARIANTS, -1).T
    for length, shares in copies["synthetic"].windows.items():
        starts = range(0, N_VARIANTS - length + 1, length)
        known = [{row.tobytes() for row in training[:, s : s + length]} for s in starts]
        for person in (0, 7, 50):
            rows = drawn[:, person].T
            found = [
                rows[i, s : s + length].tobytes() in known[w]
                for i in range(2)
                for w, s in enumerate(starts)
            ]
            assert shares[person] == pytest.approx(np.mean(found))
    assert copies["synthetic"].windows[125][7] >= 0.25


def test_adversarial_accuracy_equals_a_plain_loop():
    rng = np.random.default_rng(3)
    groups = {name: rng.integers(0, 2, (24, 60)) for name in ("train", "holdout", "synthetic")}
    distances = {
        (a, b): pairwise_distances(groups[a].astype(np.int8), groups[b].astype(np.int8))
        for a in groups
        for b in groups
    }
    labels = {name: np.full(24, "x") for name in groups}
    rows = adversarial_rows(distances, labels, 1, 20, rng)
    for real in ("train", "holdout"):
        for metric, ours, theirs in (
            ("aa_truth", real, "synthetic"),
            ("aa_syn", "synthetic", real),
        ):
            score = 0
            for i, x in enumerate(groups[ours]):
                other = min((x != y).sum() for y in groups[theirs])
                own = min((x != y).sum() for j, y in enumerate(groups[ours]) if j != i)
                score += 1 if other > own else 0.5 if other == own else 0
            assert value_of(rows, metric, against=real) == pytest.approx(score / 24)
    mean = {
        g: sum(value_of(rows, m, against=g) for m in ("aa_truth", "aa_syn")) / 2
        for g in groups
        if g != "synthetic"
    }
    assert value_of(rows, "privacy_loss") == pytest.approx(mean["holdout"] - mean["train"])


def test_data_copying_is_the_mann_whitney_z():
    rng = np.random.default_rng(4)
    ours, holdout = rng.normal(0.3, 1, 80), rng.normal(0, 1, 60)
    distances = {("synthetic", "train"): ours[:, None], ("holdout", "train"): holdout[:, None]}
    labels = {"synthetic": np.full(80, "x"), "holdout": np.full(60, "x")}
    z = data_copying_row(distances, labels, 1)["value"]
    statistic = mannwhitneyu(ours, holdout, method="asymptotic").statistic
    assert z == pytest.approx((statistic - 80 * 60 / 2) / np.sqrt(80 * 60 * 141 / 12))
