"""Our denoiser: neighbouring gene blocks in windows, with weights of their own at each place.

Linkage is local and differs from place to place, so a group of blocks sees itself and the
groups beside it (further apart in later layers) through maps that belong to its position; a
few numbers about the whole genome carry what is not local, such as ancestry.

Axes: N rows, G gene blocks, K channels, M groups of blocks, D channels of a group's latents,
W width, E experts, C classes. Inside, the groups come first: [M, N, W].
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from syncohort.generators.conditioning import labels_of, mix, scores_of
from syncohort.networks.position_linear import PositionLinear, zeros

TIME_FREQUENCIES = 32
CONDITION_WIDTH = 128


class PositionsFirst(PositionLinear):
    """`PositionLinear` of h [M, N, in] -> [M, N, out]; biases start at 0.

    scale: of the initial weights, in units of 1 / sqrt(n_in).
    """

    def __init__(self, n_positions, n_in, n_out, n_experts: int | None, scale: float = 1.0):
        def normal(shape, n_in):
            return scale / math.sqrt(n_in) * torch.randn(shape)

        maps = (n_positions, n_in, n_out, n_experts)
        super().__init__(*maps, draw_weight=normal, draw_bias=zeros)

    def forward(self, h):
        # one kernel, whose precision autocast chooses
        return torch.baddbmm(self.bias[:, None], h, self.weights())


class _Context(nn.Module):
    """A few numbers about the whole row, from all groups and back to all: [M, N, W] -> same."""

    def __init__(self, n_positions, width, n_numbers, n_experts):
        super().__init__()
        self.gather = PositionsFirst(n_positions, width, n_numbers, n_experts)
        self.think = nn.Linear(n_numbers, n_numbers)
        self.spread = PositionsFirst(n_positions, n_numbers, width, n_experts, scale=0.1)

    def forward(self, h):
        about = self.gather(h).sum(dim=0) / math.sqrt(len(h))  # [N, R]
        about = F.silu(self.think(about))
        return self.spread(about.expand(len(h), -1, -1))


class _Layer(nn.Module):
    """A residual layer that sees the groups `reach` places to the left and to the right."""

    def __init__(self, n_positions, width, context, n_experts, reach: int):
        super().__init__()
        self.reach = reach
        self.modulate = nn.Linear(CONDITION_WIDTH, 2 * width)
        self.gates = nn.Parameter(torch.full((2, n_positions, 1, width), 0.3))
        self.enter = PositionsFirst(n_positions, width, width, n_experts)
        self.leave = PositionsFirst(n_positions, width, width, n_experts, scale=0.3)
        self.context = _Context(n_positions, width, context, n_experts) if context else None

    def forward(self, h, condition):
        scale, shift = self.modulate(condition).to(h.dtype).chunk(2, dim=1)  # [N, W]
        u = torch.addcmul(shift, _normalised(h), 1 + scale)
        if self.context is not None:
            u = u + self.context(u)
        left, right = self.gates.to(u.dtype)
        mixed, reach = u.clone(), self.reach
        mixed[reach:].addcmul_(left[reach:], u[:-reach])
        mixed[:-reach].addcmul_(right[:-reach], u[reach:])
        return h + self.leave(F.silu(self.enter(mixed)))


class LocalDenoiser(nn.Module):
    """Windowed residual layers with position-specific maps (docs/methods.md 1.3).

    mask: bool tensor [G, K]; n_classes: C; group_blocks: blocks of a group; width: channels
    of a group; layers: residual layers, the i-th of which reaches 2^i groups to both sides;
    context: numbers about the whole row in each layer, 0 for none; experts: of the layers, see
    `PositionLinear`; the maps into and out of them, an eighth of the weights, are always free;
    n_scores: numbers of the global vector that the network is told of a row, 0 for none.
    """

    LABEL_TABLES = ("label.weight", "label_at_position")  # a row for each label, the last for none

    def __init__(
        self,
        mask,
        n_classes: int,
        group_blocks: int = 4,
        width: int = 96,
        layers: int = 3,
        context: int = 64,
        experts: int | None = None,
        n_scores: int = 0,
    ):
        super().__init__()
        n_blocks, n_channels = mask.shape
        self.n_scores = n_scores
        n_groups = -(-n_blocks // group_blocks)
        self.register_buffer("mask", mask, persistent=False)
        self.padding = n_groups * group_blocks - n_blocks
        self.group_blocks = group_blocks
        latents = group_blocks * n_channels
        frequencies = torch.logspace(0, 3, TIME_FREQUENCIES)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.label = nn.Embedding(n_classes + 1, CONDITION_WIDTH)
        self.condition = nn.Sequential(
            nn.Linear(2 * TIME_FREQUENCIES + CONDITION_WIDTH + n_scores, CONDITION_WIDTH),
            nn.SiLU(),
            nn.Linear(CONDITION_WIDTH, CONDITION_WIDTH),
            nn.SiLU(),
        )
        self.label_at_position = nn.Parameter(torch.zeros(n_classes + 1, n_groups, width))
        if n_scores:  # what the global vector says of each place
            self.scores_at_position = PositionsFirst(n_groups, n_scores, width, None, scale=0.0)
        self.enter = PositionsFirst(n_groups, 3 * latents, width, None)
        self.layers = nn.ModuleList(
            _Layer(n_groups, width, context, experts, reach=2**i) for i in range(layers)
        )
        self.leave = PositionsFirst(n_groups, width, latents, None, scale=0.0)

    def forward(self, x, t_fraction, label, residual: bool = True):
        """x [N, G, K], t_fraction [N] in (0, 1], label [N] in 0..C -> [N, G, K].

        label: with n_scores, `conditioning.Told`; residual: whether x is added at the end.
        """
        label, scores = labels_of(label), scores_of(label)
        angle = t_fraction[:, None] * self.frequencies  # [N, F]
        known = [angle.sin(), angle.cos(), mix(self.label.weight, label)]
        condition = self.condition(torch.cat(known if scores is None else [*known, scores], dim=1))
        groups = self._to_groups(x)  # [M, N, D]
        beside = F.pad(groups, (0, 0, 0, 0, 1, 1))  # nothing beyond the edges
        window = torch.cat([beside[:-2], groups, beside[2:]], dim=2)
        h = self.enter(window)  # [M, N, W]
        h = h + mix(self.label_at_position.to(h.dtype), label).transpose(0, 1)
        if scores is not None:
            h = h + self.scores_at_position(scores.to(h.dtype).expand(len(h), -1, -1))
        for layer in self.layers:
            h = layer(h, condition)
        h = self._from_groups(self.leave(_normalised(h)))  # [N, G, K]
        return (x + h if residual else h) * self.mask

    def _to_groups(self, x):
        """[N, G, K] -> [M, N, D]"""
        x = F.pad(x, (0, 0, 0, self.padding))
        return x.unflatten(1, (-1, self.group_blocks)).flatten(2).transpose(0, 1)

    def _from_groups(self, groups):
        """[M, N, D] -> [N, G, K]"""
        x = groups.transpose(0, 1).unflatten(2, (self.group_blocks, -1)).flatten(1, 2)
        return x[:, : len(self.mask)]


def _normalised(h):
    """h [M, N, W] with a mean square of 1 over the channels."""
    return h * h.square().mean(dim=2, keepdim=True).add(1e-6).rsqrt()
