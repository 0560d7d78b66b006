"""Are people of a release copies of training people, or nearer to one than chance brings anybody?

Counted person by person and set against real people that nothing was trained on, holdout and
validation people together: they may be relatives of training people, or share all of a short
region with one, and as many such people as they show are no leak.

Axes: A, B people of two groups, N people.
"""

import numpy as np
from scipy.special import bdtrc, pdtrc  # scipy.stats takes half a second to import

from syncohort.evaluation.groups import ALL, REAL, Group
from syncohort.evaluation.privacy.tails import TAIL_VALUES, LowerTail
from syncohort.evaluation.tidy import metric_row

NEIGHBOURHOOD = 10  # the nearest training people that set a person's scale
CHANCE = 1e-3  # of a count that fails by chance alone
LOOK_CHANCE = 0.05  # of one that deserves a look
EXPECTED = (0.001, 0.01, 0.1, 1.0)  # people below a limit by chance, for each limit tried
FARTHEST = 0.7  # nearness from which nobody is a near copy; of half a genome it is 0.45 to 0.65
NEAREST = 1e-3  # nearness of a whole copy


def nearness(distances: np.ndarray) -> np.ndarray:
    """Distance to the nearest training person over that to the tenth nearest, [A] in [0, 1].

    distances: [A, B] to B training people. A ratio, because labels differ in how far apart
    their people are; the tenth, because a near copy of somebody with a twin or siblings among
    the training people is near them too. NaN where so many distances are not known, for want of calls.
    """
    k = min(NEIGHBOURHOOD, distances.shape[1])
    nearest = np.partition(distances, k - 1, axis=1)[:, :k]
    first, last = nearest.min(axis=1), nearest.max(axis=1)
    known = np.isfinite(last)
    ratio = np.divide(first, last, out=np.zeros_like(first), where=known & (last > 0))
    return np.where(known, np.maximum(ratio, NEAREST), np.nan)


def most_by_chance(expected: float, chance: float = CHANCE) -> int:
    """The largest count that is still chance where so many people are expected."""
    if expected <= 0:
        return 0
    counts = np.arange(int(expected + 20 * np.sqrt(expected) + 50))
    return int(np.argmax(pdtrc(counts, expected) <= chance))  # the chance of more than so many


def most_at_one_rate(seen: int, n_real: int, n_ours: int) -> int:
    """The largest count of n_ours people that has a chance of CHANCE where `seen` of n_real count.

    Given how many count in all, those of ours are binomial (Przyborowski & Wilenski 1940): the
    rate, of which few real people say little, need not be known.
    """
    counts = np.arange(n_ours + 1)
    chances = bdtrc(counts - 1, seen + counts, n_ours / (n_ours + n_real))
    return int(np.flatnonzero(chances > CHANCE).max(initial=0))


def rate_rows(metric: str, ours: np.ndarray, real: np.ndarray, group: Group = ALL) -> list[dict]:
    """Metric rows of a count that real people have too: of the release, and what these lead to expect.

    ours, real: bool [N], who counts. The second row is of part "real": its value is what chance
    stays within in 19 of 20 studies if the rate is that seen, its low the number expected, and its high what chance
    stays within in 999 of 1,000 if the rate is only as well known as so few people tell.
    """
    seen, n_real, n_ours = int(real.sum()), len(real), len(ours)
    expected = seen * n_ours / max(n_real, 1)
    usual = most_by_chance(expected, LOOK_CHANCE)
    most = max(usual, most_at_one_rate(seen, n_real, n_ours))
    note = f"{seen:,} of {n_real:,} real people; more than {most:,} is no chance"
    return [
        metric_row(
            metric, group, int(ours.sum()), note=f"{int(ours.sum()):,} of {n_ours:,} people"
        ),
        metric_row(metric, group._replace(part=REAL), usual, expected, most, note),
    ]


def count_rows(metric: str, ours: np.ndarray, real: np.ndarray, group: Group = ALL) -> list[dict]:
    """Metric rows of a count of people: of the release, and what real people lead to expect.

    ours, real: bool [N], who counts. The second row is of part "real": its value is the
    number expected among as many people as the release has, its high the most by chance.
    Nobody among the real people: nobody is expected. Their number is known within its own
    square root, which is allowed too.
    """
    scale = len(ours) / max(len(real), 1)
    seen = int(real.sum())
    most = most_by_chance(scale * (seen + np.sqrt(seen)))
    return _rows(metric, group, int(ours.sum()), len(ours), scale * seen, most, seen, len(real))


def _rows(metric, group, count, n_ours, expected, most, seen, n_real, note="") -> list[dict]:
    of_real = f"{seen:,} of {n_real:,} real people{note}"
    return [
        metric_row(metric, group, count, note=f"{count:,} of {n_ours:,} people{note}"),
        metric_row(metric, group._replace(part=REAL), expected, expected, most, of_real),
    ]


def near_rows(ours: np.ndarray, real: np.ndarray) -> list[dict]:
    """Metric rows of people too near to one training person.

    ours, real: `nearness` [N] of the release and of real people.

    near_copies: people below the limit at which they exceed chance by most, of the limits of
    EXPECTED; chance is what the fitted tail of real people expects, or what they show, if that
    is more. A person with half of the genome of one training person is one, too, unless real
    people are as near to each other, as they are on a few short chromosomes. The tail is as deep
    as so few real people allow. An undeclared relative of a training person looks like a copy.
    People without a nearness, for want of calls, are left out and counted in the note.
    """
    unknown = int(np.isnan(ours).sum() + np.isnan(real).sum())
    ours, real = ours[~np.isnan(ours)], real[~np.isnan(real)]
    if len(real) < TAIL_VALUES[0]:
        note = f"too few: {len(real)} real people that nothing was trained on"
        return [metric_row("near_copies", ALL, np.nan, note=note)]
    log_ours, log_real = np.log(ours), np.log(real)
    tail, scale = LowerTail.exponential(log_real).at_its_deepest(), len(ours) / len(real)
    found = []
    for expected in EXPECTED:
        limit = min(tail.limit(expected, len(ours)), np.log(FARTHEST))
        count, seen = int((log_ours < limit).sum()), int((log_real < limit).sum())
        most = most_by_chance(max(expected, scale * (seen + np.sqrt(seen))))
        found.append((count - most, count, scale * seen, most, seen, limit))
    _, count, expected, most, seen, limit = max(found)
    note = f", nearer to one than {np.exp(limit):.2g} of the distance to the tenth nearest"
    note += f"; {unknown:,} people have too few calls to say" if unknown else ""
    return _rows("near_copies", ALL, count, len(ours), expected, most, seen, len(real), note)
