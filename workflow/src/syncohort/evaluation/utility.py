"""Is a synthetic cohort as good to learn the label from as the real one?

Classifiers are trained on real or on synthetic people and tested on real holdout people.
Read recovery with care: sampling every SNP by itself within each label, without any
linkage, recovers .9 or more when as many people are drawn as were trained on.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import pandas as pd

from syncohort.classifiers import Classifier, score, train_classifier
from syncohort.devices import resolve_device
from syncohort.dosages import read_dosages
from syncohort.errors import InputError, examples
from syncohort.evaluation import (
    MAJORITY,
    MIN_PEOPLE,
    check_same_variants,
    metric_row,
    people_in,
    percentile_interval,
    ratio,
    tidy,
)
from syncohort.genotypes import CohortStore, People

METRICS = ("accuracy", "balanced_accuracy", "auc")


@dataclass(frozen=True)
class Utility:
    """How classifiers trained on one source of people do on the holdout people.

    metrics: tidy table, group = kind of classifier: accuracy, balanced_accuracy, auc,
    trained_people (note: what the validation people chose); after training on real people
    also the scores of always naming their commonest label.
    predictions: person, label, classifier, seed, predicted: one row per holdout person,
    kind and seed.
    """

    metrics: pd.DataFrame
    predictions: pd.DataFrame


def measure_utility(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore] | None,
    *,
    cohort: str,
    generator: str,
    kinds: list[str],
    seeds: list[int],
    epochs: int,
    device: str = "cpu",
) -> Utility:
    """Train on the real training people, or on synthetic people, and test on the holdout.

    real_stores: one per chromosome; synthetic_stores: the same chromosomes, or None for
    training on real people. generator: name of the rows. The real validation people choose
    epochs and penalties either way. seeds: one mlp is trained per seed, the values are
    means over them; a logistic regression has no use for more than one. device: "auto",
    "cpu" or "cuda", where the mlp is trained. Labels with fewer than two holdout people are
    not tested on, and named in the note; with fewer than two labels left, the values are
    NaN and the note says why.
    """
    people = real_stores[0].people
    holdout, note = _testable(people)
    validation = people_in(real_stores[0], "validation")
    if synthetic_stores is None:
        stores, trained = real_stores, people_in(real_stores[0], "train")
    else:
        for real, synthetic in zip(real_stores, synthetic_stores, strict=True):
            check_same_variants(real, synthetic)
        stores, trained = synthetic_stores, np.arange(len(synthetic_stores[0].people))
    labels, tested = stores[0].people.label[trained].astype(str), people[holdout]
    if len(set(tested.label)) < 2 or len(set(labels)) < 2:
        return _withheld(kinds, labels, tested, note, cohort=cohort, generator=generator)
    data = (
        read_dosages(stores, trained),
        labels,
        read_dosages(real_stores, validation),
        people.label[validation],
    )
    holdout_dosages = read_dosages(real_stores, holdout)
    rows, predictions = [], []
    for kind in kinds:
        kind_seeds = seeds if kind == "mlp" else seeds[:1]
        options = {"epochs": epochs, "device": resolve_device(device)}
        fitted = [train_classifier(*data, kind, seed=each, **options) for each in kind_seeds]
        probabilities = np.stack([each.probabilities(holdout_dosages) for each in fitted])
        classes = fitted[0].classes
        rows += _score_rows(kind, probabilities, classes, tested, seeds[0], note)
        rows.append(metric_row("trained_people", kind, len(trained), note=_chosen(fitted)))
        predicted = classes[probabilities.argmax(axis=2)]
        predictions += map(_prediction_table, repeat(tested), repeat(kind), kind_seeds, predicted)
    metrics = [tidy(rows, cohort=cohort, generator=generator)]
    if synthetic_stores is None:
        commonest = Counter(sorted(labels)).most_common(1)[0][0]
        always = np.ones((1, len(tested), 1))
        majority = _score_rows("all", always, [commonest], tested, seeds[0], note)
        metrics.append(tidy(majority, cohort=cohort, generator=MAJORITY))
    return Utility(pd.concat(metrics, ignore_index=True), pd.concat(predictions, ignore_index=True))


def recovery_rate(
    synthetic_predictions: pd.DataFrame,
    real_predictions: pd.DataFrame,
    *,
    cohort: str,
    generator: str,
    seed: int,
    draws: int = 1_000,
) -> pd.DataFrame:
    """Tidy table: accuracy after training on synthetic over accuracy after training on real.

    Both are `Utility.predictions` for the same holdout people, and are compared person by
    person: the interval resamples people, the same for both, and the seeds of each. One row
    per kind of classifier, and beside it what always naming the commonest label recovers.

    Source: GeneticDiffusion, section 3.4.1. Raises InputError for different holdout people.
    """
    rows, majority = [], []
    for kind in dict.fromkeys(real_predictions["classifier"]):
        real = _hits(real_predictions, kind)
        synthetic = _hits(synthetic_predictions, kind)
        commonest = pd.DataFrame({"always": _is_commonest(real.index)}, index=real.index)
        majority.append(_recovery_row(kind, commonest, real, seed, draws))
        if synthetic.empty:
            note = "no classifier was trained on these people"
            rows.append(metric_row("recovery_rate", kind, np.nan, note=note))
            continue
        if not real.index.equals(synthetic.index):
            raise InputError(
                f"the predictions of the {kind} classifiers are for different holdout people "
                f"({len(real)} after real, {len(synthetic)} after synthetic training); "
                "train both again on the same split"
            )
        rows.append(_recovery_row(kind, synthetic, real, seed, draws))
    tables = [
        tidy(rows, cohort=cohort, generator=generator),
        tidy(majority, cohort=cohort, generator=MAJORITY),
    ]
    return pd.concat(tables, ignore_index=True)


def _testable(people: People) -> tuple[np.ndarray, str]:
    """Holdout people of labels with enough of them, and which labels are left out."""
    holdout = np.flatnonzero(people.split == "holdout")
    count = Counter(people.label[holdout])
    few = sorted(label for label in set(people.label) if count[label] < MIN_PEOPLE)
    note = f"not tested, fewer than {MIN_PEOPLE} holdout people: {examples(few)}" if few else ""
    return holdout[~np.isin(people.label[holdout].astype(str), few)], note


def _withheld(kinds, labels, tested, note, *, cohort, generator) -> Utility:
    reason = (
        f"needs 2 labels or more; found {len(set(labels))} in training, "
        f"{len(set(tested.label))} to test on"
    )
    reason = "; ".join(text for text in (reason, note) if text)
    rows = [metric_row(metric, kind, np.nan, note=reason) for kind in kinds for metric in METRICS]
    nobody = _prediction_table(tested[:0], "", 0, [])
    return Utility(tidy(rows, cohort=cohort, generator=generator), nobody)


def _score_rows(kind, probabilities, classes, tested, seed, note) -> list[dict]:
    scores = score(probabilities, classes, tested.label, seed=seed)
    return [
        metric_row(metric, kind, each.value, each.low, each.high, note)
        for metric, each in scores.items()
    ]


def _chosen(fitted: list[Classifier]) -> str:
    """What the validation people chose, e.g. "epoch 4, 6"."""
    (name,) = fitted[0].chosen
    values = ", ".join(f"{each.chosen[name]:g}" for each in fitted)
    return f"{name.replace('_', ' ')} {values}"


def _prediction_table(tested: People, kind: str, seed: int, predicted) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "person": tested.id,
            "label": tested.label,
            "classifier": kind,
            "seed": seed,
            "predicted": predicted,
        }
    )


def _hits(predictions: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Right or wrong: one row per (person, label), one column per seed."""
    own = predictions[predictions["classifier"] == kind]
    own = own.assign(hit=own["predicted"] == own["label"])
    return own.pivot_table("hit", index=["person", "label"], columns="seed", aggfunc="mean")


def _recovery_row(kind, hits: pd.DataFrame, real: pd.DataFrame, seed: int, draws: int) -> dict:
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(draws):
        people = rng.integers(len(real), size=len(real))
        drawn.append(ratio(_resampled(hits, people, rng), _resampled(real, people, rng)))
    value = ratio(hits.to_numpy().mean(), real.to_numpy().mean())
    return metric_row("recovery_rate", kind, value, *percentile_interval(drawn))


def _is_commonest(people: pd.MultiIndex) -> np.ndarray:
    labels = people.get_level_values("label")
    return (labels == labels.value_counts().index[0]).astype(float)


def _resampled(hits: pd.DataFrame, people, rng) -> float:
    """Mean hit of these people, over seeds drawn with replacement."""
    values = hits.to_numpy()
    seeds = rng.integers(values.shape[1], size=values.shape[1])
    return values[np.ix_(people, seeds)].mean()
