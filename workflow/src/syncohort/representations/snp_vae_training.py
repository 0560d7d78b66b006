"""Fitting of the SNP autoencoder: on training people; validation people choose the epoch.

The loss of a row is summed over its SNPs and its latents and averaged over the batch, as latent
diffusion does (Rombach et al. 2022, eq. 25): with the cross-entropy ce of each observed call and
one log-variance s, which is learned, or 0,

    sum over SNPs (ce / exp(s) + s) + kl_weight * sum over latents KL(posterior || N(0, 1))

and, from `start_step` of the discriminator on, `weight` times an adversarial term at the scale of
the first (Esser et al. 2021, "Taming transformers", eq. 7). All of it is divided by the number of
SNPs, which changes nothing for Adam. The discriminator learns by its own hinge loss in the same
step; neither loss reaches the other's weights. The latents are those of one draw of the posterior.

Axes: N rows, C calls, V variants of all chromosomes, G positions of the latents, K channels.
"""

import json
import logging
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from syncohort.cohort_store import CohortStore, common_people
from syncohort.dosages import called_sums
from syncohort.errors import InputError
from syncohort.genotypes import CHUNK_SAMPLES, rows_per_person, slices
from syncohort.ploidy import second_of_men
from syncohort.representations.base import PeopleFingerprint, read_rows
from syncohort.representations.snp_vae import SnpVAE, n_calls
from syncohort.representations.snp_vae_network import Discriminator, Layout, SnpAutoencoder, one_hot
from syncohort.seeds import child_seed
from syncohort.training.devices import resolve_device
from syncohort.training.loop import TrainResult, fit
from syncohort.training.settings import TrainingSettings, Workplace

log = logging.getLogger(__name__)
_MISSING = -1
_WEIGHTS = 2  # random stream beside those of the training loop
_PRIOR_COUNT = 0.5  # of each call, in the frequencies that the logits start at
_SMALLEST_GRADIENT, _LARGEST_WEIGHT = 1e-4, 1e4  # as in Esser et al.'s release
_VALIDATION_BATCH = 256

# What the configuration calls the network of a SNP autoencoder, and what is fixed with it.
NETWORKS = {
    "patches": {  # ours
        "width": 96,
        "widths": (96,),
        "blocks_per_level": 1,
        "decoder_blocks": 1,
        "groups": 8,
        "attention_bias": True,
        "learned_scale": False,
        "discriminator": None,
        "training": {"weight_decay": 0.0, "warmup_steps": 100, "clip_norm": 1.0, "ema_decay": 0.99},
    },
    "published": {  # SNPgen's
        "width": 32,
        "blocks_per_level": 2,
        "decoder_blocks": 3,
        "groups": 32,
        "attention_bias": False,
        "learned_scale": True,
        "discriminator": {"weight": 0.5, "start_step": 20_001, "channels": 128, "depth": 6},
        "training": {
            "weight_decay": 0.0,
            "warmup_steps": 100,
            "clip_norm": None,
            "ema_decay": 0.9999,
        },
    },
}

# Channels of the levels of SNPgen's network, by SNPs for each position of the latents.
PUBLISHED_WIDTHS = {
    8: (32, 64, 64, 128),
    16: (32, 64, 64, 128, 128),
    32: (32, 32, 64, 64, 128, 128),
    64: (32, 32, 32, 64, 64, 128, 128),
}


def network_settings(network: str, training: dict, shortening: int | None, **sizes) -> dict:
    """The arguments of `fit_snp_vae` for a network by name, one of `NETWORKS`.

    training, sizes: what the configuration leaves to the user; shortening: one of
    `PUBLISHED_WIDTHS` for the published network, None for ours.
    """
    fixed = NETWORKS[network]
    if shortening is not None:
        fixed = fixed | {"widths": PUBLISHED_WIDTHS[shortening]}
    return {**fixed, **sizes, "training": fixed["training"] | training}


@dataclass(frozen=True, kw_only=True)
class Adversary:
    """The discriminator. weight: of the adversarial term; start_step: from which it plays;
    channels, depth: of its convolutions."""

    weight: float
    start_step: int
    channels: int
    depth: int


