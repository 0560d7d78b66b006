"""The paper's CNN: a 1-D convolutional UNet along the genome (docs/methods.md 1.3).

The UNet of Dhariwal & Nichol 2021, "Diffusion models beat GANs on image synthesis",
appendix A and table 4, in one dimension: channels are PCs, pixels are gene blocks.

Axes: N rows, G gene blocks, K channels of the latents, C classes; within the network
L length of a level (G, halved at every further level), W channels of a level, E channels
of the embedding of time and label.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from syncohort.diffusion.denoisers.time_embedding import TimeEmbedding
from syncohort.errors import InputError
from syncohort.generators.conditioning import mix
from syncohort.networks.convolutions import (
    GROUPS,
    Attention,
    Residual,
    Stage,
    conv,
    norm,
    starting_at_zero,
)


@dataclass(frozen=True)
class _Level:
    """width: channels; head_width: channels of an attention head, None without attention."""

    width: int
    head_width: int | None


def _levels(base_width, multipliers, attention_at, head_width) -> list[_Level]:
    """The levels from the outermost; InputError where they cannot be built."""
    factors = [2**level for level in range(len(multipliers))]
    if base_width <= 0 or base_width % GROUPS:
        raise InputError(f"base_width {base_width} of the cnn denoiser: give a multiple of 32")
    for factor in attention_at:
        if factor not in factors:
            raise InputError(
                f"attention_at {factor} of the cnn denoiser: the down-sampling factors of its "
                f"{len(factors)} levels are {', '.join(map(str, factors))}; use some of them, or []"
            )
    levels = [
        _Level(base_width * multiplier, head_width if factor in attention_at else None)
        for multiplier, factor in zip(multipliers, factors, strict=True)
    ]
    for width in [*(each.width for each in levels if each.head_width), levels[-1].width]:
        if width % head_width:
            raise InputError(
                f"head_width {head_width} of the cnn denoiser does not divide the {width} "
                f"channels of a level with attention; use {math.gcd(head_width, width)}"
            )
    return levels


def _stage(residual, width_in: int, level: _Level) -> Stage:
    """A residual block into `level` with its attention; residual: makes the block."""
    layers = [residual(width_in, level.width)]
    if level.head_width:
        layers.append(Attention(level.width, level.head_width))
    return Stage(layers)


def _way_down(residual, levels: list[_Level], n_blocks: int) -> Iterator[Stage]:
    """Stages from the outermost level to the deepest; each gives one skip."""
    width = levels[0].width
    for i, level in enumerate(levels):
        if i:
            yield Stage([residual(width, width, nn.AvgPool1d(2))])
        for _ in range(n_blocks):
            yield _stage(residual, width, level)
            width = level.width


def _way_up(residual, levels: list[_Level], n_blocks: int, skips: list[int]) -> Iterator[Stage]:
    """Stages from the deepest level out; skips: channels that join each, the last first."""
    width = levels[-1].width
    for i, level in reversed(list(enumerate(levels))):
        for block in range(n_blocks):
            stage = _stage(residual, width + skips.pop(), level)
            width = level.width
            if i and block == n_blocks - 1:
                stage.append(residual(width, width, nn.Upsample(scale_factor=2)))
            yield stage


class CNNDenoiser(nn.Module):
    """Convolutional UNet with a global residual: the input is added to the output.

    mask: bool tensor [G, K] of any G: rows are padded with zeros to a multiple of the
    deepest down-sampling factor, and cut back. n_classes: C. base_width: channels of the
    first level, a multiple of 32; multipliers: channels of each level in base widths;
    blocks_per_level: residual blocks on the way down, one more on the way up;
    attention_at: down-sampling factors of the levels with self-attention, which the middle
    always has; head_width: channels of a head; dropout: in the residual blocks. The
    defaults are the paper's.

    Raises InputError for attention at a factor that no level has, and for widths that the
    norms or the heads cannot share.
    """

    SMALL: ClassVar[dict] = {  # to try it without a GPU
        "base_width": 32,
        "multipliers": (1, 2, 2),
        "blocks_per_level": 1,
        "attention_at": (4,),
        "head_width": 32,
    }

    def __init__(
        self,
        mask,
        n_classes: int,
        base_width: int = 64,
        multipliers: Sequence[int] = (1, 1, 1, 1, 2, 2, 3, 4),
        blocks_per_level: int = 3,
        attention_at: Sequence[int] = (32, 64),
        head_width: int = 64,
        dropout: float = 0.1,
    ):
        super().__init__()
        levels = _levels(base_width, multipliers, attention_at, head_width)
        n_channels = mask.shape[1]
        outer, inner = levels[0].width, levels[-1].width
        self.multiple = 2 ** (len(levels) - 1)
        self.register_buffer("mask", mask, persistent=False)
        self.time = TimeEmbedding(base_width)
        n_embedding = self.time.n_embedding
        residual = partial(Residual, n_embedding=n_embedding, dropout=dropout)
        self.label = nn.Embedding(n_classes + 1, n_embedding)
        self.enter = conv(n_channels, outer)
        self.down = nn.ModuleList(_way_down(residual, levels, blocks_per_level))
        skips = [outer, *(stage[0].width_out for stage in self.down)]
        self.middle = Stage(
            [residual(inner, inner), Attention(inner, head_width), residual(inner, inner)]
        )
        self.up = nn.ModuleList(_way_up(residual, levels, blocks_per_level + 1, skips))
        self.head = nn.Sequential(norm(outer), nn.SiLU(), starting_at_zero(conv(outer, n_channels)))

    @property
    def narrowest_layers(self) -> dict[str, nn.Module]:
        """The layer between the way down and the way up."""
        return {"cnn": self.middle}

    def forward(self, x, t_fraction, label, residual: bool = True):
        """x [N, G, K], t_fraction [N] in (0, 1], label [N] in 0..C -> [N, G, K].

        residual: whether x is added at the end.
        """
        embedding = self.time(t_fraction) + mix(self.label.weight, label)  # [N, E]
        n_blocks = x.shape[1]
        h = F.pad(x.transpose(1, 2), (0, -n_blocks % self.multiple))  # [N, K, L]
        h = self.enter(h)  # [N, W, L]
        skips = [h]
        for stage in self.down:
            h = stage(h, embedding)
            skips.append(h)
        h = self.middle(h, embedding)
        for stage in self.up:
            h = stage(torch.cat([h, skips.pop()], dim=1), embedding)
        h = self.head(h)[:, :, :n_blocks].transpose(1, 2)  # [N, G, K]
        return (x + h if residual else h) * self.mask
