"""Are synthetic records nearer to training records, or to each other, than holdout people's are?

Summaries of distances between groups of people ("train", "holdout", "synthetic"), given as
(group, group) -> float32 [A, B] between their rows, the rows of a person together.

Axes: A, B rows (haplotypes or people) of two groups, N people.
"""

import numpy as np
import pandas as pd

from syncohort.auc import average_ranks
from syncohort.evaluation.groups import ALL, HOLDOUT, TRAIN, Group
from syncohort.evaluation.intervals import bootstrap, percentile_interval
from syncohort.evaluation.privacy.neighbours import nearest_of
from syncohort.evaluation.tidy import metric_row, ratio

SUBSAMPLES = 5
TAIL = 0.01
CELL_ROWS = 20  # of the holdout, for a label to be a cell of its own in the data-copying test


def adversarial_rows(distances, labels, each: int, minimum_people: int, rng) -> list[dict]:
    """aa_truth, aa_syn (against "holdout", "train") and privacy_loss (Yale et al. 2020, eq. 1, 2).

    labels: group -> [N]; each: rows a person. Mean of SUBSAMPLES of equal size and labels; the
    intervals hold what subsamples and their people vary.
    """
    drawn = {}
    for real in (HOLDOUT, TRAIN):
        chosen = [_equal_people(labels, real, rng) for _ in range(SUBSAMPLES)]
        people = len(chosen[0][real])
        if people < minimum_people:
            note = f"too few: {people} people of equal labels"
            names = ("aa_truth", "aa_syn")
            return [metric_row(name, Group(against=HOLDOUT), np.nan, note=note) for name in names]
        drawn[real] = [_adversarial(distances, real, people, each) for people in chosen]
    rows, loss = [], 0
    for real, sign in ((HOLDOUT, 1), (TRAIN, -1)):
        resampled = _resampled_means(drawn[real], rng)
        mean = np.mean([[side.mean() for side in pair] for pair in drawn[real]], axis=0)
        note = f"{len(drawn[real][0][0]):,} people a side"
        for column, name in enumerate(("aa_truth", "aa_syn")):
            interval = percentile_interval(resampled[:, column])
            rows.append(metric_row(name, Group(against=real), mean[column], *interval, note=note))
        loss = loss + sign * np.concatenate([[mean.mean()], resampled.mean(axis=1)])
    return [*rows, metric_row("privacy_loss", ALL, loss[0], *percentile_interval(loss[1:]))]


def _equal_people(labels, real: str, rng) -> dict[str, np.ndarray]:
    """People (places in their groups) of one real group and synthetic, with equal labels.

    As many of each label as the smallest of train, holdout and synthetic has.
    """
    sides = {name: labels[name] for name in ("train", "holdout", "synthetic")}
    chosen = {real: [], "synthetic": []}
    for label in sorted(set.intersection(*map(set, sides.values()))):
        n = min((of == label).sum() for of in sides.values())
        for name, parts in chosen.items():
            parts.append(rng.choice(np.flatnonzero(sides[name] == label), n, replace=False))
    return {name: np.concatenate([*parts, np.empty(0, int)]) for name, parts in chosen.items()}


def _adversarial(distances, real: str, people: dict, each: int) -> tuple:
    """Share of rows of each person [N] nearer to their own kind: real people, synthetic people."""
    ours, theirs = (_rows_of(people[name], each) for name in (real, "synthetic"))
    itself = np.arange(len(ours))
    across = distances["synthetic", real][np.ix_(theirs, ours)]
    shares = []
    for name, rows, to_other in ((real, ours, across.T), ("synthetic", theirs, across)):
        own = nearest_of(distances[name, name][np.ix_(rows, rows)], self_index=itself)
        other = to_other.min(axis=1)
        farther = (other > own.distance[:, 0]) + 0.5 * (other == own.distance[:, 0])
        shares.append(farther.reshape(-1, each).mean(axis=1))
    return tuple(shares)


def _rows_of(people: np.ndarray, each: int) -> np.ndarray:
    """Rows of people, the rows of a person together."""
    return (people[:, None] * each + np.arange(each)).ravel()


def _resampled_means(pairs: list[tuple], rng) -> np.ndarray:
    """Means [DRAWS, 2] of both sides of a pair drawn at random, people redrawn."""

    def means(ours, theirs):
        pair = pairs[rng.integers(len(pairs))]
        return [pair[0][ours].mean(), pair[1][theirs].mean()]

    return bootstrap(means, *map(len, pairs[0]), rng=rng)


