"""What training a network takes: weights, work and memory, counted before anything is computed.

Axes: N rows of a batch, G gene blocks of all chromosomes, K channels, D = G K, F factors.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from syncohort.config.requests import PROGRAM_MB
from syncohort.diffusion.denoisers import build_denoiser, count_flops, example_conditions
from syncohort.diffusion.prior import MAX_ROWS, ROWS_PER_FACTOR, VALUES_AT_ONCE
from syncohort.diffusion.validation import DRAWS, epochs_between, forward_passes
from syncohort.representations.snp_vae_network import Discriminator, Layout, SnpAutoencoder
from syncohort.representations.snp_vae_training import Adversary

FLOAT_BYTES = 4
_ROWS = 16  # of the pass whose tensors are counted: one for each of the networks or more

# What an ordinary machine does in a second: floating-point operations, and bytes to and from memory.
CPU_FLOPS, GPU_FLOPS = 15e9, 10e12  # of one processor; of a GPU
CPU_BYTES, GPU_BYTES = 4e9, 8e11
_PASSES = 3  # the way back takes twice as long as the way there
_TOUCHED = 12  # times a step reads or writes each weight: gradient, optimiser, average


@dataclass(frozen=True)
class Demand:
    """Of a network on latents [G, K], or of an autoencoder.

    n_weights: numbers that are trained; gflop: work of one row's forward pass; row_bytes: what
    one row leaves in memory until the way back; networks: that are averaged, of which a row is
    shown to one in training and to all later.
    """

    n_weights: int
    gflop: float
    row_bytes: float
    networks: int = 1


def demand_of(denoiser: dict, n_blocks: int, n_channels: int, n_classes: int) -> Demand:
    """What a denoiser takes, {"kind": name, options}; its weights are counted, none is drawn."""
    with torch.device("meta"):
        mask = torch.ones(n_blocks, n_channels, dtype=torch.bool)
        network = build_denoiser(mask=mask, n_classes=n_classes, **denoiser)
    x = torch.empty(_ROWS, *mask.shape, device="meta")
    t_fraction = torch.empty(_ROWS, device="meta")
    label = example_conditions(network, _ROWS, 0)
    saved = _saved_bytes([network], lambda: network.train()(x, t_fraction, label))
    return Demand(
        n_weights=sum(each.numel() for each in network.parameters()),
        gflop=count_flops(network.eval(), mask, n_classes),
        row_bytes=saved / _ROWS,
        networks=denoiser.get("networks", 1),
    )


def autoencoder_demand(layout: Layout, adversary: Adversary | None) -> Demand:
    """What an autoencoder of SNPs takes, with its discriminator where it has one."""
    with torch.device("meta"):
        network = SnpAutoencoder(layout)
        critic = None
        if adversary is not None:
            sizes = (adversary.channels, adversary.depth)
            critic = Discriminator(layout.n_calls, layout.length, *sizes)
    calls = torch.empty(_ROWS, layout.n_calls, layout.length, device="meta")

    def there():
        mean, _ = network.encode(calls)
        logits = network.decode(mean)
        for _ in range(3 if critic else 0):  # against the decoder, and for itself on both kinds
            critic(logits)

    networks = [each for each in (network, critic) if each is not None]
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        there()
    return Demand(
        n_weights=sum(each.numel() for one in networks for each in one.parameters()),
        gflop=counter.get_total_flops() / 1e9 / _ROWS,
        row_bytes=_saved_bytes(networks, there) / _ROWS,
    )


def _saved_bytes(networks: list, there: Callable) -> int:
    """Bytes of all tensors that a forward pass of networks keeps for the way back."""
    own = {each.untyped_storage()._cdata for one in networks for each in one.parameters()}
    kept = {}  # a storage stays in it, so that its address is not given to another one

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        there()
    return sum(storage.nbytes() for storage in kept.values())


def training_bytes(
    demand: Demand,
    n_rows: int,
    n_numbers: int,
    *,
    batch_size: int,
    averaged: bool,
    n_factors: int,
    max_resident_bytes: int,
) -> int:
    """Most memory of a training on a CPU; of one on a GPU it is about what both hold together.

    n_rows: of latents, validation included; n_numbers: D; averaged: whether an average of the
    weights is kept; n_factors: most factors of the prior; max_resident_bytes: larger latents stay
    on disk.
    """
    latents = n_rows * n_numbers * FLOAT_BYTES
    resident = latents if latents <= max_resident_bytes else 0
    factors = min(n_factors, min(n_rows, MAX_ROWS) // ROWS_PER_FACTOR) * n_numbers * FLOAT_BYTES
    # some rows at a time, the bases of the factors and what turns them
    prior = 2 * VALUES_AT_ONCE * FLOAT_BYTES + 5 * factors if n_factors else 0
    # weights, gradient, two moments of Adam, the best ones so far, their average
    weights = (5 + averaged) * demand.n_weights * FLOAT_BYTES
    steps = factors + weights + batch_size * (demand.row_bytes + 6 * n_numbers * FLOAT_BYTES)
    return int(PROGRAM_MB * 10**6 + resident + max(prior, steps))


def training_seconds(
    demand: Demand,
    n_rows: int,
    n_validation: int,
    *,
    epochs: int,
    batch_size: int,
    threads: int,
    on_gpu: bool,
) -> float:
    """About how long all epochs of `n_rows` training rows take, their validations included."""
    n_batches = -(-n_rows // batch_size)
    passes = forward_passes(min(n_validation, DRAWS))
    n_validations = -(-epochs // epochs_between(passes, n_rows, epochs))
    n_passes = epochs * n_rows * _PASSES / demand.networks + n_validations * passes
    return _seconds(demand, n_passes, epochs * n_batches, threads, on_gpu)


def autoencoder_bytes(
    demand: Demand, n_training: int, n_validation: int, n_snps: int, *, batch_size: int
) -> int:
    """Most memory of the training of an autoencoder on a CPU.

    n_training, n_validation: rows, all of which it holds; while their alleles are counted those of
    training twice.
    """
    rows = (n_training + n_validation) * n_snps
    # weights, gradient, two moments of Adam, the best ones so far, their average
    steps = 6 * demand.n_weights * FLOAT_BYTES + batch_size * demand.row_bytes
    return int(PROGRAM_MB * 10**6 + rows + max(n_training * n_snps, steps))


def autoencoder_seconds(
    demand: Demand,
    n_training: int,
    n_validation: int,
    *,
    epochs: int,
    batch_size: int,
    threads: int,
    on_gpu: bool,
) -> float:
    """About how long all epochs of an autoencoder take, a validation after each."""
    n_passes = epochs * (_PASSES * n_training + n_validation)
    n_steps = epochs * -(-n_training // batch_size)
    return _seconds(demand, n_passes, n_steps, threads, on_gpu)


def _seconds(demand: Demand, n_passes: float, n_steps: int, threads: int, on_gpu: bool) -> float:
    """About how long so many passes of a row and steps of the optimiser take."""
    flops = n_passes * demand.gflop * 1e9
    touched = n_steps * _TOUCHED * demand.n_weights * FLOAT_BYTES
    if on_gpu:
        return flops / GPU_FLOPS + touched / GPU_BYTES
    return flops / (CPU_FLOPS * threads) + touched / CPU_BYTES
