"""Samplers and where their steps are, against closed forms and `diffusers`."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from processes import generator, independent_prior, make_process

from syncohort.diffusion.guidance import conditional_denoiser
from syncohort.diffusion.process import TARGETS
from syncohort.diffusion.samplers import (
    SAMPLERS,
    SPACINGS,
    ancestral,
    ddim,
    dpm2m,
    find_sampler,
    sampling_times,
    sde_dpm2m,
)
from syncohort.diffusion.schedules import SCHEDULES, Schedule, make_schedule
from syncohort.errors import InputError
from syncohort.generators.noise import RowNoise


@given(n_steps=st.integers(2, 1500), name=st.sampled_from(SCHEDULES), data=st.data())
def test_sampling_times_fall_from_T_to_zero(n_steps, name, data):
    steps = data.draw(st.integers(1, n_steps))
    schedule = make_schedule(name, n_steps)
    for spacing in SPACINGS:
        times = sampling_times(schedule, steps, spacing)
        assert times[0] == n_steps and times[-1] == 0 and len(times) == steps + 1
        assert all(t > s for t, s in pairwise(times))
    gaps = [t - s for t, s in pairwise(sampling_times(schedule, steps, "time"))]
    assert max(gaps) - min(gaps) <= 1


def test_balanced_steps_are_even_in_the_square_root_of_lambda():
    """With lambda = 6 - 12 u^2 at u = t / T a unit of time counts sqrt(24 u): even in u^1.5."""
    n_steps, steps = 5_000, 8
    u = torch.linspace(0, 1, n_steps + 1, dtype=torch.float64)
    schedule = Schedule("quadratic", torch.sigmoid(2 * (6 - 12 * u.square())))
    expected = torch.linspace(1, 0, steps + 1, dtype=torch.float64) ** (2 / 3)
    found = torch.tensor(sampling_times(schedule, steps, "balanced")) / n_steps
    torch.testing.assert_close(found, expected.float(), atol=1 / n_steps, rtol=0)


def test_balanced_steps_keep_the_variance_of_large_and_small_components():
    """40 steps of a cosine schedule, exact denoiser; standard deviations from .05 to 20."""
    schedule, kept = make_schedule("cosine", 500), {}
    for spacing in SPACINGS:
        times = sampling_times(schedule, 40, spacing)
        kept[spacing] = {
            sd: exact_moments(sde_dpm2m, schedule, times, 0, sd)[1] / sd**2
            for sd in (0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 20.0)
        }
    assert all(0.9 < share < 1.08 for share in kept["balanced"].values())
    assert kept["time"][0.05] < 0.5 and kept["time"][10.0] < 0.9 and kept["time"][20.0] < 0.7


def test_too_many_steps_and_unknown_spacings_are_refused():
    schedule = make_schedule("cosine", 80)
    with pytest.raises(InputError, match="81 sampling steps .* T = 80; use 1 to 80"):
        sampling_times(schedule, 81)
    with pytest.raises(InputError, match="'karras' is unknown; use one of balanced, time"):
        sampling_times(schedule, 8, "karras")


@pytest.mark.parametrize("name", SCHEDULES)
def test_ancestral_step_is_the_posterior(name):
    """One step against Bayes' rule: q(x_s | x_0) times q(x_t | x_s), by precisions."""
    schedule = make_schedule(name, 60)
    t, s = 60, 40  # of 60, 40, 20, 0
    alpha_bar_s, alpha = schedule.alpha_bar[s].item(), None
    alpha = schedule.alpha_bar[t].item() / alpha_bar_s
    x_t = torch.tensor([[[0.3]], [[-2.0]]], dtype=torch.float64)
    x0 = torch.tensor([[[1.1]], [[0.4]]], dtype=torch.float64)
    precision = 1 / (1 - alpha_bar_s) + alpha / (1 - alpha)
    mean = (alpha_bar_s**0.5 * x0 / (1 - alpha_bar_s) + alpha**0.5 * x_t / (1 - alpha)) / precision
    for noise in (0.0, 1.0):
        seen = {}

        def denoise(x, time, seen=seen):
            seen[time] = x
            return x0

        ancestral(
            denoise,
            x_t,
            schedule,
            sampling_times(schedule, 3),
            lambda noise=noise: torch.full_like(x_t, noise),
        )
        torch.testing.assert_close(seen[s], mean + noise * precision**-0.5)


