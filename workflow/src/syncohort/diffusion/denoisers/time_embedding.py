"""Diffusion time as channels, for the convolutional denoisers.

Axes: N rows, E channels of the embedding.
"""

import math

import torch
from torch import nn

TIME_SCALE = 1000  # the sinusoids are made for steps 0..1000
MAX_PERIOD = 10_000
WIDTHS = 4  # E, in base widths


def sinusoids(t_fraction, width: int):
    """Embed t_fraction [N] in (0, 1] as cosines and sines [N, width], width even.

    Periods grow geometrically from 2 pi to almost 2 pi MAX_PERIOD steps of 1 / TIME_SCALE.
    Source: Vaswani et al. 2017, section 3.5.
    """
    steps = torch.arange(width // 2, dtype=t_fraction.dtype, device=t_fraction.device)
    rates = torch.exp(-math.log(MAX_PERIOD) * steps / (width // 2))  # [width / 2]
    angles = TIME_SCALE * t_fraction[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class TimeEmbedding(nn.Sequential):
    """t_fraction [N] -> [N, E], two dense layers on sinusoids; E is `n_embedding`."""

    def __init__(self, base_width: int):
        n_embedding = WIDTHS * base_width
        super().__init__(
            nn.Linear(base_width, n_embedding), nn.SiLU(), nn.Linear(n_embedding, n_embedding)
        )
        self.base_width, self.n_embedding = base_width, n_embedding

    def forward(self, t_fraction):
        return super().forward(sinusoids(t_fraction, self.base_width))
