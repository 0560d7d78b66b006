"""Baselines against the laws they are drawn from."""

import dataclasses

import numpy as np
import pytest
import torch
from cohorts import linked_calls, people_of, store_of
from latent_cohorts import encoded

from syncohort.baselines import block_gaussian
from syncohort.baselines.alleles import copy_validation, draw_alleles
from syncohort.baselines.block_gaussian import BlockGaussian, fit_block_gaussian, fit_chain
from syncohort.baselines.mosaic import Segments
from syncohort.baselines.panel import Panel
from syncohort.baselines.reshuffle import Descent
from syncohort.baselines.wgan import WGAN
from syncohort.baselines.wgan_training import Recipe, train_networks, train_wgan
from syncohort.cohort.synthetic_people import synthetic_ids
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.generators.rows import EncodedPeople
from syncohort.genotypes import People
from syncohort.synthesis.sampling import load_latent_generator, sample_shard

DEFAULTS = {  # of each kind, what its settings are but those that a test names
    "mosaic": {"effective_size": 1e4, "recombination_map": None, "mutation_rate": 0.0},
    "reshuffle": {"generations": 8, "recombination_map": None},
}
KINDS = ["independent", "bootstrap", *DEFAULTS]


def cohort(folder, *, n_variants=300, n_train=60, contig="1", seed=1, calls=None, phased=True):
    """A real cohort of two labels: `n_train` training people, 20 validation, 20 holdout."""
    n_people = n_train + 40
    labels = np.where(np.arange(n_people) % 3 == 0, "a", "b")
    splits = ["train"] * n_train + ["validation"] * 20 + ["holdout"] * 20
    if calls is None:
        calls = linked_calls(n_variants, labels, seed=seed)
    people = people_of(labels, splits)
    return store_of(folder / f"{contig}.zarr.zip", calls, people, contig=contig, phased=phased)


def drawn(store, folder, kind, *, labels=("a", "b") * 200, seed=7, name="synthetic", **settings):
    settings = DEFAULTS.get(kind, {}) | settings
    path = folder / f"{name}.zarr.zip"
    people = people_of(np.array(labels), prefix="s")
    draw_alleles(store, people, path, kind=kind, seed=seed, **settings)
    return CohortStore(path)


def training(store, label=None):
    people = store.people.split == "train"
    return store.read(samples=people if label is None else people & (store.people.label == label))


def neighbour_r2(store, lag=2):
    """Mean r2 of haplotypes [2 S] of label b, `lag` variants apart."""
    haplotypes = store.read(samples=store.people.label == "b").reshape(len(store.variants), -1)
    haplotypes = haplotypes[haplotypes.std(axis=1) > 0]
    r = np.corrcoef(haplotypes)
    return np.square(np.diagonal(r, lag)).mean()


# --- alleles


def test_independent_alleles_have_the_labels_frequency_and_no_linkage(tmp_path):
    real = cohort(tmp_path)
    synthetic = drawn(real, tmp_path, "independent", labels=("a", "b") * 500)
    assert synthetic.phased and neighbour_r2(synthetic) < 0.01 < neighbour_r2(real)
    for label in ("a", "b"):
        p = (training(real, label) == 1).mean(axis=(1, 2))
        calls = synthetic.read(samples=synthetic.people.label == label)
        sd = np.sqrt(p * (1 - p) / 1000)
        assert (np.abs(calls.mean(axis=(1, 2)) - p) <= 4.5 * sd).all()
        heterozygous = (calls[..., 0] != calls[..., 1]).mean()
        assert heterozygous == pytest.approx((2 * p * (1 - p)).mean(), abs=0.01)


def test_frequencies_leave_out_missing_alleles_and_fall_back_on_everybody():
    unknown = np.zeros(3, int), np.zeros(1, int)
    panel = Panel(np.arange(3), np.array([0, 0, 1]), np.array([0]), *unknown)
    calls = np.array(
        [
            [[1, -1], [0, 1], [0, 0]],
            [[-1, -1], [-1, -1], [0, 1]],
            [[-1, -1], [-1, -1], [-1, -1]],
        ],
        dtype=np.int8,
    )
    expected = [[2 / 3, 0], [0.5, 0.5], [0, 0]]
    np.testing.assert_allclose(panel.frequencies(calls), expected, rtol=1e-6)


