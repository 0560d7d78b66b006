"""Denoising networks: forward(x [N, G, K], t_fraction [N], label [N], residual) -> [N, G, K].

t_fraction is t / T in (0, 1], float32; label is a class, int64 in 0..C - 1, or a position among C
anchors, float32 (see `conditioning`); C is "no label".
A network with `n_scores` is given `conditioning.Told` in the place of labels.
residual: whether x is added to what the layers give; the default is the way of the network's paper.
Outputs are 0 at padded positions. A UNet says with `narrowest_layers` which layers lie between
the way down and the way up. `build_denoiser` knows the networks by name.
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from syncohort.diffusion.denoisers.averaged import Averaged
from syncohort.errors import InputError
from syncohort.generators.conditioning import Told


def denoiser_kinds() -> list[str]:
    """The kinds of denoisers: the modules of this folder that hold one."""
    return [each.name for each in iter_modules(__path__) if _class_of(each.name) is not None]


def _class_of(kind: str) -> type[nn.Module] | None:
    """The class `...Denoiser` of the module `kind`; None where there is no such thing.

    It is imported by name, so that only the generators that use a network run again when its code
    changes, or when there is a new one (see `config.loaded_code`).
    """
    if find_spec(f"{__name__}.{kind}") is None:
        return None
    module = import_module(f"{__name__}.{kind}")
    own = [
        each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__
    ]
    return next((each for each in own if each.__name__.endswith("Denoiser")), None)


def build_denoiser(
    kind: str,
    mask,
    n_classes: int,
    *,
    seed: int = 0,
    size: str = "published",
    networks: int = 1,
    **options,
) -> nn.Module:
    """Build the denoiser `kind` with freshly drawn weights.

    mask: bool tensor [G, K]
    n_classes: C
    seed: of the initial weights
    size: of a published network, "published" or "small", the network's `SMALL`
    networks: how many with different weights are averaged (see `averaged`)
    options: the network's own, e.g. widths=[1024, 512, 256]

    Raises InputError for an unknown name.
    """
    network = _class_of(kind)
    if network is None:
        raise InputError(f"denoiser {kind!r} is unknown; use one of {', '.join(denoiser_kinds())}")
    if size == "small":
        options = network.SMALL | options
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        drawn = [network(mask, n_classes, **options) for _ in range(networks)]
    return Averaged(drawn) if networks > 1 else drawn[0]


def example_conditions(network: nn.Module, n_rows: int, label: int):
    """Conditions of so many rows as a network takes them, all of one label, on "meta"."""
    labels = torch.full((n_rows,), label, device="meta")
    n_scores = getattr(network, "n_scores", 0)
    return Told(labels, torch.empty(n_rows, n_scores, device="meta")) if n_scores else labels


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
    label = example_conditions(network, 1, n_classes)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        functional_call(network, shapes, (x, t_fraction, label))
    return counter.get_total_flops() / 1e9
