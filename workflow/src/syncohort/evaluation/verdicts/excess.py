"""Membership above what the frequencies of the labels alone give away.

Independent SNPs at the frequencies of the training people's labels leak these frequencies and
nothing else; with few people a label that is no small leak, and no generator that has the
frequencies right has less. So an attack is also judged by what it finds beyond them.
"""

import numpy as np
import pandas as pd

from syncohort.evaluation.groups import groups_of
from syncohort.evaluation.privacy.membership import METRIC
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.evaluation.verdicts.metrics import INDEPENDENT

EXCESS = "membership_excess"


def with_excess(metrics: pd.DataFrame, calibration: dict[str, str]) -> pd.DataFrame:
    """The tidy table with rows of membership_excess: AUC less that of independent SNPs.

    calibration: kind -> name of its generator; without "independent" the table is returned as it is.
    Attacks on all people, rows by label and by label size left out. The
    interval takes the errors of both for independent, which is too wide: the people are the same.
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
        found = [
            _excess(row, group, level[group])
            for row, group in zip(own.itertuples(index=False), groups_of(own), strict=True)
            if group in level
        ]
        if found:
            tables.append(tidy(found, cohort=own["cohort"].iloc[0], generator=generator))
    return pd.concat(tables, ignore_index=True)


def _excess(row, group, level) -> dict:
    value = row.value - level.value
    below = np.hypot(row.value - row.low, level.high - level.value)
    above = np.hypot(row.high - row.value, level.value - level.low)
    note = f"{row.value:.3f}, independent SNPs {level.value:.3f}"
    return metric_row(EXCESS, group, value, value - below, value + above, note=note)
