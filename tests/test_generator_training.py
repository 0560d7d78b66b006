"""What judges a generator in training, latents that stay on disk, times and weightings."""

import csv
import logging

import numpy as np
import pytest
import torch
from latent_cohorts import train_diffusion

from syncohort.diffusion.model import load_generator
from syncohort.diffusion.prior import GaussianPrior
from syncohort.diffusion.process import Process
from syncohort.diffusion.schedules import make_schedule
from syncohort.diffusion.training import MappedRows
from syncohort.diffusion.validation import DRAWS, make_validation, partners
from syncohort.errors import InputError
from syncohort.generators.latents import LatentFiles, fit_normalisation, read_latents
from syncohort.training.parallel import run_together

MASKS = [
    np.array([[True, True, True], [True, True, False]]),
    np.array([[True, False, False], [True, True, True], [True, False, False]]),
]
MASK = np.concatenate(MASKS)
CLASSES = ["a", "b", "c"]
RECIPE = {
    "denoiser": {"kind": "mlp", "widths": [64, 32]},
    "schedule": "cosine",
    "n_steps": 100,
    "epochs": 3,
    "batch_size": 64,
    "learning_rate": 3e-3,
    "seed": 11,
    "device": "cpu",
}


def make_cohort(folder, n_rows=400):
    """Latents on disk, of three classes, and the arguments that describe them."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, n_rows)
    latents = np.where(MASK, rng.normal(labels[:, None, None], 1, (n_rows, *MASK.shape)), 0)
    paths = [folder / "21.npy", folder / "22.npy"]
    for path, part in zip(paths, np.split(latents.astype(np.float32), [2], axis=1), strict=True):
        np.save(path, part)
    return {
        "latents_paths": paths,
        "masks": MASKS,
        "labels": labels,
        "is_validation": np.arange(n_rows) % 5 == 0,
        "class_names": CLASSES,
    }


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("cohort"))


def train(cohort, path, **options):
    return train_diffusion(**cohort, **(RECIPE | options), checkpoint_path=path)


# --- membership


def test_partners_have_the_same_label_and_differ_as_long_as_they_last():
    labels = np.repeat([0, 1, 2], [40, 10, 10])
    candidates = np.r_[0:30, 40:42, 50:56]
    rows = np.r_[30:40, 42:50]
    chosen = partners(labels, rows, candidates, seed=1)
    assert (labels[chosen] == labels[rows]).all() and np.isin(chosen, candidates).all()
    assert len(set(chosen[:10])) == 10  # of 30
    assert sorted(np.bincount(chosen[10:])[40:42]) == [4, 4]  # of 2, for 8


def idle_network(x, t_fraction, label, residual=True):
    return torch.zeros_like(x)


def wide_validation(data, is_validation, target="x0"):
    """A judge of rows [N, 40, 5], whose network leaves the posterior mean for variance 1."""
    mask = torch.ones(40, 5, dtype=torch.bool)
    prior = GaussianPrior(torch.ones(40, 5), torch.zeros(200, 0), torch.zeros(0))
    process = Process(make_schedule("cosine", 200), target, mask, prior)
    labels = np.zeros(len(data), dtype=np.int64)
    told = torch.from_numpy(labels)
    return make_validation(
        process, "uniform", data, told, labels, is_validation, batch_size=64, seed=1
    )


@pytest.mark.parametrize("target", ["x0", "v"])
def test_validation_of_the_posterior_mean_is_what_theory_says(target):
    """E |x_0 - x_hat|^2 = sigma^2 / (signal^2 + sigma^2) = sigma^2 for data of variance 1."""
    data = torch.randn(600, 40, 5, generator=torch.Generator().manual_seed(0))
    judge = wide_validation(data, np.arange(600) % 3 == 0, target)
    found = judge.measure(idle_network)
    schedule = judge.process.schedule
    sigma = (1 - schedule.alpha_bar).sqrt()
    if target == "x0":  # the mean over times of sigma^2
        assert found["loss"] == pytest.approx(sigma[1:].square().mean().item(), rel=0.02)
    else:  # 1 / sigma^2 of it
        assert found["loss"] == pytest.approx(1, rel=0.02)
    assert found["reconstruction_error"] == pytest.approx(sigma[1:].mean().item(), rel=0.02)
    for i, centre in enumerate((0.1, 0.3, 0.5, 0.7, 0.9)):
        expected = sigma[40 * i + 1 : 40 * i + 41].mean().item()
        assert found[f"error_t{centre}"] == pytest.approx(expected, rel=0.02)
    assert found["train_loss_fixed"] == pytest.approx(found["loss"], rel=0.02)
    assert found["memorisation_gap"] == 1 - found["train_loss_fixed"] / found["loss"]
    assert abs(found["membership_auc"] - 0.5) < 4 * (1 / (6 * 200)) ** 0.5
    assert judge.measure(idle_network) == found  # the same rows, noise and times again


def test_a_network_that_knows_its_training_rows_is_found_out():
    """It answers with the nearest training row: right for those, wrong for the others."""
    data = torch.randn(300, 40, 5, generator=torch.Generator().manual_seed(0))
    is_validation = np.arange(300) % 3 == 0
    judge = wide_validation(data, is_validation)
    known = data[torch.from_numpy(~is_validation)]

    class Copier(Process):
        def predict(self, network, x_t, times, labels):
            return known[torch.cdist(x_t.flatten(1), known.flatten(1)).argmin(dim=1)]

    copier = Copier(judge.process.schedule, "x0", judge.process.mask)
    object.__setattr__(judge, "process", copier)
    found = judge.measure(None)
    assert found["membership_auc"] == 1 and found["memorisation_gap"] > 0.3


def test_validation_is_a_tenth_of_training_but_never_rare():
    data = torch.zeros(300, 40, 5)
    judge = wide_validation(data, np.arange(300) % 3 == 0)
    passes = 2 * DRAWS + 2 * (100 + 200)
    assert judge.validations_apart(n_train=passes * 5, epochs=600) == 1
    assert judge.validations_apart(n_train=passes, epochs=600) == 5
    assert judge.validations_apart(n_train=passes, epochs=24) == 2
    assert judge.validations_apart(n_train=10, epochs=5) == 1


# --- training


def test_what_validation_finds_is_in_the_log_table_and_the_checkpoint(cohort, tmp_path):
    result = train(cohort, tmp_path / "g", log_path=tmp_path / "losses.tsv")
    with open(tmp_path / "losses.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    names = {"train_loss_fixed", "memorisation_gap", "membership_auc", "reconstruction_error"}
    names |= {"membership_added"}
    assert names | {"error_t0.1", "error_t0.9"} <= set(rows[0])
    assert all(float(row["membership_auc"]) <= 1 for row in rows)
    described = load_generator(tmp_path / "g").config["training"]
    best = result.history[result.best_epoch - 1]
    for name in ("membership_auc", "membership_added"):
        assert described[name] == best[name]
    assert described["membership_max"] == 1 and described["epochs"] == 3


@pytest.mark.parametrize("options", [{"time": "continuous"}, {"weighting": "min_snr"}])
@pytest.mark.parametrize("target", ["x0", "v", "eps"])
def test_continuous_time_and_min_snr_train_and_are_another_run(cohort, tmp_path, options, target):
    plain = train(cohort, tmp_path / "plain", target=target)
    other = train(cohort, tmp_path / "other", target=target, **options)
    losses = [[row["train_loss"] for row in each.history] for each in (plain, other)]
    assert np.isfinite(losses).all() and losses[0] != losses[1]
    assert losses[1][-1] < 2 * losses[1][0]
    config = load_generator(tmp_path / "other").config
    assert all(config[name] == value for name, value in options.items())


def test_two_processes_train_one_generator_and_write_its_checkpoint_once(cohort, tmp_path):
    files = {"log_path": tmp_path / "losses.tsv", "state_path": tmp_path / "state.pt"}
    options = cohort | RECIPE | files | {"checkpoint_seconds": 0}
    result = run_together(
        train_diffusion, processes=2, **options, checkpoint_path=tmp_path / "together"
    )
    assert result.history[-1]["device"] == "2 x cpu" and len(result.history) == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["losses.tsv", "together"]
    described = load_generator(tmp_path / "together").config
    assert described["training"]["best_loss"] == result.best_loss
    train(cohort, tmp_path / "alone")
    alone = load_generator(tmp_path / "alone").config
    outcome = ("best_loss", "membership_auc", "membership_added")
    found = {name: described["training"].pop(name) for name in outcome}
    assert found["best_loss"] != alone["training"].pop("best_loss")  # another part, other noise
    assert all(alone["training"].pop(name) for name in outcome[1:]) and described == alone


def test_unknown_times_and_weightings_are_refused(cohort, tmp_path):
    with pytest.raises(InputError, match="time 'real' is unknown; use one of discrete, contin"):
        train(cohort, tmp_path / "g", time="real")
    with pytest.raises(InputError, match="weighting 'snr' is unknown; use one of uniform, min"):
        train(cohort, tmp_path / "g", weighting="snr")


# --- latents that stay on disk


def test_files_are_read_like_the_array_they_make_up(cohort):
    files = LatentFiles(cohort["latents_paths"], cohort["masks"])
    latents, mask = read_latents(cohort["latents_paths"], cohort["masks"])
    assert len(files) == 400 and files.n_bytes == latents.nbytes
    np.testing.assert_array_equal(mask, MASK)
    for rows in (slice(3, 9), np.array([5, 2, 399, 5])):
        np.testing.assert_array_equal(files[rows], latents[rows])
    np.testing.assert_array_equal(latents[:, 2:], np.load(cohort["latents_paths"][1]))


def test_rows_from_disk_are_the_very_numbers_of_those_in_memory(cohort):
    files, labels = LatentFiles(cohort["latents_paths"], cohort["masks"]), cohort["labels"]
    options = {"n_classes": 3, "residual_from_class_mean": True, "scaling": "unit"}
    fitted = fit_normalisation(files, labels, MASK, **options)
    latents = files[:]
    np.testing.assert_array_equal(
        fit_normalisation(latents, labels, MASK, **options).center, fitted.center
    )
    fitted.apply(latents, labels)
    tensors = (torch.from_numpy(each) for each in (labels, fitted.center, fitted.scale))
    rows = torch.tensor([7, 3, 398, 3, 0])
    assert torch.equal(MappedRows(files, *tensors)[rows], torch.from_numpy(latents)[rows])


def test_normalisation_of_some_rows_is_that_of_these_rows_alone(cohort):
    latents, labels = read_latents(cohort["latents_paths"], cohort["masks"])[0], cohort["labels"]
    rows = np.flatnonzero(~cohort["is_validation"])
    options = {"n_classes": 3, "residual_from_class_mean": True, "scaling": "global"}
    found = fit_normalisation(latents, labels, MASK, **options, rows=rows)
    alone = fit_normalisation(latents[rows], labels[rows], MASK, **options)
    np.testing.assert_array_equal(found.center, alone.center)
    np.testing.assert_array_equal(found.scale, alone.scale)
    for label in range(3):
        mean = latents[rows][labels[rows] == label].mean(axis=0, dtype=np.float64)
        np.testing.assert_allclose(found.center[label], mean, rtol=1e-6)


def test_training_from_disk_gives_the_very_same_checkpoint(cohort, tmp_path, caplog):
    train(cohort, tmp_path / "memory", ema_decay=0.9)
    with caplog.at_level(logging.INFO):
        train(cohort, tmp_path / "disk", ema_decay=0.9, max_resident_bytes=0)
    assert "the latents stay on disk" in caplog.text
    assert (tmp_path / "memory").read_bytes() == (tmp_path / "disk").read_bytes()
