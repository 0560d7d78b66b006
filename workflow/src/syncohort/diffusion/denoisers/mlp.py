"""The paper's MLP: a UNet of dense layers over the flattened latents (docs/methods.md 1.3).

Axes: N rows, G gene blocks, K channels, D = G K, W width of a layer, C classes.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from syncohort.errors import InputError
from syncohort.generators.conditioning import mix

PUBLISHED_WIDTHS = (1024, 512, 256)
GROUPS = 32
GROUP_WIDTH = 8  # the paper's at its narrowest layer; a group of one channel would be constant


def _norm(width: int) -> nn.GroupNorm:
    """GroupNorm(32), with fewer groups in layers narrower than the paper's."""
    return nn.GroupNorm(min(GROUPS, width // GROUP_WIDTH), width)


class _Down(nn.Module):
    """[N, W_in] -> [N, W_out], and the skip [N, W_out] for the way up."""

    def __init__(self, width_in: int, width_out: int):
        super().__init__()
        self.enter = nn.Linear(width_in, width_out)
        self.skip = nn.Linear(width_out, width_out)
        self.norm = _norm(width_out)
        self.leave = nn.Linear(width_out, width_out)

    def forward(self, h):
        residual = F.silu(self.enter(h))
        skip = F.silu(self.skip(residual))
        return F.silu(self.leave(self.norm(skip))) + residual, skip


class _Up(nn.Module):
    """[N, W_in] and the skip [N, W_out] -> [N, W_out], modulated by label and time."""

    def __init__(self, width_in: int, width_out: int, n_labels: int):
        super().__init__()
        self.enter = nn.Linear(width_in, width_out)
        self.norm = _norm(width_out)
        self.merge = nn.Linear(2 * width_out, width_out)
        self.label = nn.Linear(n_labels, width_out)
        self.time = nn.Linear(1, width_out)
        self.leave = nn.Linear(width_out, width_out)

    def forward(self, h, skip, time, label):
        residual = F.silu(self.enter(h))
        h = F.silu(self.merge(torch.cat([self.norm(residual), skip], dim=1)))
        h = h * self.label(label) + self.time(time)
        return F.silu(self.leave(h)) + residual


class MLPDenoiser(nn.Module):
    """Dense UNet with a global residual: the input is added to the output of the layers.

    mask: bool tensor [G, K]; n_classes: C; widths: from the outermost layer to the
    bottleneck, at least two multiples of 32; None: the paper's.

    Raises InputError for other widths.
    """

    SMALL: ClassVar[dict] = {"widths": (128, 64)}  # to try it without a GPU

    def __init__(self, mask, n_classes: int, widths: Sequence[int] | None = None):
        super().__init__()
        widths = PUBLISHED_WIDTHS if widths is None else widths
        if len(widths) < 2 or any(width <= 0 or width % GROUPS for width in widths):
            raise InputError(
                f"widths {list(widths)} of the mlp denoiser: give at least two, each a "
                f"multiple of {GROUPS}, e.g. [1024, 512, 256]"
            )
        n_inputs, n_labels = mask.numel(), n_classes + 1
        outer, bottleneck = [n_inputs, *widths[:-1]], widths[-1]
        self.n_labels = n_labels
        self.register_buffer("mask", mask, persistent=False)
        self.down = nn.ModuleList(_Down(high, low) for high, low in pairwise(outer))
        self.bottleneck = nn.Sequential(
            nn.Linear(outer[-1], bottleneck),
            _norm(bottleneck),
            nn.SiLU(),
            nn.Linear(bottleneck, bottleneck),
            nn.SiLU(),
        )
        rising = widths[::-1]
        self.up = nn.ModuleList(_Up(low, high, n_labels) for low, high in pairwise(rising))
        self.head = nn.Sequential(_norm(widths[0]), nn.SiLU(), nn.Linear(widths[0], n_inputs))

    @property
    def narrowest_layers(self) -> dict[str, nn.Module]:
        """The layer between the way down and the way up."""
        return {"mlp": self.bottleneck}

    def forward(self, x, t_fraction, label, residual: bool = True):
        """x [N, G, K], t_fraction [N] in (0, 1], label [N] in 0..C -> [N, G, K].

        residual: whether x is added at the end.
        """
        time = t_fraction[:, None]  # [N, 1]
        one_hot = mix(torch.eye(self.n_labels, dtype=x.dtype, device=x.device), label)  # [N, C + 1]
        h, skips = x.flatten(1), []  # [N, D]
        for down in self.down:
            h, across = down(h)  # [N, W]
            skips.append(across)
        h = self.bottleneck(h)
        for up in self.up:
            h = up(h, skips.pop(), time, one_hot)  # [N, W]
        h = self.head(h).view_as(x)  # [N, G, K]
        return (x + h if residual else h) * self.mask
