"""Classifiers and utility: separable, label-shuffled and shortened data, scores by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from syncohort.classifiers import GenotypeMLP, score, train_classifier
from syncohort.errors import InputError
from syncohort.evaluation.utility import MAJORITY, measure_utility, recovery_rate
from syncohort.genotypes import CohortStore, CohortWriter, People, Variants

KINDS = ["mlp", "logistic"]


def evaluate(classifiers, dosages, labels, **options):
    """Scores of classifiers of several seeds on these people."""
    probabilities = np.stack([each.probabilities(dosages) for each in classifiers])
    return score(probabilities, classifiers[0].classes, labels, **options)


def people_with_signal(n_people, n_variants, *, seed, effect=0.5, classes=("a", "b")):
    """Dosages [S, V] and labels; half of the variants differ in frequency between labels."""
    rng = np.random.default_rng(seed)
    labels = np.array(classes)[np.arange(n_people) % len(classes)]
    shift = np.random.default_rng(0).normal(size=(len(classes), n_variants)) * effect
    shift[:, n_variants // 2 :] = 0
    frequency = np.clip(0.5 + shift[np.arange(n_people) % len(classes)], 0.05, 0.95)
    return rng.binomial(2, frequency).astype(np.int8), labels


def shuffle_labels(labels, *, seed):
    """Half of the people of each of two labels get the other: nothing is left of the truth."""
    rng = np.random.default_rng(seed)
    shuffled = labels.copy()
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        shuffled[rng.permutation(own)] = np.resize(np.unique(labels), len(own))
    return shuffled


def train(kind, data, validation, **options):
    options = {"seed": 1, "epochs": 12} | options
    return train_classifier(*data, *validation, kind, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c", "d")])
def test_separable_people_are_told_apart(kind, classes):
    data, validation, holdout = (
        people_with_signal(n, 300, seed=seed, classes=classes)
        for seed, n in enumerate((400, 60, 80))
    )
    data[0][np.random.default_rng(5).random(data[0].shape) < 0.02] = -1
    fitted = train(kind, data, validation)
    scores = evaluate([fitted], *holdout, seed=0, draws=50)
    assert {name: each.value for name, each in scores.items()} == {
        "accuracy": 1.0,
        "balanced_accuracy": 1.0,
        "auc": 1.0,
    }
    assert fitted.classes.tolist() == list(classes)
    assert fitted.probabilities(holdout[0]).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_shuffled_labels_teach_nothing(kind):
    dosages, labels = people_with_signal(400, 100, seed=0, effect=0.08)
    validation = people_with_signal(100, 100, seed=2, effect=0.08)
    holdout = people_with_signal(400, 100, seed=3, effect=0.08)
    shuffled = shuffle_labels(labels, seed=1)
    fitted, fooled = (
        evaluate([train(kind, (dosages, each), validation)], *holdout, seed=0, draws=20)
        for each in (labels, shuffled)
    )
    for name in ("accuracy", "balanced_accuracy", "auc"):
        assert fitted[name].value > 0.7
        assert fooled[name].value == pytest.approx(0.5, abs=0.1)  # 4 standard errors


def test_regression_on_people_is_regression_on_variants():
    """The short cut for more variants than people gives scikit-learn's fit on all variants."""
    data = people_with_signal(60, 400, seed=0, effect=0.05, classes=("a", "b", "c"))
    validation = people_with_signal(40, 400, seed=1, effect=0.05, classes=("a", "b", "c"))
    fitted = train("logistic", data, validation)
    scaled, unseen = (fitted.scale.apply(each) / np.sqrt(400) for each in (data[0], validation[0]))
    oracle = LogisticRegression(C=fitted.chosen["inverse_penalty"], max_iter=5_000, tol=1e-8)
    oracle.fit(scaled.astype(float), data[1])
    np.testing.assert_allclose(
        fitted.probabilities(validation[0]), oracle.predict_proba(unseen), atol=2e-3
    )


