"""SNPgen's denoiser: a short 1-D UNet that looks up the label at every level (docs/methods.md 2).

The UNet of Rombach et al. 2022, "High-resolution image synthesis with latent diffusion models",
section 3.3 and appendix E.2.1, in one dimension and without its self-attention.

Axes: N rows, G positions of the latents, K channels, C classes; within the network L length of a
level (G, halved at every further level), W channels of a level, E channels of the embedding of
time, M tokens of the label (one), D width of a token, A attention heads, B channels of a head.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from syncohort.diffusion.denoisers.time_embedding import TimeEmbedding
from syncohort.errors import InputError
from syncohort.generators.conditioning import mix
from syncohort.networks.convolutions import GROUPS, Residual, Stage, conv, norm, starting_at_zero


class CrossAttention(nn.Module):
    """Every position asks the label's tokens: [N, W, L] and tokens [N, M, D] -> [N, W, L].

    Rombach et al. 2022, section 3.3. Over a single token the softmax is 1, so that each position gets
    the same projection of it, whatever it asks; queries and keys then learn nothing.
    """

    def __init__(self, width: int, token_width: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.norm = norm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(token_width, width, bias=False)
        self.value = nn.Linear(token_width, width, bias=False)
        self.leave = starting_at_zero(nn.Linear(width, width))

    def forward(self, h, tokens):
        asked = self.query(self.norm(h).transpose(1, 2))  # [N, L, W]
        query, key, value = (
            each.unflatten(2, (self.n_heads, -1)).transpose(1, 2)  # [N, A, L or M, B]
            for each in (asked, self.key(tokens), self.value(tokens))
        )
        mixed = F.scaled_dot_product_attention(query, key, value)  # [N, A, L, B]
        return h + self.leave(mixed.transpose(1, 2).flatten(2)).transpose(1, 2)


class _Block(nn.Module):
    """A residual block that time modulates, then the label: [N, W_in, L] -> [N, W_out, L]."""

    def __init__(self, width_in, width_out, *, n_embedding, label_width, heads, dropout):
        super().__init__()
        self.residual = Residual(width_in, width_out, n_embedding=n_embedding, dropout=dropout)
        self.attention = CrossAttention(width_out, label_width, heads)

    def forward(self, h, time, label):
        return self.attention(self.residual(h, time), label)


class _Resample(nn.Sequential):
    """Layers that change the length and know of nothing else."""

    def forward(self, h, time, label):
        return super().forward(h)


def _halve(width: int) -> _Resample:
    return _Resample(conv(width, width, stride=2))


def _double(width: int) -> _Resample:
    return _Resample(nn.Upsample(scale_factor=2), conv(width, width))


def _way_down(block, widths: list[int], n_blocks: int) -> Iterator[tuple[int, nn.Module]]:
    """Layers from the outermost level to the deepest, each with the channels of its skip."""
    before = widths[0]
    for level, width in enumerate(widths):
        if level:
            yield before, _halve(before)
        for _ in range(n_blocks):
            yield width, block(before, width)
            before = width


def _way_up(block, widths: list[int], n_blocks: int, skips: list[int]) -> Iterator[Stage]:
    """Stages from the deepest level out; skips: channels that join each, the last first."""
    before = widths[-1]
    for level, width in reversed(list(enumerate(widths))):
        for number in range(n_blocks):
            stage = Stage([block(before + skips.pop(), width)])
            before = width
            if level and number == n_blocks - 1:
                stage.append(_double(width))
            yield stage


class LatentUNetDenoiser(nn.Module):
    """Convolutional UNet with cross-attention to the label; the input is added to the output.

    mask: bool tensor [G, K] of any G: rows are padded with zeros to a multiple of the deepest
    down-sampling factor, and cut back. n_classes: C. base_width: channels of the first level, a
    multiple of 32; multipliers: channels of each level in base widths; blocks_per_level: residual
    blocks on the way down, one more on the way up; label_width: of the label's embedding; heads:
    attention heads, a divisor of base_width; dropout: in the residual blocks. The defaults are
    the paper's.

    Raises InputError for widths that the norms or the heads cannot share.
    """

    SMALL: ClassVar[dict] = {  # to try it without a GPU
        "base_width": 32,
        "multipliers": (1, 2),
        "blocks_per_level": 1,
        "label_width": 32,
    }

    def __init__(
        self,
        mask,
        n_classes: int,
        base_width: int = 64,
        multipliers: Sequence[int] = (1, 2, 4),
        blocks_per_level: int = 2,
        label_width: int = 128,
        heads: int = 4,
        dropout: float = 0.0,
    ):
        super().__init__()
        if base_width <= 0 or base_width % GROUPS or base_width % heads:
            raise InputError(
                f"base_width {base_width} of the latent_unet denoiser: give a multiple of {GROUPS} "
                f"that its {heads} heads share evenly"
            )
        widths = [base_width * each for each in multipliers]
        n_channels = mask.shape[1]
        self.padding = -len(mask) % 2 ** (len(widths) - 1)
        self.register_buffer("mask", mask, persistent=False)
        self.time = TimeEmbedding(base_width)
        block = partial(
            _Block,
            n_embedding=self.time.n_embedding,
            label_width=label_width,
            heads=heads,
            dropout=dropout,
        )
        self.label = nn.Embedding(n_classes + 1, label_width)
        self.enter = conv(n_channels, widths[0])
        skips, down = zip(*_way_down(block, widths, blocks_per_level), strict=True)
        self.down = nn.ModuleList(down)
        self.middle = Stage([block(widths[-1], widths[-1]), block(widths[-1], widths[-1])])
        skips = [widths[0], *skips]
        self.up = nn.ModuleList(_way_up(block, widths, blocks_per_level + 1, skips))
        self.head = nn.Sequential(
            norm(widths[0]), nn.SiLU(), starting_at_zero(conv(widths[0], n_channels))
        )

    def forward(self, x, t_fraction, label, residual: bool = True):
        """x [N, G, K], t_fraction [N] in (0, 1], label [N] in 0..C -> [N, G, K].

        residual: whether x is added at the end.
        """
        time = self.time(t_fraction)  # [N, E]
        tokens = mix(self.label.weight, label)[:, None]  # [N, 1, D]
        h = self.enter(F.pad(x.transpose(1, 2), (0, self.padding)))  # [N, W, L]
        skips = [h]
        for layer in self.down:
            h = layer(h, time, tokens)
            skips.append(h)
        h = self.middle(h, time, tokens)
        for stage in self.up:
            h = stage(torch.cat([h, skips.pop()], dim=1), time, tokens)
        h = self.head(h)[:, :, : len(self.mask)].transpose(1, 2)  # [N, G, K]
        return (x + h if residual else h) * self.mask
