"""Do synthetic people lie where real people lie, and do they reach everywhere?

Axes: S people, K coordinates.
"""

import numpy as np
from scipy.spatial import cKDTree

from syncohort.evaluation.groups import ALL
from syncohort.evaluation.intervals import DRAWS, percentile_interval
from syncohort.evaluation.tidy import metric_row

NEIGHBOURS = 5
SUBSAMPLES = 5


def within_reach(points: np.ndarray, others: np.ndarray, neighbours: int = NEIGHBOURS):
    """Which points [S, K] lie in a ball around one of the others [S', K], bool [S].

    The ball of each of the others reaches to its own k-th nearest among them.
    Source: Kynkaanniemi et al. 2019, eq. 1 and 2.
    """
    reach = cKDTree(others).query(others, neighbours + 1)[0][:, -1]  # the nearest is itself
    inside = np.zeros(len(points), dtype=bool)
    for start in range(0, len(points), 500):
        part = points[start : start + 500]
        distance = np.linalg.norm(part[:, None] - others[None], axis=2)
        inside[start : start + 500] = (distance <= reach).any(axis=1)
    return inside


def compare_coverage(synthetic: np.ndarray, holdout: np.ndarray, *, seed: int) -> list[dict]:
    """Metric rows of places [S, K] on the training people's axes.

    knn_precision: share of synthetic people within reach of holdout people; knn_recall: share
    of holdout people within reach of synthetic people, k = 5. Both depend on the number of
    people, so as many are drawn from the larger side as the smaller has; the mean over five
    draws is given, with a bootstrap interval over people.
    """
    n = min(len(synthetic), len(holdout))
    if n <= NEIGHBOURS:
        note = f"too few: {n} people"
        return [
            metric_row(name, ALL, np.nan, note=note) for name in ("knn_precision", "knn_recall")
        ]
    rng = np.random.default_rng(seed)
    precision, recall = np.zeros((2, SUBSAMPLES, n))
    for draw in range(SUBSAMPLES):
        ours, theirs = (
            each[rng.choice(len(each), n, replace=False)] for each in (synthetic, holdout)
        )
        precision[draw], recall[draw] = within_reach(ours, theirs), within_reach(theirs, ours)
    rows = []
    for name, hits in (("knn_precision", precision), ("knn_recall", recall)):
        people = rng.integers(n, size=(DRAWS, n))
        drawn = hits[rng.integers(SUBSAMPLES, size=(DRAWS, 1)), people].mean(axis=1)
        note = f"{n} people each"
        rows.append(metric_row(name, ALL, hits.mean(), *percentile_interval(drawn), note=note))
    return rows
