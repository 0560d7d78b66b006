"""Is a synthetic cohort as good to learn the label from as the real one?

Classifiers are trained on real or on synthetic people and tested on real holdout people.
Read recovery with care: sampling every SNP by itself within each label, without any
linkage, recovers .9 or more when as many people are drawn as were trained on. Four times as
many tell more (QUALITY, "Metrics that mislead"), beside the rows of the calibration cohorts.

Groups: a classifier's kind, "mlp", and what else it was trained on, "mlp, 4x".

Axes: S people, V variants, C classes, K trainings: one per fold and seed.
"""

from collections import Counter
from dataclasses import dataclass
from functools import reduce
from itertools import product, repeat

import numpy as np
import pandas as pd

from syncohort.classifier_scores import score
from syncohort.classifiers import DETERMINISTIC, Classifier, train_classifier
from syncohort.devices import resolve_device
from syncohort.dosages import read_dosages
from syncohort.errors import examples
from syncohort.evaluation import (
    MAJORITY,
    MIN_PEOPLE,
    check_same_variants,
    metric_row,
    people_in,
    tidy,
)
from syncohort.genotypes import CohortStore, People
from syncohort.seeds import child_seed

METRICS = ("accuracy", "balanced_accuracy", "auc")
TIMES = 4  # synthetic people per real training person, where there are as many
MANY = f"{TIMES}x"
WITH_REAL = "with real"
MOST_REGRESSED = 5_000  # a logistic regression's time grows with the cube of the people

_TOO_SLOW = f"not trained: a regression of more than {MOST_REGRESSED:,} people takes too long"

_FOLDS = 4  # random stream; 0 and 1 are of `classifiers`, 2 and 3 of `augmentation`


@dataclass(frozen=True)
class Utility:
    """How classifiers trained on one source of people do on the holdout people.

    metrics: tidy table, group = kind of classifier, and what it was trained on: accuracy,
    balanced_accuracy, auc, trained_people (note: what the validation people chose); after
    training on real people also the scores of always naming their commonest label.
    predictions: person, label, classifier (the group), fold, seed, predicted: one row per
    holdout person, group, fold and seed.
    """

    metrics: pd.DataFrame
    predictions: pd.DataFrame


