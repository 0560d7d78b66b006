"""How alike the people of a label are: kinship, and the distribution of pairwise distances.

Axes: S people, V variants, L labels.
"""

import numpy as np
from scipy.stats import wasserstein_distance

from syncohort.dosages import share
from syncohort.evaluation.groups import ALL
from syncohort.evaluation.intervals import DRAWS, percentile_interval, times_drawn
from syncohort.evaluation.kinship import SECOND_DEGREE, kinship
from syncohort.evaluation.pair_counts import PairCounts
from syncohort.evaluation.tidy import metric_row

LABEL_PEOPLE = 5
MOST_PEOPLE = 300  # per label


def allele_distance(counts: PairCounts) -> np.ndarray:
    """Mean difference of dosage per allele [S, S], in [0, 1]; NaN without common calls."""
    return share(counts.alleles, 2 * np.broadcast_to(counts.compared(), counts.alleles.shape))


def compare_relatedness(
    synthetic: np.ndarray,
    synthetic_labels: np.ndarray,
    holdout: np.ndarray,
    holdout_labels: np.ndarray,
    *,
    seed: int,
) -> list[dict]:
    """Metric rows of the pairs of people within labels.

    synthetic, holdout: dosages int8 [S, V], -1 missing; labels [S]. Labels with fewer than 5
    people in either are left out; of more than 300 people of a label 300 are drawn.

    kinship_pairs: share of pairs with a kinship above 0.0884 (second degree) over the
    holdout's share, as counts among as many pairs as the holdout has, each plus 1/2, with an
    interval by bootstrap over people.
    pairwise_distance: Wasserstein distance between the distributions of pairwise distances,
    in standard deviations of the holdout's, mean over labels.
    """
    rng = np.random.default_rng(seed)
    sources = ((synthetic, synthetic_labels.astype(str)), (holdout, holdout_labels.astype(str)))
    labels = [
        label
        for label in sorted(set(sources[0][1]) & set(sources[1][1]))
        if min((own == label).sum() for _, own in sources) >= LABEL_PEOPLE
    ]
    if not labels:
        note = f"too few: no label with {LABEL_PEOPLE} people"
        names = ("kinship_pairs", "pairwise_distance")
        return [metric_row(name, ALL, np.nan, note=note) for name in names]
    # per label: related bool [S, S] and distances [S, S] of synthetic and of holdout people
    pairs = [[_measured(*source, label, rng) for source in sources] for label in labels]
    draws = [[_drawn(each, rng) for each in label] for label in pairs]
    return [_kinship_row(pairs, draws), _distance_row(pairs)]


def _measured(dosages, labels, label, rng) -> tuple[np.ndarray, np.ndarray]:
    people = np.flatnonzero(labels == label)
    if len(people) > MOST_PEOPLE:
        people = np.sort(rng.choice(people, MOST_PEOPLE, replace=False))
    counts = PairCounts.within(dosages[people])
    return kinship(counts) > SECOND_DEGREE, allele_distance(counts)


def _drawn(measured, rng) -> np.ndarray:
    """How often each person is drawn: [DRAWS + 1, S], first everybody once."""
    n = len(measured[0])
    return np.concatenate([np.ones((1, n)), times_drawn(n, rng)])


def _kinship_row(pairs, draws) -> dict:
    related, total = np.zeros((2, 2, DRAWS + 1))  # [source, draws]
    for label, copies_of in zip(pairs, draws, strict=True):
        for source, (measured, copies) in enumerate(zip(label, copies_of, strict=True)):
            related[source] += _between(np.where(measured[0], 1.0, 0.0), copies)
            total[source] += _between(np.ones_like(measured[1]), copies)
    shares = related / np.maximum(total, 1)
    ratios = (shares[0] * total[1] + 0.5) / (related[1] + 0.5)
    note = f"{shares[0, 0]:.4f} of {total[0, 0]:,.0f} pairs, holdout {shares[1, 0]:.4f}"
    interval = percentile_interval(ratios[1:])
    return metric_row("kinship_pairs", ALL, ratios[0], *interval, note=note)


def _between(values: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """Sum [draws] of values [S, S] over pairs of two people drawn so often [draws, S]."""
    values = values - np.diag(np.diag(values))
    return 0.5 * np.einsum("ds,ds->d", copies @ values, copies)


def _distance_row(pairs) -> dict:
    """No interval: redrawn people are farther from anything than those they are drawn from."""
    values = []
    for (_, ours), (_, theirs) in pairs:
        first, second = _of_pairs(ours), _of_pairs(theirs)
        if len(first) and len(second) and second.std() > 0:
            values.append(wasserstein_distance(first, second) / second.std())
    if not values:
        return metric_row("pairwise_distance", ALL, np.nan, note="the holdout does not vary")
    return metric_row("pairwise_distance", ALL, np.mean(values), note=f"{len(values)} labels")


def _of_pairs(distances: np.ndarray) -> np.ndarray:
    values = distances[np.triu_indices(len(distances), k=1)]
    return values[np.isfinite(values)]