def gaussian_denoiser(schedule: Schedule, mean: float, sd: float):
    """The exact E[x_0 | x_t] when x_0 is normal with this mean and standard deviation."""

    def denoise(x, t: int):
        alpha_bar = schedule.alpha_bar[t].item()
        gain = alpha_bar**0.5 * sd**2 / (alpha_bar * sd**2 + 1 - alpha_bar)
        return mean + gain * (x - alpha_bar**0.5 * mean)

    return denoise


def ancestral_variance(schedule: Schedule, steps: int, sd: float) -> float:
    """Exact variance of ancestral samples with that denoiser: each step is linear in x."""
    variance, alpha_bar = 1.0, schedule.alpha_bar.tolist()
    for t, s in pairwise(sampling_times(schedule, steps)):
        alpha = alpha_bar[t] / alpha_bar[s]
        gain = alpha_bar[t] ** 0.5 * sd**2 / (alpha_bar[t] * sd**2 + 1 - alpha_bar[t])
        if s == 0:
            return gain**2 * variance
        precision = 1 / (1 - alpha_bar[s]) + alpha / (1 - alpha)
        slope = alpha_bar[s] ** 0.5 / (1 - alpha_bar[s]) * gain + alpha**0.5 / (1 - alpha)
        variance = (slope / precision) ** 2 * variance + 1 / precision
    raise AssertionError


def test_ancestral_samples_have_the_mean_and_variance_of_gaussian_data():
    n_rows, schedule, mean, sd = 20_000, make_schedule("cosine", 1000), -1.3, 0.6
    noise = RowNoise(0, 0, n_rows, torch.ones(1, 1, dtype=torch.bool))
    denoise = gaussian_denoiser(schedule, mean, sd)
    x = ancestral(denoise, noise(), schedule, sampling_times(schedule, 1000), noise).double()
    assert abs(x.mean().item() - mean) < 4 * sd / n_rows**0.5
    assert x.var().item() == pytest.approx(sd**2, rel=4 * (2 / n_rows) ** 0.5)


def test_ancestral_variance_falls_short_by_order_one_in_the_steps():
    """Fewer steps lose variance, and by the amount that linear theory says."""
    n_rows, schedule, sd = 100_000, make_schedule("cosine", 4096), 1.0
    exact = {steps: ancestral_variance(schedule, steps, sd) for steps in (16, 256, 512, 1024)}
    short = [sd**2 - exact[steps] for steps in (256, 512, 1024)]
    for coarse, fine in pairwise(short):
        assert coarse / fine == pytest.approx(2, rel=0.1)
    noise = RowNoise(1, 0, n_rows, torch.ones(1, 1, dtype=torch.bool))
    x = ancestral(
        gaussian_denoiser(schedule, 0, sd), noise(), schedule, sampling_times(schedule, 16), noise
    )
    assert x.var().item() == pytest.approx(exact[16], rel=4 * (2 / n_rows) ** 0.5)
    assert exact[16] < 0.95 * sd**2


def test_ddim_approaches_the_probability_flow_map_with_order_one():
    """For Gaussian data the exact map is x_T -> sd x_T / sd_T, with sd_T that of x_T."""
    schedule, sd = make_schedule("cosine", 1 << 14), 0.5
    x = torch.tensor([[[-1.5]], [[0.4]], [[2.0]]], dtype=torch.float64)
    end = schedule.alpha_bar[-1].item()
    exact = x * sd / (end * sd**2 + 1 - end) ** 0.5
    errors = []
    for steps in (64, 128, 256, 512):
        found = ddim(
            gaussian_denoiser(schedule, 0, sd), x, schedule, sampling_times(schedule, steps), None
        )
        errors.append((found - exact).abs().max().item())
    assert errors[-1] < 0.01
    for coarse, fine in pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(1, abs=0.1)


def even_schedule(n_steps: int) -> Schedule:
    """Steps of even length in lambda, from 9 at t = 1 to -3 at t = T; 0 is as good as 1."""
    half_log_snr = torch.linspace(9, -3, n_steps, dtype=torch.float64)
    start = torch.ones(1, dtype=torch.float64)
    return Schedule("even", torch.cat([start, torch.sigmoid(2 * half_log_snr)]))


