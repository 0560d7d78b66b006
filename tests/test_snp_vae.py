"""The SNP autoencoder: its loss against closed forms, what it keeps, and what its files promise."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from latent_cohorts import training_settings, workplace

from syncohort.cohort_store import CohortStore
from syncohort.config.study import parse_config
from syncohort.errors import InputError
from syncohort.evaluation.models.reconstruction import measure_reconstruction
from syncohort.generators.encoding import encode_people
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants, to_rows
from syncohort.representations import load_representation, snp_vae_training
from syncohort.representations.base import read_rows
from syncohort.representations.snp_vae import SnpVAE
from syncohort.representations.snp_vae_network import Discriminator, Layout, SnpAutoencoder, one_hot
from syncohort.representations.snp_vae_training import (
    Adversary,
    AutoencoderAndCritic,
    Objective,
    SnpVAESettings,
    fit_snp_vae,
    hinge_loss,
    kl_divergence,
    reconstruction_loss,
    validate,
)
from syncohort.synthesis.decoding import Decision, decode_cohort, draw_calls

SIZES = {"20": 30, "22": 17}
N_VARIANTS = sum(SIZES.values())
ADVERSARY = {"weight": 0.5, "start_step": 3, "channels": 8, "depth": 3}
TRAINING = {"epochs": 3, "batch_size": 64, "learning_rate": 5e-3, "ema_decay": 0.9}
SMALL = {
    "patch_snps": 4,
    "width": 16,
    "widths": [16],
    "blocks_per_level": 1,
    "decoder_blocks": 1,
    "latent_channels": 4,
    "groups": 8,
    "attention_bias": True,
    "kl_weight": 1e-3,
    "learned_scale": True,
    "discriminator": None,
    "training": TRAINING,
}
AUTOENCODER = SMALL.keys() - {"training"}


def splits(n_people) -> np.ndarray:
    return np.array(["train", "train", "train", "validation", "holdout"])[np.arange(n_people) % 5]


def cohort(folder, *, n_people=200, missing=0.02, holdout_seed=None) -> list[CohortStore]:
    """People who copy stretches of a few founders; one store per chromosome."""
    rng = np.random.default_rng(0)
    split = splits(n_people)
    stores = []
    folder.mkdir(exist_ok=True)
    for contig, size in SIZES.items():
        founders = rng.random((size, 6)) < rng.beta(1, 1.5, (size, 1))
        founders[:, 0], founders[:, 1] = True, False
        switches = (rng.random((size, n_people * 2)) < 0.05).cumsum(axis=0)
        copied = (switches * 5 + rng.integers(6, size=n_people * 2)) % 6
        calls = founders[np.arange(size)[:, None], copied].astype(np.int8)
        calls[rng.random(calls.shape) < missing] = -1
        calls = calls.reshape(size, n_people, 2)
        if holdout_seed is not None:
            holdout = split == "holdout"
            noise = np.random.default_rng(holdout_seed).integers(0, 2, calls.shape)
            calls[:, holdout] = noise[:, holdout]
        people = People([f"P{i}" for i in range(n_people)], ["all"] * n_people, split)
        variants = Variants(contig, np.arange(size) + 1, ["."] * size, [("A", "C")] * size)
        with CohortWriter(folder / f"{contig}.zip", people) as writer:
            writer.append(variants, calls, True)
        stores.append(CohortStore(folder / f"{contig}.zip"))
    return stores


def fit(stores, path, mode="genotype", **changes) -> SnpVAE:
    options = SMALL | changes
    training = training_settings(**options.pop("training"))
    work = workplace(path, options)
    autoencoder = SnpVAESettings.of({name: options.pop(name) for name in AUTOENCODER})
    given = {"mode": mode, "seed": 1, "device": "cpu"} | options
    fit_snp_vae(stores, autoencoder, training, work, **given)
    return load_representation(path)


def layout_of(n_variants=N_VARIANTS, n_calls=3, patch_snps=4, width=16, widths=(16,), channels=4):
    return Layout(n_variants, n_calls, patch_snps, width, widths, 1, 1, channels, 8, True)


# --- the network


def of_the_paper(**changes) -> dict:
    """The settings of `snp_vae_paper`."""
    study = parse_config({"representations": {"snp_vae_paper": changes}})
    paper = study.representations["snp_vae_paper"].model_dump(exclude={"kind"})
    return snp_vae_training.network_settings(**paper)


def published(n_variants: int, **changes) -> tuple[Layout, Adversary]:
    """The network of `snpgen_paper` for so many SNPs."""
    settings = of_the_paper(**changes)
    settings.pop("training")
    found = SnpVAESettings.of(settings)
    return found.layout(n_variants, 3), found.discriminator


def count(network) -> int:
    return sum(each.numel() for each in network.parameters())


@pytest.mark.parametrize("n_variants", [1024, 2048])
@pytest.mark.parametrize(
    "changes, weights, shortening",
    [
        ({}, 2_045_733, 32),  # the release's base configuration
        ({"shortening": 16}, 2_007_845, 16),  # 2,048 SNPs become 128 numbers
    ],
    ids=["base", "16"],
)
def test_parameter_count_of_the_autoencoder_is_the_releases(
    n_variants, changes, weights, shortening
):
    layout, _ = published(n_variants, **changes)
    with torch.device("meta"):
        network = SnpAutoencoder(layout)
        calls = one_hot(torch.empty(2, n_variants, dtype=torch.long), layout)
    assert count(network) == weights
    mean, log_variance = network.encode(calls)
    assert mean.shape == log_variance.shape == (2, 1, n_variants // shortening)
    assert network.decode(mean).shape == (2, 3, n_variants)


def test_parameter_count_of_the_discriminator_is_the_releases():
    """Six convolutions of kernel 3 to 16, 32, 64 and three times 128 channels, and a last map."""
    layout, adversary = published(1024)
    with torch.device("meta"):
        critic = Discriminator(3, layout.length, adversary.channels, adversary.depth)
    widths = [3, 16, 32, 64, 128, 128, 128]
    convolutions = sum(3 * a * b + b for a, b in pairwise(widths))
    assert count(critic) == convolutions + 128 + 1


@pytest.mark.parametrize("length, positions", [(8, 2), (32, 2), (96, 3), (128, 2), (2048, 32)])
def test_the_discriminator_has_places_to_compare(length, positions):
    """In training its norms need two."""
    scores = Discriminator(3, length, 8, 6)(torch.rand(4, 3, length))
    assert scores.shape == (4, 1, positions)


@pytest.mark.parametrize("patch_snps, widths", [(1, (16, 16, 16)), (4, (16,)), (4, (16, 16))])
def test_any_number_of_snps_goes_through(patch_snps, widths):
    for n_variants in (15, 16, 17):
        layout = layout_of(n_variants, patch_snps=patch_snps, widths=widths)
        network = SnpAutoencoder(layout)
        rows = torch.randint(-1, 3, (5, n_variants))
        calls = one_hot(rows, layout)
        assert calls.shape == (5, 3, layout.length) and layout.length % layout.shortening == 0
        np.testing.assert_array_equal(calls[:, :, n_variants:], 0)
        np.testing.assert_array_equal(calls.sum(dim=1)[:, :n_variants], rows >= 0)
        assert (calls.argmax(dim=1)[:, :n_variants] == rows)[rows >= 0].all()
        mean, _ = network.encode(calls)
        assert mean.shape == (5, 4, layout.n_positions)
        assert network.decode(mean).shape == calls.shape


def test_a_decoder_that_says_nothing_gives_the_training_frequencies():
    shares = torch.rand(3, N_VARIANTS)
    shares /= shares.sum(dim=0)
    network = SnpAutoencoder(layout_of(), shares.log())
    torch.nn.init.zeros_(network.decoder.leave.weight)
    found = F.softmax(network.decode(torch.randn(2, 4, 12)), dim=1)[:, :, :N_VARIANTS]
    torch.testing.assert_close(found, shares.expand(2, -1, -1))


# --- the loss


def test_reconstruction_loss_is_that_of_a_plain_loop():
    torch.manual_seed(0)
    logits, rows = torch.randn(4, 3, 8), torch.randint(-1, 3, (4, 6))
    scale = torch.tensor(0.3)
    total = 0.0
    for row, per_call in zip(rows.tolist(), logits.tolist(), strict=True):
        for v, call in enumerate(row):
            if call >= 0:
                column = [per_call[c][v] for c in range(3)]
                entropy = math.log(sum(map(math.exp, column))) - column[call]
                total += entropy / math.exp(0.3) + 0.3
    assert reconstruction_loss(logits, rows, scale).item() == pytest.approx(total / 4, rel=1e-5)


def test_kl_is_that_of_torchs_distributions():
    mean, log_variance = torch.randn(5, 2, 7), torch.randn(5, 2, 7)
    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0, 1))
    torch.testing.assert_close(kl_divergence(mean, log_variance), expected.sum(dim=(1, 2)).mean())


def test_missing_calls_do_not_move_the_loss():
    """Nothing said of a call nobody saw costs anything, and SNPs nobody was called at add no term."""
    torch.manual_seed(0)
    logits, rows = torch.randn(4, 3, 8, requires_grad=True), torch.randint(0, 3, (4, 8))
    rows[:, ::3] = -1
    loss = reconstruction_loss(logits, rows, torch.tensor(0.1))
    (slope,) = torch.autograd.grad(loss, logits)
    assert (slope[:, :, ::3] == 0).all() and (slope[:, :, 1::3] != 0).all()
    kept = (rows >= 0).all(dim=0)
    short = reconstruction_loss(logits[:, :, kept], rows[:, kept], torch.tensor(0.1))
    assert loss.item() == pytest.approx(short.item())


def networks_of(seed=0) -> AutoencoderAndCritic:
    torch.manual_seed(seed)
    return AutoencoderAndCritic(
        SnpAutoencoder(layout_of()), Discriminator(3, layout_of().length, 8, 3)
    )


def losses_of(networks, rows, *, weight, start_step=0):
    networks.zero_grad()
    objective = Objective(rows, 1e-3, weight, start_step)
    objective.loss_of(networks, rows, torch.Generator().manual_seed(1)).backward()
    return {name: each.grad for name, each in networks.named_parameters()}


def test_each_network_learns_from_its_own_loss_alone():
    networks, rows = networks_of().eval(), torch.randint(-1, 3, (6, N_VARIANTS))
    both = losses_of(networks, rows, weight=0.5)
    judged = losses_of(networks, rows, weight=1e-30)
    for name, slope in both.items():
        if name.startswith("discriminator"):  # hinge loss: whatever the weight of the other term
            torch.testing.assert_close(slope, judged[name])
    critic = {name: each for name, each in networks.named_parameters() if name.startswith("disc")}
    with torch.no_grad():  # another critic of the same hinge loss shape must leave the rest alone
        network = networks.autoencoder
        calls = one_hot(rows, network.layout)
        mean, log_variance = network.encode(calls)
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(1))
        logits = network.decode(mean + (0.5 * log_variance).exp() * noise)
    fake = F.softmax(logits, dim=1) * calls.sum(dim=1, keepdim=True)
    slopes = torch.autograd.grad(hinge_loss(networks.discriminator, calls, fake), critic.values())
    for slope, name in zip(slopes, critic, strict=True):
        torch.testing.assert_close(both[name], slope)
    before = losses_of(networks, rows, weight=0.5, start_step=1_000)  # not yet playing
    for name, slope in judged.items():
        if name.startswith("disc"):
            assert before[name] is None
        else:
            torch.testing.assert_close(slope, before[name], atol=1e-7, rtol=1e-4)


def test_the_adversary_pulls_as_hard_as_the_reconstruction(monkeypatch):
    """At the last layer, times its weight (Esser et al. 2021, eq. 7)."""
    monkeypatch.setattr(snp_vae_training, "_SMALLEST_GRADIENT", 0.0)
    networks, rows = networks_of().eval(), torch.randint(0, 3, (6, N_VARIANTS))
    last = "autoencoder.decoder.leave.weight"
    alone, both = (losses_of(networks, rows, weight=w)[last] for w in (1e-30, 0.5))
    found = reconstruction_of(networks, rows)
    pull = (both - alone) * N_VARIANTS
    assert pull.norm().item() == pytest.approx(0.5 * found.norm().item(), rel=1e-3)


def reconstruction_of(networks, rows):
    """The slope of the reconstruction term at the last layer."""
    network = networks.autoencoder
    mean, log_variance = network.encode(one_hot(rows, network.layout))
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(1))
    logits = network.decode(mean + (0.5 * log_variance).exp() * noise)
    loss = reconstruction_loss(logits, rows, networks.log_scale)
    return torch.autograd.grad(loss, network.decoder.leave.weight)[0]


def test_validation_counts_what_a_loop_counts():
    networks, rows = networks_of().eval(), torch.randint(-1, 3, (9, N_VARIANTS), dtype=torch.int8)
    with torch.no_grad():
        found = validate(networks, rows)
        mean, _ = networks.autoencoder.encode(one_hot(rows.long(), networks.autoencoder.layout))
        guess = networks.autoencoder.decode(mean).argmax(dim=1)[:, :N_VARIANTS]
    pairs = [(a, b) for a, b in zip(rows.ravel().tolist(), guess.ravel().tolist(), strict=True)]
    seen = [(a, b) for a, b in pairs if a >= 0]
    assert found["loss"] == pytest.approx(np.mean([a != b for a, b in seen]))
    by_call = [np.mean([b == call for a, b in seen if a == call]) for call in range(3)]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(by_call))
    assert found["latent_variance_2"] == pytest.approx(mean[:, 1].var().item(), rel=1e-4)


# --- fitting


@pytest.mark.parametrize("mode, share", [("haplotype", 0.35), ("genotype", 0.5)])
def test_correlated_genotypes_come_back(tmp_path, mode, share):
    """Of people it never saw, with half as many numbers as SNPs: far better than the commonest."""
    stores = cohort(tmp_path / "c", n_people=400)
    training = TRAINING | {"epochs": 25}
    model = fit(stores, tmp_path / "m.safetensors", mode, training=training, latent_channels=2)
    split = stores[0].people.split
    assert model.numbers_per_snp == pytest.approx(24 / 47)
    rows = read_rows(stores, split == "holdout", mode)
    train = read_rows(stores, split == "train", mode)
    top = train.max()
    commonest = np.array([np.bincount(v[v >= 0], minlength=top + 1).argmax() for v in train.T])
    seen = rows >= 0
    error = (model.reconstruct(rows)[0] != rows)[seen].mean()
    guess = (np.broadcast_to(commonest, rows.shape) != rows)[seen].mean()
    assert error < share * guess
    np.testing.assert_allclose(model.mean, np.ma.masked_less(train, 0).mean(axis=0), atol=1e-6)


def test_the_published_network_is_fitted_with_its_discriminator(tmp_path):
    """47 SNPs are two positions; that it can be done, not how good it is."""
    stores = cohort(tmp_path / "c", n_people=30)
    settings = of_the_paper(training={"epochs": 1, "batch_size": 9})
    settings["discriminator"] = settings["discriminator"] | {"start_step": 1}
    model = fit(stores, tmp_path / "m.safetensors", **settings)
    rows = read_rows(stores, slice(0, 5), "genotype")
    assert model.encode(rows).shape == (5, 2, 1)
    assert model.reconstruct(rows)[0].shape == (5, N_VARIANTS)


def test_a_useless_channel_shows_in_the_log(tmp_path, caplog):
    stores = cohort(tmp_path / "c")
    with caplog.at_level("INFO"):
        training = TRAINING | {"epochs": 12}
        fit(stores, tmp_path / "m", kl_weight=1e4, training=training, log_path=tmp_path / "log.tsv")
    header, *_, last = (tmp_path / "log.tsv").read_text().splitlines()
    row = dict(zip(header.split("\t"), last.split("\t"), strict=True))
    assert all(float(row[f"latent_variance_{k}"]) < 0.05 for k in (1, 2, 3, 4))
    assert "variance of the latent channels" in caplog.text


class Killed(Exception):
    pass


@pytest.mark.parametrize("discriminator", [None, ADVERSARY])
def test_a_killed_fit_ends_with_the_very_same_file(tmp_path, monkeypatch, discriminator):
    stores = cohort(tmp_path / "c")
    options = {"discriminator": discriminator}
    fit(stores, tmp_path / "whole", **options)
    original, steps = Objective.loss, iter(range(5))

    def dying(self, *arguments):
        if next(steps, None) is None:
            raise Killed
        return original(self, *arguments)

    options |= {"state_path": tmp_path / "state.pt", "checkpoint_seconds": 0}
    monkeypatch.setattr(Objective, "loss", dying)
    with pytest.raises(Killed):
        fit(stores, tmp_path / "resumed", **options)
    assert not (tmp_path / "resumed").exists()
    monkeypatch.setattr(Objective, "loss", original)
    fit(stores, tmp_path / "resumed", **options)
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()
    assert not (tmp_path / "state.pt").exists()


def test_holdout_people_leave_no_trace(tmp_path):
    files = []
    for seed in (1, 2):
        stores = cohort(tmp_path / str(seed), holdout_seed=seed)
        fit(stores, tmp_path / f"{seed}.safetensors")
        files.append((tmp_path / f"{seed}.safetensors").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("absent, what", [("train", "to fit"), ("validation", "to choose the")])
def test_people_to_fit_and_to_choose_are_needed(tmp_path, monkeypatch, absent, what):
    stores = cohort(tmp_path / "c")
    for store in stores:
        store.people.split[store.people.split == absent] = "holdout"
    with pytest.raises(InputError, match=f"no {absent} people {what}"):
        fit(stores, tmp_path / "m")
    assert not (tmp_path / "m").exists()


# --- the fitted model


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted")
    stores = cohort(folder / "c")
    path, training = folder / "all.safetensors", TRAINING | {"epochs": 40, "batch_size": 32}
    return stores, fit(stores, path, training=training), path


def test_a_saved_model_is_the_same_model(fitted, tmp_path):
    stores, model, path = fitted
    model.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    again = SnpVAE.load(path)
    rows = read_rows(stores, slice(0, 7), "genotype")
    np.testing.assert_array_equal(again.encode(rows), model.encode(rows))
    assert again.contigs == ["20", "22"] and again.mask.all()
    assert again.variants_of("22").position_bp.tolist() == list(range(1, 18))
    assert again.training_fingerprint == model.training_fingerprint
    assert again.blocks["n_variants"].tolist() == [30, 17]


def test_files_of_something_else_are_refused(fitted, tmp_path):
    stores, model, path = fitted
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"damaged.*not a readable fitted file"):
        load_representation(damaged)
    other = tmp_path / "other.safetensors"
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, other)
    with pytest.raises(InputError, match="made with syncohort snp_vae 3, here is a file without"):
        load_representation(other)
    with pytest.raises(InputError, match=r"chromosome 22 of the SnpVAE is not there"):
        model.stores_of(stores[:1])
    swapped = cohort(tmp_path / "swapped")[0]
    swapped.variants.allele[0] = ("C", "A")
    with pytest.raises(InputError, match=r"20.zip: the variants do not match"):
        model.stores_of([swapped, stores[1]])


def test_chromosomes_decode_as_parts_of_the_whole(fitted):
    stores, model, _ = fitted
    latents = model.encode(read_rows(stores, slice(0, 9), "genotype"))
    whole = model.decode(latents)
    assert whole.shape == (9, N_VARIANTS)
    np.testing.assert_array_equal(
        model.decode_variants(latents, "22", slice(3, 8)), whole[:, 33:38]
    )
    found = model.probabilities(latents, "20", slice(0, 30))
    np.testing.assert_allclose(found.sum(axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(found @ [0, 1, 2], whole[:, :30], rtol=1e-5)


def test_latents_on_disk_are_the_models(fitted, tmp_path):
    stores, model, _ = fitted
    split = stores[0].people.split
    encode_people(stores[::-1], model, tmp_path / "all.npy", tmp_path / "all.npz")
    expected = model.encode(read_rows(stores, split != "holdout", "genotype"))
    np.testing.assert_array_equal(np.load(tmp_path / "all.npy"), expected.astype(np.float16))


def test_accuracy_of_each_genotype_is_that_of_a_loop(fitted):
    stores, model, _ = fitted
    people = stores[0].people.split == "validation"
    table, by_block = measure_reconstruction(stores, model, {"validation": people})
    table = table[table["maf_bin"] == "all"].set_index("metric")["value"]
    rows = read_rows(stores, people, "genotype")
    guess = model.reconstruct(rows)[0]
    for call, name in enumerate(("hom_ref", "het", "hom_alt")):
        right = [b == call for a, b in zip(rows.flat, guess.flat, strict=True) if a == call]
        assert table[f"{name}_accuracy"] == pytest.approx(np.mean(right))
    assert by_block["block"].unique().tolist() == ["chromosome 20", "chromosome 22"]


# --- decoding


def decode(fitted, folder, rule, latents, *, cuts=(), seed=5) -> np.ndarray:
    """Dosages [S, v] of chromosome 22, from shards with another model's position before."""
    stores, model, _ = fitted
    shifted = np.concatenate([np.full_like(latents[:, :1], 9), latents], axis=1)
    paths = [folder / f"{i}.npy" for i in range(len(cuts) + 1)]
    for path, shard in zip(paths, np.split(shifted, cuts), strict=True):
        np.save(path, shard)
    n_people = len(latents)
    people = People([f"S{i}" for i in range(n_people)], ["all"] * n_people, [""] * n_people)
    options = {"first_position": 1, "decision": Decision(rule, 0.49, 0.49, 0), "seed": seed}
    decode_cohort(paths, model, stores[1], people, folder / "22.zip", **options)
    return to_rows(CohortStore(folder / "22.zip").read(), "genotype")


