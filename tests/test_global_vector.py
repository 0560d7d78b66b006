"""The global vector: axes against a full decomposition, a density that is exchangeable and draws itself."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from latent_cohorts import MASKS, encoded, make_cohort, settings

from syncohort.config.study import parse_config
from syncohort.diffusion.denoisers import build_denoiser
from syncohort.diffusion.settings import DiffusionSettings, DiffusionTraining
from syncohort.diffusion.training import train_diffusion
from syncohort.errors import InputError
from syncohort.evaluation.models.global_vector import frechet_distance, measure_global_vector
from syncohort.evaluation.privacy.white_box import row_losses
from syncohort.evaluation.tables import read_losses, read_tables
from syncohort.generators.conditioning import Told
from syncohort.generators.rows import EncodedPeople, LatentRows
from syncohort.genotypes import People
from syncohort.global_vector.axes import fit_axes, held_out_share, project
from syncohort.global_vector.fitting import fit_global_vector, read_parts
from syncohort.global_vector.mixture import Mixture, fit_mixture
from syncohort.global_vector.model import Projection, load_global_vector
from syncohort.global_vector.pair_fitting import find_partners, fit_pairing
from syncohort.global_vector.pairing import PAIRINGS, Pairing, Partners
from syncohort.synthesis.sampling import load_latent_generator, sample_shard
from syncohort.training.settings import Workplace

RECIPE = {
    "schedule": "cosine",
    "n_steps": 50,
    "prior_factors": 0,
    "label_dropout": 0.0,
    "epochs": 2,
    "batch_size": 64,
    "learning_rate": 3e-3,
}
LOCAL = {"kind": "local", "width": 16, "layers": 1, "context": 0, "group_blocks": 1}


def people_with_ancestry(folder, n_people=300, seed=0) -> SimpleNamespace:
    """Two haplotypes a person whose ancestry, the same on both chromosomes, is partly shared."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n_people, 1)) + 0.7 * rng.normal(size=(n_people, 2))
    ancestry = shared.reshape(-1)  # of a haplotype
    paths = []
    for name, mask in zip(("21", "22"), MASKS, strict=True):
        loading = np.where(mask, rng.normal(size=mask.shape), 0)
        noise = 0.3 * rng.normal(size=(2 * n_people, *mask.shape)) * mask
        latents = (ancestry[:, None, None] * loading + noise).astype(np.float32)
        paths.append(folder / f"{name}.npy")
        np.save(paths[-1], latents)
    labels = np.repeat(np.arange(n_people) % 2, 2)
    ids = np.repeat([f"p{i:04d}" for i in range(n_people)], 2)
    is_validation = np.repeat(np.arange(n_people) % 5 == 0, 2)
    haplotype = np.tile([0, 1], n_people)
    rows = LatentRows(ids, haplotype, labels, ["x", "y"], is_validation)
    return SimpleNamespace(people=EncodedPeople(paths, MASKS, rows), ancestry=ancestry)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return people_with_ancestry(tmp_path_factory.mktemp("latents"))


@pytest.fixture(scope="module")
def fitted(cohort):
    return fit_global_vector(cohort.people, n_axes=3, residual_from_class_mean=True, seed=1)


# --- axes


def test_axes_are_those_of_a_full_decomposition(cohort):
    parts = read_parts(cohort.people, True)
    trained = np.flatnonzero(~cohort.people.rows.is_validation)
    axes, variance = fit_axes(parts, trained, 4, seed=3)
    x = np.concatenate([next(part.chunks(trained))[1] for part in parts], axis=1)
    _, singular, vectors = np.linalg.svd(x, full_matrices=False)
    np.testing.assert_allclose(variance, singular[:4] ** 2 / len(x), rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(axes.T * vectors[:4], axis=1)), 1, atol=1e-3)
    np.testing.assert_allclose(axes.T @ axes, np.eye(4), atol=1e-4)
    scores = project(parts, axes, trained)
    np.testing.assert_allclose(np.square(scores).mean(axis=0), variance, rtol=1e-3)