@pytest.mark.parametrize(("sampler", "order"), [(ddim, 1), (dpm2m, 2)])
@pytest.mark.parametrize("sd", [0.4, 2.0])
def test_order_of_the_deterministic_samplers(sampler, order, sd):
    """For Gaussian data the exact map is x_T - a m -> sd / sd_T (x_T - a m) + m."""
    schedule, mean = even_schedule(3 << 12), 0.7
    x = torch.tensor([[[-1.5]], [[0.4]], [[2.0]]], dtype=torch.float64)
    end = schedule.alpha_bar[-1].item()
    exact = mean + (x - end**0.5 * mean) * sd / (end * sd**2 + 1 - end) ** 0.5
    errors = []
    for steps in (96, 192, 384, 768):
        found = sampler(
            gaussian_denoiser(schedule, mean, sd),
            x,
            schedule,
            sampling_times(schedule, steps),
            None,
        )
        errors.append((found - exact).abs().max().item())
    assert errors[-1] < 0.02 / 10 ** (order - 1)
    for coarse, fine in pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.15)


def exact_moments(sampler, schedule: Schedule, times: list[int], mean: float, sd: float):
    """Mean and variance of the samples: each is mean + a sum of independent normals.

    Its weights are found by sampling unit vectors in place of the normals.
    """
    unit = torch.eye(len(times), dtype=torch.float64)[:, None, None]  # [times, 1, 1, normals]
    draws = iter(unit)
    weights = sampler(
        gaussian_denoiser(schedule, 0, sd), next(draws), schedule, times, draws.__next__
    )
    nothing = torch.zeros(1, 1, 1, dtype=torch.float64)
    shift = sampler(
        gaussian_denoiser(schedule, mean, sd), nothing, schedule, times, lambda: nothing
    )
    return shift.item(), weights.square().sum().item()


@pytest.mark.parametrize(("sampler", "order"), [(ancestral, 1), (sde_dpm2m, 2)])
def test_order_of_the_stochastic_samplers_in_the_variance(sampler, order):
    schedule, sd = even_schedule(3 << 12), 0.6
    x_end = schedule.alpha_bar[-1].item() * sd**2 + 1 - schedule.alpha_bar[-1].item()
    assert x_end == pytest.approx(1, abs=2e-3)  # the standard normal start is good enough
    errors = []
    for steps in (96, 192, 384):
        _, variance = exact_moments(sampler, schedule, sampling_times(schedule, steps), 0, sd)
        errors.append(abs(variance - sd**2))
    assert errors[-1] < 0.05 / 10 ** (order - 1)
    for coarse, fine in pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.2)


def test_the_stochastic_solver_has_the_mean_and_variance_of_gaussian_data():
    n_rows, schedule, mean, sd = 20_000, make_schedule("cosine", 1000), -1.3, 0.6
    noise = RowNoise(0, 0, n_rows, torch.ones(1, 1, dtype=torch.bool))
    denoise = gaussian_denoiser(schedule, mean, sd)
    x = sde_dpm2m(denoise, noise(), schedule, sampling_times(schedule, 250), noise).double()
    assert abs(x.mean().item() - mean) < 4 * sd / n_rows**0.5
    assert x.var().item() == pytest.approx(sd**2, rel=4 * (2 / n_rows) ** 0.5)
    # at the steps of a quick run it is nearer than the ancestral sampler
    errors = {
        sampler: abs(
            exact_moments(sampler, schedule, sampling_times(schedule, 40), mean, sd)[1] - sd**2
        )
        for sampler in (ancestral, sde_dpm2m)
    }
    assert errors[sde_dpm2m] < 0.5 * errors[ancestral]


def test_solvers_of_second_order_start_and_end_like_those_of_first_order():
    """With two steps there is nothing to extrapolate: before the first, and to t = 0."""
    schedule, x = make_schedule("cosine", 100), torch.randn(4, 3, 2, generator=generator())
    denoise = gaussian_denoiser(schedule, 0.3, 0.5)
    assert torch.equal(
        dpm2m(denoise, x, schedule, sampling_times(schedule, 2), None),
        ddim(denoise, x, schedule, sampling_times(schedule, 2), None),
    )
    noise = lambda: torch.ones_like(x)
    other = ancestral(denoise, x, schedule, sampling_times(schedule, 2), noise)
    assert torch.equal(sde_dpm2m(denoise, x, schedule, sampling_times(schedule, 2), noise), other)


def test_an_unknown_sampler_is_refused():
    with pytest.raises(InputError, match="'euler' is unknown; use one of ancestral, ddim, dpm2m"):
        find_sampler("euler")


