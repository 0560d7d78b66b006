"""A polygenic score by clumping and threshold, tested on real holdout people.

Axes: S people, L leads of a scan in the order of their p-values.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.auc import auc
from syncohort.dosages import read_dosages
from syncohort.evaluation import metric_row, people_in, percentile_interval
from syncohort.genotypes import CohortStore

THRESHOLDS_P = (0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True)
class HoldoutScore:
    """A polygenic score of the real holdout people.

    value [S]: higher means more likely a case; is_case [S] bool; note: which SNPs it adds up;
    withheld: why it is not tested, or "" (then value is all 0).
    """

    value: np.ndarray
    is_case: np.ndarray
    note: str
    withheld: str


def score_holdout(
    stores: list[CohortStore],
    scan: pd.DataFrame,
    *,
    case_label: str,
    minimum_people: int,
    withheld: str = "",
) -> HoldoutScore:
    """Score the real holdout people by the effects of a scan.

    The score adds up beta times dosage over the leads below a threshold of p, which the real
    validation people choose. stores: the real cohort, one store per chromosome; scan: of the
    same variants, with the column lead; withheld: why there is no score, or "".
    """
    people = {split: people_in(stores[0], split) for split in ("validation", "holdout")}
    is_case = {split: stores[0].people.label[at] == case_label for split, at in people.items()}
    tested = is_case["holdout"]
    fewest = int(min(tested.sum(), (~tested).sum()))
    if fewest < minimum_people:
        withheld = withheld or f"too few: {fewest} holdout cases or controls"
    if withheld:
        return HoldoutScore(np.zeros(len(tested)), tested, "", withheld)
    value, note = _best_score(stores, people, is_case, scan)
    return HoldoutScore(value, tested, note, "")


def score_rows(
    score: HoldoutScore, real: HoldoutScore | None = None, *, seed: int, draws: int = 1_000
) -> list[dict]:
    """Rows of a tidy table: score_auc, the probability that a case scores above a control.

    With the score trained on real people also the difference from it, person by person
    (group "less trained on real"). Intervals resample holdout people, cases and controls
    apart.
    """
    groups = ("all",) if real is None else ("all", "less trained on real")
    withheld = score.withheld or (real.withheld if real else "")
    if withheld:
        return [metric_row("score_auc", group, np.nan, note=withheld) for group in groups]
    value, drawn = auc(score.value, score.is_case), _resampled_auc(score, seed, draws)
    interval = percentile_interval(drawn)
    rows = [metric_row("score_auc", "all", value, *interval, note=score.note)]
    if real is not None:
        interval = percentile_interval(drawn - _resampled_auc(real, seed, draws))
        rows.append(
            metric_row("score_auc", groups[1], value - auc(real.value, real.is_case), *interval)
        )
    return rows


def _best_score(stores, people, is_case, scan) -> tuple[np.ndarray, str]:
    """Scores of the holdout people at the threshold the validation people choose, and which."""
    leads = scan[scan["lead"] & np.isfinite(scan["beta"])].sort_values("p", kind="stable")
    validation = _weighted_dosages(stores, people["validation"], leads)
    sizes = {threshold: int((leads["p"] <= threshold).sum()) for threshold in THRESHOLDS_P}
    aucs = {
        threshold: auc(validation[:, :size].sum(axis=1), is_case["validation"])
        for threshold, size in sizes.items()
        if size
    }
    # nobody to choose: the most SNPs
    best = max(aucs, key=lambda each: np.nan_to_num(aucs[each]), default=THRESHOLDS_P[0])
    leads = leads.iloc[: sizes[best]]
    note = f"{len(leads)} SNPs with p <= {best:g}, chosen by the validation people"
    return _weighted_dosages(stores, people["holdout"], leads).sum(axis=1), note


def _weighted_dosages(stores, people, leads) -> np.ndarray:
    """Beta times dosage [S, L]; a missing dosage is the mean of the people scanned."""
    chosen, column = np.unique(leads.index.to_numpy(dtype=np.int64), return_inverse=True)
    dosages = read_dosages(stores, people, chosen)[:, column].astype(float)
    expected = 2 * leads["frequency"].to_numpy()
    return np.where(dosages < 0, expected, dosages) * leads["beta"].to_numpy()


def _resampled_auc(score: HoldoutScore, seed, draws) -> np.ndarray:
    """AUC of draws of people, the same people for every score."""
    rng = np.random.default_rng(seed)
    cases, controls = score.value[score.is_case], score.value[~score.is_case]
    first = np.arange(len(score.value)) < len(cases)
    drawn = []
    for _ in range(draws):
        part = (rng.choice(cases, len(cases)), rng.choice(controls, len(controls)))
        drawn.append(auc(np.concatenate(part), first))
    return np.array(drawn)