def test_argmax_takes_the_likeliest_call(fitted, tmp_path):
    latents = np.random.default_rng(0).normal(size=(40, 12, 4)).astype(np.float32)
    found = fitted[1].probabilities(latents, "22", slice(0, 17))
    np.testing.assert_array_equal(
        decode(fitted, tmp_path, "argmax", latents, cuts=[3]), found.argmax(axis=2)
    )


def test_sampled_calls_follow_their_probabilities(fitted, tmp_path, monkeypatch):
    one = np.random.default_rng(1).normal(size=(1, 12, 4)).astype(np.float32)
    latents = np.repeat(one, 1_500, axis=0)
    shares = fitted[1].probabilities(one, "22", slice(0, 17))[0]  # [v, C]
    rows = decode(fitted, tmp_path, "sampled", latents)
    for call in range(3):
        found, expected = (rows == call).mean(axis=0), shares[:, call]
        spread = np.sqrt(expected * (1 - expected) / len(rows))
        assert (np.abs(found - expected) <= 4.5 * spread + 1e-9).all()
    assert (decode(fitted, tmp_path, "sampled", latents, cuts=[7, 7, 900]) == rows).all()
    assert (decode(fitted, tmp_path, "sampled", latents, seed=6) != rows).any()
    monkeypatch.setattr(
        "syncohort.synthesis.decoding._CHUNK_ELEMENTS", 4 * 1_500
    )  # four variants at once
    assert (decode(fitted, tmp_path, "sampled", latents) == rows).all()
    fewer = decode(fitted, tmp_path, "sampled", latents[:50])
    assert (fewer == rows[:50]).all()