def test_bootstrap_copies_the_same_people_on_every_chromosome(tmp_path):
    labels = np.where(np.arange(100) % 3 == 0, "a", "b")
    both = linked_calls(600, labels, seed=3)
    first = cohort(tmp_path, contig="1", calls=both[:300])
    second = cohort(tmp_path, contig="2", calls=both[300:])
    copies = [
        drawn(store, tmp_path, "bootstrap", name=f"copy{store.contig}").read()
        for store in (first, second)
    ]
    joined = np.concatenate(copies)  # [V, S, P]
    for place, label in enumerate(("a", "b")):
        own = np.concatenate([training(first, label), training(second, label)])
        known = {person.tobytes() for person in own.transpose(1, 0, 2)}
        assert {person.tobytes() for person in joined[:, place::2].transpose(1, 0, 2)} <= known


def test_the_row_validation_is_the_validation_people_under_new_names(tmp_path):
    real = cohort(tmp_path)
    copy_validation(real, tmp_path / "validation.zarr.zip")
    copied, validation = (
        CohortStore(tmp_path / "validation.zarr.zip"),
        real.people.split == "validation",
    )
    np.testing.assert_array_equal(copied.read(), real.read(samples=validation))
    assert list(copied.people.label) == list(real.people.label[validation])
    assert set(copied.people.split) == {""}
    assert not set(copied.people.id) & set(real.people.id)


@pytest.mark.parametrize("kind", KINDS)
def test_only_training_people_are_read_and_a_seed_is_a_cohort(tmp_path, kind):
    real = cohort(tmp_path)
    files = []
    calls = real.read()
    for name, seed, noise in (("first", 7, 0), ("again", 7, 1), ("other", 8, 0)):
        calls[:, 60:] ^= noise  # validation and holdout people
        (tmp_path / name).mkdir()
        store = cohort(tmp_path / name, calls=calls)
        drawn(store, tmp_path, kind, seed=seed, name=name)
        files.append((tmp_path / f"{name}.zarr.zip").read_bytes())
    assert files[0] == files[1] != files[2]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_without_training_people_are_refused(tmp_path, kind):
    with pytest.raises(InputError, match="nobody in training carries: c; the labels are a, b"):
        drawn(cohort(tmp_path), tmp_path, kind, labels=("a", "c"))
    assert not (tmp_path / "synthetic.zarr.zip").exists()


def test_missing_calls_are_copied_by_the_bootstrap_and_filled_by_the_others(tmp_path):
    calls = linked_calls(40, np.where(np.arange(100) % 3 == 0, "a", "b"), seed=1)
    calls[np.random.default_rng(0).random(calls.shape) < 0.1] = -1
    calls[5] = -1
    real = cohort(tmp_path, calls=calls)
    assert (drawn(real, tmp_path, "bootstrap").read() < 0).any()
    for kind in ("independent", "mosaic", "reshuffle"):
        filled = drawn(real, tmp_path, kind).read()
        assert (filled >= 0).all() and not filled[5].any()


@pytest.mark.parametrize("kind", ["independent", "mosaic", "reshuffle"])
@pytest.mark.parametrize("phased", [True, False])
def test_no_site_gets_more_alt_alleles_than_places(tmp_path, kind, phased):
    calls = np.random.default_rng(0).integers(0, 2, (60, 40, 2)).astype(np.int8)
    calls[1::2] *= 1 - calls[::2]
    people = people_of(["a", "b"] * 20, ["train"] * 40)
    place = {"position_bp": np.repeat(np.arange(1, 31), 2) * 1_000, "phased": phased}
    real = store_of(
        tmp_path / "r.zarr.zip", calls if phased else np.sort(calls, 2), people, **place
    )
    settings = {"mutation_rate": 0.5} if kind == "mosaic" else {}
    store = drawn(real, tmp_path, kind, **settings)
    copies = store.read()[::2] + store.read()[1::2]
    assert (copies if phased else copies.sum(axis=2) / 2).max() == 1
    assert (store.n_settled > 0) == (kind != "reshuffle")  # people's own sites are as they may be


