"""Classifiers: separable and label-shuffled data, oracles from scikit-learn, scores by hand."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import chi2
from signals import people_with_signal, shuffle_labels
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score

from syncohort.classifiers import networks as classifier_networks
from syncohort.classifiers.fitting import KINDS, MIN_FREQUENCY, _Work, train_classifier
from syncohort.classifiers.networks import GenotypeCNN, GenotypeMLP, GenotypeTransformer
from syncohort.dosages import DosageScale
from syncohort.errors import InputError
from syncohort.evaluation.utility.scores import score


def evaluate(fitted, dosages, labels, **options):
    """Scores of classifiers of several seeds on these people."""
    probabilities = np.stack([each.probabilities(dosages) for each in fitted])
    return score(probabilities, fitted[0].classes, labels, **options)


def train(kind, data, validation, **options):
    options = {"seed": 1, "epochs": 12} | options
    return train_classifier(*data, *validation, kind, **options)


@pytest.mark.parametrize(
    ("kind", "classes"),
    [*((kind, tuple("abcd")) for kind in KINDS), ("mlp", tuple("ab")), ("logistic", tuple("ab"))],
)
def test_separable_people_are_told_apart(kind, classes):
    data, validation, holdout = (
        people_with_signal(n, 300, seed=seed, classes=classes)
        for seed, n in enumerate((400, 60, 80))
    )
    data[0][np.random.default_rng(5).random(data[0].shape) < 0.02] = -1
    fitted = train(kind, data, validation)
    scores = evaluate([fitted], *holdout, seed=0)
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
        evaluate([train(kind, (dosages, each), validation)], *holdout, seed=0)
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
    scale = DosageScale.fit(data[0], MIN_FREQUENCY)
    scaled, other = (scale.apply(each) / np.sqrt(400) for each in (data[0], validation[0]))
    oracle = LogisticRegression(C=fitted.chosen["inverse penalty"], max_iter=5_000, tol=1e-8)
    oracle.fit(scaled.astype(float), data[1])
    np.testing.assert_allclose(
        fitted.probabilities(validation[0]), oracle.predict_proba(other), atol=2e-3
    )


def test_regression_on_more_people_than_variants():
    data, validation = (people_with_signal(n, 20, seed=n, effect=0.1) for n in (300, 60))
    fitted = train("logistic", data, validation)
    scale = DosageScale.fit(data[0], MIN_FREQUENCY)
    oracle = LogisticRegression(C=fitted.chosen["inverse penalty"], max_iter=5_000)
    oracle.fit(scale.apply(data[0]) / np.sqrt(20), data[1])
    other = scale.apply(validation[0]) / np.sqrt(20)
    np.testing.assert_allclose(
        fitted.probabilities(validation[0]), oracle.predict_proba(other), atol=2e-3
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


def test_the_cnn_is_the_one_described():
    network = GenotypeCNN(1_000, 26)  # 125 positions -> 63 -> 32 -> 16 -> 8
    weights = (8 * 3 + 1) * 64 + 3 * (64 * 3 + 1) * 64 + (64 * 8 + 1) * 26
    assert sum(each.numel() for each in network.parameters()) == weights


@pytest.mark.parametrize(("n_variants", "width", "layers"), [(1_000, 192, 3), (32_700, 384, 6)])
def test_the_transformer_is_the_one_described(n_variants, width, layers):
    network = GenotypeTransformer(n_variants, 26)
    n_patches = -(-n_variants // 128)
    attention, norms = 4 * (width * width + width), 4 * width
    layer = attention + norms + 2 * 4 * width * width + 5 * width
    weights = n_patches * (128 + 1) * width + width + layers * layer + (width + 1) * 26
    assert sum(each.numel() for each in network.parameters()) == weights


@pytest.mark.parametrize("kind", classifier_networks.NETWORKS)
@pytest.mark.parametrize("n_variants", [1, 127, 130])
def test_networks_take_any_number_of_variants_and_use_every_one(kind, n_variants):
    torch.manual_seed(0)
    network = classifier_networks.NETWORKS[kind](n_variants, 3).eval()
    x = torch.randn(2, n_variants, requires_grad=True)
    logits = network(x)
    assert logits.shape == (2, 3)
    logits[0, 0].backward()
    assert (x.grad[0] != 0).all() and (x.grad[1] == 0).all()


def test_few_and_many_people_are_given_the_same_work():
    """Passes, validations and patience follow the people shown, not the people there are."""
    whole, few, many = (_Work.of(n, 30, 800) for n in (800, 40, 3_200))
    assert (whole.passes, whole.validate_every, whole.patience) == (30, 1, 5)
    assert (few.passes, few.validate_every, few.patience) == (600, 20, 5)
    assert (many.passes, many.validate_every, many.patience) == (8, 1, 2)


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
    assert train("mlp", (dosages, labels), (dosages, contradicting)).chosen == {"passes": 1}
    assert train("mlp", (dosages, labels), (dosages, labels), epochs=4).chosen == {"passes": 4}
    logistic = train("logistic", (dosages, labels), (dosages, contradicting))
    assert logistic.chosen == {"inverse penalty": 0.1}
    trees = train("xgboost", (dosages, labels), (dosages, contradicting))
    assert trees.chosen == {"rounds": 1}


def test_validation_people_choose_the_snps_of_a_polygenic_score():
    """A few strong SNPs among many that mean nothing: the threshold keeps the noise out."""
    (dosages, labels), validation = (
        people_with_signal(n, 6, seed=n, effect=0.15) for n in (300, 301)
    )
    rng = np.random.default_rng(0)
    noisy = np.hstack([dosages, rng.integers(0, 3, (300, 2_000), dtype=np.int8)])
    noisy_validation = np.hstack([validation[0], rng.integers(0, 3, (301, 2_000), dtype=np.int8)])
    fitted = train("polygenic", (noisy, labels), (noisy_validation, validation[1]))
    assert fitted.chosen["p at most"] <= 0.01


def test_a_polygenic_score_adds_up_univariate_effects():
    """Two labels: log odds differ between people by the sum of the SNPs' own log odds ratios."""
    (dosages, labels), validation = (
        people_with_signal(n, 12, seed=n, effect=0.1) for n in (400, 90)
    )
    dosages[::7, 3] = -1
    fitted = train("polygenic", (dosages, labels), validation)
    probabilities = fitted.probabilities(validation[0])
    score = np.zeros(len(validation[0]))
    for variant in range(12):
        called = dosages[:, variant] >= 0
        x = np.where(called, dosages[:, variant], dosages[called, variant].mean())
        model = LogisticRegression(C=1e9, tol=1e-10).fit(x[:, None], labels)
        deviance = [
            2 * log_loss(labels, odds, normalize=False)
            for odds in (
                np.full(len(x), (labels == "b").mean()),
                model.predict_proba(x[:, None])[:, 1],
            )
        ]
        if chi2.sf(deviance[0] - deviance[1], 1) <= fitted.chosen["p at most"]:
            score += model.coef_[0, 0] * validation[0][:, variant]
    log_odds = np.log(probabilities[:, 1] / probabilities[:, 0])
    assert np.corrcoef(score, log_odds)[0, 1] > 0.999


