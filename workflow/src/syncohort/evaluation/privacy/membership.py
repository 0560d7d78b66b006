"""Does a score tell training people from holdout people? AUC within labels.

An attacker knows a person's label, so members (training people) are compared with non-members
(holdout people) of the same label alone; labels are averaged, each with the weight of its
non-members. 0.5 is chance. Intervals are by bootstrap over people.

Axes: N people, R rows (haplotypes or people), D bootstrap draws.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.auc import weighted_auc
from syncohort.evaluation.groups import LABEL_SIZES, Group, size_bin
from syncohort.evaluation.intervals import percentile_interval, times_drawn
from syncohort.evaluation.tidy import metric_row
from syncohort.genotypes import People

METRIC = "membership_auc"
ATTACKS = ("distance", "density ratio", "frequency")  # on a cohort; `white_box` on a network


@dataclass(frozen=True)
class Targets:
    """The people an attacker asks about.

    id, label: [N] str; member: [N] bool, True for training people; label_size: label -> its
    number of training people.
    """

    id: np.ndarray
    label: np.ndarray
    member: np.ndarray
    label_size: dict[str, int]

    def __len__(self) -> int:
        return len(self.id)


def sample_index(index: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """At most `limit` of the indices [N], drawn at random and sorted."""
    if len(index) <= limit:
        return index
    return np.sort(np.random.default_rng(seed).choice(index, limit, replace=False))


def targets_of(people: People, index: np.ndarray) -> Targets:
    """The people of a cohort at `index`, all of them in training or in the holdout, as targets."""
    trained = people.label[people.split == "train"].astype(str)
    labels, counts = np.unique(trained, return_counts=True)
    return Targets(
        id=people.id[index],
        label=people.label[index].astype(str),
        member=(people.split[index] == "train").astype(bool),
        label_size=dict(zip(labels.tolist(), counts.tolist(), strict=True)),
    )


@dataclass(frozen=True)
class _LabelAUC:
    """One label: its non-members and the AUC [1 + D], the first without resampling."""

    label: str
    non_members: int
    auc: np.ndarray


def membership_rows(
    group: Group, scores: np.ndarray, targets: Targets, *, minimum_people: int, seed: int
) -> list[dict]:
    """`metric_row`s of the AUC of an attack: of all people, by label size, by label.

    scores: [R], higher for suspected members, rows in the order of `targets`, as many for
    each person (two haplotypes or one); NaN where the attack has no opinion. group: names the
    attack; the rows are of it, of its bins of `LABEL_SIZES`, and of its labels. Those with fewer
    than `minimum_people` non-members are NaN with the note "too few".
    """
    scores = np.asarray(scores, dtype=float).reshape(len(targets), -1)
    rng = np.random.default_rng(seed)
    labels = [_label_auc(label, scores, targets, rng) for label in _labels_of(scores, targets)]
    rows = [_pooled_row(group, labels, minimum_people)]
    bins = {}
    for each in labels:
        bins.setdefault(size_bin(targets.label_size[each.label]), []).append(each)
    rows += [
        _pooled_row(group._replace(label_size=name), bins[name], minimum_people)
        for name in LABEL_SIZES
        if name in bins
    ]
    rows += [
        _pooled_row(group._replace(label=each.label), [each], minimum_people) for each in labels
    ]
    return rows


def _labels_of(scores, targets: Targets) -> list[str]:
    scored = np.isfinite(scores).all(axis=1)
    sides = [set(targets.label[scored & (targets.member == side)]) for side in (True, False)]
    return sorted(sides[0] & sides[1])


def _label_auc(label, scores, targets: Targets, rng) -> _LabelAUC:
    own = (targets.label == label) & np.isfinite(scores).all(axis=1)
    sides = [scores[own & (targets.member == side)] for side in (True, False)]
    weights = [
        np.repeat(_bootstrap_weights(len(side), rng), side.shape[1], axis=1) for side in sides
    ]
    auc = weighted_auc(*(side.ravel() for side in sides), *weights)
    return _LabelAUC(label, len(sides[1]), auc)


def _bootstrap_weights(n_people: int, rng) -> np.ndarray:
    """How often each person is drawn, [1 + D, n]; in the first row once each."""
    return np.concatenate([np.ones((1, n_people)), times_drawn(n_people, rng)])


def _pooled_row(group: Group, labels: list[_LabelAUC], minimum_people: int) -> dict:
    people = sum(each.non_members for each in labels)
    if people < minimum_people:
        return metric_row(METRIC, group, np.nan, note=f"too few: {people} people")
    weights = [each.non_members for each in labels]
    auc = np.average([each.auc for each in labels], axis=0, weights=weights)
    note = f"{people:,} non-members"
    return metric_row(METRIC, group, auc[0], *percentile_interval(auc[1:]), note=note)
