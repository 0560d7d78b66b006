"""The networks that classify people: standardised dosages [S, V] -> logits [S, C].

The paper's read the PCs of genes, padded to 8 a gene; these read the SNPs themselves, so that
no fitted representation stands between a cohort and its classifier. Eight neighbouring SNPs
take the place of a gene's 8 PCs. Source of the structures: docs/methods.md 1.4.

Axes: S people, V variants, C classes, W width, L positions of 8 SNPs, P patches of 128 SNPs.
"""

import torch
import torch.nn.functional as F
from torch import nn

from syncohort.networks.position_linear import PositionLinear

MLP_WIDTH = 512
CHANNELS = 64
SNPS_PER_POSITION = 8

# fewer would leave the last convolution one position, whose gradient torch 2.13 gets wrong in
# bfloat16 on a CPU (stride 2, kernel 3)
MIN_POSITIONS = 16
SNPS_PER_PATCH = 128  # the paper's patch: 16 genes of 8 PCs
HEADS = 6
FULL_SIZE = (384, 6)  # width and layers of the paper's transformer, which has 1,152 patches
SMALL_SIZE = (192, 3)  # an eighth of the work
SMALL_PATCHES = 256  # below this many patches the small size is used
DROPOUT = 0.1


class GenotypeMLP(nn.Module):
    """Dosages [S, V] -> 512 -> one residual pair 512-512 -> C, GELU."""

    def __init__(self, n_variants: int, n_classes: int):
        super().__init__()
        self.enter = nn.Linear(n_variants, MLP_WIDTH)
        self.pair = nn.Sequential(
            nn.Linear(MLP_WIDTH, MLP_WIDTH),
            nn.GELU(),
            nn.Linear(MLP_WIDTH, MLP_WIDTH),
            nn.GELU(),
        )
        self.leave = nn.Linear(MLP_WIDTH, n_classes)

    def forward(self, x):
        h = F.gelu(self.enter(x))  # [S, W]
        return self.leave(h + self.pair(h))  # [S, C]


class GenotypeCNN(nn.Module):
    """Four convolutions of kernel 3 and stride 2, 8 -> 64 -> 64 -> 64 -> 64, then one map to C.

    The 8 channels of a position are 8 neighbouring SNPs.
    """

    def __init__(self, n_variants: int, n_classes: int):
        super().__init__()
        length = max(MIN_POSITIONS, -(-n_variants // SNPS_PER_POSITION))
        self.length = length
        layers, channels = [], SNPS_PER_POSITION
        for _ in range(4):
            layers += [nn.Conv1d(channels, CHANNELS, 3, stride=2, padding=1), nn.GELU()]
            channels, length = CHANNELS, -(-length // 2)
        self.convolutions = nn.Sequential(*layers)
        self.leave = nn.Linear(CHANNELS * length, n_classes)

    def forward(self, x):
        x = _in_groups(x, self.length, SNPS_PER_POSITION).transpose(1, 2)  # [S, 8, L]
        return self.leave(self.convolutions(x).flatten(1))  # [S, 64, L / 16] -> [S, C]


class GenotypeTransformer(nn.Module):
    """Patches of 128 SNPs, mapped by weights of their own, and a class token; post-norm, GELU."""

    def __init__(self, n_variants: int, n_classes: int):
        super().__init__()
        n_patches = -(-n_variants // SNPS_PER_PATCH)
        width, layers = FULL_SIZE if n_patches >= SMALL_PATCHES else SMALL_SIZE
        self.n_patches = n_patches
        self.enter = PositionLinear(n_patches, SNPS_PER_PATCH, width)
        self.token = nn.Parameter(torch.zeros(width))
        layer = nn.TransformerEncoderLayer(
            width, HEADS, 4 * width, DROPOUT, activation="gelu", batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.leave = nn.Linear(width, n_classes)

    def forward(self, x):
        h = self.enter(_in_groups(x, self.n_patches, SNPS_PER_PATCH))  # [S, P, 128] -> [S, P, W]
        token = self.token.expand(len(h), 1, -1)
        return self.leave(self.encoder(torch.cat([token, h], dim=1))[:, 0])  # [S, C]


def _in_groups(x: torch.Tensor, n_groups: int, size: int) -> torch.Tensor:
    """Variants [S, V] in groups [S, n_groups, size], filled up with 0."""
    return F.pad(x, (0, n_groups * size - x.shape[1])).unflatten(1, (n_groups, size))


NETWORKS = {"mlp": GenotypeMLP, "cnn": GenotypeCNN, "transformer": GenotypeTransformer}
