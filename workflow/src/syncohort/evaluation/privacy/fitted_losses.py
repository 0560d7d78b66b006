"""The losses of a network at all times and noises in one score, weighed as an attacker learns to.

A network knows a training person better at some times than at others, and what its prior alone
makes of a person tells how much of a loss is the person's own. An attacker who knows some training
people learns from them, and from people like them whom nothing was trained on, how to weigh it all:
logistic regression, fitted on the validation people and as many training people. It is tested on
the holdout people and all other training people, so nobody is fitted on and tested on.
Source: Wu et al. 2025 (losses at many times and noises and a classifier; MIDST challenge).

Axes: N people, F features.
"""

import numpy as np

from syncohort.evaluation.groups import Group
from syncohort.evaluation.privacy.membership import METRIC, Targets, membership_rows
from syncohort.evaluation.tidy import metric_row
from syncohort.seeds import child_seed

METHOD = "white box, fitted"
_STRENGTH = 0.1  # inverse of the ridge penalty: losses at neighbouring times are much alike


def fitted_rows(
    features: np.ndarray, people: Targets, split: np.ndarray, *, minimum_people: int, seed: int
) -> list[dict]:
    """Metric rows of membership_auc and membership_tpr, method "white box, fitted".

    features: [N, F] of training, holdout and validation people: the losses at several times, and
        the losses less those of a network that adds nothing to its prior.
    split: [N] of `people`.
    Fewer than `minimum_people` validation people: one row, NaN, and the note says so.
    """
    n_validation = int((split == "validation").sum())
    if n_validation < minimum_people:
        note = f"too few: {n_validation} validation people to fit on"
        return [metric_row(METRIC, Group(method=METHOD), np.nan, note=note)]
    scores, is_tested = fitted_scores(features, people.label, split, child_seed(seed, 0))
    options = {"minimum_people": minimum_people, "seed": child_seed(seed, 1)}
    found = membership_rows(
        Group(method=METHOD), scores[is_tested], people.some(is_tested), **options
    )
    return [row for row in found if not (row["label"] or row["label_size"])]


def fitted_scores(
    features: np.ndarray, label: np.ndarray, split: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores [N], higher for suspected members, and who they may be tested on, bool [N].

    features: [N, F]; label, split: [N]; seed: of who of the training people the attacker knows.
    Features are centred within labels, whose people differ in their losses anyway.
    """
    from sklearn.linear_model import LogisticRegression

    values = features.astype(float)
    for name in np.unique(label):
        own = label == name
        values[own] -= values[own].mean(axis=0)
    values /= np.maximum(values.std(axis=0), 1e-300)
    is_known = _known_members(label, split, seed)
    is_fitted = is_known | (split == "validation")
    model = LogisticRegression(C=_STRENGTH, max_iter=1_000)
    model.fit(values[is_fitted], is_known[is_fitted])
    return model.decision_function(values), ~is_fitted


def _known_members(label: np.ndarray, split: np.ndarray, seed: int) -> np.ndarray:
    """Training people whom the attacker knows, bool [N]: of each label as many as validation
    people, but at most half of them."""
    rng = np.random.default_rng(seed)
    is_known = np.zeros(len(label), bool)
    for name in np.unique(label):
        own = np.flatnonzero((label == name) & (split == "train"))
        wanted = int(((label == name) & (split == "validation")).sum())
        is_known[rng.permutation(own)[: min(wanted, len(own) // 2)]] = True
    return is_known
