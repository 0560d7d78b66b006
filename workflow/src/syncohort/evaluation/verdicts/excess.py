"""Membership above what the frequencies of the labels alone give away.

Independent SNPs at the frequencies of the training people's labels leak these frequencies and
nothing else; with few people a label that is no small leak, and no generator that has the
frequencies right has less. So an attack is also judged by what it finds beyond them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.auc import paired_difference
from syncohort.evaluation.groups import Group, groups_of
from syncohort.evaluation.privacy.membership import METRIC, score_column
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.evaluation.verdicts.privacy_metrics import INDEPENDENT

EXCESS = "membership_excess"
_NORMAL = 1.96  # standard errors that the central 95 % reach


def with_excess(
    metrics: pd.DataFrame, calibration: dict[str, str], people: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """The tidy table with rows of membership_excess: AUC less that of independent SNPs.

    metrics: tidy table.
    calibration: kind -> name of its generator; without "independent" the table is returned as it is.
    people: generator -> scores of the attacked people (`measure_privacy`), who are the same people
        for every generator.

    Attacks on all people, rows by label and by label size left out. The interval is that of scores of
    the same people (`paired_difference`); of attacks without scores by person it
    takes the errors of both AUCs for independent, which is too wide.
    """
    name = calibration.get(INDEPENDENT)
    rows = metrics[
        (metrics["metric"] == METRIC) & (metrics["label"] == "") & (metrics["label_size"] == "")
    ]
    level = dict(
        zip(
            groups_of(rows[rows["generator"] == name]),
            rows[rows["generator"] == name].itertuples(index=False),
            strict=True,
        )
    )
    tables = [metrics]
    for generator, own in rows[rows["generator"] != name].groupby("generator", sort=False):
        pairs = _ScorePairs.of(people.get(generator), people.get(name))
        found = [
            _excess(row, group, level[group], pairs)
            for row, group in zip(own.itertuples(index=False), groups_of(own), strict=True)
            if group in level
        ]
        if found:
            tables.append(tidy(found, cohort=own["cohort"].iloc[0], generator=generator))
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True)
class _ScorePairs:
    """The people attacked in both of two releases: both[column + "_x"] of the first, "_y" of the second."""

    both: pd.DataFrame

    @staticmethod
    def of(first: pd.DataFrame | None, second: pd.DataFrame | None) -> "_ScorePairs":
        if first is None or second is None:
            return _ScorePairs(pd.DataFrame())
        return _ScorePairs(first.merge(second, on=["person", "label", "member"]))

    def error(self, group: Group) -> float:
        """Standard error of the difference of the AUCs of an attack; NaN without its scores."""
        columns = [f"{score_column(group)}_{side}" for side in "xy"]
        if group.rows or not {*columns} <= set(self.both):
            return np.nan
        known = self.both.dropna(subset=columns)
        scores = (known[column].to_numpy(float) for column in columns)
        return paired_difference(
            *scores, known["member"].to_numpy(bool), known["label"].to_numpy(str)
        )[1]


def _excess(row, group: Group, level, pairs: _ScorePairs) -> dict:
    value = row.value - level.value
    below = np.hypot(row.value - row.low, level.high - level.value)
    above = np.hypot(row.high - row.value, level.value - level.low)
    error = pairs.error(group)
    if np.isfinite(error):
        below = above = _NORMAL * error
    note = f"{row.value:.3f}, independent SNPs {level.value:.3f}"
    return metric_row(EXCESS, group, value, value - below, value + above, note=note)