@dataclass(frozen=True, kw_only=True)
class SnpVAESettings:
    """Sizes and loss of the autoencoder; the keys of a section `snp_vae` but for `training`.

    patch_snps to attention_bias: see `Layout`; kl_weight, learned_scale: of the loss;
    discriminator: None for none.
    """

    patch_snps: int
    width: int
    widths: list[int]
    blocks_per_level: int
    decoder_blocks: int
    latent_channels: int
    groups: int
    attention_bias: bool
    kl_weight: float
    learned_scale: bool
    discriminator: Adversary | None

    @staticmethod
    def of(section: dict) -> "SnpVAESettings":
        """The settings of a section of plain values."""
        adversary = section["discriminator"]
        adversary = None if adversary is None else Adversary(**adversary)
        return SnpVAESettings(**section | {"discriminator": adversary})

    def layout(self, n_variants: int, calls: int) -> Layout:
        """The network's sizes for so many variants, of so many calls each."""
        return Layout(
            n_variants=n_variants,
            n_calls=calls,
            patch_snps=self.patch_snps,
            width=self.width,
            widths=tuple(self.widths),
            blocks_per_level=self.blocks_per_level,
            decoder_blocks=self.decoder_blocks,
            latent_channels=self.latent_channels,
            groups=self.groups,
            attention_bias=self.attention_bias,
        )


@dataclass(frozen=True)
class Rows:
    """What the network is fitted to: train, validation [N, V] int8, -1 missing."""

    train: np.ndarray
    validation: np.ndarray
    fingerprint: str  # of the training people

    @property
    def mean(self) -> np.ndarray:
        """Of alleles or dosages over training rows, float32 [V]; 0 where nobody was called."""
        total, called = called_sums(self.train)
        return (total / np.maximum(called, 1)).astype(np.float32)

    def log_frequencies(self, calls: int) -> torch.Tensor:
        """Of the calls in training, float32 [C, V]."""
        counts = np.stack([(self.train == call).sum(axis=0) for call in range(calls)])
        counts = counts + _PRIOR_COUNT
        return torch.from_numpy(np.log(counts / counts.sum(axis=0)).astype(np.float32))


