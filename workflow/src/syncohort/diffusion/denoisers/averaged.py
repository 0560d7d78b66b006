"""Several networks of one kind, whose predictions are averaged.

What all people share every network learns, and it stays. What a network has by chance, of its first weights and
of the order of its rows, each has in another way, and it averages out (Breiman 1996, Bagging predictors;
Lakshminarayanan et al. 2017, Deep ensembles).
"""

import torch
from torch import nn


class Averaged(nn.Module):
    """Networks of one kind in the place of one of them.

    In training each network gets its own part of every batch, so that an epoch of all takes about as long as of
    one. A batch of fewer rows than networks shows all its rows to all.
    """

    def __init__(self, networks: list[nn.Module]):
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.n_scores = getattr(networks[0], "n_scores", 0)

    @property
    def LABEL_TABLES(self) -> tuple[str, ...]:
        """Those of all networks."""
        return tuple(
            f"networks.{place}.{name}"
            for place, each in enumerate(self.networks)
            for name in each.LABEL_TABLES
        )

    def forward(self, x, t_fraction, label, residual: bool = True):
        """See `denoisers`: the mean of the networks' outputs, in training of each row one network's."""
        n_rows, n_networks = len(x), len(self.networks)
        if not self.training or n_rows < n_networks:
            return sum(each(x, t_fraction, label, residual) for each in self.networks) / n_networks
        edges = [n_rows * place // n_networks for place in range(n_networks + 1)]
        parts = zip(self.networks, edges, edges[1:], strict=False)
        return torch.cat(
            [
                each(x[start:stop], t_fraction[start:stop], label[start:stop], residual)
                for each, start, stop in parts
            ]
        )
