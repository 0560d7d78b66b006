"""Denoising networks: forward(x [N, G, K], t_fraction [N], label [N], residual) -> [N, G, K].

t_fraction is t / T in (0, 1], float32; label is int64, 0..C - 1, or C for "no label".
residual: whether x is added to what the layers give, as in the paper (the default), or not.
Outputs are 0 at padded positions. `build_denoiser` knows them by name.
"""

import torch
from torch import nn

from syncohort.denoisers.mlp import MLPDenoiser
from syncohort.errors import InputError

_DENOISERS = {"mlp": MLPDenoiser}
DENOISERS = tuple(_DENOISERS)


def build_denoiser(kind: str, mask, n_classes: int, *, seed: int = 0, **options) -> nn.Module:
    """Build the denoiser `kind` with freshly drawn weights.

    mask: bool tensor [G, K]; n_classes: C; seed: of the initial weights; options: the
    network's own, e.g. widths=[1024, 512, 256].

    Raises InputError for an unknown name.
    """
    if kind not in _DENOISERS:
        raise InputError(f"denoiser {kind!r} is unknown; use one of {', '.join(DENOISERS)}")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _DENOISERS[kind](mask, n_classes, **options)
