"""SNPgen's denoiser: label and place; its sampler is Euler's method."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from conftest import REPOSITORY
from latent_cohorts import train_diffusion

from syncohort.config.study import parse_config
from syncohort.diffusion.denoisers import build_denoiser, count_flops
from syncohort.diffusion.denoisers.latent_unet import TokenAttention
from syncohort.diffusion.samplers import ddim, sampling_times
from syncohort.diffusion.schedules import make_schedule
from syncohort.synthesis.sampling import load_latent_generator

SIZE = 128  # positions of the paper's latents, of one channel
PAPER = {"base_width": 64, "multipliers": [1, 2, 4], "blocks_per_level": 2, "label_width": 128}


def build(length=SIZE, channels=1, n_classes=2, seed=1, **options):
    mask = torch.ones(length, channels, dtype=torch.bool)
    return build_denoiser("latent_unet", mask, n_classes, seed=seed, **(PAPER | options)), mask


def stirred(network):
    """All weights drawn at random: some start at 0."""
    with torch.no_grad():
        for i, each in enumerate(network.parameters()):
            each.normal_(std=0.1, generator=torch.Generator().manual_seed(i))
    return network.eval()


def inputs(mask, n_rows=6):
    x = torch.randn(n_rows, *mask.shape, generator=torch.Generator().manual_seed(0)) * mask
    return x, torch.linspace(0.01, 1, n_rows), torch.arange(n_rows) % 3


def test_flops_grow_with_the_length():
    """Linearly, but for the products of self-attention, 4 L^2 W each, and what is done once a row."""
    short, long = (count_flops(*build(length), 2) for length in (128, 256))
    levels = [(5, 1, 64), (5, 2, 128), (6, 4, 256)]  # transformers, shortening, channels
    products = sum(4 * n * (128 // by) ** 2 * width for n, by, width in levels)
    widths = sum(n * width for n, _, width in levels)
    of_the_label = 2 * 128 * widths  # keys and values
    of_the_time = 64 * 256 + 256**2 + 256 * (widths + 256)  # one residual block has no transformer
    once = 2 * (of_the_time + of_the_label)
    assert 1e9 * (long - 2 * short) == pytest.approx(2 * products - once)


def test_over_one_token_attention_is_its_projection():
    """softmax of one number is 1; over two tokens the positions differ."""
    attention = stirred(TokenAttention(64, 16, 16))
    with torch.no_grad():
        attention.query.weight *= 10
    h = torch.randn(3, 9, 64, generator=torch.Generator().manual_seed(1))
    tokens = torch.randn(3, 2, 16, generator=torch.Generator().manual_seed(2))
    one = attention(h, tokens[:, :1])
    expected = attention.leave(attention.value(tokens[:, 0]))[:, None]
    torch.testing.assert_close(one, expected.expand_as(one), rtol=1e-4, atol=1e-5)
    assert attention(h, tokens).std(dim=1).min() > 1e-3


def test_only_the_questions_to_the_one_token_learn_nothing():
    network = stirred(build(length=16)[0]).double()
    x, fraction, label = inputs(torch.ones(16, 1, dtype=torch.bool))
    network(x.double(), fraction.double(), label).square().sum().backward()
    gradients = {name: each.grad.abs().max() for name, each in network.named_parameters()}
    idle = {name for name, each in gradients.items() if each < 1e-10 * max(gradients.values())}
    asking = ("label.query.weight", "label.key.weight", "label_norm.")
    assert idle == {name for name in gradients if any(part in name for part in asking)}


# --- Euler


def test_ddim_is_eulers_method_in_sigma():
    """d(x / sqrt(alpha_bar)) / d sigma = eps (Song et al. 2021, eq. 14), the paper's 50 steps."""
    schedule = make_schedule("sqrt_linear", 1000)
    sigma = ((1 - schedule.alpha_bar) / schedule.alpha_bar).sqrt().tolist()
    signal = schedule.alpha_bar.sqrt().tolist()

    def denoise(x, t):  # the posterior mean for data N(0.3, 0.5^2)
        noise = sigma[t] ** 2
        return (0.25 * x / signal[t] + 0.3 * noise) / (0.25 + noise)

    start = torch.randn(5, 4, 1, generator=torch.Generator().manual_seed(0)).double()
    found = ddim(denoise, start, schedule, sampling_times(schedule, 50), None)
    times = list(range(1000, -1, -20))
    x = start / signal[1000]
    for t, s in pairwise(times):
        eps = (x - denoise(x * signal[t], t)) / sigma[t]
        x = x + (sigma[s] - sigma[t]) * eps
    torch.testing.assert_close(found, x * signal[0])