@dataclass(frozen=True)
class Training:
    """How classifiers are trained.

    kinds: of `classifiers.KINDS`; seeds: one network is trained per seed and the values are
    means over them, kinds without randomness have no use for more than one; epochs: most epochs
    of a network, each of equally many people however many it is trained on; folds: above 1,
    the people trained on are dealt into so many folds, label by label, and a classifier is
    trained for each, on all folds but that one; device: "auto", "cpu" or "cuda", where networks
    are trained; threads: processors for trees.
    """

    kinds: list[str]
    seeds: list[int]
    epochs: int
    folds: int = 1
    device: str = "cpu"
    threads: int = 1

    def seeds_of(self, kind: str) -> list[int]:
        return self.seeds[:1] if kind in DETERMINISTIC else self.seeds


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
    holds them (group "mlp, 4x"; a logistic regression only up to `MOST_REGRESSED`); with_real:
    also the synthetic and the real training people together (group "mlp, with real": the folds
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
    for suffix, groups in sources.items():
        size = sum(len(people) for people in groups)
        note = f"trained on {size:,} people, not {len(real):,}" if size < len(real) else ""
        parts = _fold_parts(groups, training)
        for kind in training.kinds:
            group = f"{kind}, {suffix}" if suffix else kind
            if kind == "logistic" and suffix == MANY and size > MOST_REGRESSED:
                rows += [metric_row(metric, group, np.nan, note=_TOO_SLOW) for metric in METRICS]
                continue
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


@dataclass(frozen=True)
class LabelledPeople:
    """People to train on: dosages int8 [S, V], -1 missing, and labels [S] str."""

    dosages: np.ndarray
    labels: np.ndarray

    @staticmethod
    def read(stores: list[CohortStore], people: np.ndarray) -> "LabelledPeople":
        return LabelledPeople(
            read_dosages(stores, people), stores[0].people.label[people].astype(str)
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, people) -> "LabelledPeople":
        return LabelledPeople(self.dosages[people], self.labels[people])

    def with_others(self, others: "LabelledPeople") -> "LabelledPeople":
        return LabelledPeople(
            np.concatenate([self.dosages, others.dosages]),
            np.concatenate([self.labels, others.labels]),
        )

    def folds(self, n_folds: int, seed: int) -> np.ndarray:
        """Fold of each person [S]: of every label as many in each, drawn from `seed`."""
        rng, fold = np.random.default_rng(child_seed(seed, _FOLDS)), np.empty(len(self), int)
        for label in np.unique(self.labels):
            own = rng.permutation(np.flatnonzero(self.labels == label))
            fold[own] = (np.arange(len(own)) + rng.integers(n_folds)) % n_folds
        return fold


@dataclass(frozen=True)
class Bench:
    """What all trainings of a cohort share: who chooses, who is tested, and how.

    tested: holdout people of labels with enough of them; left_out: which labels are not.
    """

    training: Training
    people_per_epoch: int
    validation: LabelledPeople
    tested: People
    tested_dosages: np.ndarray
    left_out: str

    @staticmethod
    def of(real_stores: list[CohortStore], training: Training, people_per_epoch: int) -> "Bench":
        people = real_stores[0].people
        holdout, left_out = _testable(people)
        return Bench(
            training,
            people_per_epoch,
            validation=LabelledPeople.read(real_stores, people_in(real_stores[0], "validation")),
            tested=people[holdout],
            tested_dosages=read_dosages(real_stores, holdout),
            left_out=left_out,
        )

    def reason_to_withhold(self, labels: np.ndarray, minimum_people: int) -> str:
        """Why nothing can be measured after training on people of these labels, or nothing."""
        n_trained, n_tested = len(set(labels)), len(set(self.tested.label))
        reason = ""
        if len(self.tested) < minimum_people:
            reason = f"too few: {len(self.tested)} people"
        elif min(n_trained, n_tested) < 2:
            reason = f"needs 2 labels or more; found {n_trained} in training, {n_tested} to test on"
        return _joined(reason, self.left_out) if reason else ""

    def train(self, parts: list[LabelledPeople], kind: str, seeds: list[int]) -> list[Classifier]:
        """One classifier for each of these groups of people and its seed."""
        return [
            train_classifier(
                people.dosages,
                people.labels,
                self.validation.dosages,
                self.validation.labels,
                kind,
                seed=seed,
                epochs=self.training.epochs,
                people_per_epoch=self.people_per_epoch,
                device=resolve_device(self.training.device),
                threads=self.training.threads,
            )
            for people, seed in zip(parts, seeds, strict=True)
        ]

    def probabilities(self, fitted: list[Classifier]) -> np.ndarray:
        """What classifiers of the same classes give the tested people [K, S, C]."""
        return np.stack([each.probabilities(self.tested_dosages) for each in fitted])

    def score_rows(
        self, group: str, classes, probabilities, *, prefix: str = "", note: str = ""
    ) -> list[dict]:
        note = _joined(note, self.left_out)
        seed = self.training.seeds[0]
        scores = score(probabilities, classes, self.tested.label, seed=seed)
        return [
            metric_row(prefix + metric, group, each.value, each.low, each.high, note)
            for metric, each in scores.items()
        ]

    def majority_rows(self, labels: np.ndarray) -> list[dict]:
        """Scores of always naming the commonest of these labels."""
        commonest = Counter(sorted(labels)).most_common(1)[0][0]
        return self.score_rows("all", [commonest], np.ones((1, len(self.tested), 1)))


def _withheld(kinds, metrics, reason: str, *, cohort: str, generator: str) -> Utility:
    rows = [metric_row(metric, kind, np.nan, note=reason) for kind in kinds for metric in metrics]
    nobody = _prediction_table(People.unlabelled([]), "", (0, 0), [])
    return Utility(tidy(rows, cohort=cohort, generator=generator), nobody)


def _synthetic_sources(
    drawn: LabelledPeople, real: LabelledPeople, with_real: bool
) -> dict[str, list]:
    """Whom to train on, by the suffix of their group: groups of people, folded apart."""
    equal = drawn[: len(real)]
    sources = {"": [equal]}
    if len(drawn) >= TIMES * len(real):
        sources[MANY] = [drawn]
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


def read_synthetic(real_stores, synthetic_stores, most: int | None = None) -> LabelledPeople:
    """The first `most` people of a synthetic cohort (default all); their order is random."""
    for real, synthetic in zip(real_stores, synthetic_stores, strict=True):
        check_same_variants(real, synthetic)
    return LabelledPeople.read(synthetic_stores, np.arange(len(synthetic_stores[0].people))[:most])


def _testable(people: People) -> tuple[np.ndarray, str]:
    """Holdout people of labels with enough of them, and which labels are left out."""
    holdout = np.flatnonzero(people.split == "holdout")
    count = Counter(people.label[holdout])
    few = sorted(label for label in set(people.label) if count[label] < MIN_PEOPLE)
    note = f"not tested, fewer than {MIN_PEOPLE} holdout people: {examples(few)}" if few else ""
    return holdout[~np.isin(people.label[holdout].astype(str), few)], note


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _chosen(fitted: list[Classifier]) -> str:
    """What the validation people chose, e.g. "passes 4, 6"."""
    (name,) = fitted[0].chosen
    values = ", ".join(f"{each.chosen[name]:g}" for each in fitted)
    return f"{name} {values}"


def _prediction_table(tested: People, group: str, run: tuple[int, int], predicted) -> pd.DataFrame:
    fold, seed = run
    return pd.DataFrame(
        {
            "person": tested.id,
            "label": tested.label,
            "classifier": group,
            "fold": fold,
            "seed": seed,
            "predicted": predicted,
        }
    )
