"""Diffusion processes on small masks."""

import torch

from syncohort.diffusion.prior import GaussianPrior
from syncohort.diffusion.process import (
    Process,
)
from syncohort.diffusion.schedules import make_schedule


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- forward process, targets, loss


def make_process(target="x0", mask=None, prior=None, name="cosine", n_steps=100) -> Process:
    mask = torch.ones(3, 2, dtype=torch.bool) if mask is None else mask
    return Process(make_schedule(name, n_steps), target, mask, prior)


def independent_prior(variance) -> GaussianPrior:
    return GaussianPrior(variance, torch.zeros(variance.numel(), 0), torch.zeros(0))