def test_unphased_cohorts_give_unphased_calls(tmp_path):
    calls = linked_calls(50, np.where(np.arange(100) % 3 == 0, "a", "b"), seed=1)
    real = cohort(tmp_path, calls=calls, phased=False)
    assert not real.phased
    for kind in ("independent", "mosaic", "reshuffle"):
        synthetic = drawn(real, tmp_path, kind)
        assert not synthetic.phased
        assert (np.diff(synthetic.read(), axis=2) >= 0).all()
    # one segment for all: whole people are copied, not haplotypes paired anew
    whole = drawn(real, tmp_path, "mosaic", effective_size=1e-9, labels=["b"] * 50)
    people = {tuple(person) for person in training(real, "b").sum(axis=2).T}
    assert {tuple(person) for person in whole.read().sum(axis=2).T} <= people


# --- mosaic


def panel_of(n_people, n_drawn):
    zeros = [np.zeros(n, int) for n in (n_people, n_drawn, n_people, n_drawn)]
    return Panel(np.arange(n_people), *zeros)


def test_segments_follow_the_coalescent_law():
    n_people, n_drawn, effective_size = 200, 4_000, 20_000.0
    per_morgan = effective_size / n_people
    distance = np.array([0, 0.0005, 0.001, 0.005, 0.02])  # Morgan
    position = 1.5 + distance
    segments = Segments(
        panel_of(n_people, n_drawn), 2, effective_size, position[0], np.random.default_rng(0)
    )
    of_two, everybody = np.zeros(5, dtype=bool), slice(0, 2 * n_drawn)
    parts = (slice(3), slice(3, 5))  # stretches of variants, one after the other
    walked = [segments.walk(position[part], everybody, of_two[part]) for part in parts]
    source = np.concatenate(walked, axis=1)
    assert 0 <= source.min() and source.max() < 2 * n_people
    for start in (0, 2):  # the law is the same from every place on
        d = distance[start:] - distance[start]
        together = 1 / (1 + 2 * d * per_morgan)
        expected = together + (1 - together) / (2 * n_people)  # or the same haplotype by chance
        share = (source[:, start:] == source[:, [start]]).mean(axis=0)
        assert (np.abs(share - expected) <= 4 * np.sqrt(expected * (1 - expected) / 8_000)).all()


def test_walking_in_slices_of_rows_keeps_rows_apart():
    segments = Segments(panel_of(5, 6), 2, 1e3, 0.0, np.random.default_rng(0))
    position = np.linspace(0, 0.1, 50)
    of_two = np.zeros(50, dtype=bool)
    first, second = (segments.walk(position, rows, of_two) for rows in (slice(0, 4), slice(4, 12)))
    assert first.shape == (4, 50) and second.shape == (8, 50)
    assert (segments._end > 0.1).all()


def test_mosaics_of_one_segment_are_haplotypes_of_the_label(tmp_path):
    real = cohort(tmp_path)
    synthetic = drawn(real, tmp_path, "mosaic", effective_size=1e-9).read()
    for place, label in enumerate(("a", "b")):
        known = {row.tobytes() for row in training(real, label).reshape(300, -1).T}
        own = synthetic[:, place::2].reshape(300, -1).T
        assert {row.tobytes() for row in own} <= known


def test_linkage_of_mosaics_falls_with_the_effective_size(tmp_path):
    real = cohort(tmp_path)
    r2 = [
        neighbour_r2(drawn(real, tmp_path, "mosaic", effective_size=size))
        for size in (1e2, 3e5, 1e6, 2e7)
    ]
    assert r2[0] == pytest.approx(neighbour_r2(real), rel=0.2)
    assert r2[0] > r2[1] > r2[2] > r2[3] and r2[3] < 0.02


