"""Noise schedules: how much of the data is left at time t = 0 (all) .. T (next to none)."""

import math
from dataclasses import dataclass

import torch

from syncohort.errors import InputError

MAX_BETA = 0.999
COSINE_OFFSET = 0.008


@dataclass(frozen=True, eq=False)
class Schedule:
    """A variance-preserving schedule: x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps.

    alpha_bar: [T + 1] float64, indexed by t; alpha_bar[0] = 1 is the data itself.
    """

    name: str
    alpha_bar: torch.Tensor

    def __post_init__(self):
        falls = self.alpha_bar.diff() < 0
        if not falls.all():
            at = int((~falls).nonzero()[0]) + 1
            raise ValueError(f"alpha_bar of schedule {self.name} does not fall at t = {at}")

    @property
    def n_steps(self) -> int:
        """T, the number of noising steps."""
        return len(self.alpha_bar) - 1

    @property
    def half_log_snr(self) -> torch.Tensor:
        """lambda_t = log(signal / sigma), [T + 1] float64; infinite at t = 0."""
        return (self.alpha_bar.log() - (1 - self.alpha_bar).log()) / 2


def between_steps(log_alpha_bar, times):
    """log alpha_bar [N] at real times [N] in 0..T, from its values at the steps [T + 1].

    Linear between the steps, as if beta were constant within each: the steps keep their own
    values, and any T of a schedule is a diffusion in continuous time.
    """
    below = times.long().clamp(max=len(log_alpha_bar) - 2)
    return torch.lerp(log_alpha_bar[below], log_alpha_bar[below + 1], times.double() - below)


def _linear_beta(n_steps: int) -> torch.Tensor:
    """Ho, Jain & Abbeel 2020, section 4: 1e-4 to 0.02 at T = 1000."""
    return torch.linspace(1e-4, 0.02, n_steps, dtype=torch.float64) * (1000 / n_steps)


def _sqrt_linear_beta(n_steps: int) -> torch.Tensor:
    """Linear in sqrt(beta), 0.00085 to 0.012 at T = 1000 (Rombach et al. 2022)."""
    root = torch.linspace(0.00085**0.5, 0.012**0.5, n_steps, dtype=torch.float64)
    return root**2 * (1000 / n_steps)


def _cosine_beta(n_steps: int) -> torch.Tensor:
    """Nichol & Dhariwal 2021, eq. 17, as the beta_t that give its alpha_bar_t."""
    t = torch.arange(n_steps + 1, dtype=torch.float64) / n_steps
    f = torch.cos((t + COSINE_OFFSET) / (1 + COSINE_OFFSET) * math.pi / 2) ** 2
    return 1 - f[1:] / f[:-1]


_BETAS = {"cosine": _cosine_beta, "linear": _linear_beta, "sqrt_linear": _sqrt_linear_beta}
SCHEDULES = tuple(_BETAS)


def make_schedule(name: str, n_steps: int) -> Schedule:
    """Return the noise schedule `name` with T = `n_steps` steps.

    The two linear schedules are defined at T = 1000; for another T their beta is scaled by
    1000 / T, so that the noise at the end is about the same. beta is clipped at 0.999.

    Raises InputError for an unknown name or fewer than 2 steps.
    """
    if name not in _BETAS:
        raise InputError(f"noise schedule {name!r} is unknown; use one of {', '.join(SCHEDULES)}")
    if n_steps < 2:
        raise InputError(f"a diffusion needs at least 2 steps, not {n_steps}")
    beta = _BETAS[name](n_steps).clamp(max=MAX_BETA)
    start = torch.ones(1, dtype=torch.float64)
    return Schedule(name, torch.cat([start, torch.cumprod(1 - beta, dim=0)]))
