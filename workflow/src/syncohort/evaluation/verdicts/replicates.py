"""How much metrics differ between trainings of the same generator with other seeds."""

import pandas as pd

from syncohort.evaluation.groups import KEYS


def replicate_table(metrics: pd.DataFrame, replicates: dict[str, str]) -> pd.DataFrame:
    """One row per released generator, metric and group (`KEYS`) that several trainings have.

    metrics: tidy table; replicates: further training -> the released generator it repeats.
    Returns generator, dimension, metric, the columns `KEYS`, trainings (number, the released one included),
    mean, sd (of a sample), min, max over them.
    """
    trained = {**replicates, **{name: name for name in replicates.values()}}
    used = metrics[metrics["generator"].isin(trained)].dropna(subset=["value"])
    used = used.assign(generator=used["generator"].map(trained))
    by = used.groupby(["generator", "dimension", "metric", *KEYS], sort=False)["value"]
    table = by.agg(trainings="size", mean="mean", sd="std", min="min", max="max").reset_index()
    return table[table["trainings"] > 1].reset_index(drop=True)
