"""Training and sampling of the diffusion model as the workflow does it.

Without validation, which the plain loop has not either; the prior is fitted before.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusion_data import N_CHANNELS, PLAIN_BATCH
from sizes import Diffusion, Size
from timing import Stopwatch, Timed

from syncohort.diffusion.guidance import drop_labels
from syncohort.diffusion.model import Generator
from syncohort.diffusion.prior import fit_prior
from syncohort.generators.latents import Normalisation
from syncohort.training.loop import fit

ROWS = 128  # of an epoch
LABEL_DROPOUT = 0.1
N_STEPS = 500


def generator_of(own: Diffusion, x0: torch.Tensor) -> Generator:
    """The recommended process around the network of both implementations."""
    config = {
        "class_names": [f"L{i}" for i in range(own.n_classes)],
        "denoiser": {"kind": "mlp_cnn", **own.denoiser},
        "schedule": "cosine",
        "n_steps": N_STEPS,
        "target": "x0",
        "label_dropout": LABEL_DROPOUT,
        "training": {"seed": 0},
    }
    shape = (own.n_blocks, N_CHANNELS)
    as_is = Normalisation(np.zeros((own.n_classes, *shape), np.float32), np.ones(shape, np.float32))
    return Generator(config, np.ones(shape, bool), as_is, fit_prior(x0, 256, seed=0))


def _train(folder: Path, size: Size, *, batch: int) -> Timed:
    """Some epochs of `training.fit` over rows in memory."""
    own = size.diffusion
    x0 = torch.from_numpy(np.load(folder / "latents.npy"))
    labels = torch.from_numpy(np.load(folder / "labels.npy"))
    generator = generator_of(own, x0)
    process = generator.process(torch.device("cpu"))

    def loss(network, rows, random):
        shown = drop_labels(labels[rows], LABEL_DROPOUT, generator.n_classes, random)
        times = process.draw_times(len(rows), random)
        noise = process.draw_noise(len(rows), random)
        return process.row_losses(network, x0[rows], times, noise, shown).mean()

    recipe = {"learning_rate": 5e-4, "ema_decay": 0.999, "seed": 0}
    with Stopwatch() as watch:
        fit(
            generator.network,
            loss,
            ROWS,
            epochs=own.epochs,
            batch_size=batch,
            **recipe,
        )
    return Timed(own.epochs * ROWS, watch.seconds)


train_16 = partial(_train, batch=PLAIN_BATCH)
train_128 = partial(_train, batch=ROWS)


def _sample(folder: Path, size: Size, *, sampler: str, steps: int) -> Timed:
    """Genomes in one batch and one file."""
    own = size.diffusion
    generator = generator_of(own, torch.from_numpy(np.load(folder / "latents.npy")))
    with Stopwatch() as watch:
        labels = np.random.default_rng(1).integers(own.n_classes, size=own.genomes)
        latents = generator.sample(labels, sampler=sampler, steps=steps, seed=1, device="cpu")
        np.save(folder / "genomes.npy", latents)
    return Timed(own.genomes, watch.seconds)


sample_ancestral_80 = partial(_sample, sampler="ancestral", steps=80)
sample_ancestral_40 = partial(_sample, sampler="ancestral", steps=40)
sample_sde_dpm2m_40 = partial(_sample, sampler="sde_dpm2m", steps=40)
sample_sde_dpm2m_20 = partial(_sample, sampler="sde_dpm2m", steps=20)
