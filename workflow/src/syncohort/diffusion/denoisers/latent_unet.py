"""SNPgen's denoiser: a 1-D UNet whose every level looks around and at the label (docs/methods.md 2).

The UNet of Rombach et al. 2022, "High-resolution image synthesis with latent diffusion models",
section 3.3 and appendix E.2.1, in one dimension.

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

_WIDER = 4  # the hidden layer of a feed-forward, in widths


class TokenAttention(nn.Module):
    """Every position asks tokens: h [N, L, W] and tokens [N, M, D] -> [N, L, W].

    Over a single token the softmax is 1, so that each position gets the same projection of it,
    whatever it asks; queries and keys then learn nothing.
    """

    def __init__(self, width: int, token_width: int, head_width: int):
        super().__init__()
        self.head_width = head_width
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(token_width, width, bias=False)
        self.value = nn.Linear(token_width, width, bias=False)
        self.leave = nn.Linear(width, width)

    def forward(self, h, tokens):
        query, key, value = (
            each.unflatten(2, (-1, self.head_width)).transpose(1, 2)  # [N, A, L or M, B]
            for each in (self.query(h), self.key(tokens), self.value(tokens))
        )
        mixed = F.scaled_dot_product_attention(query, key, value)  # [N, A, L, B]
        return self.leave(mixed.transpose(1, 2).flatten(2))


class _FeedForward(nn.Module):
    """Two dense layers at each position, the first gated (Shazeer 2020): [N, L, W] -> [N, L, W]."""

    def __init__(self, width: int):
        super().__init__()
        self.enter = nn.Linear(width, 2 * _WIDER * width)
        self.leave = nn.Linear(_WIDER * width, width)

    def forward(self, h):
        value, gate = self.enter(h).chunk(2, dim=2)
        return self.leave(value * F.gelu(gate))


class _Transformer(nn.Module):
    """All positions look at each other, then at the label: [N, W, L], [N, M, D] -> [N, W, L].

    Rombach et al. 2022, appendix E.2.1, one layer deep. It starts as the identity.
    """

    def __init__(self, width: int, label_width: int, head_width: int):
        super().__init__()
        self.norm = norm(width)
        self.enter = nn.Linear(width, width)
        self.around_norm, self.label_norm, self.ahead_norm = (nn.LayerNorm(width) for _ in range(3))
        self.around = TokenAttention(width, width, head_width)
        self.label = TokenAttention(width, label_width, head_width)
        self.ahead = _FeedForward(width)
        self.leave = starting_at_zero(nn.Linear(width, width))

    def forward(self, h, tokens):
        x = self.enter(self.norm(h).transpose(1, 2))  # [N, L, W]
        normed = self.around_norm(x)
        x = x + self.around(normed, normed)
        x = x + self.label(self.label_norm(x), tokens)
        x = x + self.ahead(self.ahead_norm(x))
        return h + self.leave(x).transpose(1, 2)


class _Block(nn.Module):
    """A residual block that is told the time, then a transformer: [N, W_in, L] -> [N, W_out, L].

    looks: False for a block without the transformer.
    """

    def __init__(
        self, width_in, width_out, *, n_embedding, label_width, head_width, dropout, looks=True
    ):
        super().__init__()
        self.residual = Residual(
            width_in, width_out, n_embedding=n_embedding, scaled=False, dropout=dropout
        )
        self.transformer = _Transformer(width_out, label_width, head_width) if looks else None

    def forward(self, h, time, label):
        h = self.residual(h, time)
        return h if self.transformer is None else self.transformer(h, label)


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


class _UNet(nn.Module):
    """[N, K, L], t_fraction [N], tokens [N, M, D] -> [N, K, L]; L is a multiple of the halvings.

    n_channels: K; widths: channels of the levels, from the outermost; n_blocks: residual blocks a
    level on the way down; the rest: see `LatentUNetDenoiser`.
    """

    def __init__(self, n_channels, widths, n_blocks, *, label_width, head_width, dropout):
        super().__init__()
        self.time = TimeEmbedding(widths[0])
        block = partial(
            _Block,
            n_embedding=self.time.n_embedding,
            label_width=label_width,
            head_width=head_width,
            dropout=dropout,
        )
        self.enter = conv(n_channels, widths[0])
        skips, down = zip(*_way_down(block, widths, n_blocks), strict=True)
        self.down = nn.ModuleList(down)
        inner = widths[-1]
        self.middle = Stage([block(inner, inner), block(inner, inner, looks=False)])
        self.up = nn.ModuleList(_way_up(block, widths, n_blocks + 1, [widths[0], *skips]))
        self.head = nn.Sequential(
            norm(widths[0]), nn.SiLU(), starting_at_zero(conv(widths[0], n_channels))
        )

    def forward(self, x, t_fraction, tokens):
        time = self.time(t_fraction)  # [N, E]
        h = self.enter(x)  # [N, W, L]
        skips = [h]
        for layer in self.down:
            h = layer(h, time, tokens)
            skips.append(h)
        h = self.middle(h, time, tokens)
        for stage in self.up:
            h = stage(torch.cat([h, skips.pop()], dim=1), time, tokens)
        return self.head(h)


class LatentUNetDenoiser(nn.Module):
    """The UNet and the table of the labels; "no label" is a token of zeros.

    mask: bool tensor [G, K] of any G: rows are padded with zeros to a multiple of the deepest
    down-sampling factor, and cut back. n_classes: C. base_width: channels of the first level, a
    multiple of 32; multipliers: channels of each level in base widths; blocks_per_level: residual
    blocks on the way down, one more on the way up; label_width: of the label's embedding;
    head_width: channels of an attention head, a divisor of base_width; dropout: in the residual
    blocks. The defaults are the release's: 16,215,617 weights with one channel, and the table.

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
        head_width: int = 32,
        dropout: float = 0.0,
    ):
        super().__init__()
        if base_width <= 0 or base_width % GROUPS or base_width % head_width:
            raise InputError(
                f"base_width {base_width} of the latent_unet denoiser: give a multiple of {GROUPS} "
                f"that heads of {head_width} channels divide evenly"
            )
        widths = [base_width * each for each in multipliers]
        self.padding = -len(mask) % 2 ** (len(widths) - 1)
        self.register_buffer("mask", mask, persistent=False)
        self.label = nn.Embedding(n_classes, label_width)
        self.unet = _UNet(
            mask.shape[1],
            widths,
            blocks_per_level,
            label_width=label_width,
            head_width=head_width,
            dropout=dropout,
        )

    def forward(self, x, t_fraction, label, residual: bool = False):
        """x [N, G, K], t_fraction [N] in (0, 1], label [N] in 0..C -> [N, G, K].

        residual: whether x is added at the end, which SNPgen does not.
        """
        table = F.pad(self.label.weight, (0, 0, 0, 1))  # [C + 1, D]
        tokens = mix(table, label)[:, None]  # [N, 1, D]
        padded = F.pad(x.transpose(1, 2), (0, self.padding))  # [N, K, L]
        h = self.unet(padded, t_fraction, tokens)
        h = h[:, :, : len(self.mask)].transpose(1, 2)  # [N, G, K]
        return (x + h if residual else h) * self.mask