@pytest.mark.parametrize("schedule_name", SCHEDULES)
def test_samplers_of_second_order_agree_with_diffusers(schedule_name):
    """Given our alpha_bar, at 25 steps, deterministic and with the same normals."""
    diffusers = pytest.importorskip("diffusers", reason="diffusers checks the samplers")
    schedule = make_schedule(schedule_name, 1000)
    beta = 1 - schedule.alpha_bar[1:] / schedule.alpha_bar[:-1]
    start = torch.randn((6, 3, 2), generator=generator(1))

    def x0_of(x, t):
        return torch.tanh(x) * (1 - t / 2000)

    def theirs(kind, draw_noise):
        scheduler = diffusers.DPMSolverMultistepScheduler(
            trained_betas=beta.tolist(),
            algorithm_type=kind,
            prediction_type="sample",
            timestep_spacing="trailing",
            final_sigmas_type="zero",
        )
        scheduler.set_timesteps(25)
        x = start
        for time in scheduler.timesteps:
            out = x0_of(x, int(time) + 1)
            x = scheduler.step(out, time, x, variance_noise=draw_noise()).prev_sample
        return x

    def normals():
        source = generator(2)
        return lambda: torch.randn(start.shape, generator=source)

    close = {"atol": 1e-4, "rtol": 1e-4}
    found = dpm2m(x0_of, start, schedule, sampling_times(schedule, 25), None)
    torch.testing.assert_close(found, theirs("dpmsolver++", lambda: None), **close)
    found = sde_dpm2m(x0_of, start, schedule, sampling_times(schedule, 25), normals())
    torch.testing.assert_close(found, theirs("sde-dpmsolver++", normals()), **close)


def test_samplers_agree_with_diffusers():
    diffusers = pytest.importorskip("diffusers", reason="diffusers checks the samplers")
    setting = {
        "num_train_timesteps": 1000,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "clip_sample": False,
        "prediction_type": "sample",
        "timestep_spacing": "trailing",
    }
    schedule = make_schedule("sqrt_linear", 1000)
    shape = (6, 3, 2)
    start = torch.randn(shape, generator=generator(1))

    def x0_of(x, t):
        return torch.tanh(x) * (1 - t / 2000)

    def theirs(scheduler, **options):
        scheduler.set_timesteps(25)
        x = start
        for time in scheduler.timesteps:
            x = scheduler.step(x0_of(x, int(time) + 1), time, x, **options).prev_sample
        return x

    noise_source = generator(2)
    ours = ancestral(
        x0_of,
        start,
        schedule,
        sampling_times(schedule, 25),
        lambda: torch.randn(shape, generator=noise_source),
    )
    other = diffusers.DDPMScheduler(**setting, variance_type="fixed_small")
    torch.testing.assert_close(ours, theirs(other, generator=generator(2)), atol=1e-4, rtol=1e-4)
    other = diffusers.DDIMScheduler(**setting, set_alpha_to_one=True)
    torch.testing.assert_close(
        ddim(x0_of, start, schedule, sampling_times(schedule, 25), None),
        theirs(other),
        atol=1e-4,
        rtol=1e-4,
    )


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("with_prior", [False, True])
def test_padded_positions_are_exactly_zero_all_the_way(sampler, target, with_prior):
    mask = torch.tensor([[True, True], [True, False], [False, False]])
    prior = independent_prior(torch.rand(3, 2) * mask) if with_prior else None
    process = make_process(target, mask, prior)
    labels = torch.tensor([0, 1, 1, 0])
    seen = []

    def rude_network(x, t_fraction, label, residual=True):
        seen.append(x)
        return torch.ones_like(x) * 3  # not 0 at padded positions

    denoise = conditional_denoiser(process, rude_network, labels, guidance_scale=2, null_label=2)
    noise, times = RowNoise(0, 0, 4, mask), sampling_times(process.schedule, 5)
    x = SAMPLERS[sampler](denoise, noise(), process.schedule, times, noise)
    for each in (*seen, x, process.draw_noise(4, generator())):
        assert (each[:, ~mask] == 0).all()
        assert (each[:, mask] != 0).all()


def test_row_noise_belongs_to_the_row_whatever_the_batch():
    mask = torch.tensor([[True, True], [True, False]])
    whole = RowNoise(5, 0, 200, mask)
    draws = [whole(), whole()]
    for start, stop in [(0, 1), (31, 33), (64, 128), (150, 200)]:
        part = RowNoise(5, start, stop - start, mask)
        for draw in draws:
            assert torch.equal(part(), draw[start:stop])
    values = torch.stack(draws)[:, :, mask].ravel()
    assert len(values.unique()) == len(values)
    assert not torch.equal(RowNoise(6, 0, 200, mask)(), draws[0])
