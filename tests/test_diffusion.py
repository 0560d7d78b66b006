"""Schedules, forward process, targets, prior and guidance, against closed forms."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import generator, independent_prior, make_process
from pydantic import ValidationError

from syncohort.config.generators import DiffusionConfig
from syncohort.diffusion.guidance import conditional_denoiser, drop_labels
from syncohort.diffusion.prior import MAX_ROWS, ROWS_PER_FACTOR, fit_prior
from syncohort.diffusion.process import (
    TARGETS,
    WEIGHTINGS,
    add_noise,
    from_x0,
    loss_weight,
    masked_mse,
    target_value,
    to_x0,
)
from syncohort.diffusion.schedules import SCHEDULES, Schedule, between_steps, make_schedule
from syncohort.errors import InputError

# --- schedules


def test_cosine_schedule_is_the_equation():
    n_steps = 1000
    alpha_bar = make_schedule("cosine", n_steps).alpha_bar.tolist()

    def f(t):
        return math.cos((t / n_steps + 0.008) / 1.008 * math.pi / 2) ** 2

    for t in range(n_steps):  # at t = T the equation gives 0 and the clip of beta takes over
        assert alpha_bar[t] == pytest.approx(f(t) / f(0), rel=1e-10)
    assert alpha_bar[n_steps] == pytest.approx(0.001 * alpha_bar[n_steps - 1])


def test_linear_schedules_are_the_products_of_their_betas():
    for name, beta_at in {
        "linear": lambda i: 1e-4 + (0.02 - 1e-4) * i / 999,
        "sqrt_linear": lambda i: (0.00085**0.5 + (0.012**0.5 - 0.00085**0.5) * i / 999) ** 2,
    }.items():
        product, alpha_bar = 1.0, make_schedule(name, 1000).alpha_bar.tolist()
        for i in range(1000):
            product *= 1 - beta_at(i)
            assert alpha_bar[i + 1] == pytest.approx(product, rel=1e-10)


@pytest.mark.parametrize("name", ["linear", "sqrt_linear"])
def test_linear_schedules_end_in_the_same_noise_for_every_length(name):
    ends = [-math.log(make_schedule(name, steps).alpha_bar[-1]) for steps in (500, 1000, 4000)]
    # sum of -log(1 - beta) = sum of beta (the same for each) + beta^2 / 2 + ...
    assert max(ends) / min(ends) < 1.02


@settings(max_examples=50, deadline=None)
@given(name=st.sampled_from(SCHEDULES), n_steps=st.integers(2, 2000))
def test_schedules_fall_from_one_and_stay_positive(name, n_steps):
    schedule = make_schedule(name, n_steps)
    assert schedule.n_steps == n_steps
    assert schedule.alpha_bar[0] == 1
    assert (schedule.alpha_bar.diff() < 0).all()
    assert schedule.alpha_bar[-1] > 0
    assert (1 - schedule.alpha_bar[1:] / schedule.alpha_bar[:-1]).max() <= 0.999 + 1e-12


@pytest.mark.parametrize("name", SCHEDULES)
def test_continuous_time_meets_the_steps_and_has_constant_beta_between_them(name):
    schedule = make_schedule(name, 50)
    steps = torch.arange(51)
    found = between_steps(schedule.alpha_bar.log(), steps.float())
    torch.testing.assert_close(found.exp(), schedule.alpha_bar)
    for t in (0, 7, 49):
        kept = schedule.alpha_bar[t + 1] / schedule.alpha_bar[t]
        for part in (0.25, 0.5):
            found = between_steps(schedule.alpha_bar.log(), torch.tensor([t + part])).exp()
            assert found.item() == pytest.approx((schedule.alpha_bar[t] * kept**part).item())


def test_cosine_schedule_in_continuous_time_is_nearly_the_equation():
    n_steps, t = 1000, 998 * torch.rand(200, generator=generator(), dtype=torch.float64)
    angle = (t / n_steps + 0.008) / 1.008 * math.pi / 2
    expected = torch.cos(angle) ** 2 / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    found = between_steps(make_schedule("cosine", n_steps).alpha_bar.log(), t).exp()
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-3)


def test_half_log_snr_is_the_log_of_signal_over_noise():
    schedule = make_schedule("cosine", 20)
    assert schedule.half_log_snr[0] == math.inf
    for t in range(1, 21):
        alpha_bar = schedule.alpha_bar[t].item()
        expected = math.log(alpha_bar**0.5 / (1 - alpha_bar) ** 0.5)
        assert schedule.half_log_snr[t].item() == pytest.approx(expected)


def test_schedules_agree_with_diffusers():
    diffusers = pytest.importorskip("diffusers", reason="diffusers checks the schedules")
    theirs = {"linear": "linear", "cosine": "squaredcos_cap_v2", "sqrt_linear": "scaled_linear"}
    ends = {"sqrt_linear": (0.00085, 0.012)}
    for name, their_name in theirs.items():
        start, end = ends.get(name, (1e-4, 0.02))
        other = diffusers.DDPMScheduler(1000, start, end, their_name)
        ours = make_schedule(name, 1000).alpha_bar[1:].numpy()
        # theirs is a float32 product of 1,000 factors
        np.testing.assert_allclose(ours, other.alphas_cumprod.double().numpy(), rtol=2e-4)


def test_bad_schedules_are_refused():
    with pytest.raises(InputError, match="'quadratic' is unknown; use one of cosine, linear"):
        make_schedule("quadratic", 100)
    with pytest.raises(InputError, match="at least 2 steps, not 1"):
        make_schedule("cosine", 1)
    with pytest.raises(ValueError, match="does not fall at t = 2"):
        Schedule("flat", torch.tensor([1.0, 0.5, 0.5]))


def test_forward_process_has_the_right_moments():
    n_rows, process = 200_000, make_process(mask=torch.ones(1, 1, dtype=torch.bool))
    x0 = torch.full((n_rows, 1, 1), 1.7)
    noise = process.draw_noise(n_rows, generator())
    for t in (1, 37, 80, 100):
        alpha_bar = process.schedule.alpha_bar[t].item()
        x_t = add_noise(x0, noise, *process.levels(torch.full((n_rows,), t))).double()
        error = (1 - alpha_bar) ** 0.5 / n_rows**0.5
        assert abs(x_t.mean().item() - alpha_bar**0.5 * 1.7) < 4 * error
        assert x_t.var().item() == pytest.approx(1 - alpha_bar, rel=4 * (2 / n_rows) ** 0.5)


def test_times_are_uniform_on_one_to_T():
    times = make_process(n_steps=10).draw_times(100_000, generator())
    counts = torch.bincount(times, minlength=11).double()
    assert counts[0] == 0 and len(counts) == 11
    assert (counts[1:] - 10_000).abs().max() < 4.5 * 9_000**0.5


def test_continuous_times_are_uniform_above_zero_and_up_to_T():
    times = make_process(n_steps=10).draw_times(100_000, generator(), continuous=True)
    assert times.dtype == torch.float32 and 0 < times.min() and times.max() <= 10
    counts = torch.histc(times, bins=10, min=0, max=10).double()
    assert (counts - 10_000).abs().max() < 4.5 * 9_000**0.5


def test_levels_at_real_times_are_those_of_the_steps_and_keep_the_variance():
    process = make_process(n_steps=100)
    steps = torch.arange(1, 101)
    for found, expected in zip(process.levels(steps.float()), process.levels(steps), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    signal, sigma = process.levels(torch.linspace(1e-4, 100, 300))
    assert signal.dtype == sigma.dtype == torch.float32 and signal.shape == (300, 1, 1)
    torch.testing.assert_close(signal**2 + sigma**2, torch.ones(300, 1, 1))
    assert (sigma > 0).all() and (sigma.diff(dim=0) > 0).all()


@pytest.mark.parametrize("target", TARGETS)
def test_min_snr_weighs_the_error_in_x0_alike_whatever_the_target(target):
    """min(SNR, 5) times the squared error in x_0, from a wrong prediction of each target."""
    alpha_bar = torch.linspace(0.001, 0.999, 40, dtype=torch.float64)[:, None, None]
    signal, sigma = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    x0, noise, wrong = torch.randn(3, 40, 3, 2, generator=generator(), dtype=torch.float64)
    x_t, mask = add_noise(x0, noise, signal, sigma), torch.ones(3, 2, dtype=torch.bool)
    truth = target_value(target, x0, noise, signal, sigma)
    loss = masked_mse(from_x0(target, wrong, x_t, signal, sigma), truth, mask)
    found = loss * loss_weight("min_snr", target, signal, sigma).flatten()
    snr = (alpha_bar / (1 - alpha_bar)).flatten()
    torch.testing.assert_close(
        found, torch.minimum(snr, torch.tensor(5.0)) * masked_mse(wrong, x0, mask)
    )
    assert (loss_weight("uniform", target, signal, sigma) == 1).all()


def test_min_snr_weights_are_the_published_ones():
    """Hang et al. 2023: min(SNR, 5) / SNR for eps, / (SNR + 1) for v, and min(SNR, 5) for x0."""
    assert WEIGHTINGS == ("uniform", "min_snr")
    for snr in (0.01, 1.0, 5.0, 80.0):
        signal, sigma = (torch.tensor((each / (snr + 1)) ** 0.5) for each in (snr, 1.0))
        for target, divisor in (("x0", 1), ("eps", snr), ("v", snr + 1)):
            found = loss_weight("min_snr", target, signal, sigma).item()
            assert found == pytest.approx(min(snr, 5) / divisor, rel=1e-5)


@pytest.mark.parametrize("target", TARGETS)
def test_target_conversions_invert(target):
    x0, noise = torch.randn(2, 50, 3, 2, generator=generator(), dtype=torch.float64)
    alpha_bar = torch.linspace(0.001, 0.999, 50, dtype=torch.float64)[:, None, None]
    signal, sigma = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    x_t = add_noise(x0, noise, signal, sigma)
    truth = target_value(target, x0, noise, signal, sigma)
    torch.testing.assert_close(to_x0(target, truth, x_t, signal, sigma), x0)
    torch.testing.assert_close(from_x0(target, x0, x_t, signal, sigma), truth)


def test_masked_mse_is_the_plain_sum_over_real_positions():
    prediction, truth = torch.randn(2, 4, 3, 2, generator=generator())
    mask = torch.tensor([[True, True], [True, False], [False, False]])
    prediction[:, ~mask] = 1e6  # padded positions do not count
    found = masked_mse(prediction, truth, mask)
    for row in range(4):
        errors = [
            (prediction[row, g, k].item() - truth[row, g, k].item()) ** 2
            for g, k in [(0, 0), (0, 1), (1, 0)]
        ]
        assert found[row].item() == pytest.approx(sum(errors) / 3, rel=1e-5)


def test_unknown_target_is_refused():
    with pytest.raises(InputError, match="'score' is unknown; use one of x0, v, eps"):
        make_process("score")


def idle_network(x, t_fraction, label, residual=True):
    """A network whose layers give nothing."""
    return x if residual else torch.zeros_like(x)


@pytest.mark.parametrize("target", TARGETS)
def test_an_idle_network_leaves_the_posterior_mean_of_the_prior(target):
    """For independent Gaussians it is E[x_0 | x_t], whose error is orthogonal to x_t."""
    n_rows, variance = 100_000, torch.tensor([[0.01, 1.0], [4.0, 0.0]])
    prior = independent_prior(variance)
    process = make_process(target, torch.ones(2, 2, dtype=torch.bool), prior)
    x0 = torch.randn(n_rows, 2, 2, generator=generator(1)) * variance.sqrt()
    noise = process.draw_noise(n_rows, generator(2))
    for t in (2, 40, 90):
        times = torch.full((n_rows,), t)
        x_t = add_noise(x0, noise, *process.levels(times))
        prediction = process.predict(idle_network, x_t, times, times)
        guess = process.prediction_to_x0(prediction, x_t, times)
        error = (guess - x0).double()
        torch.testing.assert_close(guess[:, 1, 1], torch.zeros(n_rows), atol=1e-4, rtol=0)
        product = error * x_t
        standard_error = product.std(dim=0) / n_rows**0.5
        assert (product.mean(dim=0).abs() <= 4.5 * standard_error + 1e-6).all()
        scale = prior.error_scale(*process.levels(times[:1]))[0]
        torch.testing.assert_close(
            error.square().mean(dim=0).float(), scale**2, rtol=4.5 * (2 / n_rows) ** 0.5, atol=1e-6
        )


def factor_data(n_rows, noise_variance):
    """Rows [N, 10, 4] of a Gaussian with 3 factors, and its covariance [40, 40]."""
    loadings = torch.randn(40, 3, generator=generator(1), dtype=torch.float64)
    covariance = loadings @ loadings.T + torch.diag(noise_variance)
    root = torch.linalg.cholesky(covariance)
    normal = torch.randn(n_rows, 40, generator=generator(2), dtype=torch.float64)
    return (normal @ root.T).view(n_rows, 10, 4), covariance


def posterior_mean(covariance, x_t, signal, sigma):
    """a S (a^2 S + s^2 I)^-1 x_t."""
    total = signal**2 * covariance + sigma**2 * torch.eye(len(covariance))
    return (signal * covariance @ torch.linalg.solve(total, x_t.flatten(1).T)).T.view_as(x_t)


@pytest.mark.parametrize("signal", [0.99, 0.6, 0.05])
def test_prior_with_factors_is_the_posterior_mean(signal):
    """Exactly, when what the factors leave is white; the factors are fitted, not given."""
    x0, _ = factor_data(4_000, torch.full((40,), 0.2, dtype=torch.float64))
    prior = fit_prior(x0, 3, seed=0)
    flat = x0.flatten(1)
    values, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))
    torch.testing.assert_close(prior.factor_variance, values.flip(0)[:3])
    top = vectors[:, -3:]
    rest = (prior.variance.sum() - values[-3:].sum()) / 37
    white = top @ torch.diag(values[-3:] - rest) @ top.T + rest * torch.eye(40)
    sigma = (1 - signal**2) ** 0.5
    levels = [torch.full((50, 1, 1), each, dtype=torch.float64) for each in (signal, sigma)]
    x_t = signal * x0[:50] + sigma * torch.randn(50, 10, 4, generator=generator(3))
    expected = posterior_mean(white, x_t, signal, sigma)
    error = (prior.guess(x_t, *levels) - expected).square().mean() / expected.square().mean()
    assert error < 1e-3  # the rest is white up to the sampling error of 4,000 rows


def test_factors_bring_the_guess_near_the_optimum_when_the_rest_is_not_white():
    noise_variance = torch.linspace(0.01, 1, 40, dtype=torch.float64)
    x0, covariance = factor_data(8_000, noise_variance)
    signal, sigma = 0.6, 0.8
    levels = [torch.full((8_000, 1, 1), each, dtype=torch.float64) for each in (signal, sigma)]
    x_t = signal * x0 + sigma * torch.randn(x0.shape, generator=generator(3), dtype=x0.dtype)

    def error_of(guess):
        return (guess - x0).square().mean().item()

    best = error_of(posterior_mean(covariance, x_t, signal, sigma))
    alone = error_of(fit_prior(x0, 0, seed=0).guess(x_t, *levels))
    with_factors = error_of(fit_prior(x0, 3, seed=0).guess(x_t, *levels))
    assert with_factors - best < 0.1 * (alone - best)


def test_no_study_may_ask_for_more_factors_than_there_can_be():
    most = MAX_ROWS // ROWS_PER_FACTOR
    assert DiffusionConfig().prior_factors == most
    with pytest.raises(ValidationError, match="prior_factors"):
        DiffusionConfig(prior_factors=most + 1)


def test_prior_is_no_larger_than_its_rows_allow_and_zero_where_padded():
    n = 3 * ROWS_PER_FACTOR + 10
    x0 = torch.randn(n, 10, 4, generator=generator()) * (torch.arange(4) < 3)
    prior = fit_prior(x0, 256, seed=0)
    assert prior.factors.shape == (40, 3)
    assert (prior.factors.view(10, 4, 3)[:, 3] == 0).all()
    levels = torch.full((n, 1, 1), 0.6), torch.full((n, 1, 1), 0.8)
    assert (prior.guess(x0, *levels)[:, :, 3] == 0).all()
    assert (prior.error_scale(*levels)[:, :, 3] == 0).all()
    wide = fit_prior(x0[:, :1, :1].repeat(1, 1, 2), 256, seed=0)  # fewer positions than factors
    assert torch.isfinite(wide.guess(x0[:, :1, :2], *levels)).all()


@pytest.mark.parametrize("shape", [(300, 10, 4), (90, 60, 4)])  # more rows, more positions
def test_a_prior_fitted_to_a_few_rows_at_a_time_is_that_of_all(shape, monkeypatch):
    x0 = torch.randn(shape, generator=generator()) * torch.linspace(0.1, 2, shape[1])[:, None]
    whole = fit_prior(x0, 3, seed=0, rows_per_factor=8)
    monkeypatch.setattr("syncohort.diffusion.prior.VALUES_AT_ONCE", 7 * x0[0].numel())
    parts = fit_prior(x0, 3, seed=0, rows_per_factor=8, rows=torch.arange(len(x0)))
    for name in ("variance", "factor_variance"):
        torch.testing.assert_close(getattr(parts, name), getattr(whole, name), rtol=1e-3, atol=0)
    torch.testing.assert_close(parts.factors, whole.factors, atol=0.02, rtol=0)
    _, singular, vectors = torch.svd_lowrank(x0.flatten(1), q=19, niter=4)
    torch.testing.assert_close(
        whole.factor_variance, singular[:3] ** 2 / len(x0), rtol=1e-2, atol=0
    )
    turned = (vectors[:, :3].T @ whole.factors).abs()
    torch.testing.assert_close(turned, torch.eye(3), atol=0.1, rtol=0)


# --- labels and guidance


def test_drop_labels_drops_at_the_rate_and_leaves_the_others():
    labels = torch.arange(5).repeat(20_000)
    dropped = drop_labels(labels, 0.2, 5, generator())
    is_null = dropped == 5
    assert abs(is_null.double().mean().item() - 0.2) < 4 * (0.2 * 0.8 / 100_000) ** 0.5
    assert (dropped[~is_null] == labels[~is_null]).all()
    assert (drop_labels(labels, 0.0, 5, generator()) == labels).all()


def label_network(x, t_fraction, label, residual=True):
    """A stand-in that depends on everything it is given."""
    return torch.sin(x + t_fraction[:, None, None]) + label[:, None, None]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
def test_guidance_extrapolates_x0_whatever_the_target(target, scale):
    process = make_process(target)
    x, labels = torch.randn(5, 3, 2, generator=generator()), torch.tensor([0, 1, 2, 1, 0])
    denoise = conditional_denoiser(
        process, label_network, labels, guidance_scale=scale, null_label=7
    )

    def x0_with(given):
        times = torch.full((5,), 60)
        prediction = process.predict(label_network, x, times, given)
        return process.prediction_to_x0(prediction, x, times)

    free = x0_with(torch.full((5,), 7))
    torch.testing.assert_close(denoise(x, 60), scale * x0_with(labels) + (1 - scale) * free)
