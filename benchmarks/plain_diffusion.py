"""The paper's loop written down as the paper describes it, for the benchmark to compare with.

float32, a DataLoader over one file per person, Adam, all T steps of ancestral sampling and
one file per genome. The network is the package's.

Axes: N rows, G gene blocks, K channels.
"""

import math
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusion_data import N_CHANNELS, PLAIN_BATCH
from sizes import Diffusion, Size
from timing import Stopwatch, Timed
from torch.utils.data import DataLoader, Dataset

from syncohort.diffusion.denoisers import build_denoiser

LEARNING_RATE = 2e-4
WARMUP_STEPS = 100


class PersonFiles(Dataset):
    """Latents [G, K] and label of person i, read from its file."""

    def __init__(self, folder: Path):
        self.paths = sorted(folder.glob("person_*.pt"))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int):
        return torch.load(self.paths[i])


def network_of(own: Diffusion) -> torch.nn.Module:
    """The network of both implementations."""
    mask = torch.ones(own.n_blocks, N_CHANNELS, dtype=torch.bool)
    return build_denoiser("mlp_cnn", mask, own.n_classes, seed=0, **own.denoiser)


def cosine_betas(n_steps: int) -> torch.Tensor:
    """beta_1 .. beta_T of the cosine schedule (Nichol & Dhariwal 2021, eq. 17), [T]."""

    def alpha_bar(t: int) -> float:
        return math.cos((t / n_steps + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = [min(1 - alpha_bar(t) / alpha_bar(t - 1), 0.999) for t in range(1, n_steps + 1)]
    return torch.tensor(betas, dtype=torch.float64)


def noise_loss(network, x0, labels, times, noise, betas):
    """Mean squared error of the predicted noise: x0, noise [N, G, K]; labels, times [N]."""
    alpha_bar = torch.cumprod(1 - betas, dim=0).float()[times - 1][:, None, None]
    x_t = alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise
    return F.mse_loss(network(x_t, times / len(betas), labels), noise)


def train(folder: Path, size: Size) -> Timed:
    """One epoch over the files."""
    own = size.diffusion
    network = network_of(own)
    betas = cosine_betas(own.plain_steps)
    loader = DataLoader(PersonFiles(folder), batch_size=PLAIN_BATCH, shuffle=True)
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1e-2, 1, total_iters=WARMUP_STEPS)
    amount = 0
    with Stopwatch() as watch:
        for x0, labels in loader:
            times = torch.randint(1, own.plain_steps + 1, (len(x0),))
            loss = noise_loss(network, x0, labels, times, torch.randn_like(x0), betas)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            amount += len(x0)
    return Timed(amount, watch.seconds)


@torch.no_grad()
def sample_batch(network, labels, shape, betas, draw_noise: Callable = torch.randn):
    """x_0 [N, G, K] by all T ancestral steps (the paper's eq. 8 to 10).

    labels [N]; shape: (G, K); draw_noise(N, G, K) -> standard normal noise.
    """
    alphas, alpha_bars = (1 - betas).tolist(), torch.cumprod(1 - betas, dim=0).tolist()
    n_steps = len(betas)
    x = draw_noise(len(labels), *shape)
    for t in range(n_steps, 0, -1):
        alpha, alpha_bar = alphas[t - 1], alpha_bars[t - 1]
        times = torch.full((len(labels),), t) / n_steps
        noise = network(x, times, labels)
        x = (x - (1 - alpha) / math.sqrt(1 - alpha_bar) * noise) / math.sqrt(alpha)
        if t > 1:
            variance = (1 - alpha_bars[t - 2]) / (1 - alpha_bar) * (1 - alpha)
            x = x + math.sqrt(variance) * draw_noise(len(labels), *shape)
    return x


def sample(folder: Path, size: Size) -> Timed:
    """Genomes in batches of 16, each to a file of its own."""
    own = size.diffusion
    network = network_of(own).eval()
    betas = cosine_betas(own.plain_steps)
    with Stopwatch() as watch:
        labels = torch.randint(own.n_classes, (own.plain_genomes,))
        for start, part in enumerate(labels.split(PLAIN_BATCH)):
            genomes = sample_batch(network, part, (own.n_blocks, N_CHANNELS), betas)
            for i, genome in enumerate(genomes, start * PLAIN_BATCH):
                torch.save(genome.clone(), folder / f"genome_{i:05d}.pt")
    return Timed(own.plain_genomes, watch.seconds)
