"""Utility: good, label-shuffled, few and many synthetic people, recovery in closed form."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from cohorts import worded
from signals import people_with_signal, shuffle_labels

from syncohort.cohort_store import CohortStore
from syncohort.dosages import read_dosages
from syncohort.errors import InputError
from syncohort.evaluation.tidy import MAJORITY
from syncohort.evaluation.utility import bench
from syncohort.evaluation.utility import measure as utility
from syncohort.evaluation.utility.augmentation import measure_augmentation
from syncohort.evaluation.utility.bench import LabelledPeople, Training
from syncohort.evaluation.utility.measure import measure_utility
from syncohort.evaluation.utility.recovery import recovery_rate
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants

KINDS = ["mlp", "logistic"]


def store_of(path, dosages, labels, splits=None) -> CohortStore:
    """One chromosome with these dosages [S, V]."""
    n_people, n_variants = dosages.shape
    splits = [""] * n_people if splits is None else splits
    people = People([f"p{i}" for i in range(n_people)], labels, splits)
    variants = Variants(
        "1", np.arange(1, n_variants + 1), ["."] * n_variants, [("A", "G")] * n_variants
    )
    calls = np.stack([dosages == 2, dosages >= 1], axis=2).transpose(1, 0, 2).astype(np.int8)
    with CohortWriter(path, people) as writer:
        writer.append(variants, calls, False)
    return CohortStore(path)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """A real cohort, a good synthetic one, and one whose labels are shuffled."""
    folder = tmp_path_factory.mktemp("utility")
    splits = np.array(["train"] * 300 + ["validation"] * 60 + ["holdout"] * 120, dtype=object)
    real, labels = people_with_signal(480, 150, seed=1, effect=0.15)
    good, good_labels = people_with_signal(300, 150, seed=2, effect=0.15)
    shuffled = shuffle_labels(good_labels, seed=3)
    return {
        "real": store_of(folder / "real.zip", real, labels, splits),
        "good": store_of(folder / "good.zip", good, good_labels),
        "shuffled": store_of(folder / "shuffled.zip", good, shuffled),
    }


def measured(cohort, source, kinds=KINDS, seeds=(1, 2), epochs=6, folds=1, **options):
    synthetic = None if source == "real" else [cohort[source]]
    training = Training(list(kinds), list(seeds), epochs, folds=folds)
    return measure_utility(
        [cohort["real"]], synthetic, training, cohort="test", generator=source, **options
    )


@pytest.fixture(scope="module")
def utilities(cohort):
    return {source: measured(cohort, source) for source in cohort}


def test_good_synthetic_people_recover_the_accuracy(utilities):
    found = recovery_rate(
        utilities["good"].predictions,
        utilities["real"].predictions,
        cohort="test",
        generator="good",
        seed=0,
    )
    assert (found["metric"] == "recovery_rate").all()
    good = worded(found)[found["generator"] == "good"].set_index("group")
    assert set(good.index) == set(KINDS)
    assert (good["low"] < 1.02).all() and (good["high"] > 0.98).all()
    assert (good["value"] > 0.9).all()
    majority = found[found["generator"] == MAJORITY]
    assert (majority["value"] < 0.65).all()


def test_shuffled_synthetic_labels_recover_chance(utilities):
    real, shuffled = utilities["real"].metrics, utilities["shuffled"].metrics
    for kind in KINDS:
        rows = shuffled[shuffled["method"] == kind].set_index("metric")
        for metric in ("accuracy", "balanced_accuracy", "auc"):
            assert 0.3 < rows.loc[metric, "value"] < 0.7
        assert real.query("method == @kind and metric == 'accuracy'")["value"].item() > 0.85
    majority = real[real["generator"] == MAJORITY].set_index("metric")["value"]
    assert MAJORITY not in set(shuffled["generator"])  # once is enough
    assert majority.to_dict() == {"accuracy": 0.5, "balanced_accuracy": 0.5, "auc": 0.5}


def test_recovery_in_closed_form():
    """6 of 8 right after synthetic training, 8 of 8 and 4 of 8 (two seeds) after real."""

    def predictions(*rights):
        return pd.concat(
            pd.DataFrame(
                {
                    "person": [f"p{i}" for i in range(8)],
                    "label": list("aabbaabb"),
                    "classifier": "mlp",
                    "trained_on": "",
                    "fold": 0,
                    "seed": seed,
                    "predicted": ["?" if i >= right else each for i, each in enumerate("aabbaabb")],
                }
            )
            for seed, right in enumerate(rights)
        )

    names = {"cohort": "test", "generator": "g", "seed": 0}
    found = recovery_rate(predictions(6), predictions(8, 4), **names)
    assert found["value"].tolist() == pytest.approx([6 / 6, 4 / 6])
    same = recovery_rate(predictions(6), predictions(6), **names).iloc[0]
    assert (same["low"], same["high"]) == (1, 1)  # the same people on both sides
    untrained = recovery_rate(predictions(6).iloc[:0], predictions(8), **names).iloc[0]
    assert np.isnan(untrained["value"]) and "no classifier was trained" in untrained["note"]
    with pytest.raises(InputError, match="different holdout people"):
        recovery_rate(predictions(6).iloc[1:], predictions(8), **names)


def test_predictions_are_for_the_holdout_alone(cohort, utilities):
    people = cohort["real"].people
    holdout = set(people.id[people.split == "holdout"])
    for each_source in utilities.values():
        counts = each_source.predictions.groupby(["classifier", "seed"])["person"].agg(set)
        assert all(each == holdout for each in counts)
        # one logistic regression, an mlp per seed
        assert counts.index.tolist() == [("logistic", 1), ("mlp", 1), ("mlp", 2)]


def test_folds_leave_each_person_out_once_and_labels_even(cohort):
    store = cohort["real"]
    train = np.flatnonzero(store.people.split == "train")[:231]
    people = LabelledPeople.read([store], train)
    for n_folds in (2, 5):
        fold = people.folds(n_folds, seed=4)
        parts = utility._fold_parts([people], Training(["logistic"], [4], 1, folds=n_folds))
        assert [len(part) for part in parts] == [int((fold != k).sum()) for k in range(n_folds)]
        counts = pd.crosstab(people.labels, fold)
        assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()
        left_out = [people[fold == k].dosages for k in range(n_folds)]
        assert sum(map(len, left_out)) == len(people)


def test_folds_train_on_fewer_people_and_leave_the_holdout_whole(cohort):
    kinds = ["polygenic", "logistic"]
    whole = measured(cohort, "good", kinds=kinds, seeds=[1], with_real=True)
    found = measured(cohort, "good", kinds=kinds, seeds=[1], folds=3, with_real=True)
    sizes = worded(found.metrics).query("metric == 'trained_people'").set_index("group")["value"]
    assert sizes.to_dict() == {
        **dict.fromkeys(kinds, 200),
        **{f"{kind}, with real": 400 for kind in kinds},
    }
    runs = found.predictions.groupby(["classifier", "trained_on", "fold"])["person"].nunique()
    assert (runs == 120).all() and len(runs) == 3 * 4
    auc = [
        worded(each.metrics).query("metric == 'auc'").set_index("group")["value"]
        for each in (whole, found)
    ]
    assert (auc[1] > 0.85).all() and (auc[0] - auc[1]).abs().max() < 0.06
    rates = recovery_rate(
        found.predictions,
        measured(cohort, "real", kinds=kinds, seeds=[1], folds=3).predictions,
        cohort="test",
        generator="good",
        seed=0,
    )
    assert (rates.query("generator == 'good'")["value"] > 0.85).all()


def test_holdout_genotypes_choose_nothing(tmp_path, cohort):
    """Holdout people swapped for noise: what was chosen stays, only the scores fall."""
    store = cohort["real"]
    dosages = store.read().sum(axis=2).T.astype(np.int8)
    holdout = store.people.split == "holdout"
    dosages[holdout] = np.random.default_rng(0).integers(0, 3, dosages[holdout].shape)
    noise = store_of(tmp_path / "noise.zip", dosages, store.people.label, store.people.split)
    before, after = (
        measured({"real": each}, "real", kinds=["mlp"], seeds=[1]) for each in (store, noise)
    )
    notes = [
        each.metrics.query("metric == 'trained_people'")["note"].item() for each in (before, after)
    ]
    assert notes[0] == notes[1]
    accuracy = [
        each.metrics.query("metric == 'accuracy'")["value"].iloc[0] for each in (before, after)
    ]
    assert accuracy[0] > 0.85 and accuracy[1] < 0.7


def test_labels_with_too_few_holdout_people_are_named(tmp_path):
    dosages, labels = people_with_signal(90, 30, seed=1, effect=0.3, classes=("a", "b", "c"))
    splits = np.array(["train"] * 60 + ["validation"] * 15 + ["holdout"] * 15, dtype=object)
    labels = labels.astype(object)
    labels[75:][labels[75:] == "c"] = ["c"] + ["a"] * 4
    store = store_of(tmp_path / "r.zip", dosages, labels, splits)
    found = measured({"real": store}, "real", kinds=["logistic"])
    assert set(found.predictions["label"]) == {"a", "b"}
    row = found.metrics.query("metric == 'accuracy' and generator == 'real'").iloc[0]
    assert row["note"] == "not tested, fewer than 2 holdout people: c"


def test_one_label_is_withheld_with_the_reason(tmp_path):
    dosages, _ = people_with_signal(30, 20, seed=1)
    splits = ["train"] * 10 + ["validation"] * 10 + ["holdout"] * 10
    store = store_of(tmp_path / "r.zip", dosages, ["a"] * 30, splits)
    found = measured({"real": store}, "real")
    assert found.metrics["value"].isna().all() and found.predictions.empty
    expected = "needs 2 labels or more; found 1 in training, 1 to test on"
    assert set(found.metrics["note"]) == {expected}


def test_too_few_holdout_people_are_withheld(cohort):
    for source in ("real", "good"):
        found = measured(cohort, source, kinds=["logistic"], minimum_people=121)
        assert found.metrics["value"].isna().all() and found.predictions.empty
        assert set(found.metrics["note"]) == {"too few: 120 people"}
    assert "recovery_rate" in set(found.metrics["metric"])


# ------------------------------------------------ few, many, and real people too


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    """Few real people to train on; a synthetic cohort with 4.5 times as many; one with fewer."""
    folder = tmp_path_factory.mktemp("more")
    splits = np.array(["train"] * 60 + ["validation"] * 60 + ["holdout"] * 400, dtype=object)
    real, labels = people_with_signal(520, 150, seed=1, effect=0.06)
    many, many_labels = people_with_signal(270, 150, seed=2, effect=0.06)
    return {
        "real": store_of(folder / "real.zip", real, labels, splits),
        "many": store_of(folder / "many.zip", many, many_labels),
        "fewer": store_of(folder / "fewer.zip", many[:30], many_labels[:30]),
    }


def test_four_times_as_many_synthetic_people_teach_more(more):
    found = measured(more, "many", kinds=["logistic"], with_real=True)
    groups = ["logistic", "logistic, 4x", "logistic, with real"]
    wide = worded(found.metrics).pivot(index="group", columns="metric", values="value").loc[groups]
    assert wide["trained_people"].tolist() == [60, 240, 120]  # never more than 4 times as many
    assert wide["accuracy"].iloc[1] > wide["accuracy"].iloc[2] > wide["accuracy"].iloc[0]
    real = measured(more, "real", kinds=["logistic"])
    rates = recovery_rate(
        found.predictions, real.predictions, cohort="test", generator="many", seed=0
    )
    rates = worded(rates)[rates["generator"] == "many"].set_index("group")["value"]
    accuracy = real.metrics.query("metric == 'accuracy' and generator == 'real'")["value"].item()
    assert rates.to_dict() == pytest.approx((wide["accuracy"] / accuracy).to_dict())


def test_a_regression_of_too_many_people_is_left_out(monkeypatch, more):
    monkeypatch.setattr(utility, "MOST_REGRESSED", 200)
    found = measured(more, "many", kinds=["logistic"])
    many = found.metrics[found.metrics["trained_on"] == "4x"]
    assert many["value"].isna().all() and many["note"].str.startswith("not trained").all()
    assert set(found.predictions["classifier"]) == {"logistic"}


def test_fewer_synthetic_people_than_real_ones_are_named(more):
    found = measured(more, "fewer", kinds=["logistic"]).metrics
    assert set(found["method"]) == {"logistic"}
    notes = found.set_index("metric")["note"]
    assert notes["accuracy"] == "trained on 30 people, not 60"


def augmented(more, source, shares, real="real", kinds=("logistic",), **options):
    training = Training(list(kinds), [1, 2, 3], 8)
    names = {"cohort": "test", "generator": "g"}
    return measure_augmentation(
        [more[real]], [more[source]], training, shares=shares, **names, **options
    )


def test_good_synthetic_people_help_few_real_ones(more):
    found = augmented(more, "many", [0.1, 1.0])
    groups = ["logistic, 10 % real", "logistic, 100 % real"]
    accuracy = found[found["metric"] == "augmented_accuracy"]
    accuracy = worded(accuracy).pivot(index="generator", columns="group", values="value")
    gain = worded(found)[found["metric"] == "augmentation_gain"].set_index("group").loc[groups]
    assert accuracy.loc["real", groups[0]] < accuracy.loc["real", groups[1]]
    assert gain["value"].to_dict() == pytest.approx(
        (accuracy.loc["g"] - accuracy.loc["real"]).to_dict()
    )
    assert (gain["low"] > 0).all()
    assert gain["value"].is_monotonic_decreasing  # those who have much gain little


def test_synthetic_people_with_shuffled_labels_help_nobody(tmp_path, more):
    store = more["many"]
    dosages = store.read().sum(axis=2).T.astype(np.int8)
    labels = shuffle_labels(store.people.label.astype(str), seed=3)
    shuffled = {"real": more["real"], "g": store_of(tmp_path / "s.zip", dosages, labels)}
    gain = augmented(shuffled, "g", [1.0]).query("metric == 'augmentation_gain'").iloc[0]
    assert gain["high"] < 0


def test_augmentation_is_withheld_with_the_reason(more):
    found = augmented(more, "many", [0.1], minimum_people=500)
    assert found["note"].tolist() == ["too few: 400 people"]
    assert found["value"].isna().all()


# --- how much is held


def test_wide_and_large_cohorts_are_read_in_part(cohort, monkeypatch):
    stores = [cohort["real"]] * 2
    people = np.arange(len(stores[0].people))
    whole = read_dosages(stores, people)
    n_snps = whole.shape[1]
    assert bench.classified_snps(stores) is None and bench.some_people(people) is people
    monkeypatch.setattr(bench, "MOST_SNPS", n_snps // 3)
    monkeypatch.setattr(bench, "MOST_PEOPLE", len(people) // 2)
    snps, some = bench.classified_snps(stores), bench.some_people(people)
    assert len(set(snps)) == n_snps // 3 and snps[0] == 0 and snps[-1] == n_snps - 1
    assert len(set(some)) == len(people) // 2 and (np.diff(some) > 0).all()
    read = bench.LabelledPeople.read(stores, people)
    np.testing.assert_array_equal(read.dosages, whole[np.ix_(some, snps)])
    np.testing.assert_array_equal(read.labels, stores[0].people.label[some].astype(str))
    few = read.at_most(5, seed=1)
    assert len(few) == 5 and read.at_most(5, seed=1).labels.tolist() == few.labels.tolist()
    assert read.at_most(len(read), seed=1) is read


def test_reading_dosages_holds_a_chunk_of_calls_and_what_is_asked_for(tmp_path):
    """Twice the SNPs: twice the dosages that are asked for, and no more."""
    held = []
    for n_snps in (4_000, 12_000):
        store = store_of(tmp_path / "a.zip", np.ones((300, n_snps), np.int8), ["a"] * 300)
        tracemalloc.start()
        read_dosages([store], np.arange(300), np.arange(0, n_snps, 10))
        held.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert held[1] - held[0] < 1.5 * 300 * 800 + 100_000
