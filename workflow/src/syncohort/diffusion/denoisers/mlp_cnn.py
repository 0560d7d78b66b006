"""The paper's mix of MLP and CNN by a learned weight of time (docs/methods.md 1.3).

Axes: N rows, G gene blocks, K channels, C classes.
"""

from typing import ClassVar

import torch
from torch import nn

from syncohort.diffusion.denoisers.cnn import CNNDenoiser
from syncohort.diffusion.denoisers.mlp import MLPDenoiser

HIDDEN = 128
SHOWN_TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)  # as shares of T


class MLPCNNDenoiser(nn.Module):
    """(1 - lambda(t)) MLP + lambda(t) CNN, with lambda in (0, 1) from a small net of t / T.

    mask: bool tensor [G, K]; n_classes: C; mlp, cnn: options of the two parts, see
    `MLPDenoiser` and `CNNDenoiser`; None: the paper's.

    Raises InputError as they do.
    """

    SMALL: ClassVar[dict] = {"mlp": MLPDenoiser.SMALL, "cnn": CNNDenoiser.SMALL}

    def __init__(self, mask, n_classes: int, mlp: dict | None = None, cnn: dict | None = None):
        super().__init__()
        self.mlp = MLPDenoiser(mask, n_classes, **(mlp or {}))
        self.cnn = CNNDenoiser(mask, n_classes, **(cnn or {}))
        self.mixing = nn.Sequential(nn.Linear(1, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 1))

    @property
    def narrowest_layers(self) -> dict[str, nn.Module]:
        """The narrowest layers of both parts."""
        return self.mlp.narrowest_layers | self.cnn.narrowest_layers

    def mixing_weight(self, t_fraction):
        """Weight lambda [N] of the CNN at times t_fraction [N] in (0, 1]."""
        return torch.sigmoid(self.mixing(t_fraction[:, None]))[:, 0]

    def diagnostics(self) -> dict[str, float]:
        """lambda at five times, mixing_t0.1 and so on: columns of the table of losses."""
        times = torch.tensor(SHOWN_TIMES, device=self.mixing[0].weight.device)
        with torch.autocast(times.device.type, enabled=False):
            weights = self.mixing_weight(times).tolist()
        return {f"mixing_t{t:g}": weight for t, weight in zip(SHOWN_TIMES, weights, strict=True)}

    def forward(self, x, t_fraction, label, residual: bool = True):
        """x [N, G, K], t_fraction [N] in (0, 1], label [N] in 0..C -> [N, G, K].

        residual: whether x is added at the end.
        """
        weight = self.mixing_weight(t_fraction)[:, None, None]  # [N, 1, 1]
        from_mlp = self.mlp(x, t_fraction, label, residual)
        from_cnn = self.cnn(x, t_fraction, label, residual)
        return (1 - weight) * from_mlp + weight * from_cnn
