"""Verdicts of all metrics, each beside what the calibration generators score, and the checklists.

Verdicts are given metric by metric and never added up to one score. What passes: `metrics` (by
metric), `bounds` (how bounds follow from calibration rows) and `power` (no pass of privacy without it).
"""

from dataclasses import replace
from math import isfinite

import numpy as np
import pandas as pd

from syncohort.evaluation.groups import HOLDOUT, REAL, groups_of
from syncohort.evaluation.tidy import MAJORITY
from syncohort.evaluation.verdicts.bounds import (
    FAIL,
    LOOK,
    NOT_MEASURED,
    PASS,
    VALIDATION,
    VERDICTS,
    Bounds,
    Level,
)
from syncohort.evaluation.verdicts.metric import Metric
from syncohort.evaluation.verdicts.metrics import (
    BOUND_COLUMNS,
    DIMENSIONS,
    MODEL,
    PRIVACY,
    find_metric,
    judged_by,
)
from syncohort.evaluation.verdicts.power import can_tell, smallest_leak
from syncohort.evaluation.verdicts.release import (
    NO_EVIDENCE,
    unmeasured_privacy,
    value_in_words,
    without_repeats,
)

_NOT_JUDGED = (REAL, MAJORITY)
CHECKLIST_COLUMNS = [
    "generator",
    "dimension",
    "verdict",
    "passed",
    "looked",
    "failed",
    "unmeasured",
    "worst",
    "labels",
]
_WORST_FIRST = (FAIL, LOOK, PASS)


def judge(
    metrics: pd.DataFrame, calibration: dict[str, str], *, public_frequencies: bool = False
) -> pd.DataFrame:
    """The tidy table with a verdict for each row.

    calibration: kind ("validation", "bootstrap", "independent", "mosaic") -> name of its generator.
    public_frequencies: what the allele frequencies of the labels tell of the training people is public.
    Adds dimension, verdict ("" for a row that is not judged), pass_low, pass_high, look_low,
    look_high (NaN: no rule; infinite: open), smallest (the smallest leak that is seen, of privacy; NaN: not known), good.
    Rows of metrics that are not in `METRICS` have none of it.
    """
    levels, validation = _levels(metrics, calibration), calibration.get(VALIDATION)
    rows = []
    for row, group in zip(metrics.itertuples(index=False), groups_of(metrics), strict=True):
        metric = find_metric(row.metric, group)
        if metric and public_frequencies and metric.public_frequencies:
            metric = replace(metric, rule=metric.public_frequencies)
        is_validation = row.generator == validation
        if metric is None or metric.rule is None or row.generator in _NOT_JUDGED:
            rows.append(_judged(metric, ""))
        elif not isfinite(row.value):
            rows.append(_judged(metric, NOT_MEASURED))
        elif is_validation and metric.needs_many:
            rows.append(_judged(metric, ""))
        else:
            known = levels.get((row.metric, group), {})
            own = levels.get((row.metric, group, row.generator), {})
            rows.append(_judged(metric, *_verdict(metric, row, known | own, is_validation)))
    judged = pd.concat([metrics.reset_index(drop=True), pd.DataFrame(rows)], axis=1)
    incomparable = (judged["verdict"] == NOT_MEASURED) & np.isfinite(judged["value"])
    judged.loc[incomparable, "note"] = "what it would be compared with is 0"
    return judged


def _levels(metrics: pd.DataFrame, calibration: dict[str, str]) -> dict:
    """(metric, group) -> kind -> Level, and (metric, group, generator) -> HOLDOUT -> Level."""
    kinds = {name: kind for kind, name in calibration.items()} | {REAL: REAL}
    levels = {}
    for row, group in zip(metrics.itertuples(index=False), groups_of(metrics), strict=True):
        if not isfinite(row.value):
            continue
        low = row.low if isfinite(row.low) else row.value
        high = row.high if isfinite(row.high) else row.value
        level = Level(row.value, min(low, row.value), max(high, row.value))
        if row.generator in kinds:
            levels.setdefault((row.metric, group), {})[kinds[row.generator]] = level
        if judged := judged_by(group):
            levels[row.metric, judged, row.generator] = {HOLDOUT: level}
    return levels


def _verdict(metric: Metric, row, levels: dict, is_validation: bool) -> tuple:
    """Verdict, bounds (None: without the calibration row they need) and smallest leak of a row."""
    bounds = metric.rule(levels, is_validation)
    if bounds is None:
        return "", None, np.nan
    verdict = bounds.verdict(row.value, row.low, row.high)
    if metric.dimension not in (*PRIVACY, MODEL):
        return verdict, bounds, np.nan
    smallest = smallest_leak(bounds, row.low, row.high)
    fixed = metric.rule({k: of for k, of in levels.items() if k != VALIDATION}, is_validation)
    if verdict == PASS and not can_tell(fixed or bounds, smallest, row.low, row.high):
        verdict = LOOK
    return verdict, bounds, smallest


