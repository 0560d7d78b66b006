"""What convolutional networks along the genome are made of: residual blocks, attention, stages.

Axes: N rows, L length of a level, W channels of a level, E channels of what a row is conditioned
on, A attention heads, B channels of a head.
"""

import torch.nn.functional as F
from torch import nn

GROUPS = 32


def starting_at_zero(layer: nn.Module) -> nn.Module:
    """The last layer of a residual branch, which thereby starts as the identity."""
    for each in layer.parameters():
        nn.init.zeros_(each)
    return layer


def conv(width_in: int, width_out: int, stride: int = 1) -> nn.Conv1d:
    return nn.Conv1d(width_in, width_out, kernel_size=3, stride=stride, padding=1)


def norm(width: int, groups: int = GROUPS) -> nn.GroupNorm:
    return nn.GroupNorm(groups, width)


class Residual(nn.Module):
    """[N, W_in, L], and the condition [N, E] if there is one, -> [N, W_out, L].

    resample: a layer that changes L; n_embedding: E, None without a condition; scaled: the
    condition scales and shifts what the second norm gives, else it is added before that norm;
    dropout: before the last convolution; groups: of the norms; identity: whether the block starts
    as one.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        resample: nn.Module | None = None,
        *,
        n_embedding: int | None = None,
        scaled: bool = True,
        dropout: float = 0.0,
        groups: int = GROUPS,
        identity: bool = True,
    ):
        super().__init__()
        self.width_out, self.scaled = width_out, scaled
        self.resample = resample or nn.Identity()
        self.enter_norm = norm(width_in, groups)
        self.enter = conv(width_in, width_out)
        n_known = (1 + scaled) * width_out
        self.modulate = nn.Linear(n_embedding, n_known) if n_embedding else None
        self.leave_norm = norm(width_out, groups)
        self.dropout = nn.Dropout(dropout)
        leave = conv(width_out, width_out)
        self.leave = starting_at_zero(leave) if identity else leave
        same = width_in == width_out
        self.skip = nn.Identity() if same else nn.Conv1d(width_in, width_out, kernel_size=1)

    def forward(self, h, embedding=None):
        residual = self.skip(self.resample(h))
        h = self.enter(self.resample(F.silu(self.enter_norm(h))))
        h = self._modulated(h, embedding)
        return self.leave(self.dropout(F.silu(h))) + residual

    def _modulated(self, h, embedding):
        """The second norm of h [N, W, L], with what the condition says."""
        if self.modulate is None:
            return self.leave_norm(h)
        known = self.modulate(F.silu(embedding))[:, :, None]
        if not self.scaled:
            return self.leave_norm(h + known)
        scale, shift = known.chunk(2, dim=1)  # [N, W, 1]
        return self.leave_norm(h) * (1 + scale) + shift


class Attention(nn.Module):
    """Self-attention over the length: [N, W, L] -> [N, W, L].

    head_width: B, a divisor of the width; groups: of the norm; identity: whether the layer starts
    as one; bias: whether its two maps have biases.
    """

    def __init__(
        self,
        width: int,
        head_width: int,
        *,
        groups: int = GROUPS,
        identity: bool = True,
        bias: bool = True,
    ):
        super().__init__()
        self.head_width = head_width
        self.norm = norm(width, groups)
        self.enter = nn.Conv1d(width, 3 * width, kernel_size=1, bias=bias)
        leave = nn.Conv1d(width, width, kernel_size=1, bias=bias)
        self.leave = starting_at_zero(leave) if identity else leave

    def forward(self, h, embedding=None):
        heads = self.enter(self.norm(h)).unflatten(1, (3, -1, self.head_width))  # [N, 3, A, B, L]
        query, key, value = heads.transpose(3, 4).unbind(1)  # [N, A, L, B]
        mixed = F.scaled_dot_product_attention(query, key, value)
        return h + self.leave(mixed.transpose(2, 3).flatten(1, 2))


class Stage(nn.ModuleList):
    """Layers of h and what its row is conditioned on, one after the other."""

    def forward(self, h, *conditions):
        for layer in self:
            h = layer(h, *conditions)
        return h
