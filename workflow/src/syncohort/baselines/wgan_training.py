"""Training of the WGAN baseline on the latents of training people.

Axes: N rows, G gene blocks, K channels, C classes, F principal components.
"""

import copy
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from syncohort.baselines.wgan import WGAN, LabelledMLP, ScoreNetwork
from syncohort.diffusion.prior import GaussianPrior, fit_prior, thinned
from syncohort.diffusion.training import MappedRows
from syncohort.generators.base import describe, require_training_rows
from syncohort.generators.latents import (
    LatentFiles,
    Normalisation,
    fit_normalisation,
    rows_at_once,
)
from syncohort.generators.rows import EncodedPeople
from syncohort.genotypes import slices
from syncohort.seeds import child_seed
from syncohort.training.devices import device_name, resolve_device
from syncohort.training.loop import ema_decay_at

log = logging.getLogger(__name__)
ROWS_PER_COMPONENT = 32  # fewer rows do not show a component of the population
_BETAS = (0.0, 0.9)  # of Adam, both networks (Gulrajani et al. 2017, Algorithm 1)
_EMA_DECAY = 0.99
_PRIOR, _WEIGHTS, _TRAINING, _MOMENTS = 1, 2, 3, 4  # random streams
_REPORTS = 10
_MOMENT_ROWS = 32_768


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the networks are trained. A baseline: no key of the configuration changes it.

    noise: channels of the generator's noise, and the most principal components (see
        `ROWS_PER_COMPONENT`)
    widths: of the generator's layers, the critic's are the same backwards
    critic_steps: of the critic per step of the generator
    gradient_penalty: lambda of Gulrajani et al. (2017)
    epochs: passes of the critic over the training rows
    batch_size: rows a step
    learning_rate: of Adam
    """

    seed: int
    noise: int = 128
    widths: Sequence[int] = (256, 512)
    critic_steps: int = 2
    gradient_penalty: float = 10.0
    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 1e-3


def train_wgan(
    encoded: EncodedPeople,
    recipe: Recipe,
    *,
    checkpoint_path: str | Path,
    device: str = "auto",
    representation_fingerprints: dict[str, str] | None = None,
) -> None:
    """Train the GAN on principal components of the latents and write its checkpoint.

    encoded, device, representation_fingerprints: as in `train_diffusion`. The generator is an
    average over its last steps, with the real means and variances. Validation people choose
    nothing. Components and networks see whole rows, see `EncodedPeople.whole_training_rows`.

    Raises InputError for a class without training rows, or latents that do not vary within
    labels.
    """
    place, labels = resolve_device(device), encoded.rows.labels
    require_training_rows(encoded.rows)
    config = describe("wgan", encoded, labels, representation_fingerprints, **asdict(recipe))
    n_classes = len(encoded.rows.class_names)
    files = LatentFiles(encoded.paths, encoded.masks)
    normalisation = fit_normalisation(
        files,
        labels,
        files.mask,
        n_classes=n_classes,
        residual_from_class_mean=True,
        scaling="global",
        rows=np.flatnonzero(~encoded.rows.is_validation),
        one_copy=encoded.one_copy,
        is_second=encoded.rows.is_second,
    )
    train = encoded.whole_training_rows()
    parts = (labels, normalisation.center, normalisation.scale)
    prior = fit_prior(
        MappedRows(files, *map(torch.from_numpy, parts)),
        recipe.noise,
        child_seed(recipe.seed, _PRIOR),
        ROWS_PER_COMPONENT,
        rows=torch.from_numpy(thinned(train).copy()),
    )
    scores = _scores(files, normalisation, labels, train, prior.factors).to(place)
    train_labels = torch.from_numpy(labels[train]).to(place)
    log.info(
        "training on %s rows, %d principal components, with %s",
        f"{len(train):,}",
        scores.shape[1],
        device_name(place),
    )
    sd = prior.factor_variance.sqrt()
    network = train_networks(scores, train_labels, sd, n_classes, recipe)
    rest_sd = _rest_sd(prior)
    WGAN(config, files.mask, normalisation, network, prior.factors, rest_sd).save(checkpoint_path)


def _normalised(files: LatentFiles, normalisation: Normalisation, labels, rows) -> np.ndarray:
    """x_0 [n, G, K] of some rows [n]."""
    latents = files[rows]
    normalisation.apply(latents, labels[rows])
    return latents


def _scores(files: LatentFiles, normalisation: Normalisation, labels, rows, factors):
    """Principal components [n, F] of rows [n], some read at a time."""
    parts = []
    for part in slices(len(rows), rows_at_once(files.mask.size)):
        x0 = _normalised(files, normalisation, labels, rows[part])
        parts.append(torch.from_numpy(x0).flatten(1) @ factors)
    return torch.cat(parts)


def _rest_sd(prior: GaussianPrior):
    """Standard deviation [G, K] that the factors leave."""
    explained = prior.factors.square() @ prior.factor_variance
    return (prior.variance - explained.view_as(prior.variance)).clamp(min=0).sqrt()


def train_networks(scores, labels, sd, n_classes: int, recipe: Recipe) -> ScoreNetwork:
    """Play generator against critic (Gulrajani et al. 2017, Algorithm 1).

    scores: [N, F] of the real rows, labels: [N] int64; sd: [F], what the generator starts with.
    The critic sees scores divided by one number, which leaves them their proportions.
    Returns the generator, averaged and with the moments of the real scores.
    """
    network, critic = (each.to(scores.device) for each in _networks(sd, n_classes, recipe))
    averaged = copy.deepcopy(network).requires_grad_(False)
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, betas=_BETAS)
    critic_optimiser = torch.optim.Adam(critic.parameters(), lr=recipe.learning_rate, betas=_BETAS)
    random = torch.Generator(scores.device).manual_seed(child_seed(recipe.seed, _TRAINING))
    unit = network.sd.square().mean().sqrt()

    def draw(label):
        return network(_noise(len(label), recipe, random), label) / unit

    step = 0
    for epoch in range(1, recipe.epochs + 1):
        order = torch.randperm(len(scores), generator=random, device=scores.device)
        for rows in order.split(recipe.batch_size):
            real, label = scores[rows] / unit, labels[rows]
            with torch.no_grad():
                fake = draw(label)
            share = torch.rand(len(rows), 1, generator=random, device=scores.device)
            distance = critic(real, label).mean() - critic(fake, label).mean()
            penalty = _slope_penalty(critic, share * real + (1 - share) * fake, label)
            _descend(critic_optimiser, recipe.gradient_penalty * penalty - distance)
            step += 1
            if step % recipe.critic_steps == 0:
                _descend(optimiser, -critic(draw(label), label).mean())
                _average(averaged, network, step // recipe.critic_steps)
        if epoch % -(-recipe.epochs // _REPORTS) == 0:
            log.info("epoch %d of %d: distance %.4f", epoch, recipe.epochs, distance.item())
    _match_moments(averaged, scores, labels, recipe)
    return averaged


def _networks(sd, n_classes: int, recipe: Recipe) -> tuple[ScoreNetwork, LabelledMLP]:
    """Generator and critic with the random weights of the recipe's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(child_seed(recipe.seed, _WEIGHTS))
        network = ScoreNetwork(recipe.noise, recipe.widths, sd, n_classes)
        return network, LabelledMLP([len(sd), *recipe.widths[::-1], 1], n_classes)