def test_rows_are_read_a_few_at_a_time_with_the_same_result(cohort, monkeypatch):
    parts = read_parts(cohort.people, True)
    rows = np.arange(len(cohort.people.rows))
    whole = fit_axes(parts, rows, 2, seed=3)
    monkeypatch.setattr("syncohort.global_vector.axes._VALUES_AT_ONCE", 100)
    for one, other in zip(whole, fit_axes(parts, rows, 2, seed=3), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_axes_of_noise_are_told_by_validation_people():
    """Training rows vary along an axis fitted to them; others do not."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 400))
    x[:, 0] *= 20
    is_validation = np.arange(120) >= 80
    vectors = np.linalg.svd(x[~is_validation], full_matrices=False)[2][:6]
    share = held_out_share(x @ vectors.T, is_validation)
    assert 0.5 < share[0] < 1.6 and (share[1:] < 0.5).all()


def test_validation_rows_are_not_fitted_on(cohort, tmp_path):
    is_validation = cohort.people.rows.is_validation
    paths = []
    for path in cohort.people.paths:
        latents = np.load(path)
        latents[is_validation] *= np.random.default_rng(1).normal(size=(is_validation.sum(), 1, 1))
        paths.append(tmp_path / path.name)
        np.save(paths[-1], latents)
    trained = np.flatnonzero(~is_validation)
    other = EncodedPeople(paths, MASKS, cohort.people.rows)
    one, two = (
        fit_axes(read_parts(each, True), trained, 3, seed=1)[0] for each in (cohort.people, other)
    )
    np.testing.assert_array_equal(one, two)


# --- the density


def a_mixture(each=2) -> Mixture:
    rng = np.random.default_rng(4)
    pairs = rng.random((2, 3, 3)) + 3 * np.eye(3)
    pairs = (pairs + pairs.transpose(0, 2, 1)) / 2
    weights = pairs if each == 2 else pairs.sum(axis=1)
    weights /= weights.reshape(2, -1).sum(axis=1).reshape(2, *[1] * each)
    within = np.array([[0.5, 0.1], [0.1, 0.3]])
    return Mixture(
        rng.normal(size=(2, 2)), 2 * rng.normal(size=(3, 2)), within, 0.4 * within, weights
    )


@pytest.mark.parametrize("each", [1, 2])
def test_the_density_is_that_of_its_pairs_written_out(each):
    mixture, rng = a_mixture(each), np.random.default_rng(0)
    z, labels = rng.normal(size=(6, each, 2)), np.arange(6) % 2
    covariance = np.block([[mixture.within, mixture.together], [mixture.together, mixture.within]])
    if each == 1:
        covariance = mixture.within
    inverse = np.linalg.inv(covariance)
    norm = np.sqrt(np.linalg.det(2 * np.pi * covariance))
    expected = []
    for person, label in zip(z, labels, strict=True):
        total = 0.0
        for place in np.ndindex(*mixture.weights.shape[1:]):
            off = (person - mixture.center[label] - mixture.means[list(place)]).ravel()
            total += mixture.weights[label][place] * np.exp(-0.5 * off @ inverse @ off) / norm
        expected.append(np.log(total))
    np.testing.assert_allclose(mixture.log_density(z, labels), expected, rtol=1e-9)


def test_haplotypes_can_change_places():
    mixture, rng = a_mixture(), np.random.default_rng(0)
    z, labels = rng.normal(size=(20, 2, 2)), np.arange(20) % 2
    np.testing.assert_allclose(
        mixture.log_density(z, labels), mixture.log_density(z[:, ::-1], labels), rtol=1e-12
    )


def test_a_person_is_drawn_by_place_and_label_alone():
    mixture = a_mixture()
    labels = np.arange(2_500) % 2
    whole = mixture.draw(labels, seed=7)
    np.testing.assert_array_equal(
        mixture.draw(labels[900:1_300], seed=7, first=900), whole[900:1_300]
    )
    assert not np.array_equal(mixture.draw(labels, seed=8), whole)


@pytest.mark.parametrize("each", [1, 2])
def test_what_is_drawn_is_fitted_again(each):
    """As likely under the fit as under the truth; moments of the draws are those of the density."""
    truth, labels = a_mixture(each), np.arange(6_000) % 2
    truth = replace(truth, weights=np.stack([truth.weights[0]] * 2), center=np.zeros((2, 2)))
    drawn = truth.draw(labels, seed=1)
    found = fit_mixture(drawn[:4_000], labels[:4_000], 2, 3, 300, seed=1)
    fresh = drawn[4_000:], labels[4_000:]
    assert found.log_density(*fresh).mean() > truth.log_density(*fresh).mean() - 0.03
    again = found.draw(labels, seed=3)
    one, other = (np.cov((x - x.mean(axis=(0, 1))).reshape(len(x), -1).T) for x in (drawn, again))
    np.testing.assert_allclose(one, other, atol=0.15 * np.abs(one).max())


# --- the whole


def test_the_leading_axis_is_ancestry_and_a_persons_haplotypes_share_it(cohort, fitted):
    scores = fitted.scores[:, 0]
    assert abs(np.corrcoef(scores, cohort.ancestry)[0, 1]) > 0.98
    real = np.corrcoef(scores.reshape(-1, 2).T)[0, 1]
    labels = np.array(["x", "y"] * 1_500, object)
    people = People(np.arange(3_000).astype(str), labels, np.full(3_000, ""))
    drawn = fitted.model.draw(people, seed=5)
    assert np.corrcoef(drawn[:, :, 0].T)[0, 1] == pytest.approx(real, abs=0.1)
    assert drawn[..., 0].std() == pytest.approx(1, abs=0.1)
    with pytest.raises(InputError, match="labels z"):
        fitted.model.draw(People(["1"], ["z"], [""]), seed=5)


def test_scores_of_latents_are_those_of_the_rows(cohort, fitted, tmp_path):
    projection = Projection(fitted.axes, fitted.offsets, fitted.model.scale)
    parts = (np.load(path)[:50] for path in cohort.people.paths)
    found = projection.scores(parts, cohort.people.rows.labels[:50])
    np.testing.assert_allclose(found, fitted.scores[:50], rtol=1e-3, atol=1e-4)
    fitted.model.save(tmp_path / "model.npz")
    again = load_global_vector(tmp_path / "model.npz")
    people = People(["1", "2"], ["y", "x"], ["", ""])
    np.testing.assert_array_equal(again.draw(people, 3), fitted.model.draw(people, 3))


def test_without_validation_people_there_is_none(cohort):
    rows = cohort.people.rows
    all_train = LatentRows(
        rows.sample_id, rows.haplotype, rows.labels, rows.class_names, np.zeros(len(rows), bool)
    )
    with pytest.raises(InputError, match=r"split\.validation"):
        fit_global_vector(
            EncodedPeople(cohort.people.paths, MASKS, all_train),
            n_axes=2,
            residual_from_class_mean=True,
            seed=1,
        )


# --- networks that are told it


def test_the_network_is_told_the_global_vector():
    mask = torch.ones(12, 4, dtype=torch.bool)
    network = build_denoiser("local", mask, 2, width=16, context=0, n_scores=3)
    with torch.no_grad():
        for part in (network.leave, network.scores_at_position):
            part.weight.normal_(generator=torch.Generator().manual_seed(2))
    x, t, label = torch.randn(5, 12, 4), torch.rand(5), torch.arange(5) % 3
    scores = torch.randn(5, 3)
    base = network(x, t, Told(label, scores))
    assert (network(x, t, Told(label, -scores)) - base).abs().max() > 1e-2
    rows = torch.tensor([3, 1])
    alone = network(x[rows], t[rows], Told(label, scores)[rows])
    torch.testing.assert_close(alone, base[rows], rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def network(cohort, fitted, tmp_path_factory):
    """A network of the first chromosome."""
    folder = tmp_path_factory.mktemp("network")
    options, own = dict(RECIPE), cohort.people
    diffusion = settings(DiffusionSettings, options)
    training = settings(DiffusionTraining, options)
    train_diffusion(
        EncodedPeople(own.paths[:1], own.masks[:1], own.rows),
        LOCAL,
        diffusion,
        training,
        Workplace(result_path=folder / "checkpoint", log_path=folder / "losses.tsv"),
        seed=3,
        scores=fitted.scores,
        device="cpu",
    )
    return folder


def test_shards_draw_what_the_whole_would(network, fitted, tmp_path):
    labels = np.array(["x", "y"], object)[np.arange(600) % 2]
    people = People(np.arange(600).astype(str), labels, np.full(600, ""))
    vectors = fitted.model.draw(people, 9)
    np.save(tmp_path / "vectors.npy", vectors)
    options = {"mode": "haplotype", "seed": 4, "device": "cpu", "batch_size": 200}
    options |= {"sampler": "ddim", "steps": 4, "global_vectors": tmp_path / "vectors.npy"}
    for n_shards in (1, 3):
        for shard in range(n_shards):
            path = tmp_path / f"{n_shards}.{shard}.npy"
            sample_shard(
                network / "checkpoint", people, path, n_shards=n_shards, shard=shard, **options
            )
    parts = [np.load(tmp_path / f"3.{shard}.npy") for shard in range(3)]
    np.testing.assert_allclose(np.concatenate(parts), np.load(tmp_path / "1.0.npy"), atol=1e-5)


def test_other_global_vectors_are_another_training(cohort, fitted, network):
    """The fingerprint of a checkpoint holds them; the network knows how many there are."""
    config = load_latent_generator(network / "checkpoint").config
    assert config["denoiser"]["n_scores"] == fitted.model.n_axes
    from syncohort.generators.base import describe

    own = cohort.people
    rows = describe("d", own, Told(own.rows.labels, fitted.scores), None)["rows_sha256"]
    assert rows == config["rows_sha256"]
    assert rows != describe("d", own, Told(own.rows.labels, -fitted.scores), None)["rows_sha256"]
    assert rows != describe("d", own, own.rows.labels, None)["rows_sha256"]


@pytest.mark.parametrize(
    "generator, told",
    [
        ({"denoiser": {"kind": "mlp"}}, "mlp is one network over the whole genome, as published"),
        ({"preset": "genetic_diffusion_paper"}, "mlp_cnn is one network over the whole genome"),
        ({"preset": "snpgen", "denoiser": {"context": 0}}, "snp_vae is none: leave per_chromosome"),
        ({"denoiser": {"context": 32}}, "summary of the whole genome"),
    ],
)
def test_what_cannot_be_cut_into_chromosomes_is_refused(generator, told):
    study = {"generators": {"mine": {"per_chromosome": True, **generator}}}
    with pytest.raises(InputError, match=told):
        parse_config(study)


def test_a_network_per_chromosome_has_its_own_recipe_and_keys_change_it():
    own = {
        "denoiser": {"layers": 6},
        "diffusion": {"prior_factors": 8},
        "sampling": {"rescaled": False},
    }
    study = parse_config(
        {"generators": {"a": {"per_chromosome": True}, "b": {"per_chromosome": True, **own}}}
    )
    first, second = study.generators.values()
    assert (first.denoiser.context, first.denoiser.width, first.diffusion.prior_factors) == (
        0,
        None,
        0,
    )
    assert (second.denoiser.layers, second.denoiser.context) == (6, 0)
    assert second.diffusion.prior_factors == 8
    assert first.sampling.rescaled and not second.sampling.rescaled


def test_losses_of_chromosomes_are_those_of_one_network_over_both(tmp_path):
    """Means by the number of latents; what ended earlier counts on; seconds add up."""
    tables = [
        {"epoch": [1, 2, 3], "validation_loss": [0.9, None, 0.6], "numbers": [100, None, 100]},
        {"epoch": [1, 2], "validation_loss": [0.3, 0.2], "numbers": [300, 300]},
    ]
    for i, table in enumerate(tables):
        own = pd.DataFrame(table).assign(
            seconds=[2.0, 4.0, 6.0][: len(table["epoch"])], device="cpu"
        )
        own.to_csv(tmp_path / f"{i}.tsv", sep="\t", index=False)
    found = read_losses([tmp_path / "0.tsv", tmp_path / "1.tsv"])
    np.testing.assert_allclose(found["validation_loss"], [0.45, 0.375, 0.3])
    assert found["seconds"].tolist() == [4, 8, 10] and set(found["device"]) == {"cpu"}
    assert read_losses([tmp_path / "1.tsv"]).equals(read_tables([tmp_path / "1.tsv"]))


def measured(model, scores, rows, drawn) -> dict:
    table = measure_global_vector(
        model, scores, rows, drawn, cohort="c", generator="g", minimum_people=20, seed=1
    )
    table = table[(table["label"] == "") & (table["label_size"] == "")]
    return {(row.metric, row.part): row.value for row in table.itertuples()}


def test_a_global_vector_is_measured_against_cheats(cohort, fitted):
    """Its own draws pass; haplotypes paired at random and a point for everybody are found out."""
    rows, model = cohort.people.rows, fitted.model
    labels = np.array(["x", "y"] * 500, object)
    drawn = model.draw(People(np.arange(1_000).astype(str), labels, np.full(1_000, "")), 1)
    found = measured(model, fitted.scores, rows, drawn)
    assert found["membership_auc", ""] == pytest.approx(0.5, abs=0.1)
    assert found["global_distance", ""] < 0.3
    real = found["global_haplotype_r", "train"]
    assert real > 0.3 and found["global_haplotype_r", ""] == pytest.approx(real, abs=0.12)
    apart = np.stack([drawn[:, 0], np.roll(drawn[:, 1], 2, axis=0)], axis=1)
    assert abs(measured(model, fitted.scores, rows, apart)["global_haplotype_r", ""]) < 0.1
    point = measured(model, fitted.scores, rows, 0 * drawn)
    assert point["global_distance", ""] > 0.8


def test_frechet_distance_of_gaussians_is_the_closed_form():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(40_000, 1, 2)) * [1.0, 2.0]
    other = rng.normal(size=(40_000, 1, 2)) * [2.0, 2.0] + [3.0, 0.0]
    assert frechet_distance(one, other) == pytest.approx(np.sqrt((9 + 1) / 2), rel=0.02)


def test_the_attacker_adds_up_chromosomes_with_the_vector_worked_out(cohort, fitted, network):
    """Losses of rows told the scores of the fit, and of rows whose scores are projected."""
    own = load_latent_generator(network / "checkpoint")
    latents, labels = np.load(cohort.people.paths[0])[:8], cohort.people.rows.labels[:8]
    parts = (np.load(path)[:8] for path in cohort.people.paths)
    projected = Projection(fitted.axes, fitted.offsets, fitted.model.scale).scores(parts, labels)
    one, other = (
        row_losses(own, latents, Told(labels, scores), seed=2, device="cpu")
        for scores in (fitted.scores[:8], projected)
    )
    np.testing.assert_allclose(one, other, rtol=1e-3)


def test_a_person_is_one_row_in_genotype_mode(tmp_path):
    cohort = make_cohort(tmp_path, 300)
    options = {name: cohort[name] for name in ("labels", "is_validation", "class_names")}
    found = fit_global_vector(
        encoded(cohort["latents_paths"], cohort["masks"], **options),
        n_axes=2,
        residual_from_class_mean=False,
        seed=1,
    )
    people = People(["1", "2"], ["case", "control"], ["", ""])
    assert found.model.draw(people, 1).shape == (2, 1, found.model.n_axes)


# --- whose two haplotypes make a person, with one network for all chromosomes


def pairing_along(correlation: list[list[float]], names: list[str]) -> Pairing:
    """Of latents that are their own scores, with variance 1."""
    r = np.array(correlation)
    axes = np.eye(r.shape[1], dtype=np.float32)
    return Pairing(np.array(names, dtype=object), axes, r, np.ones_like(r))


def people_of(labels, sexes=None) -> People:
    ids = [f"s{i}" for i in range(len(labels))]
    return People(np.array(ids), np.array(labels), np.full(len(ids), ""), sex=sexes)


def correlation_of(first, second):
    """Along each axis."""
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(first.T, second.T, strict=True)])


def pairing_among(people: EncodedPeople) -> Pairing:
    """What training people say of pairs."""
    return fit_pairing(people, read_parts(people, residual_from_class_mean=False), seed=1)


def partners_among(people: EncodedPeople) -> Partners:
    """Others as alike, of training people."""
    parts = read_parts(people, residual_from_class_mean=False)
    return find_partners(people, parts, pairing_among(people), seed=1)


@pytest.mark.parametrize("wanted", [[0.2, 0.0], [0.6, 0.3], [0.95, 0.8]])
def test_haplotypes_of_people_become_as_alike_as_asked(wanted):
    latents = np.random.default_rng(1).normal(size=(6_000, 1, 2)).astype(np.float32)
    pairing, people = pairing_along([wanted], ["x"]), people_of(["x"] * 3_000)
    mates = pairing.mates(latents, people, seed=5)
    assert sorted(mates) == list(range(3_000))
    flat = latents.reshape(-1, 2)
    found = correlation_of(flat[::2], flat[1::2][mates])
    np.testing.assert_allclose(found, wanted, atol=0.05)


def test_haplotypes_of_two_continents_are_not_one_person():
    """A label of two ancestries, as cases are: drawn at random, half of the people would be mixed."""
    rng = np.random.default_rng(2)
    continent = rng.random(2_000) < 0.3
    latents = (4 * continent + rng.normal(size=2_000)).astype(np.float32)[:, None, None]
    spread = float(latents.var())
    pairing = Pairing(
        np.array(["x"], dtype=object), np.ones((1, 1)), np.array([[0.8]]), np.array([[spread]])
    )
    mates = pairing.mates(latents, people_of(["x"] * 1_000), seed=1)
    mixed = (continent[::2] != continent[1::2][mates]).mean()
    assert (continent[::2] != continent[1::2]).mean() > 0.38 and mixed < 0.1


def test_haplotypes_stay_with_their_label_and_sex():
    rng = np.random.default_rng(3)
    labels, sexes = rng.choice(["x", "y", "z"], 400), rng.integers(1, 3, 400)
    latents = rng.normal(size=(800, 1, 1)).astype(np.float32)
    pairing = pairing_along([[0.9], [0.0], [0.5]], ["x", "y", "z"])
    mates = pairing.mates(latents, people_of(labels, sexes), seed=4)
    assert (labels[mates] == labels).all() and (sexes[mates] == sexes).all()
    moved = mates != np.arange(400)
    assert moved[labels == "x"].any() and not moved[labels == "y"].any()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_few_people_are_paired(number):
    latents = np.arange(2 * number, dtype=np.float32)[:, None, None]
    mates = pairing_along([[0.9]], ["x"]).mates(latents, people_of(["x"] * number), seed=4)
    assert sorted(mates) == list(range(number))


def test_of_a_large_label_some_people_are_read(cohort, monkeypatch):
    whole = pairing_among(cohort.people)
    monkeypatch.setattr("syncohort.global_vector.pair_fitting.MOST_PEOPLE", 70)
    some = pairing_among(cohort.people)
    np.testing.assert_array_equal(some.axes, whole.axes)
    difference = np.abs(some.correlation[:, 0] - whole.correlation[:, 0])
    assert (difference > 0).all() and (difference < 0.15).all()


def test_training_people_say_how_alike_haplotypes_are(cohort, tmp_path):
    found = pairing_among(cohort.people)
    rows = cohort.people.rows
    trained = ~rows.is_validation
    for place in range(2):
        own = cohort.ancestry[trained & (rows.labels == place)].reshape(-1, 2)
        own = own - own.mean()
        r = (own[:, 0] * own[:, 1]).mean() / (own**2).mean()
        assert found.correlation[place, 0] == pytest.approx(r - 1 / (len(own) * r), abs=0.03)
    # beyond the first axis there is noise alone
    assert (found.correlation[:, 1:] < 0.25).all() and found.correlation[:, 1:].mean() < 0.05
    found.save(tmp_path / "pairing.npz")
    again = Pairing.load(tmp_path / "pairing.npz")
    np.testing.assert_array_equal(again.correlation, found.correlation)
    np.testing.assert_array_equal(again.axes, found.axes)
    with pytest.raises(InputError):
        load_global_vector(tmp_path / "pairing.npz")


@pytest.mark.parametrize("with_x", [False, True], ids=["autosomes", "with X"])
def test_haplotypes_of_strangers_are_not_made_alike(tmp_path, with_x):
    people = people_with_ancestry(tmp_path, n_people=600).people
    order = np.arange(1_200).reshape(-1, 2)
    for label in range(2):
        own = np.flatnonzero(people.rows.labels[::2] == label)
        order[own, 1] = order[np.roll(own, 5), 1]
    is_second = np.tile([False, True], 600) & (np.repeat(np.arange(600) % 3, 2) > 0)
    for path, is_x in zip(people.paths, (False, with_x), strict=True):
        latents = np.load(path)[order.reshape(-1)]
        if is_x:  # the one X of a man stands in both of his rows
            latents[is_second] = latents[np.flatnonzero(is_second) - 1]
        np.save(path, latents)
    if with_x:
        haploid = [np.zeros(len(MASKS[0]), bool), np.ones(len(MASKS[1]), bool)]
        rows = replace(people.rows, is_second=is_second)
        people = EncodedPeople(people.paths, people.masks, rows, haploid)
    assert pairing_among(people).correlation.max() < 0.15


@pytest.mark.parametrize("wanted", [0.0, 0.6])
def test_partners_are_others_as_alike_as_a_persons_haplotypes(wanted):
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(3_000, 1, 1)) + np.array([[-1], [1]]) * rng.normal(size=(3_000, 1, 1))
    labels = rng.choice(["x", "y"], 3_000)
    pairing = replace(pairing_along([[wanted], [0.0]], ["x", "y"]), variance=np.full((2, 1), 2.0))
    partner = pairing.partners(scores, labels, seed=2)
    assert sorted(partner) == list(range(3_000)) and (partner != np.arange(3_000)).all()
    assert (labels[partner] == labels).all()
    for name, r in (("x", wanted), ("y", 0.0)):
        own = labels == name
        found = np.corrcoef(scores[own, 0, 0], scores[partner[own], 1, 0])[0, 1]
        assert found == pytest.approx(r, abs=0.07)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_partners_of_a_few_people(number):
    scores = np.arange(2.0 * number).reshape(number, 2, 1)
    for seed in range(5):
        partner = pairing_along([[0.9]], ["x"]).partners(scores, np.array(["x"] * number), seed)
        assert sorted(partner) == list(range(number)) and (partner != np.arange(number)).all()


def test_training_people_get_partners_but_for_those_alone_in_a_class(cohort, tmp_path):
    rows = cohort.people.rows
    names = [*rows.class_names, "rare"]
    labels = rows.labels.copy()
    alone = np.flatnonzero(~rows.is_validation)[:2]
    labels[alone] = 2
    people = replace(cohort.people, rows=replace(rows, labels=labels, class_names=names))
    partners_among(people).save(tmp_path / "partners.npz")
    found = Partners.load(tmp_path / "partners.npz")
    trained = rows.sample_id[::2][~rows.is_validation[::2]]
    assert found.sample_id.tolist() == trained[trained != rows.sample_id[alone[0]]].tolist()
    assert found.partner.shape == (PAIRINGS, len(found.sample_id))
    assert len({tuple(each) for each in found.partner}) == PAIRINGS
    own = dict(zip(rows.sample_id, labels, strict=True))
    label = np.array([own[name] for name in found.sample_id])
    assert (label[found.partner] == label).all()


def test_of_many_people_some_get_partners(cohort, monkeypatch):
    monkeypatch.setattr("syncohort.global_vector.pair_fitting.MOST_PARTNERS", 50)
    found = partners_among(cohort.people)
    assert 48 <= len(found.sample_id) <= 50 and found.partner.max() < len(found.sample_id)


def test_where_everybody_is_alone_nobody_has_partners(cohort):
    rows = cohort.people.rows
    trained = np.flatnonzero(~rows.is_validation)
    labels = rows.labels.copy()
    labels[trained] = np.arange(len(trained)) // 2
    names = [f"label {place:03}" for place in range(labels.max() + 1)]
    people = replace(cohort.people, rows=replace(rows, labels=labels, class_names=names))
    found = partners_among(people)
    assert not len(found.sample_id) and found.partner.shape == (PAIRINGS, 0)
