"""What training a network takes: weights, work and memory, counted before anything is computed.

Axes: N rows of a batch, G gene blocks of all chromosomes, K channels, D = G K, F factors.
"""

from dataclasses import dataclass

import torch
from torch.autograd.graph import saved_tensors_hooks

from syncohort.config.requests import PROGRAM_MB
from syncohort.diffusion.denoisers import build_denoiser, count_flops, example_conditions
from syncohort.diffusion.prior import MAX_ROWS, ROWS_PER_FACTOR, VALUES_AT_ONCE
from syncohort.diffusion.validation import DRAWS, epochs_between, forward_passes

FLOAT_BYTES = 4
_ROWS = 4  # of the pass whose tensors are counted

# What an ordinary machine does in a second: floating-point operations, and bytes to and from memory.
CPU_FLOPS, GPU_FLOPS = 15e9, 10e12  # of one processor; of a GPU
CPU_BYTES, GPU_BYTES = 4e9, 8e11
_PASSES = 3  # the way back takes twice as long as the way there
_TOUCHED = 12  # times a step reads or writes each weight: gradient, optimiser, average


@dataclass(frozen=True)
class Demand:
    """Of a network on latents [G, K].

    n_weights: numbers that are trained; gflop: work of one row's forward pass; row_bytes: what
    one row leaves in memory until the way back.
    """

    n_weights: int
    gflop: float
    row_bytes: float


def demand_of(denoiser: dict, n_blocks: int, n_channels: int, n_classes: int) -> Demand:
    """What a denoiser takes, {"kind": name, options}; its weights are counted, none is drawn."""
    with torch.device("meta"):
        mask = torch.ones(n_blocks, n_channels, dtype=torch.bool)
        network = build_denoiser(mask=mask, n_classes=n_classes, **denoiser)
    return Demand(
        n_weights=sum(each.numel() for each in network.parameters()),
        gflop=count_flops(network, mask, n_classes),
        row_bytes=_saved_bytes(network, mask.shape) / _ROWS,
    )


def _saved_bytes(network, shape) -> int:
    """Bytes of all tensors that a forward pass of `_ROWS` rows keeps for the way back."""
    own = {each.untyped_storage()._cdata for each in network.parameters()}
    kept = {}  # a storage stays in it, so that its address is not given to another one

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage
        return tensor

    x = torch.empty(_ROWS, *shape, device="meta")
    t_fraction = torch.empty(_ROWS, device="meta")
    label = example_conditions(network, _ROWS, 0)
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        network.train()(x, t_fraction, label)
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
    n_passes = epochs * n_rows * _PASSES + n_validations * passes
    flops = n_passes * demand.gflop * 1e9
    touched = epochs * n_batches * _TOUCHED * demand.n_weights * FLOAT_BYTES
    if on_gpu:
        return flops / GPU_FLOPS + touched / GPU_BYTES
    return flops / (CPU_FLOPS * threads) + touched / CPU_BYTES
