"""The attack on trained networks: it sees one that learned by heart, and passes a fresh one."""

from statistics import NormalDist

import numpy as np
import pytest
from attacked import attacked_cohort
from cohorts import row_of, worded

from syncohort.auc import auc_within_labels
from syncohort.evaluation.groups import Group
from syncohort.evaluation.privacy.fitted_losses import fitted_scores
from syncohort.evaluation.privacy.membership import Targets, membership_rows
from syncohort.evaluation.tidy import TIDY_COLUMNS


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return attacked_cohort(tmp_path_factory.mktemp("privacy"))


def generator_of(folder, latents, labels, is_validation, **recipe):
    """A tiny diffusion model of latents [N, G, K]."""
    from latent_cohorts import train_diffusion

    from syncohort.diffusion.model import load_generator

    folder.mkdir()
    np.save(folder / "1.npy", latents)
    train_diffusion(
        [folder / "1.npy"],
        [np.ones(latents.shape[1:], dtype=bool)],
        labels,
        is_validation,
        ["x", "y"],
        checkpoint_path=folder / "checkpoint",
        denoiser={"kind": "mlp", "widths": [256, 64]},
        schedule="cosine",
        n_steps=100,
        batch_size=32,
        learning_rate=2e-3,
        seed=0,
        device="cpu",
        **recipe,
    )
    return load_generator(folder / "checkpoint")


def white_box_row(generator, latents, labels, member):
    from syncohort.evaluation.privacy.white_box import TIMES, row_losses

    losses, _ = row_losses(generator, latents, labels, seed=1, device="cpu")
    assert losses.shape == (len(latents), len(TIMES))
    names = np.array(["x", "y"], object)[labels]
    targets = Targets(np.arange(len(names)).astype(str), names, member, {"x": 40, "y": 40})
    scores = -losses[:, TIMES.index(0.2)]
    return membership_rows(Group(method="white box"), scores, targets, minimum_people=20, seed=2)[0]


@pytest.mark.slow
def test_white_box_attack_sees_the_memorising_model_and_passes_the_fresh_one(tmp_path):
    """A model that is kept for its loss on the training rows themselves learns them by heart."""
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(240, 12, 4)).astype(np.float32)
    labels = np.arange(240) % 2
    member = np.arange(240) < 80
    trained, own = latents[member], labels[member]
    by_heart = generator_of(
        tmp_path / "by heart",
        np.concatenate([trained, trained]),
        np.concatenate([own, own]),
        np.arange(160) >= 80,
        epochs=200,
        prior_factors=None,
        label_dropout=0,
    )
    row = white_box_row(by_heart, latents, labels, member)
    assert row["value"] > 0.9 and row["low"] > 0.85
    # trained on other rows, so that none of these is known to it
    fresh = generator_of(
        tmp_path / "fresh",
        rng.normal(size=(400, 12, 4)).astype(np.float32),
        np.arange(400) % 2,
        np.arange(400) >= 320,
        epochs=3,
    )
    row = white_box_row(fresh, latents, labels, member)
    assert row["low"] < 0.5 < row["high"]


def test_losses_belong_to_rows(tmp_path):
    """The loss of a row does not depend on who is attacked with it."""
    from syncohort.evaluation.privacy.white_box import row_losses

    latents = np.random.default_rng(1).normal(size=(60, 5, 3)).astype(np.float32)
    labels = np.arange(60) % 2
    generator = generator_of(tmp_path / "g", latents, labels, np.arange(60) >= 40, epochs=1)
    before = latents.copy()
    together = row_losses(generator, latents, labels, seed=3, device="cpu")
    alone = row_losses(generator, latents[7:9], labels[7:9], seed=3, device="cpu")
    np.testing.assert_allclose(np.asarray(together)[:, 7:9], np.asarray(alone), rtol=1e-5)
    np.testing.assert_array_equal(latents, before)


