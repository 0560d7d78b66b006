"""Every attack against a plain loop."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from attacked import N_VARIANTS, attacked_cohort, population_calls
from cohorts import people_of, row_of, store_of, value_of, worded
from scipy.stats import betabinom, mannwhitneyu

from syncohort.evaluation.groups import Group
from syncohort.evaluation.privacy.copies import WINDOW_SNPS, find_copies
from syncohort.evaluation.privacy.frequency_attack import count_alleles, frequency_scores
from syncohort.evaluation.privacy.membership import Targets, membership_rows
from syncohort.evaluation.privacy.neighbours import pairwise_distances
from syncohort.evaluation.privacy.record_distances import (
    adversarial_rows,
    alike_in_labels,
    closest_rows,
    data_copying_row,
    tail_rows,
)
from syncohort.evaluation.tidy import tidy
from syncohort.evaluation.verdicts.bounds import FAIL, LOOK, NOT_MEASURED, PASS
from syncohort.evaluation.verdicts.judging import judge


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
    row = data_copying_row(distances, labels, 1)
    assert (row["low"], row["high"]) == pytest.approx((z - 1.96, z + 1.96), abs=1e-4)


@pytest.mark.parametrize(("n_ours", "n_real"), [(1_000, 150), (2_000, 500), (300, 600)])
def test_the_limits_of_the_tail_are_those_of_a_beta_binomial(n_ours, n_real):
    """Against scipy: the largest counts whose chance is above 5 % and 0.1 %."""
    rng = np.random.default_rng(5)
    _, level = tail_rows(rng.random(n_ours), rng.random(n_real))
    rank = max(1, int(0.01 * (n_real + 1)))
    law = betabinom(n_ours, rank, n_real + 1 - rank)
    assert level["low"] == pytest.approx(law.mean() / n_ours)
    for share, chance in ((level["value"], 0.05), (level["high"], 1e-3)):
        count = round(share * n_ours)
        assert law.sf(count - 1) > chance >= law.sf(count)


@pytest.mark.parametrize("n_real", [50, 100, 150, 151, 200, 300])
@pytest.mark.parametrize("leak", [0, 0.1])
def test_the_tail_is_judged_where_enough_people_are_known(n_real, leak):
    """Honest people rarely fail; near copies of one in ten do; and of too few nothing is said."""
    rng, verdicts = np.random.default_rng(6), []
    for _ in range(100):
        real, ours = rng.gamma(20, size=n_real), rng.gamma(20, size=10 * n_real)
        ours[rng.random(len(ours)) < leak] *= 0.2
        rows = tidy(tail_rows(ours, real), cohort="c", generator="g")
        verdicts.append(judge(rows, {})["verdict"].iloc[0])
    counts = Counter(verdicts)
    if n_real <= 100:
        assert counts == {NOT_MEASURED: 100}
    elif leak:
        assert counts[FAIL] == 100
    else:
        assert counts[FAIL] <= 2 and counts[LOOK] <= 12


def test_equal_distances_count_as_their_place_among_real_people():
    """A real person who is a twin of a training person: half of the whole copies are beyond chance."""
    real = np.concatenate([[0.0], np.arange(1.0, 180.0)])
    row = tail_rows(np.zeros(1_000), real)[0]
    assert row["value"] == pytest.approx(0.5)
    assert tail_rows(np.full(1_000, 0.5), real)[0]["value"] == 0


def test_people_are_compared_with_real_ones_of_equally_frequent_labels():
    rng = np.random.default_rng(7)
    ours = np.repeat(["a", "b", "alone"], [500, 500, 9])
    real = np.repeat(["a", "b", "other"], [90, 10, 3])
    some, control = alike_in_labels(ours, real, rng)
    assert Counter(ours[some]) == {"a": 500, "b": 55} and Counter(real[control]) == {
        "a": 90,
        "b": 10,
    }
    assert len(np.unique(some)) == 555
    some, control = alike_in_labels(np.repeat(["a", "b"], [400, 1]), np.repeat(["a", "b"], 50), rng)
    assert len(some) == 400 and len(control) == 50  # the one of b would cost all others
    assert not any(map(len, alike_in_labels(np.array(["a"]), np.array(["b"]), rng)))


@pytest.mark.parametrize("counts", [(400, 400), (720, 80), (200, 600)])
def test_labels_in_other_proportions_are_no_leak(counts):
    """People of one label are half as far apart as those of the other, who are nine in ten of real people."""
    rng = np.random.default_rng(8)
    labels = {
        "synthetic": np.repeat(["wide", "narrow"], counts),
        "holdout": np.repeat(["wide", "narrow"], [180, 20]),
        "reference": np.repeat(["wide", "narrow"], [180, 20]),
    }
    scale = {"wide": 1.0, "narrow": 0.5}

    def distances(name):
        wide = np.array([scale[label] for label in labels[name]])
        return wide[:, None] * rng.normal(10, 1, (len(wide), 40))

    found = {(name, "train"): distances(name) for name in ("synthetic", "holdout")}
    of_reference = {("train", "reference"): distances("reference").T}
    rows = closest_rows(found | of_reference, {"l1": found}, labels, 1, 20, rng)
    for method in ("hamming", "l1"):
        assert value_of(rows, "closest_record_ratio", method=method) == pytest.approx(1, abs=0.03)
    judged = judge(tidy(rows, cohort="c", generator="g"), {})
    own = judged[(judged["metric"] == "closest_record_tail") & (judged["part"] == "")]
    assert own["verdict"].item() in (PASS, LOOK)
