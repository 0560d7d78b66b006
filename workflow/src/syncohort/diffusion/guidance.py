"""From a conditional network to the denoiser a sampler calls."""

from collections.abc import Callable

import torch

from syncohort.diffusion.process import Process
from syncohort.generators.conditioning import labels_of, with_labels

ROWS_AT_ONCE = 128


def drop_labels(labels, probability: float, null_label: int, generator: torch.Generator):
    """Replace each label [N] by the null label with this probability (Ho & Salimans 2022).

    A global vector beside the labels stays: guidance is about what the label adds to it.
    """
    known = labels_of(labels)
    chance = torch.rand(known.shape, generator=generator, device=known.device)
    return with_labels(labels, torch.where(chance < probability, null_label, known))


def conditional_denoiser(
    process: Process,
    network,
    labels,
    *,
    guidance_scale: float,
    null_label: int,
    rescaling: Callable | None = None,
    centre: Callable | None = None,
) -> Callable:
    """Bind labels and guidance: return denoise(x [N, G, K], t int) -> x0_hat [N, G, K].

    labels: [N], see `denoisers`; the network is shown ROWS_AT_ONCE rows at a time. rescaling:
    what is done to each x0_hat at its time (see `Rescaling`); centre: what is
    done to the conditional x0_hat of all rows (see `Centring`); None: nothing. guidance_scale w:
    null + w (conditional - null), so 1 is the plain conditional model, 0 ignores the label (Ho &
    Salimans 2022, eq. 6 with their w + 1 as w). Guiding x_0 guides eps alike: each is affine
    in the other at a given x_t.
    """
    null_labels = with_labels(labels, torch.full_like(labels_of(labels), null_label))

    def predicted(x, t: int, conditions):
        parts = zip(x.split(ROWS_AT_ONCE), conditions.split(ROWS_AT_ONCE), strict=True)
        x0 = torch.cat([_predicted_x0(process, network, *part, t) for part in parts])
        return x0 if rescaling is None else rescaling(x0, t)

    def denoise(x, t: int):
        x0 = predicted(x, t, labels)
        if centre is not None:
            x0 = centre(x0)
        if guidance_scale != 1:
            free = predicted(x, t, null_labels)
            x0 = free + guidance_scale * (x0 - free)
        return x0

    return denoise


def _predicted_x0(process: Process, network, x, labels, t: int):
    times = torch.full((len(x),), t, dtype=torch.int64, device=x.device)
    prediction = process.predict(network, x, times, labels)
    return process.prediction_to_x0(prediction, x, times)
