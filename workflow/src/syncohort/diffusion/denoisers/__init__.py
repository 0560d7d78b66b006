"""Denoising networks: forward(x [N, G, K], t_fraction [N], label [N], residual) -> [N, G, K].

t_fraction is t / T in (0, 1], float32; label is a class, int64 in 0..C - 1, or a position among C
anchors, float32 (see `conditioning`); C is "no label".
residual: whether x is added to what the layers give, as in the paper (the default), or not.
Outputs are 0 at padded positions. `build_denoiser` knows them by name.
"""

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from syncohort.diffusion.denoisers.cnn import CNNDenoiser
from syncohort.diffusion.denoisers.latent_unet import LatentUNetDenoiser
from syncohort.diffusion.denoisers.local import LocalDenoiser
from syncohort.diffusion.denoisers.mlp import MLPDenoiser
from syncohort.diffusion.denoisers.mlp_cnn import MLPCNNDenoiser
from syncohort.diffusion.denoisers.transformer import TransformerDenoiser
from syncohort.errors import InputError

_DENOISERS = {
    "mlp": MLPDenoiser,
    "cnn": CNNDenoiser,
    "mlp_cnn": MLPCNNDenoiser,
    "transformer": TransformerDenoiser,
    "local": LocalDenoiser,
    "latent_unet": LatentUNetDenoiser,
}

DENOISERS = tuple(_DENOISERS)


def build_denoiser(
    kind: str, mask, n_classes: int, *, seed: int = 0, size: str = "published", **options
) -> nn.Module:
    """Build the denoiser `kind` with freshly drawn weights.

    mask: bool tensor [G, K]
    n_classes: C
    seed: of the initial weights
    size: of a published network, "published" or "small", the network's `SMALL`
    options: the network's own, e.g. widths=[1024, 512, 256]

    Raises InputError for an unknown name.
    """
    if kind not in _DENOISERS:
        raise InputError(f"denoiser {kind!r} is unknown; use one of {', '.join(DENOISERS)}")
    network = _DENOISERS[kind]
    if size == "small":
        options = network.SMALL | options
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return network(mask, n_classes, **options)


def count_flops(network: nn.Module, mask, n_classes: int) -> float:
    """Work of one forward pass of one row [GFLOP]; a multiplication and an addition are two.

    network: a denoiser; mask: bool tensor [G, K] and n_classes: C it was built for. Matrix
    products and convolutions count, the rest is small. Nothing is computed, and the
    network's own tensors are left alone: shapes are enough.
    """
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    shapes = {name: torch.empty_like(each, device="meta") for name, each in tensors.items()}
    x = torch.empty(1, *mask.shape, device="meta")
    t_fraction = torch.empty(1, device="meta")
    label = torch.full((1,), n_classes, device="meta")
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        functional_call(network, shapes, (x, t_fraction, label))
    return counter.get_total_flops() / 1e9