def test_full_mutation_leaves_frequencies_only(tmp_path):
    real = cohort(tmp_path)
    mutated = drawn(real, tmp_path, "mosaic", effective_size=1e2, mutation_rate=1.0)
    assert neighbour_r2(mutated) < 0.01
    p = training(real, "b").mean(axis=(1, 2))
    ours = mutated.read(samples=mutated.people.label == "b").mean(axis=(1, 2))
    assert (np.abs(ours - p) <= 4.5 * np.sqrt(p * (1 - p) / 400)).all()


def test_a_recombination_map_is_followed(tmp_path):
    """All recombination lies between variants 150 and 151 of 300."""
    (tmp_path / "x.map").write_text("1 a 0 1000\n1 b 0 150000\n1 c 10 151000\n1 d 10 300000\n")
    real = cohort(tmp_path, n_train=30)
    map_path = str(tmp_path / "x.map")
    synthetic = drawn(
        real, tmp_path, "mosaic", effective_size=1e5, recombination_map=map_path, labels=["b"] * 40
    ).read()
    known = training(real, "b").reshape(300, -1).T
    for half in (slice(0, 150), slice(150, 300)):
        halves = {tuple(row[half]) for row in known}
        assert {tuple(row[half]) for row in synthetic.reshape(300, -1).T} <= halves
    wholes = {tuple(row) for row in known}
    assert any(tuple(row) not in wholes for row in synthetic.reshape(300, -1).T)


def test_a_label_of_one_person_is_drawn_from_their_two_haplotypes(tmp_path):
    labels = np.array(["b"] * 30 + ["a"])
    calls = linked_calls(60, labels, seed=2)
    real = store_of(tmp_path / "r.zarr.zip", calls, people_of(labels, ["train"] * 31))
    for kind in ("mosaic", "reshuffle", "independent"):
        synthetic = drawn(real, tmp_path, kind, labels=["a"] * 20).read()
        alike = calls[:, 30, 0] == calls[:, 30, 1]
        assert (synthetic[alike] == calls[alike, 30, :1, None]).all()


# --- reshuffle


def test_as_many_people_have_exactly_the_counts_of_their_label(tmp_path):
    real = cohort(tmp_path)
    own = real.people.label[real.people.split == "train"]
    synthetic = drawn(real, tmp_path, "reshuffle", labels=own[::-1], generations=5_000)
    assert neighbour_r2(synthetic) < 0.9 * neighbour_r2(real)
    for label in ("a", "b"):
        people = training(real, label)
        calls = synthetic.read(samples=synthetic.people.label == label)
        np.testing.assert_array_equal(calls.sum(axis=(1, 2)), people.sum(axis=(1, 2)))
        assert not (calls == people).all(axis=(0, 2)).any()


def test_of_several_panels_all_but_the_last_are_exact(tmp_path):
    """20 training people of label a: 50 synthetic ones are two panels and a half."""
    real = cohort(tmp_path)
    calls = drawn(real, tmp_path, "reshuffle", labels=["a"] * 50, generations=100).read()
    counts = training(real, "a").sum(axis=(1, 2))
    for panel in (slice(0, 20), slice(20, 40)):
        np.testing.assert_array_equal(calls[:, panel].sum(axis=(1, 2)), counts)
    assert (calls[:, :20] != calls[:, 20:40]).any()
    half = calls[:, 40:].sum(axis=(1, 2))
    p = counts / 40
    sd = np.sqrt(20 * p * (1 - p) * 20 / 39)  # of a hypergeometric draw of half of them
    assert (np.abs(half - 20 * p) <= 4.5 * sd).all() and (half != counts / 2).any()


