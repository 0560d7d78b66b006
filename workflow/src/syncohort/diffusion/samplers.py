"""Samplers: short functions of (denoise, x_T, schedule, times, draw_noise) that return x_0.

denoise(x [N, G, K], t int) -> x0_hat [N, G, K] is all they know of the network; its x0_hat
and the noise are 0 at padded positions, and so is every x on the way. times: those from
which and to which they step, T = times[0] > ... > times[-1] = 0 (`sampling_times`).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from syncohort.diffusion.schedules import Schedule
from syncohort.errors import InputError

SPACINGS = ("balanced", "time")


def sampling_times(schedule: Schedule, steps: int, spacing: str = "time") -> list[int]:
    """`steps` + 1 times from T down to 0.

    spacing: "time", evenly, or "balanced", by the square root of lambda (half the log SNR):
    a unit of time counts sqrt(|d lambda|). A component of the data is decided where signal
    and noise are about as large as it is. Evenly in time, a cosine schedule takes most steps
    where that is so for components with a variance of 1; those that are far larger or smaller
    lose variance to the few and long steps at both ends. Evenly in lambda (Lu et al. 2022,
    DPM-Solver) all sizes fare alike and the middle loses; this is between the two.
    Raises InputError unless 1 <= steps <= T and spacing is one of the two.
    """
    last = schedule.n_steps
    if not 1 <= steps <= last:
        raise InputError(
            f"{steps} sampling steps asked of a model trained with T = {last}; "
            f"use 1 to {last} steps"
        )
    if spacing not in SPACINGS:
        raise InputError(f"spacing {spacing!r} is unknown; use one of {', '.join(SPACINGS)}")
    if spacing == "time":
        return [(last * left + steps // 2) // steps for left in range(steps, -1, -1)]
    fall = -schedule.half_log_snr.diff().numpy()  # of the units of time that end at 1 .. T
    fall[0] = fall[1]  # instead of infinity
    passed = np.concatenate([[0], np.sqrt(fall).cumsum()])
    times = np.interp(np.linspace(0, passed[-1], steps + 1), passed, np.arange(last + 1))
    times = np.rint(times).astype(int)
    for step in range(1, steps + 1):  # each its own, where the steps are shorter than one
        times[step] = min(max(times[step], times[step - 1] + 1), last - steps + step)
    return times[::-1].tolist()


def times_left(times: Sequence[int], begun: float) -> list[int]:
    """Those of sampling times that are left for rows with the noise of time `begun` or a little more."""
    first = max(step for step, time in enumerate(times[:-1]) if time >= begun)
    return list(times[first:])


def ancestral(denoise: Callable, x, schedule: Schedule, times: Sequence[int], draw_noise: Callable):
    """DDPM sampling with the posterior variance, over all or fewer steps.

    Each step draws from q(x_s | x_t, x0_hat) (Ho et al. 2020, eq. 6 and 7); with fewer than
    T steps beta is re-derived from alpha_bar (Nichol & Dhariwal 2021, eq. 19). It is the
    exact solution of the reverse stochastic equation for an x0_hat that does not change
    within a step (SDE-DPM-Solver++1, Lu et al. 2022).

    draw_noise() -> standard normal noise like x.
    """
    alpha_bar = schedule.alpha_bar.tolist()
    for t, s in pairwise(times):
        alpha = alpha_bar[t] / alpha_bar[s]
        from_x0 = alpha_bar[s] ** 0.5 * (1 - alpha) / (1 - alpha_bar[t])
        from_xt = alpha**0.5 * (1 - alpha_bar[s]) / (1 - alpha_bar[t])
        variance = (1 - alpha_bar[s]) / (1 - alpha_bar[t]) * (1 - alpha)
        x = from_x0 * denoise(x, t) + from_xt * x
        if s > 0:
            x = x + variance**0.5 * draw_noise()
    return x


def ddim(denoise: Callable, x, schedule: Schedule, times: Sequence[int], draw_noise: Callable):
    """Deterministic sampling (Song et al. 2021, eq. 12 with eta = 0); `draw_noise` is not called.

    It is Euler's method on the probability-flow equation in x / sqrt(alpha_bar).
    """
    alpha_bar = schedule.alpha_bar.tolist()
    for t, s in pairwise(times):
        x0 = denoise(x, t)
        sigma_ratio = ((1 - alpha_bar[s]) / (1 - alpha_bar[t])) ** 0.5
        x = alpha_bar[s] ** 0.5 * x0 + sigma_ratio * (x - alpha_bar[t] ** 0.5 * x0)
    return x


def _extrapolating(denoise: Callable, schedule: Schedule, times: Sequence[int]) -> Callable:
    """denoise(x, t) -> x0_hat in the middle of the step that starts at t, in lambda.

    From the x0_hat of this step and of the one before (Lu et al. 2022, DPM-Solver++,
    Algorithm 2, line 6). The first step has nothing to extrapolate from; the last, to
    t = 0, is infinitely long in lambda; both take x0_hat as it is.
    """
    half_log_snr = schedule.half_log_snr.tolist()
    following = dict(pairwise(times))
    before = None  # time and x0_hat of the step before

    def denoise_middle(x, t: int):
        nonlocal before
        x0, s = denoise(x, t), following[t]
        previous, before = before, (t, x0)
        if previous is None or s == 0:
            return x0
        length = half_log_snr[s] - half_log_snr[t]
        ahead = length / (half_log_snr[t] - half_log_snr[previous[0]]) / 2
        return x0 + ahead * (x0 - previous[1])

    return denoise_middle


def dpm2m(denoise: Callable, x, schedule: Schedule, times: Sequence[int], draw_noise: Callable):
    """DPM-Solver++(2M), deterministic and of second order (Lu et al. 2022, Algorithm 2).

    A step with a constant x0_hat is that of `ddim`, which is DPM-Solver++1.
    """
    return ddim(_extrapolating(denoise, schedule, times), x, schedule, times, draw_noise)


def sde_dpm2m(denoise: Callable, x, schedule: Schedule, times: Sequence[int], draw_noise: Callable):
    """SDE-DPM-Solver++(2M), its stochastic form (Lu et al. 2022, DPM-Solver++, for the reverse SDE).

    A step with a constant x0_hat is that of `ancestral`, which is SDE-DPM-Solver++1.
    """
    return ancestral(_extrapolating(denoise, schedule, times), x, schedule, times, draw_noise)


SAMPLERS = {"ancestral": ancestral, "ddim": ddim, "dpm2m": dpm2m, "sde_dpm2m": sde_dpm2m}


def find_sampler(name: str) -> Callable:
    """The sampler `name`. Raises InputError for an unknown one."""
    if name not in SAMPLERS:
        raise InputError(f"sampler {name!r} is unknown; use one of {', '.join(SAMPLERS)}")
    return SAMPLERS[name]
