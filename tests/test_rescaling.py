"""Rescaled predictions: slopes in closed form, files, and a network that predicts too much or too little."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from latent_cohorts import CLASSES, MASK, RECIPE, encoded, make_cohort, train_diffusion

from syncohort.cohort.synthetic_people import synthetic_ids
from syncohort.diffusion import rescaling
from syncohort.diffusion.model import load_generator
from syncohort.diffusion.rescaling import (
    LARGEST_SLOPE,
    Rescaling,
    fit_rescaling,
    in_windows,
    shrunk_slopes,
)
from syncohort.errors import InputError
from syncohort.genotypes import People
from syncohort.synthesis.sampling import sample_shard

SHAPE = tuple(MASK.shape)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A generator trained briefly, and the latents it was trained with."""
    folder = tmp_path_factory.mktemp("rescaled")
    cohort = make_cohort(folder)
    train_diffusion(**cohort, **RECIPE | {"epochs": 6}, checkpoint_path=folder / "g.safetensors")
    return load_generator(folder / "g.safetensors"), encoded(*cohort.values())


def random_rescaling(n_blocks=5, n_channels=3, blocks=2, n_axes=4) -> Rescaling:
    rng = np.random.default_rng(0)
    n_windows, size = -(-n_blocks // blocks), blocks * n_channels
    square = rng.standard_normal((n_windows, size, size))
    axes = np.linalg.qr(square)[0].transpose(0, 2, 1)[:, :n_axes].astype(np.float32)
    bands, times = torch.tensor([0, 0, 1, 1]), torch.tensor([1.0, 10.0, 100.0])
    slopes = torch.tensor([[1.0, 1.0, 1.0], [1.1, 0.8, 0.5], [0.9, 0.4, 0.0]])
    return Rescaling(torch.from_numpy(axes), bands, times, slopes)


def test_predictions_are_scaled_as_by_plain_projections():
    given = random_rescaling()
    x0 = torch.randn(7, 5, 3, generator=torch.Generator().manual_seed(1))
    windows = torch.nn.functional.pad(x0.reshape(7, -1), (0, 3)).reshape(7, 3, 6)
    for t, (first, second, rest) in (
        (10, (1.1, 0.8, 0.5)),
        (55, (1.0, 0.6, 0.25)),
        (200, (0.9, 0.4, 0)),
    ):
        expected = torch.zeros_like(windows)
        for window in range(3):
            part, left = windows[:, window], windows[:, window].clone()
            for axis, slope in zip(given.axes[window], (first, first, second, second), strict=True):
                along = (part @ axis)[:, None] * axis
                expected[:, window] += slope * along
                left -= along
            expected[:, window] += rest * left
        expected = expected.reshape(7, -1)[:, :15].reshape(7, 5, 3)
        torch.testing.assert_close(given(x0, t), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(given(x0, 1), x0)


def test_slopes_undo_what_a_network_predicts_too_much_or_too_little(trained, monkeypatch):
    """Predictions of a known posterior mean, wrong by known factors along known axes.

    x_0 of independent Gaussians of variance v has the mean a v x_t / (a^2 v + s^2) given x_t.
    """
    generator, people = trained
    monkeypatch.setattr(rescaling, "NUMBERS_PER_AXIS", 3)
    factors = {"lead": 0.8, "rest": 2.0}

    class Exact(rescaling._Rows):
        def predicted(self, x0, rows, t, noise):
            signal, sigma = self._process.levels(torch.tensor([t]))
            variance = x0_of_all.var(dim=0)
            x_t = signal * x0 + sigma * self._process.draw_noise(len(x0), noise)
            mean = signal * variance * x_t / (signal**2 * variance + sigma**2).clamp(min=1e-9)
            along = torch.einsum("nwd,wad->nwa", in_windows(mean, axes.shape[2]), axes)
            lead = torch.einsum("nwa,wad->nwd", along, axes).flatten(1)
            lead = lead[:, : mean[0].numel()].view_as(mean)
            return factors["lead"] * lead + factors["rest"] * (mean - lead)

    everybody = np.arange(len(people.rows))
    x0_of_all = rescaling._Rows(generator, people, None, torch.device("cpu")).x0(everybody)[0]
    axes = fit_rescaling(generator, people, scores=None, seed=1).axes
    assert axes.shape[1] == int(MASK.sum() / 3)
    monkeypatch.setattr(rescaling, "_Rows", Exact)
    monkeypatch.setattr(rescaling, "DRAWS", 20_000)
    found = fit_rescaling(generator, people, scores=None, seed=1)
    wanted = torch.full_like(found.slopes, 1 / factors["lead"])
    wanted[:, -1] = 1 / factors["rest"]
    low_noise = found.times < 0.5 * RECIPE["n_steps"]
    used = [*found.bands.unique().tolist(), -1]  # of so few axes bands are empty
    of_used = (each[low_noise][:, used] for each in (found.slopes, wanted))
    torch.testing.assert_close(*of_used, atol=0.05, rtol=0)
    assert (found.slopes <= LARGEST_SLOPE).all()


def test_the_one_copy_of_a_man_counts_once(trained, monkeypatch):
    generator, people = trained
    n_rows = len(people.rows)
    is_second = np.arange(n_rows) % 3 == 0
    one_copy = [np.ones(len(people.masks[0]), bool), np.zeros(len(people.masks[1]), bool)]
    with_x = replace(people, rows=replace(people.rows, is_second=is_second), male_haploid=one_copy)

    class WrongOfSecondRows(rescaling._Rows):
        def predicted(self, x0, rows, t, noise):
            again = torch.from_numpy(is_second[rows])[:, None] & torch.from_numpy(with_x.one_copy)
            return x0 * torch.where(again, 3.0, 0.9)[..., None]

    monkeypatch.setattr(rescaling, "_Rows", WrongOfSecondRows)
    found = fit_rescaling(generator, with_x, scores=None, seed=1)
    used = [*found.bands.unique().tolist(), -1]
    wanted = torch.full((len(found.times), len(used)), 1 / 0.9)
    torch.testing.assert_close(found.slopes[:, used], wanted)


def test_a_slope_of_few_rows_is_near_1_and_that_of_many_is_kept():
    """A true slope of .7 with noise of .3 a row: 1 is left of what a row alone says, .7 of thousands."""
    rng = torch.Generator().manual_seed(4)
    draws = 8  # of each row, which say the same
    found = {}
    for n_rows in (1, 4, 4_000):
        row = torch.arange(n_rows).repeat_interleave(draws)
        squares = torch.ones(n_rows * draws, 200, dtype=torch.float64)
        own = 0.7 + 0.3 * torch.randn(n_rows, 200, dtype=torch.float64, generator=rng)
        found[n_rows] = shrunk_slopes(own[row], squares, row)
        plain = own.mean(dim=0)
        if n_rows > 1:  # the textbook's, row by row
            variance = own.var(dim=0) / n_rows
            kept = (1 - variance / (plain - 1) ** 2).clamp(min=0)
            torch.testing.assert_close(found[n_rows], 1 + kept * (plain - 1))
    assert (found[1] == 1).all()
    assert (found[4] - 0.7).square().mean() < 0.3**2 and (found[4] > 0.99).any()
    torch.testing.assert_close(found[4_000].mean(), torch.tensor(0.7).double(), atol=0.01, rtol=0)
    nothing = torch.zeros(6, 1, dtype=torch.float64)
    assert shrunk_slopes(nothing, nothing, torch.arange(6)).tolist() == [1]


def test_holdout_rows_do_not_matter_and_the_axes_are_those_of_training_rows(trained):
    generator, people = trained
    found = fit_rescaling(generator, people, scores=None, seed=3)
    window = found.axes[0]
    torch.testing.assert_close(window @ window.T, torch.eye(len(window)), atol=1e-4, rtol=0)
    padded = ~in_windows(torch.from_numpy(MASK)[None].float(), window.shape[1])[0, 0].bool()
    assert window[:, padded].abs().max() < 1e-5
    rows = rescaling._Rows(generator, people, None, torch.device("cpu"))
    training = rows.x0(np.flatnonzero(~people.rows.is_validation))[0].flatten(1)
    largest = torch.linalg.svd(training, full_matrices=False)[1][0] ** 2
    along = (training @ window[0, : training.shape[1]]).square().sum()
    torch.testing.assert_close(along, largest, rtol=1e-3, atol=0)


def test_what_is_padded_stays_0_where_the_last_window_has_fewer_numbers_than_axes(
    trained, monkeypatch
):
    monkeypatch.setattr(rescaling, "WINDOW_BLOCKS", 4)  # of 5, the last with one number
    monkeypatch.setattr(rescaling, "NUMBERS_PER_AXIS", 2)
    found = fit_rescaling(*trained, scores=None, seed=3)
    assert found.axes.shape[:2] == (2, 2)
    found.slopes.copy_(torch.linspace(0.2, 1.2, found.slopes.numel()).view_as(found.slopes))
    mask = torch.from_numpy(MASK)
    x0 = torch.randn(9, *SHAPE, generator=torch.Generator().manual_seed(2)) * mask
    scaled = found(x0, 50)
    assert not scaled[:, ~mask].any() and (scaled - x0)[:, mask].abs().min() > 0


def test_a_rescaled_shard_is_drawn_from_the_file_of_its_network(trained, tmp_path):
    generator, people = trained
    generator.save(tmp_path / "g.safetensors")
    fit_rescaling(generator, people, scores=None, seed=3).save(tmp_path / "r.npz")
    drawn = {}
    sample = People(synthetic_ids(40), np.array(CLASSES * 20, dtype=object), [""] * 40)
    for slope in (None, 1, 0.5):
        if slope is not None:
            changed = Rescaling.load(tmp_path / "r.npz", SHAPE)
            changed.slopes.fill_(slope)
            changed.save(tmp_path / f"{slope}.npz")
        sample_shard(
            tmp_path / "g.safetensors",
            sample,
            tmp_path / "out.npy",
            mode="genotype",
            n_shards=1,
            shard=0,
            seed=5,
            device="cpu",
            sampler="sde_dpm2m",
            steps=10,
            rescaling=None if slope is None else tmp_path / f"{slope}.npz",
        )
        drawn[slope] = np.load(tmp_path / "out.npy")
    np.testing.assert_allclose(drawn[1], drawn[None], atol=1e-3)
    spread = {slope: latents[::2].std(axis=0)[MASK].mean() for slope, latents in drawn.items()}
    assert spread[0.5] < 0.8 * spread[1]
    assert not drawn[0.5][:, ~MASK].any()


def test_the_rescaling_of_another_network_and_people_without_validation_are_refused(
    trained, tmp_path
):
    generator, people = trained
    random_rescaling().save(tmp_path / "r.npz")
    with pytest.raises(InputError, match="rescales 3 windows of 6 numbers, the network has 1 of"):
        Rescaling.load(tmp_path / "r.npz", SHAPE)
    people.rows.is_validation[:] = False
    with pytest.raises(InputError, match="no validation people, by whom sampling.rescaled goes"):
        fit_rescaling(generator, people, scores=None, seed=3)