@pytest.mark.parametrize("each", [1, 2])
def test_rows_descend_by_the_law_of_crossovers(each):
    n_people, n_generations = 301, 40
    distance = np.array([0, 0.0005, 0.005, 0.02, 0.1])  # Morgan
    position = 0.3 + distance
    panel = panel_of(n_people, n_people)
    kept = np.zeros(len(distance))
    for seed in range(20):
        descent = Descent(panel, each, n_generations, position[0], np.random.default_rng(seed))
        source = np.concatenate(  # two stretches of variants, one after the other
            [
                descent.sources(position[part])(slice(0, each * n_people))
                for part in (slice(2), slice(2, 5))
            ],
            axis=1,
        )
        everyone = np.arange(each * n_people)[:, None]
        np.testing.assert_array_equal(np.sort(source, axis=0), everyone + 0 * source)
        kept += (source == source[:, :1]).mean(axis=0) / 20
    expected = ((1 + np.exp(-2 * distance)) / 2) ** n_generations
    sd = np.sqrt(2 * expected * (1 - expected) / (20 * each * n_people))  # rows come in pairs
    assert (np.abs(kept - expected) <= 4 * sd + 1 / (each * n_people)).all()


def test_crossovers_follow_a_recombination_map(tmp_path):
    """All recombination lies between variants 150 and 151 of 300."""
    (tmp_path / "x.map").write_text("1 a 0 1000\n1 b 0 150000\n1 c 10 151000\n1 d 10 300000\n")
    real = cohort(tmp_path)
    synthetic = drawn(
        real,
        tmp_path,
        "reshuffle",
        recombination_map=str(tmp_path / "x.map"),
        labels=["b"] * 40,
        generations=30,
    )
    known, found = (each.reshape(300, -1) for each in (training(real, "b"), synthetic.read()))
    for half in (slice(0, 150), slice(150, 300)):
        assert sorted(map(bytes, found[half].T)) == sorted(map(bytes, known[half].T))
    assert set(map(bytes, found.T)) != set(map(bytes, known.T))


# --- latent baselines

MASKS = [np.ones((5, 2), bool), np.array([[True, True], [True, False], [True, True]])]
MASK = np.concatenate(MASKS)
CLASSES = ["case", "control"]
PRINTS = {"21": "aaa", "22": "bbb"}