def test_regression_on_more_people_than_variants():
    data, validation = (people_with_signal(n, 20, seed=n, effect=0.1) for n in (300, 60))
    fitted = train("logistic", data, validation)
    oracle = LogisticRegression(C=fitted.chosen["inverse_penalty"], max_iter=5_000)
    oracle.fit(fitted.scale.apply(data[0]) / np.sqrt(20), data[1])
    unseen = fitted.scale.apply(validation[0]) / np.sqrt(20)
    np.testing.assert_allclose(
        fitted.probabilities(validation[0]), oracle.predict_proba(unseen), atol=2e-3
    )


def test_the_mlp_is_the_one_described():
    network = GenotypeMLP(1_000, 26)
    weights = 1_000 * 512 + 512 + 2 * (512 * 512 + 512) + 512 * 26 + 26
    assert sum(each.numel() for each in network.parameters()) == weights
    with torch.no_grad():  # a pair whose last layer gives 0 leaves what it is added to
        network.pair[2].weight.zero_()
        network.pair[2].bias.zero_()
        x = torch.randn(3, 1_000, generator=torch.Generator().manual_seed(0))
        expected = network.leave(torch.nn.functional.gelu(network.enter(x)))
        torch.testing.assert_close(network(x), expected)


def test_training_is_repeatable_and_seeds_differ():
    data, validation = (people_with_signal(n, 50, seed=n, effect=0.1) for n in (100, 40))
    first, again, other = (
        train("mlp", data, validation, seed=seed, epochs=2).probabilities(validation[0])
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_validation_people_choose_the_epoch():
    """Validation labels that contradict the training make every further epoch worse."""
    dosages, labels = people_with_signal(200, 100, seed=0)
    contradicting = np.where(labels == "a", "b", "a")
    assert train("mlp", (dosages, labels), (dosages, contradicting)).chosen == {"epoch": 1}
    assert train("mlp", (dosages, labels), (dosages, labels), epochs=4).chosen == {"epoch": 4}
    logistic = train("logistic", (dosages, labels), (dosages, contradicting))
    assert logistic.chosen == {"inverse_penalty": 0.1}


def test_a_variant_that_training_people_lack_has_no_say():
    dosages, labels = people_with_signal(100, 50, seed=0)
    dosages[:, 7] = 0
    for kind in KINDS:
        fitted = train(kind, (dosages, labels), (dosages, labels), epochs=2)
        carriers = dosages.copy()
        carriers[:, 7] = 2
        np.testing.assert_array_equal(fitted.probabilities(dosages), fitted.probabilities(carriers))


# --------------------------------------------------------------------- scores


def random_scores(n_people, classes, *, seed):
    """Probabilities in sixteenths, so with ties, that favour the right label."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, n_people)
    weight = 1 + (np.array(classes) == labels[:, None])
    votes = [rng.multinomial(16, each / each.sum()) for each in weight]
    return np.array(votes) / 16, labels


@pytest.mark.parametrize("classes", [["a", "b"], ["a", "b", "c", "d"]])
def test_scores_equal_those_of_scikit_learn(classes):
    probabilities, labels = random_scores(150, classes, seed=1)
    found = score(probabilities[None], classes, labels, seed=0, draws=20)
    named = np.array(classes)[probabilities.argmax(axis=1)]
    assert found["accuracy"].value == pytest.approx(np.mean(named == labels))
    assert found["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(labels, named))
    if len(classes) == 2:
        expected = roc_auc_score(labels == "b", probabilities[:, 1])
    else:
        expected = roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert found["auc"].value == pytest.approx(expected)


def test_auc_is_the_share_of_pairs_in_order():
    probabilities, labels = random_scores(30, ["a", "b"], seed=2)
    wins = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high, low in itertools.product(
            probabilities[labels == "b", 1], probabilities[labels == "a", 1]
        )
    ]
    found = score(probabilities[None], ["a", "b"], labels, seed=0, draws=5)
    assert found["auc"].value == pytest.approx(np.mean(wins))


def test_a_label_that_training_lacks_counts_as_wrong():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])
    found = score(probabilities[None], ["a", "c"], ["a", "c", "b", "b"], seed=0, draws=5)
    assert found["accuracy"].value == 0.5
    assert found["balanced_accuracy"].value == pytest.approx(2 / 3)
    # a and c stand above all others, b is never told apart
    assert found["auc"].value == pytest.approx((1 + 1 + 0.5) / 3)


def test_several_seeds_are_averaged():
    right, wrong = np.eye(2)[[0, 1, 0, 1]], np.eye(2)[[1, 0, 0, 1]]
    found = score(np.stack([right, wrong]), ["a", "b"], list("abab"), seed=0, draws=50)
    assert found["accuracy"].value == 0.75


def test_intervals_of_the_accuracy_cover_the_truth():
    rng = np.random.default_rng(0)
    inside = []
    for repeat in range(150):
        labels = rng.choice(["a", "b"], 100)
        said_b = np.where(rng.random(100) < 0.7, labels == "b", labels == "a").astype(float)
        probabilities = np.stack([1 - said_b, said_b], axis=1)[None]
        found = score(probabilities, ["a", "b"], labels, seed=repeat, draws=120)["accuracy"]
        inside.append(found.low < 0.7 < found.high)
    assert 0.88 <= np.mean(inside) <= 0.99


# -------------------------------------------------------------------- utility


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


def measured(cohort, source, **options):
    options = {"kinds": KINDS, "seeds": [1, 2], "epochs": 6} | options
    synthetic = None if source == "real" else [cohort[source]]
    return measure_utility([cohort["real"]], synthetic, cohort="test", generator=source, **options)


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
    good = found[found["generator"] == "good"].set_index("group")
    assert set(good.index) == set(KINDS)
    assert (good["low"] < 1.02).all() and (good["high"] > 0.98).all()
    assert (good["value"] > 0.9).all()
    majority = found[found["generator"] == MAJORITY]
    assert (majority["value"] < 0.65).all()


def test_shuffled_synthetic_labels_recover_chance(utilities):
    real, shuffled = utilities["real"].metrics, utilities["shuffled"].metrics
    for kind in KINDS:
        rows = shuffled[shuffled["group"] == kind].set_index("metric")
        for metric in ("accuracy", "balanced_accuracy", "auc"):
            assert 0.3 < rows.loc[metric, "value"] < 0.7
        assert real.query("group == @kind and metric == 'accuracy'")["value"].item() > 0.85
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
    for utility in utilities.values():
        counts = utility.predictions.groupby(["classifier", "seed"])["person"].agg(set)
        assert all(each == holdout for each in counts)
        # one logistic regression, an mlp per seed
        assert counts.index.tolist() == [("logistic", 1), ("mlp", 1), ("mlp", 2)]


def test_holdout_genotypes_choose_nothing(tmp_path, cohort):
    """Holdout people swapped for noise: what was chosen stays, only the scores fall."""
    store = cohort["real"]
    dosages = store.read().sum(axis=2).T.astype(np.int8)
    holdout = store.people.split == "holdout"
    dosages[holdout] = np.random.default_rng(0).integers(0, 3, dosages[holdout].shape)
    noise = store_of(tmp_path / "noise.zip", dosages, store.people.label, store.people.split)
    options = {"kinds": ["mlp"], "seeds": [1], "epochs": 6}
    before, after = (measured({"real": each}, "real", **options) for each in (store, noise))
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


def test_input_that_cannot_be_used_is_refused():
    dosages, labels = people_with_signal(20, 10, seed=0)
    with pytest.raises(InputError, match="'forest' is unknown; use one of mlp, logistic"):
        train("forest", (dosages, labels), (dosages, labels))
    with pytest.raises(InputError, match="at least 2 labels; found 20 people with a"):
        train("mlp", (dosages, ["a"] * 20), (dosages, labels))
    with pytest.raises(InputError, match="found 20 people, none with such a label"):
        train("mlp", (dosages, labels), (dosages, ["z"] * 20))
