"""A polygenic score by clumping and threshold, tested on real holdout people.

Axes: S people, L leads of a scan in the order of their p-values.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.dosages import read_dosages
from syncohort.evaluation.association.phenotype import Phenotype
from syncohort.evaluation.groups import ALL, REAL, Group
from syncohort.evaluation.intervals import DRAWS, percentile_interval
from syncohort.evaluation.tidy import metric_row, people_in

THRESHOLDS_P = (0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True)
class HoldoutScore:
    """A polygenic score of the real holdout people.

    value [S]: higher means more likely a case, or a higher value; phenotype [S]: bool, whether
    a case, or float; note: which SNPs it adds up; withheld: why it is not tested, or "" (then
    value is all 0).
    """

    value: np.ndarray
    phenotype: np.ndarray
    note: str
    withheld: str


def score_holdout(
    stores: list[CohortStore],
    scan: pd.DataFrame,
    phenotype: Phenotype,
    *,
    minimum_people: int,
    withheld: str = "",
) -> HoldoutScore:
    """Score the real holdout people by the effects of a scan.

    The score adds up beta times dosage over the leads below a threshold of p, which the real
    validation people choose. stores: the real cohort, one store per chromosome; scan: of the
    same variants, with the column lead; withheld: why there is no score, or "".
    """
    everybody = stores[0].people
    people = {
        split: phenotype.known(everybody, people_in(stores[0], split))
        for split in ("validation", "holdout")
    }
    known = {split: phenotype.of(everybody)[index] for split, index in people.items()}
    tested = known["holdout"]
    fewest = phenotype.fewest(tested)
    if fewest < minimum_people:
        withheld = withheld or f"too few: {fewest} holdout {phenotype.counted}"
    if withheld:
        return HoldoutScore(np.zeros(len(tested)), tested, "", withheld)
    value, note = _best_score(stores, people, known["validation"], scan, phenotype)
    return HoldoutScore(value, tested, note, "")


def score_rows(
    score: HoldoutScore,
    phenotype: Phenotype,
    real: HoldoutScore | None = None,
    *,
    seed: int,
) -> list[dict]:
    """Rows of a tidy table: score_auc, the probability that a case scores above a control; or,
    of a value, score_r, its correlation with the score.

    With the score trained on real people also the difference from it, person by person
    (against "real"). Intervals resample holdout people, cases and controls
    apart.
    """
    metric = phenotype.score_metric
    groups = (ALL,) if real is None else (ALL, Group(against=REAL))
    withheld = score.withheld or (real.withheld if real else "")
    if withheld:
        return [metric_row(metric, group, np.nan, note=withheld) for group in groups]

    def agreements(each: HoldoutScore) -> np.ndarray:
        """Of everybody, then of draws of people, the same for every score."""
        rng = np.random.default_rng(seed)
        drawn = [phenotype.redrawn(each.phenotype, rng) for _ in range(DRAWS)]
        everybody = np.arange(len(each.value))
        return np.array(
            [phenotype.agreement(each.value[i], each.phenotype[i]) for i in [everybody, *drawn]]
        )

    ours = agreements(score)
    rows = [metric_row(metric, ALL, ours[0], *percentile_interval(ours[1:]), note=score.note)]
    if real is not None:
        less = ours - agreements(real)
        rows.append(metric_row(metric, groups[1], less[0], *percentile_interval(less[1:])))
    return rows


def _best_score(stores, people, known, scan, phenotype) -> tuple[np.ndarray, str]:
    """Scores of the holdout people at the threshold the validation people choose, and which."""
    leads = scan[scan["lead"] & np.isfinite(scan["beta"])].sort_values("p", kind="stable")
    validation = _weighted_dosages(stores, people["validation"], leads)
    sizes = {threshold: int((leads["p"] <= threshold).sum()) for threshold in THRESHOLDS_P}
    found = {
        threshold: phenotype.agreement(validation[:, :size].sum(axis=1), known)
        for threshold, size in sizes.items()
        if size
    }
    # nobody to choose: the most SNPs
    best = max(found, key=lambda each: np.nan_to_num(found[each]), default=THRESHOLDS_P[0])
    leads = leads.iloc[: sizes[best]]
    note = f"{len(leads)} SNPs with p <= {best:g}, chosen by the validation people"
    return _weighted_dosages(stores, people["holdout"], leads).sum(axis=1), note


def _weighted_dosages(stores, people, leads) -> np.ndarray:
    """Beta times dosage [S, L]; a missing dosage is the mean of the people scanned."""
    chosen, column = np.unique(leads.index.to_numpy(dtype=np.int64), return_inverse=True)
    dosages = read_dosages(stores, people, chosen)[:, column].astype(float)
    expected = 2 * leads["frequency"].to_numpy()
    return np.where(dosages < 0, expected, dosages) * leads["beta"].to_numpy()