def _noise(n_rows: int, recipe: Recipe, random: torch.Generator):
    """The generator's input [n_rows, Z], on the device of `random`."""
    return torch.randn(n_rows, recipe.noise, generator=random, device=random.device)


@torch.no_grad()
def _match_moments(network: ScoreNetwork, scores, labels, recipe: Recipe) -> None:
    """Give the network's scores mean 0 in each class and the spread of the real ones, in place.

    scores: [N, F] of rows around the mean of their class. Adversarial training shifts the
    classes and narrows the components by some percent, and heterozygosity with them.
    """
    random = torch.Generator(scores.device).manual_seed(child_seed(recipe.seed, _MOMENTS))
    label = labels.repeat(-(-_MOMENT_ROWS // len(scores)))
    noise = _noise(len(label), recipe, random)
    drawn = network(noise, label)
    for each in labels.unique():
        network.mean[each] = drawn[label == each].mean(dim=0) / network.sd
    network.sd *= scores.std(dim=0) / network(noise, label).std(dim=0)


def _slope_penalty(critic: LabelledMLP, x, label):
    """Mean squared difference of the critic's slope at x [N, F] from 1 (eq. 3)."""
    x.requires_grad_()
    (slope,) = torch.autograd.grad(critic(x, label).sum(), x, create_graph=True)
    return (slope.norm(dim=1) - 1).square().mean()


def _descend(optimiser: torch.optim.Optimizer, loss) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


@torch.no_grad()
def _average(averaged: ScoreNetwork, network: ScoreNetwork, step: int) -> None:
    weight = 1 - ema_decay_at(step, _EMA_DECAY)
    for mine, theirs in zip(averaged.parameters(), network.parameters(), strict=True):
        mine.lerp_(theirs, weight)
