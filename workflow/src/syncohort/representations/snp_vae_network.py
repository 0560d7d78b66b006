"""The networks of the SNP autoencoder: encoder, decoder, discriminator (docs/methods.md 2).

A 1-D residual autoencoder along the genome, in the layout of latent diffusion (Rombach et al.
2022, "High-resolution image synthesis with latent diffusion models", appendix G): pixels are SNPs,
colours are calls. A convolution treats all SNPs alike, although a SNP's calls mean nothing without
knowing which it is; patches of SNPs with weights of their own know it, and are shorter sequences.

Axes: N rows, C calls (2 alleles or 3 dosages), V variants; L is V padded to a multiple of the
shortening, or what a level has of it; B SNPs of a patch; G = L / shortening positions of the
latents, K channels of them, W channels of a level.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from syncohort.networks.convolutions import Attention, Residual, conv, norm
from syncohort.networks.position_linear import PositionLinear, zeros

# Log-variances of the posterior beyond these are of no use and overflow (as in latent diffusion).
_LOG_VARIANCES = (-30.0, 20.0)
_LEAK = 0.2

# The posterior starts narrow: with the usual start, as wide as the prior, the divergence empties
# the latents before the decoder has learned to read them.
_FIRST_LOG_VARIANCE = -4.0


@dataclass(frozen=True)
class Layout:
    """Sizes of the autoencoder. patch_snps: B; width: channels of the first layer; widths: of the
    levels, each half as long as the one before; blocks_per_level: residual blocks of the encoder;
    decoder_blocks: of the decoder; latent_channels: K; groups: of the norms; attention_bias:
    whether the attention in the middle has biases."""

    n_variants: int
    n_calls: int
    patch_snps: int
    width: int
    widths: Sequence[int]
    blocks_per_level: int
    decoder_blocks: int
    latent_channels: int
    groups: int
    attention_bias: bool

    @property
    def shortening(self) -> int:
        """SNPs per position of the latents."""
        return self.patch_snps * 2 ** (len(self.widths) - 1)

    @property
    def n_positions(self) -> int:
        """G."""
        return -(-self.n_variants // self.shortening)

    @property
    def length(self) -> int:
        """L of the first level."""
        return self.n_positions * self.shortening


def one_hot(rows, layout: Layout):
    """Rows int64 [N, V], -1 missing -> float32 [N, C, L]; missing and padding are all zero."""
    padded = F.pad(rows, (0, layout.length - layout.n_variants), value=-1)
    calls = torch.arange(layout.n_calls, device=rows.device)
    return (padded[:, None] == calls[:, None]).float()


def _residual(layout: Layout, width_in: int, width_out: int) -> Residual:
    return Residual(width_in, width_out, groups=layout.groups, identity=False)


def _middle(layout: Layout, width: int) -> list[nn.Module]:
    attention = Attention(
        width,
        head_width=width,
        groups=layout.groups,
        identity=False,
        bias=layout.attention_bias,
    )
    return [_residual(layout, width, width), attention, _residual(layout, width, width)]


def _level(layout: Layout, width_in: int, width: int, n_blocks: int) -> list[nn.Module]:
    return [_residual(layout, width if i else width_in, width) for i in range(n_blocks)]


def _last_norm(layout: Layout, width: int) -> list[nn.Module]:
    return [norm(width, layout.groups), nn.SiLU()]


def _halve(width: int) -> list[nn.Module]:
    """Padded at the end alone, as in latent diffusion."""
    return [nn.ConstantPad1d((0, 1), 0), nn.Conv1d(width, width, kernel_size=3, stride=2)]


def _double(width: int) -> list[nn.Module]:
    return [nn.Upsample(scale_factor=2), conv(width, width)]


class _OwnWeights(PositionLinear):
    """`PositionLinear` of h [N, W_in, L] -> [N, W_out, L]; biases start at 0."""

    def __init__(self, length: int, width_in: int, width_out: int):
        super().__init__(length, width_in, width_out, draw_bias=zeros)

    def forward(self, h):
        return super().forward(h.transpose(1, 2)).transpose(1, 2)


def _patches(h, patch_snps: int):
    """[N, C, L] -> [N, B C, L / B]: the SNPs of a patch side by side."""
    return h.unflatten(2, (-1, patch_snps)).transpose(2, 3).flatten(1, 2)


def _snps(h, patch_snps: int):
    """The inverse of `_patches`."""
    return h.unflatten(1, (-1, patch_snps)).transpose(2, 3).flatten(2, 3)


def _outermost(layout: Layout, width_in: int, width_out: int) -> nn.Module:
    """The layer between calls and channels: of the patches' own, or a convolution."""
    if layout.patch_snps == 1:
        return conv(width_in, width_out)
    return _OwnWeights(layout.length // layout.patch_snps, width_in, width_out)


def _innermost(layout: Layout, width_in: int, width_out: int) -> nn.Module:
    """The layer between channels and latents: of the positions' own where the patches have such."""
    if layout.patch_snps == 1:
        return conv(width_in, width_out)
    return _OwnWeights(layout.n_positions, width_in, width_out)


class _Encoder(nn.Module):
    """One-hot calls [N, C, L] -> mean and log-variance of the latents, each [N, K, G]."""

    def __init__(self, layout: Layout):
        super().__init__()
        self.patch_snps = layout.patch_snps
        self.enter = _outermost(layout, layout.n_calls * layout.patch_snps, layout.width)
        layers, width = [], layout.width
        for level, own in enumerate(layout.widths):
            if level:
                layers += _halve(width)
            layers += _level(layout, width, own, layout.blocks_per_level)
            width = own
        layers += _middle(layout, width)
        self.body = nn.Sequential(*layers, *_last_norm(layout, width))
        self.leave = _innermost(layout, width, 2 * layout.latent_channels)
        with torch.no_grad():
            self.leave.bias[..., layout.latent_channels :] = _FIRST_LOG_VARIANCE

    def forward(self, calls):
        h = self.enter(_patches(calls, self.patch_snps))
        mean, log_variance = self.leave(self.body(h)).float().chunk(2, dim=1)
        return mean, log_variance.clamp(*_LOG_VARIANCES)


class _Decoder(nn.Module):
    """Latents [N, K, G] -> logits [N, C, L], float32; `leave` is the last layer."""

    def __init__(self, layout: Layout):
        super().__init__()
        self.patch_snps = layout.patch_snps
        width = layout.widths[-1]
        self.enter = _innermost(layout, layout.latent_channels, width)
        layers = _middle(layout, width)
        for level, own in reversed(list(enumerate(layout.widths))):
            layers += _level(layout, width, own, layout.decoder_blocks)
            width = own
            if level:
                layers += _double(width)
        self.body = nn.Sequential(*layers, *_last_norm(layout, width))
        self.leave = _outermost(layout, width, layout.n_calls * layout.patch_snps)

    def forward(self, latents):
        h = self.leave(self.body(self.enter(latents)))  # [N, B C, L / B]
        return _snps(h, self.patch_snps).float()


class SnpAutoencoder(nn.Module):
    """The variational autoencoder: `encode` and `decode`.

    log_frequencies: [C, V] of the calls in training. With patches, the biases of the logits start
    there: a decoder that says nothing gives the training frequencies.
    """

    def __init__(self, layout: Layout, log_frequencies=None):
        super().__init__()
        self.layout = layout
        self.encoder, self.decoder = _Encoder(layout), _Decoder(layout)
        if layout.patch_snps > 1 and log_frequencies is not None:
            padded = F.pad(log_frequencies, (0, layout.length - layout.n_variants))
            with torch.no_grad():
                self.decoder.leave.bias.copy_(_patches(padded[None], layout.patch_snps)[0].T)

    def encode(self, calls):
        """Mean and log-variance [N, K, G] of the latents of one-hot calls [N, C, L]."""
        return self.encoder(calls)

    def decode(self, latents):
        """Logits float32 [N, C, L] of latents [N, K, G]."""
        return self.decoder(latents)


class Discriminator(nn.Module):
    """Calls or their probabilities [N, C, L] -> scores [N, 1, L'], high for real ones.

    Convolutions with spectral norm (Miyato et al. 2018), each halving the length; the scores are
    of stretches of the genome (Isola et al. 2017).

    channels: of the last layers; the first of six has an eighth of them; depth: convolutions, fewer
    where the length L would not leave two positions to score.
    """

    def __init__(self, n_calls: int, length: int, channels: int, depth: int):
        super().__init__()
        depth = min(depth, length.bit_length() - 2)
        layers, before = [], n_calls
        for layer in range(depth):
            width = channels // 2 ** max(depth - 3 - layer, 0)
            layers.append(spectral_norm(conv(before, width, stride=2)))
            if layer:
                layers.append(nn.InstanceNorm1d(width))
            layers.append(nn.LeakyReLU(_LEAK))
            before = width
        self.body = nn.Sequential(*layers, nn.Conv1d(before, 1, kernel_size=1))

    def forward(self, calls):
        return self.body(calls).float()
