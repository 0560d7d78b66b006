"""Classifiers trained in turn on real, synthetic or both people, tested on the same holdout people."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from syncohort.classifiers.fitting import DETERMINISTIC, Classifier, train_classifier
from syncohort.cohort_store import CohortStore
from syncohort.dosages import read_dosages
from syncohort.errors import examples
from syncohort.evaluation.groups import ALL, Group
from syncohort.evaluation.tidy import (
    MIN_PEOPLE,
    check_same_variants,
    metric_row,
    people_in,
)
from syncohort.evaluation.utility.scores import score
from syncohort.genotypes import People
from syncohort.seeds import child_seed
from syncohort.training.devices import resolve_device

METRICS = ("accuracy", "balanced_accuracy", "auc")
# Classifiers hold everybody's dosages, a byte each: at most a gigabyte. The published ones on their own
# data are below both.
MOST_SNPS = 1 << 16
MOST_PEOPLE = 1 << 14
_FOLDS, _SOME = 4, 5  # random streams; 0 and 1 are of `classifiers`, 2 and 3 of `augmentation`


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


def classified_snps(stores: list[CohortStore]) -> np.ndarray | None:
    """The SNPs that classifiers read, of all chromosomes joined: all (None), or MOST_SNPS evenly."""
    n_snps = sum(len(store.variants) for store in stores)
    if n_snps <= MOST_SNPS:
        return None
    return np.linspace(0, n_snps - 1, MOST_SNPS).round().astype(int)  # distinct: fewer than all


def some_people(people: np.ndarray) -> np.ndarray:
    """At most MOST_PEOPLE of these people, drawn once and for all and left in their order."""
    if len(people) <= MOST_PEOPLE:
        return people
    rng = np.random.default_rng(child_seed(len(people), _SOME))
    return np.sort(rng.choice(people, MOST_PEOPLE, replace=False))


@dataclass(frozen=True)
class LabelledPeople:
    """People to train on: dosages int8 [S, V], -1 missing, and labels [S] str."""

    dosages: np.ndarray
    labels: np.ndarray

    @staticmethod
    def read(stores: list[CohortStore], people: np.ndarray) -> "LabelledPeople":
        """At most MOST_PEOPLE of these people, at the SNPs of `classified_snps`."""
        people = some_people(people)
        dosages = read_dosages(stores, people, classified_snps(stores))
        return LabelledPeople(dosages, stores[0].people.label[people].astype(str))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, people) -> "LabelledPeople":
        return LabelledPeople(self.dosages[people], self.labels[people])

    def at_most(self, limit: int, seed: int) -> "LabelledPeople":
        """Some of these people, drawn from `seed`, in their order; all, where they are no more."""
        if len(self) <= limit:
            return self
        rng = np.random.default_rng(child_seed(seed, _SOME))
        return self[np.sort(rng.choice(len(self), limit, replace=False))]

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
        holdout = some_people(holdout)
        return Bench(
            training,
            people_per_epoch,
            validation=LabelledPeople.read(real_stores, people_in(real_stores[0], "validation")),
            tested=people[holdout],
            tested_dosages=read_dosages(real_stores, holdout, classified_snps(real_stores)),
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
        self, group: Group, classes, probabilities, *, prefix: str = "", note: str = ""
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
        return self.score_rows(ALL, [commonest], np.ones((1, len(self.tested), 1)))


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