def closest_rows(distances, by_metric: dict, each: int, rng) -> list[dict]:
    """closest_record_ratio, closest_record_tail and neighbour_distance_ratio.

    distances: Hamming, of rows; by_metric: metric -> (group, "train") -> distances of people.
    """
    nearest = {
        name: nearest_of(distances[name, "train"], k=2).distance
        for name in ("synthetic", "holdout")
    }
    ours, holdout = (part[:, 0].reshape(-1, each) for part in nearest.values())
    rows = [_ratio_of_medians("hamming", ours, holdout, rng)]
    for metric, of_people in by_metric.items():
        sides = [of_people[name, "train"].min(axis=1) for name in ("synthetic", "holdout")]
        rows.append(_ratio_of_medians(metric, *sides, rng))
    sizes = len(ours), len(holdout)
    drawn = bootstrap(lambda i, j: _tail(ours[i], holdout[j]), *sizes, rng=rng)
    note = f"{TAIL:g} expected"
    rows.append(
        metric_row(
            "closest_record_tail",
            ALL,
            _tail(ours, holdout),
            *percentile_interval(drawn),
            note=note,
        )
    )
    for group, name in ((ALL, "synthetic"), (Group(part=HOLDOUT), HOLDOUT)):
        first, second = nearest[name].T
        # a row with two copies at distance 0 is no less a copy than a row with one
        ratios = np.divide(first, second, out=np.zeros_like(first), where=second > 0)
        ratios = ratios.reshape(-1, each)
        drawn = bootstrap(lambda i, of=ratios: np.median(of[i]), len(ratios), rng=rng)
        interval = percentile_interval(drawn)
        rows.append(metric_row("neighbour_distance_ratio", group, np.median(ratios), *interval))
    return rows


def _ratio_of_medians(method: str, ours, holdout, rng) -> dict:
    drawn = bootstrap(
        lambda i, j: ratio(np.median(ours[i]), np.median(holdout[j])),
        len(ours),
        len(holdout),
        rng=rng,
    )
    value = ratio(np.median(ours), np.median(holdout))
    note = "" if np.isfinite(value) else "half of the holdout people are copies of training people"
    return metric_row(
        "closest_record_ratio",
        Group(method=method),
        value,
        *percentile_interval(drawn),
        note=note,
    )


def _tail(ours, holdout) -> float:
    """Share of `ours` below the TAIL quantile of `holdout`, those equal to it in proportion.

    Where many holdout rows tie at the quantile (copies at distance 0), as many of the ties
    count as make the share of the holdout rows themselves TAIL.
    """
    bound = np.quantile(holdout, TAIL, method="lower")
    tied = (holdout == bound).mean()
    of_ties = (TAIL - (holdout < bound).mean()) / tied
    return (ours < bound).mean() + of_ties * (ours == bound).mean()


def data_copying_row(distances, labels, each: int) -> dict:
    """data_copying: C_T of Meehan et al. 2020, section 3, with labels as cells.

    Labels with less than CELL_ROWS rows in the holdout make one cell together.
    """
    nearest = {name: distances[name, "train"].min(axis=1) for name in ("synthetic", "holdout")}
    labels = {name: np.repeat(labels[name], each) for name in nearest}
    counted = pd.Series(labels["holdout"]).value_counts()
    large = set(counted.index[counted >= CELL_ROWS]) & set(labels["synthetic"])
    cells = {name: np.where(np.isin(of, list(large)), of, "") for name, of in labels.items()}
    scores, weights = [], []
    for cell in sorted(set(cells["holdout"]) & set(cells["synthetic"])):
        ours, holdout = (nearest[name][cells[name] == cell] for name in ("synthetic", "holdout"))
        scores.append(_rank_sum_z(ours, holdout))
        weights.append(len(holdout))
    value = np.average(scores, weights=weights) if scores else np.nan
    return metric_row("data_copying", ALL, value, note=f"{len(scores)} cells")


def _rank_sum_z(a, b) -> float:
    """z of the Mann-Whitney test, negative where a is smaller than b; ties as in Lehmann 1975."""
    n, total = len(a), len(a) + len(b)
    ranks = average_ranks(np.concatenate([a, b]))
    _, tied = np.unique(ranks, return_counts=True)
    ties = (tied**3 - tied).sum() / (total * max(total - 1, 1))
    sd = np.sqrt(n * len(b) / 12 * (total + 1 - ties))
    return (ranks[:n].sum() - n * (total + 1) / 2) / sd if sd > 0 else 0.0
