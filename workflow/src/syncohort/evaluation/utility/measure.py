"""Is a synthetic cohort as good to learn the label from as the real one?

Classifiers are trained on real or on synthetic people and tested on real holdout people.
Read recovery with care: sampling every SNP by itself within each label, without any
linkage, recovers .9 or more when as many people are drawn as were trained on. Four times as
many tell more beside the rows of the calibration cohorts.

Method: a classifier's kind, "mlp"; trained_on: what else it was trained on, "4x".

Axes: S people, V variants, C classes, K trainings: one per fold and seed.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import product, repeat

import numpy as np
import pandas as pd

from syncohort.classifiers.fitting import Classifier
from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import FOUR_TIMES, WITH_REAL, Group
from syncohort.evaluation.tidy import MAJORITY, MIN_PEOPLE, metric_row, people_in, tidy
from syncohort.evaluation.utility.bench import (
    METRICS,
    Bench,
    LabelledPeople,
    Training,
    read_synthetic,
)
from syncohort.genotypes import People

TIMES = 4  # synthetic people per real training person, where there are as many
MOST_REGRESSED = 5_000  # a logistic regression's time grows with the cube of the people
_TOO_SLOW = f"not trained: a regression of more than {MOST_REGRESSED:,} people takes too long"


@dataclass(frozen=True)
class Utility:
    """How classifiers trained on one source of people do on the holdout people.

    metrics: tidy table by method, the kind of classifier, and trained_on: accuracy,
    balanced_accuracy, auc, trained_people (note: what the validation people chose); after
    training on real people also the scores of always naming their commonest label.
    predictions: person, label, classifier (its kind), trained_on, fold, seed, predicted: one row
    per holdout person, classifier, fold and seed.
    """

    metrics: pd.DataFrame
    predictions: pd.DataFrame


def measure_utility(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore] | None,
    training: Training,
    *,
    cohort: str,
    generator: str,
    with_real: bool = False,
    minimum_people: int = MIN_PEOPLE,
) -> Utility:
    """Train on the real training people, or on synthetic people, and test on the holdout.

    real_stores: one per chromosome; synthetic_stores: the same chromosomes, or None for
    training on real people. generator: name of the rows. Of the synthetic people as many are
    used as there are real training people, and once more `TIMES` as many when the cohort
    holds them (trained_on "4x"; a logistic regression only up to `MOST_REGRESSED`, as which it
    always has at most as many people, some of them); with_real:
    also the synthetic and the real training people together (trained_on "with real": the folds
    of both together). The real validation people choose passes and penalties each time.

    Labels with fewer than two holdout people are not tested on, and named in the note; with
    fewer than two labels left, or fewer than `minimum_people` to test on, the values are NaN
    and the note says why.
    """
    real = LabelledPeople.read(real_stores, people_in(real_stores[0], "train"))
    bench = Bench.of(real_stores, training, len(real))
    if synthetic_stores is None:
        sources = {"": [real]}
    else:
        drawn = read_synthetic(real_stores, synthetic_stores, TIMES * len(real))
        sources = _synthetic_sources(drawn, real, with_real)
    reason = bench.reason_to_withhold(sources[""][0].labels, minimum_people)
    if reason:
        metrics = METRICS if synthetic_stores is None else (*METRICS, "recovery_rate")
        return _withheld(training.kinds, metrics, reason, cohort=cohort, generator=generator)
    rows, predictions = [], []
    for trained_on, groups in sources.items():
        size = sum(len(people) for people in groups)
        note = f"trained on {size:,} people, not {len(real):,}" if size < len(real) else ""
        all_parts = _fold_parts(groups, training)
        for kind in training.kinds:
            group = Group(method=kind, trained_on=trained_on)
            if kind == "logistic" and trained_on == FOUR_TIMES and size > MOST_REGRESSED:
                rows += [metric_row(metric, group, np.nan, note=_TOO_SLOW) for metric in METRICS]
                continue
            parts = all_parts
            if kind == "logistic":
                parts = [people.at_most(MOST_REGRESSED, training.seeds[0]) for people in parts]
            runs = list(product(range(training.folds), training.seeds_of(kind)))  # [K]
            fitted = bench.train([parts[fold] for fold, _ in runs], kind, [s for _, s in runs])
            probabilities = bench.probabilities(fitted)
            rows += bench.score_rows(group, fitted[0].classes, probabilities, note=note)
            trained = np.mean([len(people) for people in parts])
            rows.append(metric_row("trained_people", group, trained, note=_chosen(fitted)))
            named = fitted[0].classes[probabilities.argmax(axis=2)]  # [K, S]
            predictions += map(_prediction_table, repeat(bench.tested), repeat(group), runs, named)
    metrics = [tidy(rows, cohort=cohort, generator=generator)]
    if synthetic_stores is None:
        metrics.append(tidy(bench.majority_rows(real.labels), cohort=cohort, generator=MAJORITY))
    return Utility(pd.concat(metrics, ignore_index=True), pd.concat(predictions, ignore_index=True))


def _withheld(kinds, metrics, reason: str, *, cohort: str, generator: str) -> Utility:
    rows = [
        metric_row(metric, Group(method=kind), np.nan, note=reason)
        for kind in kinds
        for metric in metrics
    ]
    nobody = _prediction_table(People.unlabelled([]), Group(), (0, 0), [])
    return Utility(tidy(rows, cohort=cohort, generator=generator), nobody)


def _synthetic_sources(
    drawn: LabelledPeople, real: LabelledPeople, with_real: bool
) -> dict[str, list]:
    """Whom to train on, by `trained_on`: groups of people, folded apart."""
    equal = drawn[: len(real)]
    sources = {"": [equal]}
    if len(drawn) >= TIMES * len(real):
        sources[FOUR_TIMES] = [drawn]
    if with_real:
        sources[WITH_REAL] = [equal, real]
    return sources


def _fold_parts(groups: list[LabelledPeople], training: Training) -> list[LabelledPeople]:
    """For each fold all people of the groups but those of that fold; with one fold, everybody."""
    if training.folds == 1:
        return [reduce(LabelledPeople.with_others, groups)]
    folds = [people.folds(training.folds, training.seeds[0]) for people in groups]
    return [
        reduce(
            LabelledPeople.with_others,
            [people[own != fold] for people, own in zip(groups, folds, strict=True)],
        )
        for fold in range(training.folds)
    ]


def _chosen(fitted: list[Classifier]) -> str:
    """What the validation people chose, e.g. "passes 4, 6"."""
    (name,) = fitted[0].chosen
    values = ", ".join(f"{each.chosen[name]:g}" for each in fitted)
    return f"{name} {values}"


def _prediction_table(
    tested: People, group: Group, run: tuple[int, int], predicted
) -> pd.DataFrame:
    fold, seed = run
    return pd.DataFrame(
        {
            "person": tested.id,
            "label": tested.label,
            "classifier": group.method,
            "trained_on": group.trained_on,
            "fold": fold,
            "seed": seed,
            "predicted": predicted,
        }
    )
