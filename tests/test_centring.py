"""Predictions of a label are kept at its training mean: closed forms, and what sampling does."""

import numpy as np
import pytest
import torch
from latent_cohorts import CLASSES, MASK, MEAN, RECIPE, SD, make_cohort, train_diffusion

from syncohort.config.study import parse_config
from syncohort.diffusion.centring import Centring
from syncohort.diffusion.guidance import ROWS_AT_ONCE, conditional_denoiser
from syncohort.diffusion.model import load_generator
from syncohort.diffusion.process import Process
from syncohort.diffusion.samplers import find_sampler, sampling_times
from syncohort.diffusion.schedules import make_schedule
from syncohort.errors import InputError
from syncohort.generators.noise import RowNoise
from syncohort.genotypes import People
from syncohort.synthesis.recentring import Recentring, recentring_of
from syncohort.synthesis.sampling import sample_shard

LABEL_ROWS = [30.0, 10.0, 5.0]


def predictions(labels, off):
    """x_0 [N, 2, 3] of unit variance, off by `off` [C] at every position."""
    noise = torch.randn(len(labels), 2, 3, generator=torch.Generator().manual_seed(1))
    return noise + off[labels][:, None, None]


def test_a_label_loses_the_share_of_its_mean_that_its_rows_are_of_all_rows():
    labels = torch.tensor([0] * 90 + [1] * 10)
    x0 = predictions(labels, torch.tensor([2.0, -1.0, 0.0]))
    centred = Centring(labels, LABEL_ROWS)(x0)
    for label, share in ((0, 90 / (90 + 30)), (1, 10 / (10 + 10))):
        own = labels == label
        expected = x0[own] - share * x0[own].mean(dim=0)
        torch.testing.assert_close(centred[own], expected, atol=1e-5, rtol=0)


def test_few_rows_keep_their_chance_and_many_lose_the_error():
    few = Centring(torch.tensor([0]), LABEL_ROWS)
    x0 = torch.ones(1, 2, 3)
    torch.testing.assert_close(few(x0), x0 * 30 / 31)
    many = torch.zeros(30_000, dtype=torch.long)
    left = Centring(many, LABEL_ROWS)(predictions(many, torch.tensor([2.0, 0, 0]))).mean(dim=0)
    assert left.abs().max() < 0.01


def test_values_are_a_ridge_regression_on_the_shares_of_anchors():
    labels = torch.linspace(0, 2, 40)
    x0 = predictions(torch.zeros(40, dtype=torch.long), torch.tensor([0.7, 0, 0]))
    rows = [9.0, 4.0, 1.0]
    shares = np.maximum(0, 1 - np.abs(labels.numpy()[:, None] - np.arange(3)))
    # ridge regression by least squares on rows added for the penalty
    more, nothing = np.diag(np.sqrt(rows)), np.zeros((3, 6))
    design = np.concatenate([shares, more])
    target = np.concatenate([x0.flatten(1).numpy(), nothing])
    coefficients = np.linalg.lstsq(design, target)[0]
    expected = x0.flatten(1).numpy() - shares @ coefficients
    np.testing.assert_allclose(Centring(labels, rows)(x0).flatten(1), expected, atol=1e-5)


