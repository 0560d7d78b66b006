"""A linear map of its own at every position: what a stretch of the genome means is its own.

Axes: N rows, P positions.
"""

import math
from collections.abc import Callable

import torch
from torch import nn


def uniform(shape: tuple[int, ...], n_in: int) -> torch.Tensor:
    """Initial weights or biases of `shape`, drawn as nn.Linear draws them for n_in inputs."""
    bound = 1 / math.sqrt(n_in)
    return torch.empty(shape).uniform_(-bound, bound)


def zeros(shape: tuple[int, ...], n_in: int) -> torch.Tensor:
    """Initial weights or biases of 0."""
    return torch.zeros(shape)


class PositionLinear(nn.Module):
    """A linear map of its own at every position: [N, P, n_in] -> [N, P, n_out].

    n_experts: None for free weights at each position; a number for weights that are, at each
    position, a learned mix of so many shared matrices, which bounds the parameters.
    draw_weight, draw_bias: functions of shape and n_in that give the initial values.
    """

    def __init__(
        self,
        n_positions: int,
        n_in: int,
        n_out: int,
        n_experts: int | None = None,
        *,
        draw_weight: Callable = uniform,
        draw_bias: Callable = uniform,
    ):
        super().__init__()
        self.shape = (n_positions, n_in, n_out)
        if n_experts is None:
            self.mix, shape = None, self.shape
        else:
            self.mix = nn.Parameter(torch.randn(n_positions, n_experts) / math.sqrt(n_experts))
            shape = (n_experts, n_in * n_out)
        self.weight = nn.Parameter(draw_weight(shape, n_in))
        self.bias = nn.Parameter(draw_bias((n_positions, n_out), n_in))

    def weights(self) -> torch.Tensor:
        """The maps in use, [P, n_in, n_out]."""
        return self.weight if self.mix is None else (self.mix @ self.weight).view(self.shape)

    def forward(self, h):
        return torch.einsum("npi,pio->npo", h, self.weights()) + self.bias
