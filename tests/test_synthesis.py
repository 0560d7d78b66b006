"""Training a generator, its checkpoint, sampling in shards, and labels."""

import csv
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import REPOSITORY
from hypothesis import given, settings
from hypothesis import strategies as st
from latent_cohorts import CLASSES, MASK, MASKS, MEAN, RECIPE, SD, make_cohort, train_diffusion

from syncohort.cohort.synthetic_people import (
    draw_labels,
    draw_people,
    largest_remainder,
    synthetic_ids,
)
from syncohort.diffusion.model import PRIOR_PARTS, load_generator
from syncohort.diffusion.training import _Task
from syncohort.errors import InputError
from syncohort.generators.latents import Normalisation, fit_normalisation, read_latents
from syncohort.genotypes import People
from syncohort.global_vector.pairing import Pairing
from syncohort.synthesis.sampling import sample_shard, shard_slice


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A generator that had to learn the class means: nothing was subtracted."""
    folder = tmp_path_factory.mktemp("trained")
    cohort = make_cohort(folder)
    checkpoint, log = folder / "generator.safetensors", folder / "losses.tsv"
    result = train_diffusion(
        **cohort,
        **RECIPE,
        checkpoint_path=checkpoint,
        log_path=log,
        state_path=folder / "state.pt",
        residual_from_class_mean=False,
        label_dropout=0.2,
        ema_decay=0.99,
    )
    return SimpleNamespace(folder=folder, cohort=cohort, path=checkpoint, log=log, result=result)


SAMPLING = {"sampler": "ancestral", "steps": 50, "seed": 5, "device": "cpu"}


def test_generator_learns_both_classes(trained):
    generator = load_generator(trained.path)
    n_rows = 1_000
    for label in (0, 1):
        sample = generator.sample(np.full(n_rows, label), **SAMPLING)
        assert sample.dtype == np.float32 and (sample[:, ~MASK] == 0).all()
        # the training sample's own mean is this uncertain; the network adds as much again
        uncertain = 2 * 4 * (SD[MASK] / 375**0.5)
        assert (np.abs(sample.mean(axis=0) - MEAN[label])[MASK] < np.maximum(uncertain, 0.1)).all()


def test_the_default_recipe_keeps_mean_and_variance_of_every_component(trained, tmp_path):
    train_diffusion(**trained.cohort, **RECIPE, checkpoint_path=tmp_path / "g")
    sample = load_generator(tmp_path / "g").sample(np.zeros(2_000, dtype=np.int64), **SAMPLING)
    assert (np.abs(sample.mean(axis=0) - MEAN[0])[MASK] < 4 * SD[MASK] / 375**0.5).all()
    ratio = (sample.std(axis=0) / np.where(MASK, SD, 1))[MASK]
    assert 0.85 < ratio.min() and ratio.max() < 1.15


def test_null_label_is_the_mixture_of_the_classes(trained):
    generator = load_generator(trained.path)
    position = np.unravel_index(np.argmax(np.where(MASK, -SD, -9)), MASK.shape)

    def share_of_cases(scale):
        labels = np.zeros(500, dtype=np.int64)
        sample = generator.sample(labels, **SAMPLING, guidance_scale=scale)
        return (sample[(slice(None), *position)] > 0.25).mean()

    assert 0.2 < share_of_cases(0.0) < 0.8  # the label is not looked at: both modes appear
    assert share_of_cases(1.0) > 0.95


def test_log_and_result_of_training(trained):
    with open(trained.log) as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    losses = {int(r["epoch"]): float(r["validation_loss"]) for r in rows if r["validation_loss"]}
    assert len(rows) == RECIPE["epochs"] == len(trained.result.history)
    assert min(losses.values()) == trained.result.best_loss == losses[trained.result.best_epoch]
    assert losses[max(losses)] < losses[min(losses)]
    assert not (trained.folder / "state.pt").exists()


def test_checkpoint_samples_the_same_in_a_fresh_process(trained):
    script = (
        "import sys, numpy as np; from syncohort.diffusion.model import PRIOR_PARTS, load_generator;"
        "labels = np.arange(40) % 2; generator = load_generator(sys.argv[1]);"
        f"np.save(sys.argv[2], generator.sample(labels, **{SAMPLING!r}))"
    )
    out = trained.folder / "fresh.npy"
    package = {"PYTHONPATH": str(REPOSITORY / "workflow/src")}
    subprocess.run([sys.executable, "-c", script, trained.path, out], check=True, env=package)
    here = load_generator(trained.path).sample(np.arange(40) % 2, **SAMPLING)
    np.testing.assert_array_equal(np.load(out), here)


def test_checkpoint_holds_no_code_and_says_what_it_is(trained):
    content = trained.path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    config = json.loads(header["__metadata__"]["config"])
    assert config["class_names"] == CLASSES
    assert config["schedule"] == "cosine" and config["target"] == "x0"
    assert len(config["latents_sha256"]) == 2 and config["package_version"]
    assert config["representation_fingerprints"] == RECIPE["representation_fingerprints"]


def test_training_again_gives_the_same_file(trained, tmp_path):
    options = RECIPE | {"epochs": 2}
    for name in ("a", "b"):
        train_diffusion(**trained.cohort, **options, checkpoint_path=tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_papers_recipe_has_no_prior_and_survives_the_round_trip(trained, tmp_path):
    paper = {"prior_factors": None, "target": "eps", "scaling": "unit", "ema_decay": None}
    options = RECIPE | paper | {"epochs": 2, "schedule": "linear"}
    train_diffusion(**trained.cohort, **options, checkpoint_path=tmp_path / "g")
    generator = load_generator(tmp_path / "g")
    assert generator.prior is None and generator.process(torch.device("cpu")).target == "eps"
    sample = generator.sample(np.arange(6) % 2, **SAMPLING)
    assert np.isfinite(sample).all() and (sample[:, ~MASK] == 0).all()


def test_a_generator_of_other_gene_pcas_is_refused_with_both_values(trained):
    load_generator(trained.path, {"21": "aaa", "22": "bbb"})
    with pytest.raises(InputError, match="22: generator bbb, given ccc"):
        load_generator(trained.path, {"21": "aaa", "22": "ccc"})


def test_files_that_are_no_checkpoint_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such generator checkpoint"):
        load_generator(tmp_path / "nothing")
    (tmp_path / "text").write_text("not a checkpoint")
    with pytest.raises(InputError, match="not a generator checkpoint"):
        load_generator(tmp_path / "text")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "old", {"config": '{"format": 0}'})
    with pytest.raises(InputError, match="checkpoint format 0, syncohort .* reads format 4"):
        load_generator(tmp_path / "old")


def test_guidance_needs_label_dropout(trained, tmp_path):
    options = RECIPE | {"epochs": 1, "label_dropout": 0.0}
    train_diffusion(**trained.cohort, **options, checkpoint_path=tmp_path / "g")
    generator = load_generator(tmp_path / "g")
    with pytest.raises(InputError, match="guidance_scale 2 needs .* label_dropout above 0"):
        generator.sample(np.zeros(2, dtype=np.int64), **SAMPLING, guidance_scale=2)


def test_unusable_cohorts_and_settings_are_refused(trained, tmp_path):
    cohort, options = trained.cohort, RECIPE | {"checkpoint_path": tmp_path / "g", "epochs": 1}
    with pytest.raises(InputError, match="no training people carry the labels control"):
        everyone = {**cohort, "is_validation": cohort["labels"] == 1}
        train_diffusion(**everyone, **options)
    with pytest.raises(InputError, match="no validation people"):
        nobody = {**cohort, "is_validation": np.zeros_like(cohort["is_validation"])}
        train_diffusion(**nobody, **options)
    with pytest.raises(InputError, match="scaling 'robust' is unknown; use one of global, unit"):
        train_diffusion(**cohort, **options, scaling="robust")
    with pytest.raises(InputError, match="not trained on the labels cases; it knows case, con"):
        load_generator(trained.path).label_indices(["cases"])
    assert not (tmp_path / "g").exists()


def test_a_killed_training_continues_to_the_same_checkpoint(trained, tmp_path, monkeypatch):
    options = RECIPE | {"epochs": 3, "checkpoint_seconds": 0}
    train_diffusion(**trained.cohort, **options, checkpoint_path=tmp_path / "whole")
    options["state_path"] = tmp_path / "state.pt"
    loss, calls = _Task.loss, []

    def dying(self, *arguments):
        calls.append(1)
        if len(calls) == 17:
            raise KeyboardInterrupt
        return loss(self, *arguments)

    monkeypatch.setattr(_Task, "loss", dying)
    with pytest.raises(KeyboardInterrupt):
        train_diffusion(**trained.cohort, **options, checkpoint_path=tmp_path / "resumed")
    assert not (tmp_path / "resumed").exists()
    result = train_diffusion(**trained.cohort, **options, checkpoint_path=tmp_path / "resumed")
    assert result.resumed_at_step == 16
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()


# --- normalisation


def read(cohort):
    return read_latents(cohort["latents_paths"], cohort["masks"])


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("scaling", ["global", "unit"])
def test_normalisation_makes_the_mean_square_one_and_undoes(trained, residual, scaling):
    (latents, mask), labels = read(trained.cohort), trained.cohort["labels"]
    fitted = fit_normalisation(
        latents, labels, mask, n_classes=2, residual_from_class_mean=residual, scaling=scaling
    )
    x0 = latents.copy()
    fitted.apply(x0, labels)
    square = np.square(x0.astype(np.float64)).mean(axis=0)
    expected = square[mask].mean() if scaling == "global" else square[mask]
    np.testing.assert_allclose(expected, 1, rtol=1e-5)
    if residual:
        assert np.abs(x0[labels == 0].mean(axis=0)).max() < 1e-5
    if scaling == "global":
        assert len(np.unique(fitted.scale[mask])) == 1
    assert (x0[:, ~mask] == 0).all()
    np.testing.assert_allclose(fitted.undo(x0, labels), latents, atol=1e-5)


def test_a_component_that_never_varies_is_left_alone(trained):
    (latents, mask), labels = read(trained.cohort), trained.cohort["labels"]
    latents[:, 0, 0] = 0
    options = {"n_classes": 2, "residual_from_class_mean": True}
    fitted = fit_normalisation(latents, labels, mask, **options, scaling="unit")
    fitted.apply(latents, labels)
    assert fitted.scale[0, 0] == 1 and (latents[:, 0, 0] == 0).all()
    with pytest.raises(InputError, match="do not vary within labels"):
        fit_normalisation(latents * 0, labels, mask, **options, scaling="global")


def test_validation_rows_are_not_fitted_on(trained, tmp_path):
    """Swapping the validation people for noise changes nothing that is fitted without them."""
    cohort, files = trained.cohort, {}
    options = RECIPE | {"epochs": 1}
    swapped = make_cohort(tmp_path)
    for path in swapped["latents_paths"]:
        latents = np.load(path)
        rows = cohort["is_validation"]
        latents[rows] = np.where(latents[rows] == 0, 0, np.random.default_rng(1).normal(9, 5))
        np.save(path, latents)
    for name, each in (("real", cohort), ("swapped", swapped)):
        train_diffusion(**each, **options, checkpoint_path=tmp_path / name)
        files[name] = load_generator(tmp_path / name)
    real, other = files["real"], files["swapped"]
    np.testing.assert_array_equal(real.normalisation.center, other.normalisation.center)
    np.testing.assert_array_equal(real.normalisation.scale, other.normalisation.scale)
    for part in PRIOR_PARTS:
        assert torch.equal(getattr(real.prior, part), getattr(other.prior, part))
    for one, two in zip(real.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_latents_that_do_not_fit_their_mask_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((4, 2, 3), dtype=np.float32))
    with pytest.raises(ValueError, match="latents at padded positions are not 0"):
        read_latents([tmp_path / "a.npy"], [MASKS[0]])
    with pytest.raises(ValueError, match=r"latents are \(4, 2, 3\), expected \(4, 3, 3\)"):
        read_latents([tmp_path / "a.npy"], [MASKS[1]])


# --- labels and ids

counts_of_labels = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4), st.integers(1, 5_000), min_size=1, max_size=30
)


@given(weights=st.lists(st.integers(0, 1000), min_size=1).filter(any), total=st.integers(0, 9999))
def test_largest_remainder_keeps_quota_and_sum(weights, total):
    shares = largest_remainder(np.array(weights), total)
    quota = np.array(weights) / sum(weights) * total
    assert shares.sum() == total
    assert (np.abs(shares - quota) < 1 + 1e-9).all()
    left_over = quota - np.floor(quota)
    raised = shares > np.floor(quota)
    if raised.any() and not raised.all():
        assert left_over[raised].min() >= left_over[~raised].max() - 1e-9


@settings(deadline=None)
@given(real=counts_of_labels, more=st.integers(0, 3_000), seed=st.integers(0, 99))
def test_matched_labels_cover_every_label_in_proportion(real, more, seed):
    n_people = len(real) + more
    labels = draw_labels(real, how="matched", n_people=n_people, seed=seed)
    found = {name: int((labels == name).sum()) for name in real}
    assert len(labels) == n_people == sum(found.values())
    assert min(found.values()) >= 1
    quota = {name: count / sum(real.values()) * n_people for name, count in real.items()}
    raised = sum(value < 1 for value in quota.values())
    for name, count in found.items():
        assert count < quota[name] + 1 + 1e-9
        assert count > quota[name] - 1 - raised - 1e-9
    again = draw_labels(dict(reversed(real.items())), how="matched", n_people=n_people, seed=seed)
    assert (labels == again).all()


@given(real=counts_of_labels, more=st.integers(0, 500))
def test_balanced_labels_differ_by_at_most_one(real, more):
    labels = draw_labels(real, how="balanced", n_people=len(real) + more, seed=0)
    _, found = np.unique(labels.astype(str), return_counts=True)
    assert len(labels) == len(real) + more and len(found) == len(real)
    assert found.max() - found.min() <= 1


def test_labels_by_count_and_what_is_refused():
    real = {"GBR": 90, "YRI": 100}
    labels = draw_labels(real, how="counts", counts={"YRI": 3, "GBR": 0}, seed=0)
    assert labels.tolist() == ["YRI"] * 3
    with pytest.raises(InputError, match="nobody in training carries: ASW; the labels are GBR"):
        draw_labels(real, how="counts", counts={"ASW": 3}, seed=0)
    with pytest.raises(InputError, match="1 synthetic people cannot cover 2 labels"):
        draw_labels(real, how="matched", n_people=1, seed=0)
    with pytest.raises(InputError, match="every count per label is 0"):
        draw_labels(real, how="counts", counts={"GBR": 0}, seed=0)
    with pytest.raises(InputError, match="'uniform' is unknown; use one of matched, balanced"):
        draw_labels(real, how="uniform", n_people=5, seed=0)


def test_people_are_matched_to_the_training_people_alone():
    label = np.array(["a"] * 30 + ["b"] * 10 + ["c"] * 40, dtype=object)
    split = np.array(["train"] * 40 + ["holdout"] * 40, dtype=object)
    real = People(np.array([f"P{i}" for i in range(80)], dtype=object), label, split)
    people = draw_people(real, labels="matched", seed=1)
    assert sorted(people.label) == ["a"] * 30 + ["b"] * 10
    assert people.id[0] == "SYN00001" and set(people.split) == {""}
    assert len(draw_people(real, labels="balanced", people=7, seed=1)) == 7


def test_synthetic_ids_are_unique_and_sort_in_order():
    ids = synthetic_ids(123_456)
    assert len(set(ids)) == 123_456 and sorted(ids) == ids.tolist()


# --- shards


@given(n_people=st.integers(1, 3_000), n_shards=st.integers(1, 40), per_batch=st.integers(1, 300))
def test_shards_are_whole_batches_and_cover_everybody_once(n_people, n_shards, per_batch):
    shards = [shard_slice(n_people, n_shards, i, per_batch) for i in range(n_shards)]
    people = [i for shard in shards for i in range(n_people)[shard]]
    assert people == list(range(n_people))
    assert all(shard.start % per_batch == 0 for shard in shards if shard.start < n_people)


def sample_cohort(trained, folder, labels, n_shards, mode="haplotype", batch_size=32, **options):
    folder.mkdir()
    paths = [folder / f"{shard}.npy" for shard in range(n_shards)]
    for shard, path in enumerate(paths):
        sample_shard(
            trained.path,
            People(synthetic_ids(len(labels)), labels, [""] * len(labels)),
            path,
            mode=mode,
            n_shards=n_shards,
            shard=shard,
            guidance_scale=1.0,
            batch_size=batch_size,
            **SAMPLING,
            **options,
        )
    return paths


LABELS = np.array(CLASSES * 41, dtype=object)[:81]


def test_the_cohort_does_not_depend_on_the_number_of_shards(trained, tmp_path):
    whole = np.load(sample_cohort(trained, tmp_path / "1", LABELS, 1)[0])
    assert whole.shape == (162, *MASK.shape)
    for n_shards in (2, 3, 9):  # of 6 batches: the last has empty shards
        paths = sample_cohort(trained, tmp_path / str(n_shards), LABELS, n_shards)
        np.testing.assert_array_equal(np.concatenate([np.load(path) for path in paths]), whole)
    other_batches = np.load(sample_cohort(trained, tmp_path / "b", LABELS, 1, batch_size=50)[0])
    np.testing.assert_allclose(other_batches, whole, atol=1e-4)


def test_both_haplotypes_carry_the_persons_label_and_differ(trained, tmp_path):
    rows = np.load(sample_cohort(trained, tmp_path / "h", LABELS, 1)[0])
    position = (slice(None), *np.argwhere(MASK)[0])  # classes 8 standard deviations apart
    is_case = (LABELS == "case").repeat(2)
    assert ((rows[position] > 0.25) == is_case).mean() > 0.97
    assert not np.isclose(rows[0::2], rows[1::2])[:, MASK].all(axis=1).any()
    people = np.load(sample_cohort(trained, tmp_path / "g", LABELS, 1, mode="genotype")[0])
    assert len(people) == len(LABELS)


def test_paired_haplotypes_are_those_that_were_drawn(trained, tmp_path):
    axes = np.eye(MASK.size, dtype=np.float32)[:, MASK.reshape(-1)]
    r = np.full((2, axes.shape[1]), 0.9)
    Pairing(np.array(["case", "control"], dtype=object), axes, r, np.ones_like(r)).save(
        tmp_path / "pairing.npz"
    )
    apart, paired = (
        np.load(sample_cohort(trained, tmp_path / name, LABELS, 1, **how)[0]).reshape(
            -1, 2, MASK.size
        )
        for name, how in (("a", {}), ("p", {"pairing": tmp_path / "pairing.npz"}))
    )
    np.testing.assert_array_equal(apart[:, 0], paired[:, 0])
    for label in ("case", "control"):
        before, after = (each[label == LABELS, 1] for each in (apart, paired))
        np.testing.assert_array_equal(*(each[np.lexsort(each.T)] for each in (before, after)))
        nearer = [
            np.abs(each[label == LABELS] @ [1, -1]).mean()
            for each in (apart.transpose(0, 2, 1), paired.transpose(0, 2, 1))
        ]
        assert nearer[1] < nearer[0]


def test_batches_that_part_haplotypes_are_refused(trained, tmp_path):
    with pytest.raises(ValueError, match="batch_size 33 would part the haplotypes"):
        sample_cohort(trained, tmp_path / "x", LABELS, 1, batch_size=33)


def test_normalisation_of_one_row_is_undone_with_its_own_class():
    fitted = Normalisation(MEAN, np.full(MASK.shape, 2, dtype=np.float32))
    undone = fitted.undo(np.ones((2, *MASK.shape), dtype=np.float32), np.array([1, 0]))
    np.testing.assert_array_equal(undone, 2 + MEAN[[1, 0]])
