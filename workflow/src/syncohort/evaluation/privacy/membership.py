"""Does a score tell training people from holdout people? AUC, and who is surely found.

An attacker knows a person's label, so members (training people) are compared with non-members
(holdout people) of the same label alone; labels are averaged, each with the weight of its
non-members. 0.5 is chance. Intervals are by bootstrap over people: members within their label, non-members
of all labels together, because a label may have but one, and one person drawn anew is the same.

An AUC near 0.5 can hide a few people who are found for certain. So the share of members found at a
low rate of false alarms is given beside it (Carlini et al. 2022, section III: true-positive rate at a low
false-positive rate). For it the scores of a label are standardised and all labels pooled. Where not one whole
non-member is a false alarm, as with 98 at 1 %, nobody can say: how far the highest score of so few may be off,
no bootstrap of them knows.

Axes: N people, M members, K non-members, R rows (haplotypes or people), D bootstrap draws.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np

from syncohort.auc import share_above
from syncohort.evaluation.groups import LABEL_SIZES, Group, size_bin
from syncohort.evaluation.intervals import percentile_interval, times_drawn
from syncohort.evaluation.tidy import metric_row
from syncohort.genotypes import People

METRIC = "membership_auc"
FOUND = "membership_tpr"
FALSE_POSITIVES = {"1 %": 0.01, "10 %": 0.1}
ATTACKS = ("distance", "density ratio", "frequency")  # on a cohort; `white_box` on a network
WINDOWS, WINDOW_RATIO = "windows", "window ratio"  # on a cohort, by length of window


def score_column(group: Group) -> str:
    """The column of the scores of an attack in the table of attacked people."""
    return " ".join(filter(None, [group.method, group.window_snps])).replace(" ", "_")


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

    def some(self, chosen: np.ndarray) -> "Targets":
        """Those of the people who are chosen, bool [N] or indices; labels keep their sizes."""
        parts = (part[chosen] for part in (self.id, self.label, self.member))
        return Targets(*parts, self.label_size)


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
class _Label:
    """One label: the share of its members above each of its non-members, [1 + D, K], members
    drawn anew in all but the first.
    """

    label: str
    above: np.ndarray


def membership_rows(
    group: Group, scores: np.ndarray, targets: Targets, *, minimum_people: int, seed: int
) -> list[dict]:
    """`metric_row`s of an attack: AUC of all people, by label size, by label; members found.

    membership_auc comes first. membership_tpr, by fpr: share of members found where so large a
    share of non-members is taken for members.

    scores: [R], higher for suspected members, rows in the order of `targets`, as many for
    each person (two haplotypes or one); NaN where the attack has no opinion. group: names the
    attack; the rows are of it, of its bins of `LABEL_SIZES`, and of its labels. Those with fewer
    than `minimum_people` non-members, or than `fewest_for` a rate takes, are NaN with the note "too few".
    """
    scores = np.asarray(scores, dtype=float).reshape(len(targets), -1)
    rng = np.random.default_rng(seed)
    labels = [_label(label, scores, targets, rng) for label in _labels_of(scores, targets)]
    rows = [_pooled_row(group, labels, minimum_people, rng)]
    bins = {}
    for each in labels:
        bins.setdefault(size_bin(targets.label_size[each.label]), []).append(each)
    rows += [
        _pooled_row(group._replace(label_size=name), bins[name], minimum_people, rng)
        for name in LABEL_SIZES
        if name in bins
    ]
    rows += [
        _pooled_row(group._replace(label=each.label), [each], minimum_people, rng)
        for each in labels
    ]
    return rows + _found_rows(group, scores.sum(axis=1), targets, minimum_people, rng)


def _labels_of(scores, targets: Targets) -> list[str]:
    scored = np.isfinite(scores).all(axis=1)
    sides = [set(targets.label[scored & (targets.member == side)]) for side in (True, False)]
    return sorted(sides[0] & sides[1])


def _label(label, scores, targets: Targets, rng) -> _Label:
    own = (targets.label == label) & np.isfinite(scores).all(axis=1)
    members, others = (scores[own & (targets.member == side)] for side in (True, False))
    each = scores.shape[1]
    weights = np.repeat(_bootstrap_weights(len(members), rng), each, axis=1)
    above = share_above(members.ravel(), others.ravel(), weights)
    return _Label(label, above.reshape(len(above), -1, each).mean(axis=2))


def _bootstrap_weights(n_people: int, rng) -> np.ndarray:
    """How often each person is drawn, [1 + D, n]; in the first row once each."""
    return np.concatenate([np.ones((1, n_people)), times_drawn(n_people, rng)])


def _pooled_row(group: Group, labels: list[_Label], minimum_people: int, rng) -> dict:
    people = sum(each.above.shape[1] for each in labels)
    if people < minimum_people:
        return metric_row(METRIC, group, np.nan, note=f"too few: {people} people")
    above = np.concatenate([each.above for each in labels], axis=1)
    auc = (above * _bootstrap_weights(people, rng)).mean(axis=1)
    note = f"{people:,} non-members"
    return metric_row(METRIC, group, auc[0], *percentile_interval(auc[1:]), note=note)


def fewest_for(false_positive_rate: float) -> int:
    """The fewest non-members [K] of whom a rate takes a whole one for a member: f (K + 1) >= 1."""
    return ceil(round(1 / false_positive_rate - 1, 6))


def _found_rows(group: Group, scores, targets: Targets, minimum_people: int, rng) -> list[dict]:
    """Rows of membership_tpr at each of FALSE_POSITIVES."""
    members, non_members, weights_of_members = _standardised(scores, targets)
    people = len(non_members)
    fewest = [max(minimum_people, fewest_for(rate)) for rate in FALSE_POSITIVES.values()]
    groups = [group._replace(fpr=name) for name in FALSE_POSITIVES]
    notes = [f"too few people to say: {people}, and it takes {each}" for each in fewest]
    rows = [
        metric_row(FOUND, own, np.nan, note=note) for own, note in zip(groups, notes, strict=True)
    ]
    if people < min(fewest):
        return rows
    weights = [_bootstrap_weights(len(side), rng) for side in (members, non_members)]
    weights[0] = weights[0] * weights_of_members
    for place, rate in enumerate(FALSE_POSITIVES.values()):
        if people >= fewest[place]:
            found = true_positive_rate(members, non_members, *weights, rate)
            note = f"{people:,} non-members; {rate:g} by chance"
            interval = percentile_interval(found[1:])
            rows[place] = metric_row(FOUND, groups[place], found[0], *interval, note=note)
    return rows


def _standardised(scores, targets: Targets) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of members [M] and of non-members [K], each label brought to mean 0 and standard
    deviation 1, and weights of members [M] that give a label as many members as non-members.

    Mean and deviation are of both sides as they are: with a weight of their own, few non-members would set
    half of the scale they are measured on and never be far from its middle, and members would be.
    """
    sides, weights = ([np.empty(0)], [np.empty(0)]), [np.empty(0)]
    for label in _labels_of(scores[:, None], targets):
        own = (targets.label == label) & np.isfinite(scores)
        values = [scores[own & (targets.member == side)] for side in (True, False)]
        centre, spread = scores[own].mean(), scores[own].std()
        for side, found in zip(sides, values, strict=True):
            side.append((found - centre) / max(spread, 1e-300))
        weights.append(np.full(len(values[0]), len(values[1]) / len(values[0])))
    return np.concatenate(sides[0]), np.concatenate(sides[1]), np.concatenate(weights)