def _judged(
    metric: Metric | None, verdict: str, bounds: Bounds | None = None, smallest: float = np.nan
) -> dict:
    """The columns that `judge` adds to a row."""
    return {
        "dimension": metric.dimension if metric else "",
        "verdict": verdict,
        **{name: getattr(bounds, name, np.nan) for name in BOUND_COLUMNS},
        "smallest": smallest,
        "good": metric.good if metric else "",
    }


def release_checklist(judged: pd.DataFrame) -> pd.DataFrame:
    """One row per generator and dimension: what a committee reads first.

    judged: from `judge`. Rows by label count in the column labels, not in the verdict.
    Returns generator, dimension, verdict (the worst of its metrics; "look" instead of "pass"
    where most of them could not be measured; "fail" where privacy was not measured), passed, looked, failed, unmeasured (numbers of
    metrics), worst (those farthest from passing, in words), labels (how labels do, in words).
    """
    used = judged[(judged["verdict"] != "") & (judged["dimension"] != "")]
    rows = []
    for (generator, dimension), part in used.groupby(["generator", "dimension"], sort=False):
        own = part[part["label"] == ""]
        passed, looked, failed, unmeasured = ((own["verdict"] == word).sum() for word in VERDICTS)
        verdict, worst = worst_verdict(own["verdict"]), _worst(own)
        unknown = unmeasured_privacy(own, (dimension,)) if dimension in PRIVACY else ""
        if unknown and verdict != FAIL:
            verdict, worst = FAIL, f"{NO_EVIDENCE}: {unknown}"
        rows.append(
            {
                "generator": generator,
                "dimension": dimension,
                "verdict": LOOK if verdict == PASS and unmeasured > passed else verdict,
                "passed": passed,
                "looked": looked,
                "failed": failed,
                "unmeasured": unmeasured,
                "worst": worst,
                "labels": _labels_in_words(part),
            }
        )
    table = pd.DataFrame(rows, columns=CHECKLIST_COLUMNS)
    if table.empty:
        return table
    order = {name: index for index, name in enumerate(DIMENSIONS)}
    generators = {name: index for index, name in enumerate(dict.fromkeys(judged["generator"]))}
    keys = table["generator"].map(generators), table["dimension"].map(order)
    return table.iloc[np.lexsort(keys[::-1])].reset_index(drop=True)


def label_checklist(judged: pd.DataFrame) -> pd.DataFrame:
    """One row per generator, dimension and label: dimension, label, verdict, worst (in words)."""
    used = judged[(judged["label"] != "") & (judged["verdict"] != "")]
    keys = ["generator", "dimension", "label"]
    rows = [
        {**dict(zip(keys, names, strict=True)), "verdict": worst_verdict(part["verdict"])}
        | {"worst": _worst(part, most=1)}
        for names, part in used.groupby(keys, sort=False)
    ]
    return pd.DataFrame(rows, columns=[*keys, "verdict", "worst"])


def worst_verdict(verdicts) -> str:
    """The worst of some verdicts; "not measured" only when nothing was."""
    return next((word for word in _WORST_FIRST if word in set(verdicts)), NOT_MEASURED)


def _worst(rows: pd.DataFrame, most: int = 2) -> str:
    """The rows farthest from passing, in words; why nothing was measured; or that all pass."""
    failing = rows[rows["verdict"].isin((FAIL, LOOK))]
    if failing.empty:
        return _passing(rows)
    bounds = [Bounds(*row) for row in failing[list(BOUND_COLUMNS)].itertuples(index=False)]
    excess = [each.excess(value) for each, value in zip(bounds, failing["value"], strict=True)]
    # a failing metric before one to look at, then the farther
    order = np.lexsort([-np.array(excess), failing["verdict"] != FAIL])
    named = without_repeats(failing.iloc[order]).head(most)
    texts = [value_in_words(named.iloc[[place]]) for place in range(len(named))]
    more = len(failing) - len(named)
    return "; ".join(texts) + (f"; and {more} more" if more > 0 else "")


def _passing(rows: pd.DataFrame) -> str:
    """That all rows pass, and how many could not be measured, with the first reason."""
    passed, missing = (rows[rows["verdict"] == word] for word in (PASS, NOT_MEASURED))
    reason = next((note for note in missing["note"] if note), "")
    if passed.empty:
        return reason
    text = f"all {len(passed)} pass"
    return f"{text}; {len(missing)} not measured ({reason})" if len(missing) else text


def _labels_in_words(rows: pd.DataFrame) -> str:
    """How labels do: "24 pass, 2 fail (GBR, YRI)"."""
    if not (rows["label"] != "").any():
        return ""
    verdicts = rows.groupby("label")["verdict"].agg(worst_verdict).drop("", errors="ignore")
    counts = verdicts.value_counts()
    text = ", ".join(f"{counts[word]} {word}" for word in VERDICTS if word in counts)
    failing = [str(label) for label in verdicts.index[verdicts == FAIL]]
    named = ", ".join(failing[:5]) + (" ..." if len(failing) > 5 else "")
    return f"{text} ({named})" if failing else text
