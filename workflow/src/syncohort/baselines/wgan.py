"""A Wasserstein GAN on principal components of the latents, after Szatkownik et al. (2024).

Axes: N rows, G gene blocks, K channels, C classes, D = G K, F principal components of all
blocks together, Z channels of noise.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn

from syncohort.generators.base import LatentGenerator, part_of
from syncohort.generators.latents import Normalisation
from syncohort.generators.noise import RowNoise
from syncohort.seeds import child_seed

_LABEL_CHANNELS = 16
_SLOPE = 0.2  # of leaky ReLU
_INPUT = 1  # random stream of the network's noise, beside that of the rest


class LabelledMLP(nn.Module):
    """Dense layers over rows and their labels, leaky ReLU between them.

    forward(x [N, widths[0]], label [N] int64) -> [N, widths[-1]].
    """

    def __init__(self, widths: list[int], n_classes: int):
        super().__init__()
        self.embedding = nn.Embedding(n_classes, _LABEL_CHANNELS)
        widths = [widths[0] + _LABEL_CHANNELS, *widths[1:]]
        layers = []
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.LeakyReLU(_SLOPE)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x, label):
        return self.layers(torch.cat([x, self.embedding(label)], dim=1))


class ScoreNetwork(nn.Module):
    """Scores of principal components from noise: the noise itself, and what is learned.

    forward(noise [N, Z], label [N] int64) -> [N, F] =
    sd (noise[:, :F] + layers(noise, label) - mean[label]). The layers and the mean [C, F]
    start at 0, so the first scores are the Gaussian with the standard deviations sd [F] of
    the real ones. Z is at least F.
    """

    def __init__(self, n_noise: int, widths: list[int], sd, n_classes: int):
        super().__init__()
        self.register_buffer("sd", sd)
        self.register_buffer("mean", torch.zeros(n_classes, len(sd)))
        self.learned = LabelledMLP([n_noise, *widths, len(sd)], n_classes)
        nn.init.zeros_(self.learned.layers[-1].weight)
        nn.init.zeros_(self.learned.layers[-1].bias)

    def forward(self, noise, label):
        drawn = noise[:, : len(self.sd)] + self.learned(noise, label)
        return self.sd * (drawn - self.mean[label])


class WGAN(LatentGenerator):
    """Latents whose leading principal components come from a trained network.

    x = scores @ factors.T + rest_sd eps, and latents are x as `normalisation` undoes it.

    network: of the scores [N, F]; factors: [D, F], orthonormal columns; rest_sd: [G, K],
    standard deviation of what the factors leave, independent at every position. Both are 0 at
    padded positions.
    """

    def __init__(self, config, mask, normalisation: Normalisation, network, factors, rest_sd):
        super().__init__(config, mask)
        self.normalisation = normalisation
        self.network, self.factors, self.rest_sd = network, factors, rest_sd

    @staticmethod
    def restore(config: dict, tensors: dict) -> "WGAN":
        """The model of a checkpoint's config and tensors."""
        weights = part_of(tensors, "network.")
        n_classes = len(config["class_names"])
        network = ScoreNetwork(config["noise"], config["widths"], weights["sd"], n_classes)
        network.load_state_dict(weights)
        normalisation = Normalisation(tensors["center"].numpy(), tensors["scale"].numpy())
        mask, factors, rest_sd = (tensors[name] for name in ("mask", "factors", "rest_sd"))
        return WGAN(config, mask.numpy(), normalisation, network, factors, rest_sd)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Weights and what turns scores into latents."""
        weights = {f"network.{name}": each for name, each in self.network.state_dict().items()}
        return weights | {
            "center": torch.from_numpy(self.normalisation.center),
            "scale": torch.from_numpy(self.normalisation.scale),
            "factors": self.factors,
            "rest_sd": self.rest_sd,
        }

    def drawer(self, device: torch.device) -> Callable:
        """See `LatentGenerator`."""
        network = self.network.to(device).eval()
        mask, factors, rest_sd = (
            each.to(device) for each in (self.mask, self.factors, self.rest_sd)
        )
        channels = torch.ones(1, self.config["noise"], device=device)

        def draw(labels, seed, first_row):
            n_rows = len(labels)
            noise = RowNoise(child_seed(seed, _INPUT), first_row, n_rows, channels)()  # [n, 1, Z]
            scores = network(noise[:, 0], torch.from_numpy(labels).to(device))  # [n, F]
            rest = rest_sd * RowNoise(seed, first_row, n_rows, mask)()  # [n, G, K]
            x = (scores @ factors.T).view_as(rest) + rest
            return self.normalisation.undo(x.cpu().numpy(), labels)

        return draw