def test_ddim_agrees_with_the_euler_scheduler_of_diffusers():
    diffusers = pytest.importorskip("diffusers", reason="diffusers has Euler's method")
    setting = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    scheduler = diffusers.EulerDiscreteScheduler(**setting, timestep_spacing="trailing")
    scheduler.set_timesteps(50)
    schedule = make_schedule("sqrt_linear", 1000)
    signal = schedule.alpha_bar.sqrt().tolist()
    sigma = (1 - schedule.alpha_bar).sqrt().tolist()

    def eps_of(x, t):  # any network
        return torch.tanh(x) * (0.5 + t / 2000)

    def denoise(x, t):
        return (x - sigma[t] * eps_of(x, t)) / signal[t]

    start = torch.randn(5, 4, 1, generator=torch.Generator().manual_seed(0))
    found = ddim(denoise, start, schedule, sampling_times(schedule, 50), None)
    x = start / signal[1000]
    for step in scheduler.timesteps:
        t = int(step) + 1  # they count steps from 0
        shown = scheduler.scale_model_input(x, step)
        x = scheduler.step(eps_of(shown, t), step, x).prev_sample
    torch.testing.assert_close(found, x, rtol=1e-3, atol=1e-4)


# --- presets


@pytest.mark.parametrize("preset", ["snpgen", "snpgen_paper"])
def test_presets_are_whole_configurations(preset):
    study = parse_config({"mode": "genotype", "generators": {"g": {"preset": preset}}})
    generator = study.generators["g"]
    assert study.representations[generator.representation].kind == "snp_vae"
    if preset == "snpgen_paper":
        assert generator.denoiser.kind == "latent_unet"
        assert (generator.sampling.sampler, generator.sampling.steps) == ("ddim", 50)
        assert generator.sampling.guidance_scale == 5 and generator.decoding.rule == "argmax"
        assert generator.diffusion.label_dropout == 0.2 and generator.diffusion.n_steps == 1000


# --- the checkpoint holds all that generation needs

SAMPLE = """
import sys
import numpy as np
from syncohort.synthesis.sampling import load_latent_generator
from syncohort.genotypes import People
path, out = sys.argv[1:]
generator = load_latent_generator(path)
people = People([f"p{i}" for i in range(12)], ["case", "control"] * 6, [""] * 12)
options = {"sampler": "ddim", "steps": 5, "guidance_scale": 3.0, "seed": 4, "device": "cpu"}
np.save(out, generator.sample(generator.conditions(people), **options))
"""


def test_a_fresh_process_draws_the_same_cohort_and_knows_the_labels(tmp_path):
    """The label embedding is in the checkpoint: docs/methods.md 2, the trap of the first release."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 2
    np.save(
        tmp_path / "all.npy", rng.normal(2 * labels[:, None, None], 1, (120, 12, 2)).astype("f")
    )
    train_diffusion(
        [tmp_path / "all.npy"],
        [np.ones((12, 2), dtype=bool)],
        labels,
        np.arange(120) % 5 == 0,
        ["case", "control"],
        checkpoint_path=tmp_path / "g",
        denoiser={"kind": "latent_unet", "size": "small", "multipliers": [1]},
        schedule="sqrt_linear",
        n_steps=1000,
        target="eps",
        prior_factors=None,
        scaling="unit",
        residual_from_class_mean=False,
        label_dropout=0.2,
        epochs=3,
        batch_size=32,
        learning_rate=3e-3,
        ema_decay=0.9,
        seed=2,
        device="cpu",
    )
    script = f"import sys; sys.path.insert(0, {str(REPOSITORY / 'workflow/src')!r})\n" + SAMPLE
    out = tmp_path / "fresh.npy"
    subprocess.run([sys.executable, "-c", script, tmp_path / "g", out], check=True)
    generator = load_latent_generator(tmp_path / "g")
    options = {"sampler": "ddim", "steps": 5, "guidance_scale": 3.0, "seed": 4, "device": "cpu"}
    here = generator.sample(np.arange(12) % 2, **options)
    np.testing.assert_array_equal(here, np.load(out))
    other = generator.sample((np.arange(12) + 1) % 2, **options)  # the same noise
    assert np.abs(other - here).mean() > 0.01
