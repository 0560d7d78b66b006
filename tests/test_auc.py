"""The area under the ROC curve: ties, weights, and labels that say nothing."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from syncohort.auc import auc, auc_within_labels, paired_difference, weighted_auc


def test_weighted_auc_is_scikit_learns():
    rng = np.random.default_rng(0)
    members, others = rng.integers(0, 8, 30) / 4, rng.integers(0, 7, 20) / 4
    weights = [rng.integers(0, 4, (5, n)) for n in (30, 20)]
    truth = np.repeat([1, 0], [30, 20])
    expected = [
        roc_auc_score(truth, np.concatenate([members, others]), sample_weight=np.concatenate(w))
        for w in zip(*weights, strict=True)
    ]
    np.testing.assert_allclose(weighted_auc(members, others, *weights), expected, rtol=1e-12)


def test_auc_counts_pairs():
    score, is_case = np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, True, False, True])
    assert auc(score, is_case) == 3.5 / 4
    assert np.isnan(auc(score, np.ones(4, dtype=bool)))


def test_within_labels_is_the_mean_over_labels():
    rng = np.random.default_rng(0)
    label = np.repeat(["a", "b", "c"], [40, 60, 10])
    is_case = rng.random(110) < 0.4
    is_case[100:] = True  # label c has no control and does not count
    score = rng.normal(size=110) + is_case
    parts = [label == name for name in ("a", "b")]
    values = [roc_auc_score(is_case[own], score[own]) for own in parts]
    weights = [(~is_case[own]).sum() for own in parts]
    expected = np.average(values, weights=weights)
    assert auc_within_labels(score, is_case, label) == pytest.approx(expected)
    assert np.isnan(auc_within_labels(score[100:], is_case[100:], label[100:]))


def test_differences_between_labels_do_not_hide_a_member():
    """Losses differ more between labels than between members and others, as they do in cohorts."""
    label = np.repeat(np.arange(20), 20)
    is_case = np.tile([True, False], 200)
    score = 10.0 * label + is_case
    assert auc_within_labels(score, is_case, label) == 1
    assert auc(score, is_case) < 0.55


def test_the_error_of_a_paired_difference_is_what_other_draws_of_people_show():
    """Two scores of the same people, r = 0.8, in two labels: much less than if they were independent."""
    label, is_case = np.repeat(["a", "b"], [60, 90]), np.tile([True, False, False], 50)
    found, alone = [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        both = rng.normal(size=len(label))
        scores = [
            np.sqrt(0.8) * both + np.sqrt(0.2) * rng.normal(size=len(label)) + shift * is_case
            for shift in (0.3, 0.6)
        ]
        found.append(paired_difference(*scores, is_case, label))
        alone.append([auc_within_labels(score, is_case, label) for score in scores])
    differences, errors = np.transpose(found)
    alone = np.array(alone)
    np.testing.assert_allclose(differences, alone[:, 0] - alone[:, 1], atol=1e-12)
    assert np.mean(errors) == pytest.approx(differences.std(), rel=0.1)
    assert differences.std() < 0.6 * np.hypot(*alone.std(axis=0))
    covered = np.abs(differences - differences.mean()) < 1.96 * errors
    assert covered.mean() == pytest.approx(0.95, abs=0.03)
    assert np.isnan(paired_difference(*scores, np.ones(150, bool), label)[0])