def test_draws_of_different_people_and_variants_are_independent():
    rows = draw_calls(np.full((2_000, 60, 2), 0.5, np.float32), 0, seed=1).astype(float)
    by_variant, by_person = np.corrcoef(rows.T), np.corrcoef(rows[:200])
    for table, n in ((by_variant, 2_000), (by_person, 60)):
        off = table[~np.eye(len(table), dtype=bool)]
        assert np.abs(off).max() < 6 / np.sqrt(n)
        assert off.std() == pytest.approx(1 / np.sqrt(n), rel=0.15)


@pytest.mark.parametrize("rule", ["matched", "rounding"])
def test_expected_dosages_can_be_cut(fitted, tmp_path, rule):
    stores, model, _ = fitted
    train = stores[0].people.split == "train"
    latents = model.encode(read_rows(stores, train, "genotype"))
    rows = decode(fitted, tmp_path, rule, latents)
    real = np.ma.masked_less(to_rows(stores[1].read(samples=train), "genotype"), 0)
    if rule == "matched":
        np.testing.assert_allclose(rows.mean(axis=0), real.mean(axis=0), atol=0.1)
    else:
        values = model.decode_variants(latents, "22", slice(0, 17))
        np.testing.assert_array_equal(rows, np.rint(values))


# --- the configuration