def test_it_computes_in_full_precision_under_autocast():
    labels = torch.zeros(500, dtype=torch.long)
    x0 = predictions(labels, torch.tensor([100.0, 0, 0]))
    centre = Centring(labels, LABEL_ROWS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(centre(x0), centre(x0.clone()), atol=0, rtol=0)
        found = centre(x0)
    torch.testing.assert_close(found, centre(x0))


def off_network(x, t_fraction, label, residual=True):
    """A network that is off: it predicts x_0 around .4 for label 0 and -.2 for label 1."""
    return 0.3 * x + torch.tensor([0.4, -0.2, 9.0])[label][:, None, None]


@pytest.mark.parametrize("sampler", ["ancestral", "sde_dpm2m"])
def test_sampling_with_a_network_that_is_off_ends_at_the_labels_mean(sampler):
    mask = torch.tensor([[True, True], [True, False]])
    process = Process(make_schedule("cosine", 100), "x0", mask)
    labels = torch.arange(2 * ROWS_AT_ONCE + 100) % 2  # in three parts

    def mean_of(centre):
        denoise = conditional_denoiser(
            process, off_network, labels, guidance_scale=1, null_label=2, centre=centre
        )
        noise = RowNoise(3, 0, len(labels), mask)
        x0 = find_sampler(sampler)(
            denoise, noise(), process.schedule, sampling_times(process.schedule, 20), noise
        )
        return torch.stack([x0[labels == label].mean(dim=0)[mask] for label in (0, 1)])

    off = mean_of(None)
    assert off[0].min() > 0.3 and off[1].max() < -0.1
    assert mean_of(Centring(labels, [1.0, 1.0])).abs().max() < 0.05


def test_centring_leaves_what_guidance_adds():
    mask = torch.ones(2, 3, dtype=torch.bool)
    process, labels = Process(make_schedule("cosine", 100), "x0", mask), torch.zeros(8).long()
    x, centre = torch.zeros(8, 2, 3), Centring(labels, [0.0])
    denoise = conditional_denoiser(
        process, off_network, labels, guidance_scale=3, null_label=2, centre=centre
    )
    # null + 3 (conditional - null), of which the conditional alone is centred
    torch.testing.assert_close(denoise(x, 50), torch.full_like(x, 9.0 + 3 * (0 - 9.0)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A generator of the class-mean residual, trained too briefly to be right."""
    folder = tmp_path_factory.mktemp("centred")
    cohort = make_cohort(folder)
    recipe = RECIPE | {"epochs": 3, "checkpoint_path": folder / "g.safetensors"}
    train_diffusion(**cohort, **recipe)
    return folder / "g.safetensors", cohort


OPTIONS = {"sampler": "sde_dpm2m", "steps": 20, "seed": 5, "device": "cpu", "centred": True}


def test_a_trained_generator_draws_its_labels_means(trained):
    path, cohort = trained
    generator = load_generator(path)
    train = ~cohort["is_validation"]
    expected = [(cohort["labels"][train] == label).sum() for label in (0, 1)]
    assert generator.config["label_rows"] == expected
    labels = np.arange(4_000) % 2
    latents = generator.sample(labels, **OPTIONS)
    for label in (0, 1):
        off = np.abs(latents[labels == label].mean(axis=0) - MEAN[label])[MASK]
        assert (off < 4 * SD[MASK] / 375**0.5).all()  # as the training rows' own means are


def off_centre(latents, labels):
    """Root mean square over positions of what the labels' means are off by, in sds."""
    off = [(latents[labels == k].mean(axis=0) - MEAN[k])[MASK] / SD[MASK] for k in (0, 1)]
    return np.sqrt(np.mean(np.square(off)))


@pytest.mark.parametrize("batch_size", [20, 100])
def test_few_rows_drawn_together_end_about_as_near_their_means_as_all_together(trained, batch_size):
    """A width at which 20 rows fit in a batch, one at which 100 do, and one for all 2,000."""
    generator = load_generator(trained[0])
    labels = np.arange(2_000) % 2
    together = off_centre(generator.sample(labels, **OPTIONS, batch_size=2_000), labels)
    latents = generator.sample(labels, **OPTIONS, batch_size=batch_size)
    shares = np.eye(2)[labels]
    centre = Recentring.of(
        generator.normalisation.center, shares, generator.config["label_rows"], batch_size
    )
    halves = (slice(0, 700), slice(700, 2_000))
    shift = centre.shift(((rows, latents[rows]) for rows in halves), slice(None))
    mended = np.concatenate([centre.apply(latents[rows], rows, shift) for rows in halves])
    before, after = off_centre(latents, labels), off_centre(mended, labels)
    assert before > 1.2 * together and after < 0.75 * before and after < 1.5 * together
    few = slice(1, 3)  # some positions by themselves
    alone = centre.shift(iter([(slice(0, 2_000), latents[:, few])]), few)
    np.testing.assert_allclose(alone, shift[:, few], atol=1e-4)


def test_everybody_drawn_together_has_no_second_pass(tmp_path, trained):
    assert Recentring.of(np.zeros((2, 1, 1)), np.eye(2)[[0, 1, 1]], [5, 5], 3) is None
    labels = np.array(CLASSES * 3, dtype=object)
    people = People([f"S{i}" for i in range(6)], labels, [""] * 6)
    assert recentring_of(trained[0], people, "haplotype") is None


def test_the_second_pass_of_values_is_that_of_their_anchors():
    """Rows half way between two anchors that are off by 2 and by 0 are off by 1."""
    place = np.linspace(0, 1, 11).repeat(50)
    shares = np.stack([1 - place, place], axis=1)
    latents = (2 * shares[:, 0])[:, None, None].astype(np.float32)
    centre = Recentring.of(np.zeros((2, 1, 1), np.float32), shares, [1e-6, 1e-6], 55)
    shift = centre.shift(iter([(slice(0, 550), latents)]), slice(None))
    np.testing.assert_allclose(shift[:, 0, 0], [0.9 * 2, 0], atol=1e-3)


def test_shards_of_a_centred_cohort_are_the_same_as_the_whole(trained, tmp_path):
    path, _ = trained
    labels = np.array(CLASSES * 50, dtype=object)
    people = People([f"S{i}" for i in range(100)], labels, [""] * 100)
    options = OPTIONS | {"mode": "haplotype", "batch_size": 40}
    found = []
    for n_shards in (1, 3):
        paths = [tmp_path / f"{n_shards}_{shard}.npy" for shard in range(n_shards)]
        for shard, out in enumerate(paths):
            sample_shard(path, people, out, n_shards=n_shards, shard=shard, **options)
        found.append(np.concatenate([np.load(out) for out in paths]))
    np.testing.assert_array_equal(*found)


def test_centring_without_labels_means_is_refused(trained, tmp_path):
    _, cohort = trained
    recipe = RECIPE | {"epochs": 1, "residual_from_class_mean": False}
    train_diffusion(**cohort, **recipe, checkpoint_path=tmp_path / "g")
    with pytest.raises(InputError, match="trained with residual_from_class_mean"):
        load_generator(tmp_path / "g").sample(np.zeros(2, dtype=np.int64), **OPTIONS)
    generator = {"diffusion": {"residual_from_class_mean": False}}
    with pytest.raises(InputError, match="sampling.centred needs diffusion.residual_from_class"):
        parse_config({"generators": {"own": generator}})


def test_batches_hold_as_many_rows_as_memory_allows(trained):
    generator = load_generator(trained[0])
    assert generator.batch_rows == (1 << 26) // MASK.size // 2 * 2
    generator.mask = torch.ones(26_624, 8, dtype=torch.bool)  # a whole genome
    assert generator.batch_rows == 314
    generator.mask = torch.ones(100_000, 8, dtype=torch.bool)
    assert generator.batch_rows == 256