def test_white_box_attack_on_a_cohort(cohort, tmp_path, monkeypatch):
    """From genotypes to the table; the latents are those `encode_people` writes."""
    from syncohort.evaluation.privacy import white_box
    from syncohort.evaluation.privacy.white_box import Network, attack_generator
    from syncohort.generators.encoding import encode_people
    from syncohort.representations.base import encode_rows
    from syncohort.representations.blocks import assign_genes
    from syncohort.representations.gene_pca_fitting import fit_gene_pca

    people = cohort.real.people
    blocks = assign_genes(cohort.real.variants, None, intergenic="own", max_snps=20)
    model = fit_gene_pca(cohort.real, blocks, train=people.split == "train", mode="haplotype")
    encode_people([cohort.real], model, tmp_path / "all.npy", tmp_path / "all.npz")
    latents = np.load(tmp_path / "all.npy")
    trained = people.split != "holdout"
    index = np.flatnonzero(trained)[::3]
    found = np.concatenate(list(encode_rows([cohort.real], [model], index)))
    np.testing.assert_allclose(  # the file holds float16
        found.reshape(len(index), 2, -1), latents.reshape(trained.sum(), 2, -1)[::3], atol=2e-3
    )

    labels = np.repeat((people.label[trained] == "y").astype(int), 2)
    is_validation = np.repeat(people.split[trained] == "validation", 2)
    recipe = {"epochs": 2, "prior_factors": None}
    generator = generator_of(tmp_path / "g", latents, labels, is_validation, **recipe)
    options = {"cohort": "test", "name": "mlp", "seed": 0, "device": "cpu"}
    networks = [Network(generator, [cohort.real], [model])]
    metrics, table = attack_generator(
        networks, [cohort.real], [model], minimum_people=20, max_people=200, **options
    )
    assert list(metrics.columns) == TIDY_COLUMNS
    row = row_of(metrics, "membership_auc", method="white box")
    assert row["low"] < 0.5 < row["high"]
    row = row_of(metrics, "membership_auc", method="white box, fitted")
    assert row["low"] < 0.5 < row["high"] and row["note"] == "100 non-members"
    assert {"white box, haplotypes", "white box, label x", "white box, t = 0.05 T"} <= set(
        worded(metrics)["group"]
    )
    assert table["member"].sum() == 200 and len(table) == 300
    metrics, table = attack_generator(
        networks, [cohort.real], [model], minimum_people=200, max_people=200, **options
    )
    assert metrics["note"].tolist()[0] == "too few: 100 people"
    monkeypatch.setattr(white_box, "TRAINING_PER_HOLDOUT", 1)  # few of the holdout, few attacked
    _, table = attack_generator(
        networks, [cohort.real], [model], minimum_people=20, max_people=200, **options
    )
    assert table["member"].sum() == 100 and len(table) == 200


def test_losses_at_several_times_say_more_together_and_nobody_is_fitted_and_tested_on():
    """Training lowers each loss a little, in noise that goes with the loss of the prior."""
    rng = np.random.default_rng(5)
    split = np.repeat(["train", "validation", "holdout"], [1_600, 200, 400]).astype(object)
    label = np.where(rng.random(len(split)) < 0.5, "x", "y").astype(object)
    own = rng.normal(size=(len(split), 1)) + 3 * (label == "y")[:, None]  # how odd a person is
    excess = rng.normal(size=(len(split), 6)) - 0.4 * (split == "train")[:, None]
    features = np.concatenate([own + 0.1 * excess, 0.1 * excess], axis=1)
    scores, tested = fitted_scores(features, label, split, seed=1)
    assert not tested[split == "validation"].any() and tested[split == "holdout"].all()
    assert (tested & (split == "train")).sum() == 1_400

    def auc_of(score):
        return auc_within_labels(score[tested], split[tested] == "train", label[tested])

    ideal = NormalDist().cdf(0.4 * np.sqrt(6 / 2))  # of the mean of six, 0.4 apart each
    assert auc_of(scores) == pytest.approx(ideal, abs=0.04)
    assert max(auc_of(-each) for each in features.T) < ideal - 0.08
    shuffled = rng.permutation(split)
    scores, tested = fitted_scores(features, label, shuffled, seed=1)
    split = shuffled
    assert auc_of(scores) == pytest.approx(0.5, abs=0.05)