@pytest.mark.parametrize("rule", ["argmax", "sampled"])
def test_a_gene_pca_has_no_probabilities(rule):
    with pytest.raises(InputError, match=f"generators.a.decoding.rule {rule} needs .* snp_vae"):
        parse_config({"generators": {"a": {"decoding": {"rule": rule}}}})


def test_representations_of_the_user_stand_beside_ours():
    study = parse_config({"representations": {"snp_vae": {"latent_channels": 2}, "mine": {}}})
    found = study.representations
    assert found["snp_vae"].latent_channels == 2 and found["mine"].kind == "gene_pca"
    assert found["snp_vae_paper"].network == "published"
    with pytest.raises(InputError, match=r"representations.snp_vae.patch_snps: .* at most 64"):
        parse_config({"representations": {"snp_vae": {"patch_snps": 65}}})
    for changes in ({"shortening": 16}, {"network": "published"}):
        with pytest.raises(InputError, match=r"`shortening` .* is for `network: published`"):
            parse_config({"representations": {"snp_vae": changes}})


def test_a_position_of_the_published_network_has_the_snps_that_its_shortening_says():
    """Under any name; with patches beside it would have 16 times as many."""
    section = {"kind": "snp_vae", "network": "published", "shortening": 32}
    mine = parse_config({"representations": {"mine": section}}).representations["mine"]
    settings = snp_vae_training.network_settings(**mine.model_dump(exclude={"kind"}))
    assert settings["patch_snps"] * 2 ** (len(settings["widths"]) - 1) == 32
    assert parse_config({}).representations["snp_vae"].patch_snps == 16
    with pytest.raises(InputError, match="patch_snps is 16, and `network: published` has no"):
        parse_config({"representations": {"mine": section | {"patch_snps": 16}}})


