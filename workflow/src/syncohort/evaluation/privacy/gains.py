"""What an attacker gains by a person's having been a training person.

The attack is made on training people and, as the control, on holdout people, of whom the generator
knows nothing: what it finds out about them follows from the population. The difference is
the leak. Source: Giomi et al. 2023, section 3.3; within labels, and intervals, as in `membership`.

Axes: N people, D bootstrap draws.
"""

import numpy as np

from syncohort.evaluation.groups import Group
from syncohort.evaluation.intervals import newcombe_interval, percentile_interval, times_drawn
from syncohort.evaluation.privacy.membership import Targets
from syncohort.evaluation.tidy import metric_row


def gain_row(
    metric: str,
    group: Group,
    success: np.ndarray,
    targets: Targets,
    *,
    minimum_people: int,
    seed: int,
) -> dict:
    """Metric row: mean success of training people less that of holdout people.

    success: [N] of the people of `targets`, NaN where the attack was not possible. Labels are
    averaged, each with the weight of its holdout people; one without people of both kinds is left
    out. Fewer than `minimum_people` holdout people: NaN, and the note says so. Where success is yes or
    no, the interval is Newcombe's: nobody of a few holdout people is not none of all.
    """
    known, rng = np.isfinite(success), np.random.default_rng(seed)
    is_share = np.isin(success[known], (0, 1)).all()
    means, redrawn, theirs, weights = [], [], [], []
    for label in np.unique(targets.label[known]):
        own = known & (targets.label == label)
        members, others = (success[own & (targets.member == side)] for side in (True, False))
        if not len(members) or not len(others):
            continue
        means.append(np.full(len(others), members.mean()))
        if not is_share:
            drawn = times_drawn(len(members), rng) @ members / len(members)
            redrawn.append(np.repeat(drawn[:, None], len(others), axis=1))
        theirs.append(others)
        weights.append(np.full(len(members), len(others) / len(members)))
    holdout = sum(map(len, theirs))
    if holdout < minimum_people:
        return metric_row(metric, group, np.nan, note=f"too few: {holdout} people")
    means, theirs, weights = map(np.concatenate, (means, theirs, weights))
    ours, other = means.mean(), theirs.mean()
    if is_share:
        n_members = weights.sum() ** 2 / (weights**2).sum()  # of equal weight, that vary as much
        interval = newcombe_interval(ours, n_members, other, holdout)
    else:
        differences = np.concatenate(redrawn, axis=1) - theirs
        interval = percentile_interval((differences * times_drawn(holdout, rng)).mean(axis=1))
    note = f"{ours:.3f} of training people, {other:.3f} of {holdout:,} holdout people"
    return metric_row(metric, group, ours - other, *interval, note=note)