class AutoencoderAndCritic(nn.Module):
    """What one training run fits: the autoencoder, and the discriminator if there is one.

    log_scale: the one log-variance of the cross-entropy; step: training steps so far, saved with
    the weights.
    """

    def __init__(self, autoencoder: SnpAutoencoder, discriminator: Discriminator | None):
        super().__init__()
        self.autoencoder = autoencoder
        self.discriminator = discriminator
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss. train: int8 [N, V] on the device; weight, start_step: of the discriminator."""

    train: torch.Tensor
    kl_weight: float
    weight: float = 0.0
    start_step: int = 0

    def loss(self, networks: AutoencoderAndCritic, batch, generator):
        """Mean loss of training rows `batch`; see the module."""
        return self.loss_of(networks, self.train[batch].long(), generator)

    def loss_of(self, networks: AutoencoderAndCritic, rows, generator):
        """Mean loss of rows int64 [N, V]."""
        network = networks.autoencoder
        calls = one_hot(rows, network.layout)
        mean, log_variance = network.encode(calls)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        logits = network.decode(mean + torch.exp(0.5 * log_variance) * noise)
        found = reconstruction_loss(logits, rows, networks.log_scale)
        divergence = kl_divergence(mean, log_variance)
        total, judged = found + self.kl_weight * divergence, 0.0
        if networks.discriminator is not None:
            if networks.step >= self.start_step:
                observed = calls.sum(dim=1, keepdim=True)  # [N, 1, L]
                fake = F.softmax(logits, dim=1) * observed
                total = total + self.weight * self._adversarial(networks, found, fake)
                judged = hinge_loss(networks.discriminator, calls, fake.detach())
            networks.step += 1
        return total / rows.shape[1] + judged

    def _adversarial(self, networks: AutoencoderAndCritic, found, fake):
        """What the discriminator holds against `fake`, at the scale of the loss `found`."""
        critic = networks.discriminator
        fixed = {name: each.detach() for name, each in critic.named_parameters()}
        against = -functional_call(critic, fixed, (fake,)).mean()
        last = networks.autoencoder.decoder.leave.weight
        wanted, given = (
            torch.autograd.grad(each, last, retain_graph=True)[0].norm()
            for each in (found, against)
        )
        scale = (wanted / (given + _SMALLEST_GRADIENT)).clamp(0, _LARGEST_WEIGHT).detach()
        return scale * against


def reconstruction_loss(logits, rows, log_scale):
    """Cross-entropy of logits [N, C, L] at the observed calls of rows [N, V], with its
    log-variance: summed over a row, averaged over rows."""
    losses = F.cross_entropy(
        logits[:, :, : rows.shape[1]], rows, ignore_index=_MISSING, reduction="none"
    )  # [N, V], 0 where missing
    observed = (rows != _MISSING).sum()
    return (losses.sum() / log_scale.exp() + observed * log_scale) / len(rows)


def kl_divergence(mean, log_variance):
    """KL divergence of posteriors [N, K, G] from N(0, 1): summed over a row, averaged over rows
    (Kingma & Welling 2014, appendix B)."""
    each = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return each.sum(dim=(1, 2)).mean()


def hinge_loss(critic: Discriminator, real, fake):
    """Mean hinge loss of a discriminator (Lim & Ye 2017)."""
    return 0.5 * (F.relu(1 - critic(real)).mean() + F.relu(1 + critic(fake)).mean())


def validate(networks: AutoencoderAndCritic, rows) -> dict[str, float]:
    """How rows int8 [N, V] come back from their posterior means.

    loss: share of observed calls that the likeliest call misses; balanced_accuracy: share that it
    meets, averaged over the calls; cross_entropy: mean of an observed call; kl: of a row;
    latent_variance_1 ...: of each channel's posterior means, near 0 where a channel is unused.
    """
    network = networks.autoencoder
    n = network.layout.n_calls
    right, seen = torch.zeros(n), torch.zeros(n)
    entropy = divergence = 0.0
    latents = []
    for part in rows.split(_VALIDATION_BATCH):
        part = part.long()
        mean, log_variance = network.encode(one_hot(part, network.layout))
        logits = network.decode(mean)[:, :, : part.shape[1]]
        met = logits.argmax(dim=1) == part
        for call in range(n):
            right[call] += (met & (part == call)).sum().cpu()
            seen[call] += (part == call).sum().cpu()
        entropy += F.cross_entropy(logits, part, ignore_index=_MISSING, reduction="sum").item()
        divergence += kl_divergence(mean, log_variance).item() * len(part)
        latents.append(mean)
    variance = torch.cat(latents).transpose(0, 1).flatten(1).var(dim=1)  # [K]
    accuracy = (right.sum() / seen.sum()).item()
    return {
        "loss": 1 - accuracy,
        "balanced_accuracy": (right / seen)[seen > 0].mean().item(),
        "cross_entropy": entropy / seen.sum().item(),
        "kl": divergence / len(rows),
        **{f"latent_variance_{k}": each for k, each in enumerate(variance.tolist(), start=1)},
    }


def fit_snp_vae(
    stores: list[CohortStore],
    autoencoder: SnpVAESettings,
    training: TrainingSettings,
    work: Workplace,
    *,
    mode: str,
    seed: int,
    device: str = "auto",
) -> TrainResult:
    """Fit the autoencoder to training people and write its model file.

    Args:
        stores: one per chromosome, in genomic order.
        autoencoder: its sizes and its loss.
        training: how the network is trained.
        work: files and threads; the result is the model's file.
        mode: "haplotype" or "genotype".
        seed: of all random numbers.
        device: "auto", "cpu" or "cuda".

    Raises:
        InputError: there are no training or no validation people.
    """
    device = resolve_device(device)
    data = _read(stores, mode)
    layout = autoencoder.layout(data.train.shape[1], n_calls(mode))
    adversary = autoencoder.discriminator
    recipe = {
        "kl_weight": autoencoder.kl_weight,
        "learned_scale": autoencoder.learned_scale,
        "discriminator": None if adversary is None else asdict(adversary),
        "seed": seed,
        "training": asdict(training),
    }
    networks = _new_networks(layout, data, adversary, seed).to(device)
    networks.log_scale.requires_grad_(autoencoder.learned_scale)
    pressure = () if adversary is None else (adversary.weight, adversary.start_step)
    objective = Objective(torch.from_numpy(data.train).to(device), autoencoder.kl_weight, *pressure)
    validation = torch.from_numpy(data.validation).to(device)
    log.info(
        "%d SNPs of %d chromosomes become %d x %d numbers",
        *(layout.n_variants, len(stores), layout.n_positions, layout.latent_channels),
    )
    people = [data.fingerprint, layout.n_variants, data.validation.sum(dtype=int).item()]
    result = fit(
        networks,
        objective.loss,
        len(data.train),
        seed=seed,
        device=device,
        validate=lambda trained: validate(trained, validation),
        fingerprint=json.dumps([asdict(layout), recipe, people], sort_keys=True),
        **asdict(training),
        **work.of_the_loop,
    )
    best = result.history[result.best_epoch - 1]
    _log_channels(best, layout.latent_channels)
    SnpVAE(
        variants=[store.variants for store in stores],
        mode=mode,
        mean=data.mean,
        network=networks.autoencoder.cpu(),
        training=recipe
        | {
            "best_epoch": result.best_epoch,
            "accuracy": 1 - result.best_loss,
            "log_scale": networks.log_scale.item(),
        },
        training_fingerprint=data.fingerprint,
    ).save(work.result_path)
    work.clear_state()
    return result


def _read(stores: list[CohortStore], mode: str) -> Rows:
    """The rows of training and validation people, in memory: one byte a call.

    With chromosome X the second rows of men are left out: there they are the first again.
    """
    everybody = common_people(stores)
    split = everybody.split
    has_x = any(store.variants.male_haploid.any() for store in stores)
    rows, fingerprint = {}, PeopleFingerprint()
    for name, what in (("train", "to fit"), ("validation", "to choose the epoch of")):
        people = np.flatnonzero(split == name)
        if not len(people):
            raise InputError(f"{stores[0].path}: no {name} people {what} the SNP autoencoder")
        shape = (len(people) * rows_per_person(mode), sum(len(each.variants) for each in stores))
        rows[name] = np.empty(shape, np.int8)
        for some in slices(len(people), CHUNK_SAMPLES):
            part = people[some]
            found = read_rows(stores, part, mode)
            first = some.start * rows_per_person(mode)
            rows[name][first : first + len(found)] = found
            if name == "train":
                each = found.reshape(len(part), -1)
                fingerprint.add(stores[0].people.id[part], each)
        if has_x:
            sex = everybody.sex[people]
            rows[name] = rows[name][~second_of_men(sex, rows_per_person(mode))]
    return Rows(rows["train"], rows["validation"], fingerprint.hexdigest())


def _new_networks(
    layout: Layout, data: Rows, adversary: Adversary | None, seed: int
) -> AutoencoderAndCritic:
    """The networks with the random weights of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(child_seed(seed, _WEIGHTS))
        critic = None
        if adversary is not None:
            sizes = (adversary.channels, adversary.depth)
            critic = Discriminator(layout.n_calls, layout.length, *sizes)
        return AutoencoderAndCritic(
            SnpAutoencoder(layout, data.log_frequencies(layout.n_calls)), critic
        )


def _log_channels(best: dict, latent_channels: int) -> None:
    variances = [best[f"latent_variance_{k}"] for k in range(1, latent_channels + 1)]
    log.info(
        "epoch %d: accuracy %.4f, by call %.4f; variance of the latent channels %s",
        *(best["epoch"], 1 - best["validation_loss"], best["balanced_accuracy"]),
        ", ".join(f"{each:.3g}" for each in variances),
    )