def test_boosted_trees_know_missing_calls_from_others():
    """A call is missing in one label alone: nothing else tells the labels apart."""
    rng = np.random.default_rng(0)
    dosages = rng.integers(0, 3, (400, 5), dtype=np.int8)
    labels = np.array(["a", "b"])[np.arange(400) % 2]
    dosages[(labels == "a") & (rng.random(400) < 0.9), 2] = -1
    fitted = train("xgboost", (dosages[:300], labels[:300]), (dosages[300:], labels[300:]))
    told = fitted.probabilities(dosages[300:])[:, 1]
    missing = dosages[300:, 2] < 0
    assert told[missing].max() < 0.2 and told[~missing].min() > 0.6


@pytest.mark.parametrize("classes", ["ab", "abc"])
def test_boosted_trees_are_the_same_with_any_number_of_threads(classes):
    data, validation = (
        people_with_signal(n, 200, seed=n, effect=0.1, classes=tuple(classes)) for n in (300, 90)
    )
    one, two, other = (
        train("xgboost", data, validation, seed=seed, threads=threads).probabilities(validation[0])
        for seed, threads in ((1, 1), (1, 2), (2, 1))
    )
    np.testing.assert_array_equal(one, two)
    assert not np.allclose(one, other)


def test_a_variant_that_training_people_lack_has_no_say():
    dosages, labels = people_with_signal(100, 50, seed=0)
    dosages[:, 7] = 0
    for kind in KINDS:
        fitted = train(kind, (dosages, labels), (dosages, labels), epochs=2)
        carriers = dosages.copy()
        carriers[:, 7] = 2
        np.testing.assert_array_equal(fitted.probabilities(dosages), fitted.probabilities(carriers))


def test_input_that_cannot_be_used_is_refused():
    dosages, labels = people_with_signal(20, 10, seed=0)
    with pytest.raises(
        InputError, match="'forest' is unknown; use one of mlp, cnn, transformer, logistic, xgboost"
    ):
        train("forest", (dosages, labels), (dosages, labels))
    with pytest.raises(InputError, match="at least 2 labels; found 20 people with a"):
        train("mlp", (dosages, ["a"] * 20), (dosages, labels))
    with pytest.raises(InputError, match="found 20 people, none with such a label"):
        train("mlp", (dosages, labels), (dosages, ["z"] * 20))


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
    found = score(probabilities[None], classes, labels, seed=0)
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
    found = score(probabilities[None], ["a", "b"], labels, seed=0)
    assert found["auc"].value == pytest.approx(np.mean(wins))


def test_a_label_that_training_lacks_counts_as_wrong():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])
    found = score(probabilities[None], ["a", "c"], ["a", "c", "b", "b"], seed=0)
    assert found["accuracy"].value == 0.5
    assert found["balanced_accuracy"].value == pytest.approx(2 / 3)
    # a and c stand above all others, b is never told apart
    assert found["auc"].value == pytest.approx((1 + 1 + 0.5) / 3)


def test_several_seeds_are_averaged():
    right, wrong = np.eye(2)[[0, 1, 0, 1]], np.eye(2)[[1, 0, 0, 1]]
    found = score(np.stack([right, wrong]), ["a", "b"], list("abab"), seed=0)
    assert found["accuracy"].value == 0.75


def test_intervals_of_the_accuracy_cover_the_truth():
    rng = np.random.default_rng(0)
    inside = []
    for repeat in range(120):
        labels = rng.choice(["a", "b"], 100)
        said_b = np.where(rng.random(100) < 0.7, labels == "b", labels == "a").astype(float)
        probabilities = np.stack([1 - said_b, said_b], axis=1)[None]
        found = score(probabilities, ["a", "b"], labels, seed=repeat)["accuracy"]
        inside.append(found.low < 0.7 < found.high)
    assert 0.88 <= np.mean(inside) <= 0.99