def write_latents(folder, n_rows=600, seed=0):
    """Rows whose neighbouring blocks are correlated, around the means of two classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n_rows)
    x = rng.standard_normal((n_rows, *MASK.shape))
    x[:, 1:] += 0.8 * x[:, :-1]
    x = (x + np.where(labels == 0, 1.5, -1.0)[:, None, None]) * MASK
    paths = [folder / "21.npy", folder / "22.npy"]
    np.save(paths[0], x[:, :5].astype(np.float32))
    np.save(paths[1], x[:, 5:].astype(np.float32))
    is_validation = np.arange(n_rows) % 6 == 0
    return x, encoded(paths, MASKS, labels, is_validation, CLASSES)


RECIPE = {
    "noise": 8,
    "widths": [32],
    "critic_steps": 2,
    "gradient_penalty": 10.0,
    "epochs": 3,
    "batch_size": 64,
    "learning_rate": 1e-3,
    "seed": 5,
}
FITS = {
    "block_gaussian": (fit_block_gaussian, {"shrinkage": 0.1}),
    "wgan": (train_wgan, {"recipe": Recipe(**RECIPE), "device": "cpu"}),
}


@pytest.fixture(scope="module", params=FITS)
def fitted(request, tmp_path_factory):
    """A baseline of latents: its kind, its checkpoint, and the latents it was fitted to."""
    folder = tmp_path_factory.mktemp(request.param)
    x, cohort_latents = write_latents(folder)
    fit, settings = FITS[request.param]
    path = folder / "checkpoint.safetensors"
    fit(cohort_latents, checkpoint_path=path, representation_fingerprints=PRINTS, **settings)
    return request.param, path, x, cohort_latents


def test_latent_baselines_keep_means_and_variances(fitted):
    _, path, x, people = fitted
    labels, is_validation = people.rows.labels, people.rows.is_validation
    for label in (0, 1):
        rows = x[(labels == label) & ~is_validation]
        sample = load_latent_generator(path).sample(np.full(4_000, label), seed=1, device="cpu")
        assert sample.dtype == np.float32 and not sample[:, ~MASK].any()
        np.testing.assert_allclose(sample.mean(axis=0), rows.mean(axis=0), atol=0.15)
        np.testing.assert_allclose(sample.std(axis=0), rows.std(axis=0), atol=0.15)


def test_a_row_has_its_own_noise_whatever_the_batches_and_shards(fitted, tmp_path):
    _, path, *_ = fitted
    generator, labels = load_latent_generator(path), np.arange(150) % 2
    whole = generator.sample(labels, seed=4, device="cpu", batch_size=64)
    np.testing.assert_allclose(
        generator.sample(labels, seed=4, device="cpu", batch_size=50), whole, atol=1e-5
    )
    names = np.array(CLASSES)[np.arange(90) // 2 % 2]
    people = People(synthetic_ids(90), names, [""] * 90)
    shards = []
    for shard in (0, 1, 2):
        sample_shard(
            path,
            people,
            tmp_path / "shard.npy",
            mode="genotype",
            n_shards=3,
            shard=shard,
            seed=4,
            batch_size=20,
            device="cpu",
            representation_fingerprints=PRINTS,
        )
        shards.append(np.load(tmp_path / "shard.npy"))
    rows = generator.label_indices(names)
    expected = generator.sample(rows, seed=4, device="cpu", batch_size=20)
    np.testing.assert_array_equal(np.concatenate(shards), expected)


def test_checkpoints_of_baselines_say_what_they_are(fitted):
    kind, path, *_ = fitted
    generator = load_latent_generator(path)
    assert isinstance(generator, {"block_gaussian": BlockGaussian, "wgan": WGAN}[kind])
    assert generator.config["class_names"] == CLASSES
    with pytest.raises(InputError, match="22: generator bbb, given ccc"):
        load_latent_generator(path, PRINTS | {"22": "ccc"})
    with pytest.raises(InputError, match="not trained on the labels x"):
        generator.label_indices(["x"])


def test_fitting_again_gives_the_same_file_and_reads_no_validation_rows(fitted, tmp_path):
    kind, path, x, people = fitted
    is_validation = people.rows.is_validation
    fit, settings = FITS[kind]
    tensors = {}
    for name, replaced in (("same", np.zeros_like(is_validation)), ("other", is_validation)):
        rows = np.where(replaced[:, None, None], MASK, x)
        np.save(tmp_path / "21.npy", rows[:, :5].astype(np.float32))
        np.save(tmp_path / "22.npy", rows[:, 5:].astype(np.float32))
        out = tmp_path / name
        fit(
            EncodedPeople([tmp_path / "21.npy", tmp_path / "22.npy"], people.masks, people.rows),
            checkpoint_path=out,
            representation_fingerprints=PRINTS,
            **settings,
        )
        tensors[name] = load_latent_generator(out).tensors()
    assert (tmp_path / "same").read_bytes() == path.read_bytes()
    for name, tensor in tensors["same"].items():
        assert torch.equal(tensor, tensors["other"][name])


@pytest.mark.parametrize("kind", FITS)
def test_a_class_without_training_rows_is_refused(tmp_path, kind):
    _, people = write_latents(tmp_path, n_rows=30)
    rows = dataclasses.replace(people.rows, class_names=[*CLASSES, "other"])
    fit, settings = FITS[kind]
    with pytest.raises(InputError, match="no training people carry the labels other"):
        fit(dataclasses.replace(people, rows=rows), checkpoint_path=tmp_path / "c", **settings)


def implied_covariance(weights, spread):
    """Covariance [T D, T D] of the chain, from what each unit of noise does to it."""
    size = weights.shape[0] * weights.shape[1]
    unit = torch.eye(size).view(size, *weights.shape[:2])
    answer = block_gaussian._follow(unit, weights, spread).flatten(1)
    return answer.T @ answer


@pytest.mark.parametrize("shrinkage", [0.0, 0.3, 1.0])
def test_the_chain_has_the_shrunk_covariance_of_neighbouring_stretches(monkeypatch, shrinkage):
    monkeypatch.setattr(block_gaussian, "STRETCH_CHANNELS", 6)  # D = 6: W = 3 blocks of K = 2
    rng = torch.Generator().manual_seed(0)
    rows = torch.randn(500, 8, 2, generator=rng).cumsum(dim=1)
    rows[:, 3, 1] = 0  # a padded position
    implied = implied_covariance(*fit_chain(rows.split(3, dim=1), shrinkage))[:16, :16]
    flat = rows.flatten(1)
    sample = flat.T @ flat / len(flat)
    expected = (1 - shrinkage) * sample + shrinkage * torch.diag(sample.diagonal())
    stretch = torch.arange(16) // 6
    near = (stretch[:, None] - stretch).abs() <= 1
    torch.testing.assert_close(implied[near], expected[near], atol=2e-3, rtol=2e-3)


def test_a_markov_process_keeps_its_correlations_beyond_neighbouring_stretches(monkeypatch):
    monkeypatch.setattr(block_gaussian, "STRETCH_CHANNELS", 2)
    rng = torch.Generator().manual_seed(0)
    x = [torch.randn(20_000, 1, generator=rng)]
    for _ in range(9):  # correlation .9 from block to block
        x.append(0.9 * x[-1] + 0.19**0.5 * torch.randn(20_000, 1, generator=rng))
    implied = implied_covariance(*fit_chain(torch.stack(x, dim=1).split(2, dim=1), 0.0))
    expected = 0.9 ** (torch.arange(10)[:, None] - torch.arange(10)).abs()
    torch.testing.assert_close(implied, expected, atol=0.05, rtol=0)


def test_chromosomes_of_the_gaussian_are_independent(tmp_path):
    _, cohort_latents = write_latents(tmp_path)
    path = tmp_path / "c"
    fit_block_gaussian(cohort_latents, checkpoint_path=path, shrinkage=0.0)
    sample = load_latent_generator(path).sample(np.zeros(5_000, int), seed=2, device="cpu")
    correlation = np.corrcoef(sample[:, :, 0].T)
    assert correlation[3, 4] > 0.4  # neighbours
    assert abs(correlation[4, 5]) < 0.06  # neighbours, but for the chromosome's end


def test_the_gaussian_of_fewer_rows_than_numbers_is_finite(tmp_path):
    _, cohort_latents = write_latents(tmp_path, n_rows=10)
    fit_block_gaussian(cohort_latents, checkpoint_path=tmp_path / "c", shrinkage=0.0)
    sample = load_latent_generator(tmp_path / "c").sample(np.zeros(50, int), seed=2, device="cpu")
    assert np.isfinite(sample).all() and np.abs(sample).max() < 20


def test_the_gan_learns_two_modes_of_each_label():
    rng = torch.Generator().manual_seed(0)
    n_rows = 1_500
    labels = torch.arange(n_rows) % 2
    side = torch.where(torch.rand(n_rows, generator=rng) < 0.5, 2.0, -2.0)
    scores = 0.3 * torch.randn(n_rows, 2, generator=rng)
    scores[torch.arange(n_rows), labels] += side  # along x for one label, along y for the other
    recipe = Recipe(
        noise=4,
        widths=[64, 64],
        critic_steps=3,
        gradient_penalty=1.0,
        epochs=100,
        batch_size=128,
        learning_rate=2e-3,
        seed=1,
    )
    network = train_networks(scores, labels, scores.std(dim=0), 2, recipe)
    for label in (0, 1):
        with torch.no_grad():
            drawn = network(torch.randn(2_000, 4, generator=rng), torch.full((2_000,), label))
        along, across = drawn[:, label], drawn[:, 1 - label]
        assert (along.abs() < 1).float().mean() < 0.2  # a Gaussian of this spread: 0.38
        assert 0.35 < (along > 0).float().mean() < 0.65
        assert along.abs().mean() == pytest.approx(2, abs=0.3)
        assert across.std() < 0.8
