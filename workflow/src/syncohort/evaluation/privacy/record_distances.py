"""Are synthetic records nearer to training records, or to each other, than holdout people's are?

Summaries of distances between groups of people ("train", "holdout", "synthetic"), given as
(group, group) -> float32 [A, B] between their rows, the rows of a person together.

Axes: A, B rows (haplotypes or people) of two groups, N people.
"""

import numpy as np
import pandas as pd
from scipy.special import betaln, gammaln

from syncohort.auc import average_ranks
from syncohort.evaluation.groups import ALL, HOLDOUT, REAL, TRAIN, Group
from syncohort.evaluation.intervals import NORMAL, bootstrap, percentile_interval
from syncohort.evaluation.privacy.neighbours import nearest_of
from syncohort.evaluation.tidy import metric_row, ratio

SUBSAMPLES = 5
TAIL = 0.01
_LIMITS = (0.05, 1e-3)  # chances of a share in the tail: one to look at, and one that fails
_LARGEST_LIMIT = 0.05  # a share that must be seen
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


def closest_rows(
    distances, by_metric: dict, labels, each: int, minimum_people: int, rng
) -> list[dict]:
    """closest_record_ratio, closest_record_tail and neighbour_distance_ratio.

    Labels differ in how near their people are to each other, so released people are compared with as
    many of each label as real people have (`alike_in_labels`).

    distances: Hamming, of rows; by_metric: metric -> (group, "train") -> distances of people.
    labels: group -> [N]; each: rows a person.
    """
    nearest = {
        name: nearest_of(distances[name, "train"], k=2).distance.reshape(-1, each, 2)
        for name in ("synthetic", HOLDOUT)
    }
    known = {name: np.flatnonzero(np.isfinite(of).all(axis=(1, 2))) for name, of in nearest.items()}
    chosen = alike_in_labels(*(labels[name][known[name]] for name in nearest), rng)
    people = {name: known[name][some] for name, some in zip(nearest, chosen, strict=True)}
    fewest = min(map(len, chosen))
    if fewest < minimum_people:
        note = f"too few: {fewest} people with labels as frequent as among holdout people"
        names = ("closest_record_ratio", "neighbour_distance_ratio")
        groups = (Group(method="hamming"), ALL)
        rows = [metric_row(*of, np.nan, note=note) for of in zip(names, groups, strict=True)]
    else:
        sides = [nearest[name][people[name], :, 0] for name in nearest]
        rows = [_ratio_of_medians("hamming", *sides, rng)]
        for metric, of_people in by_metric.items():
            sides = [of_people[name, "train"].min(axis=1)[people[name]] for name in nearest]
            rows.append(_ratio_of_medians(metric, *sides, rng))
        for group, name in ((ALL, "synthetic"), (Group(part=HOLDOUT), HOLDOUT)):
            rows.append(_neighbour_row(group, nearest[name][people[name]], rng))
    ours, holdout = (of[..., 0].min(axis=1) for of in nearest.values())
    reference = distances["train", "reference"].min(axis=0).reshape(-1, each).min(axis=1)
    real = np.concatenate([holdout, reference])
    of_ours, of_real = labels["synthetic"], np.concatenate([labels[HOLDOUT], labels["reference"]])
    of_ours, ours = of_ours[np.isfinite(ours)], ours[np.isfinite(ours)]
    of_real, real = of_real[np.isfinite(real)], real[np.isfinite(real)]
    some, control = alike_in_labels(of_ours, of_real, rng)
    return rows + tail_rows(ours[some], real[control])


def alike_in_labels(ours, real, rng) -> tuple[np.ndarray, np.ndarray]:
    """Places of people of ours [A] and of real people [B] whose labels are equally frequent.

    ours, real: labels. All real people, and as many of ours as their labels allow, drawn at random. Labels that one
    side has not are left out, and those of which ours are so few that a comparison without them is surer:
    the error of a difference goes with 1 / A + 1 / B.
    """
    names = np.intersect1d(ours, real)
    counts = np.array([[(side == name).sum() for name in names] for side in (ours, real)])
    counts = counts.reshape(2, -1)
    times = counts[0] / counts[1]  # as many of ours for each real person
    kept = [
        np.where(times >= each, np.floor(each * counts[1] + 1e-9), 0) for each in np.unique(times)
    ]
    best = min(kept, key=lambda n: 1 / n.sum() + 1 / counts[1][n > 0].sum(), default=np.zeros(0))
    best = best.astype(int)
    parts = [
        rng.choice(np.flatnonzero(ours == name), n, replace=False)
        for name, n in zip(names, best, strict=True)
    ]
    some = np.sort(np.concatenate([*parts, np.empty(0, int)]))
    return some, np.flatnonzero(np.isin(real, names[best > 0]))


