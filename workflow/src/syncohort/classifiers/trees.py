"""Boosted trees of dosages (Chen and Guestrin 2016, KDD): the classifier `xgboost`.

Axes: V variants, S people, C classes.
"""

from dataclasses import dataclass

import numpy as np
import xgboost

from syncohort.classifiers.data import ClassifierData
from syncohort.genotypes import MISSING

# shallow and slow: effects of SNPs are small, and add up
SETTINGS = {
    "eta": 0.05,
    "max_depth": 3,
    "min_child_weight": 5,
    "subsample": 0.5,
    "colsample_bytree": 0.3,
    "tree_method": "hist",
    "max_bin": 4,  # a dosage has three values
}

MOST_ROUNDS = 2_000
PATIENCE = 50  # rounds without a lower validation loss


@dataclass(frozen=True)
class BoostedTrees:
    """Called with dosages int8 [S, V], -1 missing: probability of each class, float64 [S, C]."""

    booster: xgboost.Booster

    def __call__(self, dosages: np.ndarray) -> np.ndarray:
        found = self.booster.inplace_predict(dosages, missing=MISSING).astype(float)
        return found if found.ndim == 2 else np.column_stack([1 - found, found])


def fit_trees(
    data: ClassifierData, *, seed: int, threads: int
) -> tuple[BoostedTrees, dict[str, float]]:
    """Trees until the validation people's cross-entropy falls no more; and how many rounds.

    A missing call goes down the branch that its variant's missing calls in training people do
    best in. The same seed gives the same trees, with any number of threads.
    """
    n_classes = len(data.classes)
    settings = SETTINGS | {"seed": seed % 2**31, "nthread": threads}
    if n_classes == 2:
        settings |= {"objective": "binary:logistic", "eval_metric": "logloss"}
    else:
        settings |= {"objective": "multi:softprob", "num_class": n_classes}
        settings |= {"eval_metric": "mlogloss"}
    options = {"missing": MISSING, "nthread": threads, "max_bin": SETTINGS["max_bin"]}
    training = xgboost.QuantileDMatrix(data.dosages, data.target, **options)
    validation = xgboost.QuantileDMatrix(
        data.validation_dosages, data.validation_target, ref=training, **options
    )
    booster = xgboost.train(
        settings,
        training,
        MOST_ROUNDS,
        evals=[(validation, "validation")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    rounds = booster.best_iteration + 1
    return BoostedTrees(booster[:rounds]), {"rounds": rounds}
