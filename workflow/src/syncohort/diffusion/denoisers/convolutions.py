"""What convolutional UNets along the genome are made of: time, residual blocks, stages.

Axes: N rows, L length of a level, W channels of a level, E channels of the embedding of time
(and label).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

GROUPS = 32
TIME_SCALE = 1000  # the sinusoids are made for steps 0..1000
MAX_PERIOD = 10_000
EMBEDDING_WIDTHS = 4  # E, in base widths


def sinusoids(t_fraction, width: int):
    """Embed t_fraction [N] in (0, 1] as cosines and sines [N, width], width even.

    Periods grow geometrically from 2 pi to almost 2 pi MAX_PERIOD steps of 1 / TIME_SCALE.
    Source: Vaswani et al. 2017, section 3.5.
    """
    steps = torch.arange(width // 2, dtype=t_fraction.dtype, device=t_fraction.device)
    rates = torch.exp(-math.log(MAX_PERIOD) * steps / (width // 2))  # [width / 2]
    angles = TIME_SCALE * t_fraction[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def starting_at_zero(layer: nn.Module) -> nn.Module:
    """The last layer of a residual branch, which thereby starts as the identity."""
    for each in layer.parameters():
        nn.init.zeros_(each)
    return layer


def conv(width_in: int, width_out: int) -> nn.Conv1d:
    return nn.Conv1d(width_in, width_out, kernel_size=3, padding=1)


def norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS, width)


class Residual(nn.Module):
    """[N, W_in, L] and the embedding [N, E] -> [N, W_out, L]; `resample` may change L."""

    def __init__(self, width_in, width_out, resample=None, *, n_embedding: int, dropout: float):
        super().__init__()
        self.width_out = width_out
        self.resample = resample or nn.Identity()
        self.enter_norm = norm(width_in)
        self.enter = conv(width_in, width_out)
        self.modulate = nn.Linear(n_embedding, 2 * width_out)
        self.leave_norm = norm(width_out)
        self.dropout = nn.Dropout(dropout)
        self.leave = starting_at_zero(conv(width_out, width_out))
        same = width_in == width_out
        self.skip = nn.Identity() if same else nn.Conv1d(width_in, width_out, kernel_size=1)

    def forward(self, h, embedding):
        residual = self.skip(self.resample(h))
        h = self.enter(self.resample(F.silu(self.enter_norm(h))))
        scale, shift = self.modulate(F.silu(embedding))[:, :, None].chunk(2, dim=1)  # [N, W, 1]
        h = self.leave_norm(h) * (1 + scale) + shift
        return self.leave(self.dropout(F.silu(h))) + residual


class Stage(nn.ModuleList):
    """Layers of h and what they are told of its row, one after the other."""

    def forward(self, h, *told):
        for layer in self:
            h = layer(h, *told)
        return h