def _neighbour_row(group: Group, nearest: np.ndarray, rng) -> dict:
    """neighbour_distance_ratio of the distances [N, rows, 2] to the two nearest training rows."""
    first, second = np.moveaxis(nearest, -1, 0)
    # a row with two copies at distance 0 is no less a copy than a row with one
    ratios = np.divide(first, second, out=np.zeros_like(first), where=second > 0)
    drawn = bootstrap(lambda i: np.median(ratios[i]), len(ratios), rng=rng)
    interval = percentile_interval(drawn)
    return metric_row("neighbour_distance_ratio", group, np.median(ratios), *interval)


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


def tail_rows(ours: np.ndarray, real: np.ndarray) -> list[dict]:
    """Metric rows of closest_record_tail: the share of people who are nearer than the nearest real ones.

    ours [A], real [B]: distances of people to the nearest training person. Nearer than the r-th
    nearest of n real people, r = TAIL (n + 1) rounded down and 1 at least. Of those equal to it as many
    count as a place among the equal real people leads to expect.

    If both are alike, the number of ours that are nearer has a beta-binomial distribution, whatever the
    distribution of the distances (David & Nagaraja 2003, section 7.2; exceedances). The second row, part "real", has
    what chance stays within in 19 of 20 studies; from what it leads to expect, to what it stays within in 999 of
    1,000. Where that is more than a share of _LARGEST_LIMIT, too few people are known to say.
    """
    n, rank = len(real), max(1, int(TAIL * (len(real) + 1)))
    limits = [_most_nearer(len(ours), n, rank, chance) / max(len(ours), 1) for chance in _LIMITS]
    if not len(ours) or limits[1] > _LARGEST_LIMIT:
        note = f"too few people to say: {len(ours):,} released ones and {n:,} real ones with their labels"
        return [metric_row("closest_record_tail", ALL, np.nan, note=note)]
    bound = np.partition(real, rank - 1)[rank - 1]
    tied = (rank - (real < bound).sum()) / ((real == bound).sum() + 1)
    share = (ours < bound).mean() + tied * (ours == bound).mean()
    expected = rank / (n + 1)
    note = f"{expected:.2g} expected; of {len(ours):,} people, beside {n:,} real ones"
    level = (
        f"more than {limits[0]:.2g} in one study of 20, more than {limits[1]:.2g} in one of 1,000"
    )
    return [
        metric_row("closest_record_tail", ALL, share, note=note),
        metric_row("closest_record_tail", Group(part=REAL), limits[0], expected, limits[1], level),
    ]


def _most_nearer(n_ours: int, n_real: int, rank: int, chance: float) -> int:
    """The largest number of ours whose being nearer than the rank-th nearest real one has a larger chance."""
    k = np.arange(n_ours + 1)
    choose = gammaln(n_ours + 1) - gammaln(k + 1) - gammaln(n_ours - k + 1)
    a, b = rank, n_real + 1 - rank
    of_k = np.exp(choose + betaln(k + a, n_ours - k + b) - betaln(a, b))
    at_least = np.cumsum(of_k[::-1])[::-1]
    return int(np.flatnonzero(at_least > chance).max(initial=0))


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
    if not scores:
        note = "no label of both released and holdout people"
        return metric_row("data_copying", ALL, np.nan, note=note)
    value, weights = np.average(scores, weights=weights), np.array(weights)
    half = NORMAL * np.sqrt((weights**2).sum()) / weights.sum()  # a z has a variance of 1
    return metric_row(
        "data_copying", ALL, value, value - half, value + half, f"{len(scores)} cells"
    )


def _rank_sum_z(a, b) -> float:
    """z of the Mann-Whitney test, negative where a is smaller than b; ties as in Lehmann 1975."""
    n, total = len(a), len(a) + len(b)
    ranks = average_ranks(np.concatenate([a, b]))
    _, tied = np.unique(ranks, return_counts=True)
    ties = (tied**3 - tied).sum() / (total * max(total - 1, 1))
    sd = np.sqrt(n * len(b) / 12 * (total + 1 - ties))
    return (ranks[:n].sum() - n * (total + 1) / 2) / sd if sd > 0 else 0.0
