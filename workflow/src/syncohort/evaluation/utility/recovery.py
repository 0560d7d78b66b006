"""How much of the accuracy of a classifier of real people one of synthetic people recovers.

Axes: S people, K trainings.
"""

import numpy as np
import pandas as pd

from syncohort.errors import InputError
from syncohort.evaluation.groups import Group
from syncohort.evaluation.intervals import bootstrap, percentile_interval
from syncohort.evaluation.tidy import MAJORITY, metric_row, ratio, tidy


def recovery_rate(
    synthetic_predictions: pd.DataFrame,
    real_predictions: pd.DataFrame,
    *,
    cohort: str,
    generator: str,
    seed: int,
) -> pd.DataFrame:
    """Tidy table: accuracy after training on synthetic over accuracy after training on real.

    Both are `Utility.predictions` for the same holdout people, and are compared person by
    person: the interval resamples people, the same for both, and the seeds of each. One row
    per kind of classifier and what it was trained on, of the synthetic ones, against real people of the same kind of classifier, and
    beside it what always naming the commonest label recovers.

    Source: GeneticDiffusion, section 3.4.1. Raises InputError for different holdout people.
    """
    rows, majority = [], []
    for kind in dict.fromkeys(real_predictions["classifier"]):
        real = _hits(real_predictions[real_predictions["classifier"] == kind])
        commonest = pd.DataFrame({"always": _is_commonest(real.index)}, index=real.index)
        majority.append(_recovery_row(Group(method=kind), commonest, real, seed))
        own = synthetic_predictions[synthetic_predictions["classifier"] == kind]
        if own.empty:
            note = "no classifier was trained on these people"
            rows.append(metric_row("recovery_rate", Group(method=kind), np.nan, note=note))
        for trained_on, predictions in own.groupby("trained_on", sort=False):
            synthetic = _hits(predictions)
            if not real.index.equals(synthetic.index):
                raise InputError(
                    f"the predictions of the {kind} classifiers are for different holdout "
                    f"people ({len(real)} after real, {len(synthetic)} after synthetic "
                    "training); train both again on the same split"
                )
            group = Group(method=kind, trained_on=trained_on)
            rows.append(_recovery_row(group, synthetic, real, seed))
    tables = [
        tidy(rows, cohort=cohort, generator=generator),
        tidy(majority, cohort=cohort, generator=MAJORITY),
    ]
    return pd.concat(tables, ignore_index=True)


def _hits(predictions: pd.DataFrame) -> pd.DataFrame:
    """Right or wrong: one row per (person, label), one column per fold and seed."""
    own = predictions.assign(hit=predictions["predicted"] == predictions["label"])
    runs = ["fold", "seed"]
    return own.pivot_table("hit", index=["person", "label"], columns=runs, aggfunc="mean")


def _recovery_row(group, hits: pd.DataFrame, real: pd.DataFrame, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    drawn = bootstrap(
        lambda people: ratio(_resampled(hits, people, rng), _resampled(real, people, rng)),
        len(real),
        rng=rng,
    )
    value = ratio(hits.to_numpy().mean(), real.to_numpy().mean())
    return metric_row("recovery_rate", group, value, *percentile_interval(drawn))


def _is_commonest(people: pd.MultiIndex) -> np.ndarray:
    labels = people.get_level_values("label")
    return (labels == labels.value_counts().index[0]).astype(float)


def _resampled(hits: pd.DataFrame, people, rng) -> float:
    """Mean hit of these people, over seeds drawn with replacement."""
    values = hits.to_numpy()
    seeds = rng.integers(values.shape[1], size=values.shape[1])
    return values[np.ix_(people, seeds)].mean()
