"""What an attacker gains by a person's having been a training person.

The attack is made on training people and, as the control, on holdout people, of whom the generator
knows nothing: what it finds out about them follows from the population. The difference is
the leak. Source: Giomi et al. 2023, section 3.3; within labels as in `membership`.

Axes: N people, D bootstrap draws.
"""

import numpy as np

from syncohort.evaluation.groups import Group
from syncohort.evaluation.intervals import percentile_interval, times_drawn
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
    out. Fewer than `minimum_people` holdout people: NaN, and the note says so.
    """
    known, rng = np.isfinite(success), np.random.default_rng(seed)
    sums, holdout = np.zeros(2), 0
    drawn = np.zeros((2, 0))
    for label in np.unique(targets.label[known]):
        own = known & (targets.label == label)
        sides = [success[own & (targets.member == side)] for side in (True, False)]
        if not all(map(len, sides)):
            continue
        weight = len(sides[1])
        redrawn = [times_drawn(len(side), rng) @ side / len(side) for side in sides]
        drawn = weight * np.array(redrawn) + (drawn if holdout else 0)
        sums += weight * np.array([side.mean() for side in sides])
        holdout += weight
    if holdout < minimum_people:
        return metric_row(metric, group, np.nan, note=f"too few: {holdout} people")
    ours, theirs = sums / holdout
    note = f"{ours:.3f} of training people, {theirs:.3f} of {holdout:,} holdout people"
    interval = percentile_interval((drawn[0] - drawn[1]) / holdout)
    return metric_row(metric, group, ours - theirs, *interval, note=note)
