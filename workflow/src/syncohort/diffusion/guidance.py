"""From a conditional network to the denoiser a sampler calls."""

from collections.abc import Callable

import torch

from syncohort.diffusion.process import Process


def drop_labels(labels, probability: float, null_label: int, generator: torch.Generator):
    """Replace each label [N] by the null label with this probability (Ho & Salimans 2022)."""
    chance = torch.rand(labels.shape, generator=generator, device=labels.device)
    return torch.where(chance < probability, null_label, labels)


def conditional_denoiser(
    process: Process, network, labels, *, guidance_scale: float, null_label: int
) -> Callable:
    """Bind labels and guidance: return denoise(x [N, G, K], t int) -> x0_hat [N, G, K].

    labels: [N], see `denoisers`. guidance_scale w: null + w (conditional - null), so 1 is the plain
    conditional model, 0 ignores the label (Ho & Salimans 2022, eq. 6 with their w + 1 as w).
    Guiding the target guides x_0 and eps alike: each is affine in the other at a given x_t.
    """
    null_labels = torch.full_like(labels, null_label)

    def denoise(x, t: int):
        times = torch.full_like(labels, t, dtype=torch.int64)
        prediction = process.predict(network, x, times, labels)
        if guidance_scale != 1:
            free = process.predict(network, x, times, null_labels)
            prediction = free + guidance_scale * (prediction - free)
        return process.prediction_to_x0(prediction, x, times)

    return denoise
