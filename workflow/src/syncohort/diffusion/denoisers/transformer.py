"""The paper's Transformer: an encoder over patches of gene blocks (docs/methods.md 1.3).

Axes: N rows, G gene blocks, K channels, C classes, P patches, B blocks of a patch,
W width of a token.
"""

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from syncohort.errors import InputError
from syncohort.generators.conditioning import mix
from syncohort.networks.position_linear import PositionLinear


class TransformerDenoiser(nn.Module):
    """Post-norm encoder with a global residual: the input is added to the output.

    mask: bool tensor [G, K] of any G: rows are padded with zeros to whole patches, and cut
    back. n_classes: C; patch_blocks: gene blocks of a patch; width: channels of a token;
    layers: encoder layers; heads: attention heads, a divisor of width; feed_forward:
    hidden width of an encoder layer; dropout: of the encoder. The defaults are the paper's.

    Where a patch lies is known from its own maps into and out of the encoder; there is no
    position embedding. Time and label are two tokens more.

    Raises InputError when the heads cannot share the width.
    """

    SMALL: ClassVar[dict] = {
        "width": 96,
        "layers": 3,
        "heads": 3,
        "feed_forward": 384,
    }  # to try it without a GPU

    def __init__(
        self,
        mask,
        n_classes: int,
        patch_blocks: int = 16,
        width: int = 384,
        layers: int = 12,
        heads: int = 6,
        feed_forward: int = 1536,
        dropout: float = 0.1,
    ):
        super().__init__()
        if width % heads:
            raise InputError(
                f"heads {heads} of the transformer denoiser do not divide its width {width}; "
                f"use {max(each for each in range(1, heads) if width % each == 0)}"
            )
        n_patches = math.ceil(mask.shape[0] / patch_blocks)
        n_inputs = patch_blocks * mask.shape[1]
        self.patch_blocks = patch_blocks
        self.register_buffer("mask", mask, persistent=False)
        self.enter = PositionLinear(n_patches, n_inputs, width)
        self.time = nn.Linear(1, width)
        self.label = nn.Embedding(n_classes + 1, width)
        self.encoder = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    width, heads, feed_forward, dropout, activation="gelu", batch_first=True
                )
                for _ in range(layers)
            )
        )
        self.leave = PositionLinear(n_patches, width, n_inputs)

    def forward(self, x, t_fraction, label, residual: bool = True):
        """x [N, G, K], t_fraction [N] in (0, 1], label [N] in 0..C -> [N, G, K].

        residual: whether x is added at the end.
        """
        n_blocks = x.shape[1]
        h = F.pad(x, (0, 0, 0, -n_blocks % self.patch_blocks))  # [N, P B, K]
        h = self.enter(h.unflatten(1, (-1, self.patch_blocks)).flatten(2))  # [N, P, W]
        condition = [self.time(t_fraction[:, None]), mix(self.label.weight, label)]
        extra = torch.stack(condition, dim=1)  # [N, 2, W]
        h = self.encoder(torch.cat([extra, h], dim=1))  # [N, 2 + P, W]
        h = self.leave(h[:, 2:])  # [N, P, B K]
        h = h.unflatten(2, (self.patch_blocks, -1)).flatten(1, 2)[:, :n_blocks]  # [N, G, K]
        return (x + h if residual else h) * self.mask
