"""Area under the ROC curve: the chance that one group scores higher than another.

Axes: M and N, the scores of the two groups; D sets of weights, such as bootstrap draws.
"""

import numpy as np


def weighted_auc(members, non_members, member_weights, non_member_weights) -> np.ndarray:
    """AUC [D] of scores [M] over scores [N] with weights [D, M] and [D, N]; ties count half.

    Source: Hanley and McNeil 1982 (the Mann-Whitney form).
    """
    above = share_above(members, non_members, member_weights)
    return (above * non_member_weights).sum(axis=1) / non_member_weights.sum(axis=1)


def share_above(members, non_members, member_weights) -> np.ndarray:
    """Share [D, N] of scores [M], with weights [D, M], above each of scores [N]; ties count half."""
    order = np.argsort(members)
    weights = np.cumsum(member_weights[:, order], axis=1)
    weights = np.concatenate([np.zeros((len(weights), 1)), weights], axis=1)  # [D, M + 1]
    below, up_to = (
        weights[:, np.searchsorted(members[order], non_members, side)] for side in ("left", "right")
    )
    return 1 - (below + up_to) / 2 / weights[:, -1:]


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks [N] of numbers from 1; equal ones share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def auc(score: np.ndarray, is_case: np.ndarray) -> float:
    """Probability that a case [S] scores higher than a control; NaN without either."""
    cases, controls = score[is_case], score[~is_case]
    if not len(cases) or not len(controls):
        return np.nan
    return float(
        weighted_auc(cases, controls, *(np.ones((1, len(g))) for g in (cases, controls)))[0]
    )


def auc_within_labels(score: np.ndarray, is_case: np.ndarray, label: np.ndarray) -> float:
    """Mean of `auc` over labels [S], each with the weight of its controls.

    What labels differ in says nothing about who is a case: pooled over labels, it would hide
    what does. Labels without either group are left out; NaN when none is left.
    """
    found = [
        (auc(score[own], is_case[own]), int((~is_case[own]).sum()))
        for own in (label == each for each in np.unique(label))
    ]
    values, weights = np.array([(v, w) for v, w in found if np.isfinite(v)]).reshape(-1, 2).T
    return float(np.average(values, weights=weights)) if len(values) else np.nan


def paired_difference(
    first: np.ndarray, second: np.ndarray, is_case: np.ndarray, label: np.ndarray
) -> tuple[float, float]:
    """Difference of `auc_within_labels` of two scores [S] of the same people, and its standard error.

    A person's share in an AUC is the share of people of the other side whom the score puts
    below a case, or above a control; the error follows from the differences of a person's two shares. Controls vary
    about the mean of all labels', for a label may have but one; a label's only case adds nothing.
    NaN, NaN without both sides in any label.
    Source: DeLong et al. 1988, eq. 4 to 6.
    """
    value = variance = 0.0
    of_controls = [np.empty(0)]
    for name in np.unique(label):
        own = label == name
        n_controls = int((own & ~is_case).sum())
        if not n_controls or not (own & is_case).any():
            continue
        sides = [_placements(score[own], is_case[own]) for score in (first, second)]
        cases, controls = (one - other for one, other in zip(*sides, strict=True))
        value += n_controls * cases.mean()
        variance += n_controls**2 * (cases.var(ddof=1) / len(cases) if len(cases) > 1 else 0)
        of_controls.append(controls)
    every = np.concatenate(of_controls)
    if not len(every):
        return np.nan, np.nan
    variance += len(every) * every.var(ddof=1) if len(every) > 1 else np.nan
    return float(value / len(every)), float(np.sqrt(variance) / len(every))


def _placements(score: np.ndarray, is_case: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of controls below each case [M], and of cases above each control [N]; ties count half."""

    def below(values, others):
        order = np.sort(others)
        sides = [np.searchsorted(order, values, side) for side in ("left", "right")]
        return np.mean(sides, axis=0) / len(others)

    cases, controls = score[is_case], score[~is_case]
    return below(cases, controls), 1 - below(controls, cases)
