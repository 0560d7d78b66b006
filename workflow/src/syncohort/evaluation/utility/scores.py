"""How well classifiers do on holdout people: accuracy, balanced accuracy, AUC.

Axes: S people, C classes, K fitted classifiers (one per seed and fold).
"""

from dataclasses import dataclass

import numpy as np

from syncohort.auc import average_ranks
from syncohort.evaluation.intervals import bootstrap, percentile_interval


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def score(
    probabilities: np.ndarray,
    classes: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
) -> dict[str, Estimate]:
    """Accuracy, balanced accuracy and AUC of probabilities [K, S, C] for labels [S] str.

    balanced_accuracy: mean over labels of the share of its people called right; auc: area
    under the ROC curve of each label against the rest, averaged over labels (with two
    labels the usual AUC; Fawcett 2006, Pattern Recognition Letters 27:861). Labels that no class
    stands for count as wrong, and lower the AUC to what equal scores give, 0.5. The
    intervals resample people and, where there are several, seeds.
    """
    names = np.unique(np.concatenate([np.asarray(classes), np.asarray(labels).astype(str)]))
    target = np.searchsorted(names, np.asarray(labels).astype(str))  # [S]
    full = np.zeros((*probabilities.shape[:2], len(names)))
    full[..., np.searchsorted(names, classes)] = probabilities
    right = full.argmax(axis=2) == target  # [K, S]
    n_seeds, n_people = right.shape
    rng = np.random.default_rng(seed)

    def scores(people, seeds):
        hit = right[np.ix_(seeds, people)].mean(axis=0)
        areas = {k: _mean_auc(full[k, people], target[people]) for k in set(seeds)}
        auc = np.mean([areas[k] for k in seeds])
        return [hit.mean(), _balanced(hit, target[people]), auc]

    values = scores(np.arange(n_people), np.arange(n_seeds))
    drawn = bootstrap(scores, n_people, n_seeds, rng=rng)
    names = ("accuracy", "balanced_accuracy", "auc")
    return {
        name: Estimate(float(value), *percentile_interval(draws))
        for name, value, draws in zip(names, values, drawn.T, strict=True)
    }


def _balanced(hit: np.ndarray, target: np.ndarray) -> float:
    """Mean over the classes present of the mean hit [S] of their people."""
    people = np.bincount(target)
    return (np.bincount(target, hit)[people > 0] / people[people > 0]).mean()


def _mean_auc(scores: np.ndarray, target: np.ndarray) -> float:
    """One-against-rest area of scores [S, C], by rank sums, averaged over classes present."""
    n_people, n_classes = scores.shape
    own = np.apply_along_axis(average_ranks, 0, scores)[np.arange(n_people), target]
    inside = np.bincount(target, minlength=n_classes)
    rank_sum = np.bincount(target, own, minlength=n_classes)
    measurable = (inside > 0) & (inside < n_people)
    if not measurable.any():
        return np.nan
    inside, rank_sum = inside[measurable], rank_sum[measurable]
    return ((rank_sum - inside * (inside + 1) / 2) / (inside * (n_people - inside))).mean()