@pytest.mark.parametrize("name", ["snp_vae", "snp_vae_paper"])
def test_a_representation_of_the_configuration_has_every_setting_of_the_fit(name):
    settings = parse_config({}).representations[name].model_dump(exclude={"kind"})
    assert set(snp_vae_training.network_settings(**settings)) == set(SMALL)


def test_genes_are_needed_by_gene_pcas_alone():
    study = {"input": {"kind": "plink", "path": "x"}, "generators": {"a": {"preset": "snpgen"}}}
    assert parse_config(study).genes.annotation is None
    with pytest.raises(InputError, match="genes.annotation is needed"):
        parse_config(study | {"generators": {"a": {}}})


def test_the_files_fingerprint_is_of_all_chromosomes(fitted, tmp_path):
    """A changed call of a training person on any chromosome is another fit."""
    stores, model, _ = fitted
    rows = snp_vae_training._read(stores, "genotype")
    assert rows.fingerprint == model.training_fingerprint
    other = cohort(tmp_path / "other", missing=0.03)
    assert snp_vae_training._read(other, "genotype").fingerprint != rows.fingerprint


@pytest.mark.parametrize("learned", [True, False])
def test_the_scale_of_the_loss_is_learned_or_left_alone(tmp_path, learned):
    stores = cohort(tmp_path / "c", n_people=50)
    model = fit(stores, tmp_path / "m.safetensors", learned_scale=learned)
    assert (model.training["log_scale"] != 0) == learned