def true_positive_rate(
    members: np.ndarray,
    non_members: np.ndarray,
    member_weights: np.ndarray,
    non_member_weights: np.ndarray,
    false_positive_rate: float,
) -> np.ndarray:
    """Share [D] of members that score above all but a share of non-members.

    members, non_members: scores [M], [K]; ties count half.
    member_weights: [D, M].
    non_member_weights: [D, K], how often each is drawn, whole numbers that sum to K.
    false_positive_rate: f. Members above the j-th highest of K non-members are a share of
        j / (K + 1) where both are alike, so the curve is read at j = f (K + 1), between whole j in
        proportion: without a leak the mean is f, however few the non-members are.
    """
    order = np.argsort(members)
    total = np.cumsum(member_weights[:, order], axis=1)
    total = np.concatenate([np.zeros((len(total), 1)), total], axis=1)  # [D, M + 1]
    falling = np.sort(non_members)[::-1]
    drawn = np.cumsum(non_member_weights[:, np.argsort(-non_members, kind="stable")], axis=1)
    place = false_positive_rate * (len(non_members) + 1)
    low = int(place)
    draws = np.arange(len(total))

    def above(j: int) -> np.ndarray:
        """Share of members above the j-th highest non-member; none for j = 0."""
        if j == 0:
            return np.zeros(len(total))
        limit = falling[(drawn < j).sum(axis=1).clip(max=len(falling) - 1)]
        at_most, below = (
            total[draws, np.searchsorted(members[order], limit, side)] for side in ("right", "left")
        )
        return 1 - (at_most + below) / 2 / total[:, -1]

    return above(low) + (place - low) * (above(low + 1) - above(low))
