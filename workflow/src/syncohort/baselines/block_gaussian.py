"""A Gaussian of the latents: what means and neighbouring correlations alone can do.

Correlations are kept between neighbouring blocks only. A covariance of everything with
everything would have as many directions as there are training rows, and so would tell who
they were.

Axes: N rows, G gene blocks, K channels, C classes, W blocks of a stretch, T stretches of
all chromosomes, D = W K.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch

from syncohort.generators.base import LatentGenerator, describe, require_training_rows
from syncohort.generators.latents import LatentFiles
from syncohort.generators.noise import RowNoise
from syncohort.generators.rows import EncodedPeople
from syncohort.genotypes import slices

STRETCH_CHANNELS = 256
SHRINKAGE = 0.02  # a baseline: no key of the configuration changes it
_LEAST_SHRINKAGE = 1e-6  # keeps a covariance of few rows invertible


class BlockGaussian(LatentGenerator):
    """Latents as a Gaussian Markov chain of stretches of blocks, around the label's mean.

    A stretch of W blocks is x_t = x_(t-1) weights[t] + eps spread[t]. Of all distributions
    with the same covariances within and between neighbouring stretches it is the one of
    highest entropy (Dempster 1972).

    center: [C, G, K]; weights, spread: [T, D, D], weights 0 for the first stretch of a
    chromosome; slot: [G] int64, of each block among the T W of the stretches, the last of
    which a chromosome may not fill. All are 0 at padded positions.
    """

    def __init__(self, config: dict, mask: np.ndarray, center, weights, spread, slot):
        super().__init__(config, mask)
        self.center, self.weights, self.spread, self.slot = center, weights, spread, slot

    @staticmethod
    def restore(config: dict, tensors: dict) -> "BlockGaussian":
        """The model of a checkpoint's config and tensors."""
        parts = {name: each for name, each in tensors.items() if name != "mask"}
        return BlockGaussian(config, tensors["mask"].numpy(), **parts)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Means and the chain."""
        return {
            "center": self.center,
            "weights": self.weights,
            "spread": self.spread,
            "slot": self.slot,
        }

    def drawer(self, device: torch.device) -> Callable:
        """See `LatentGenerator`."""
        mask, center, order = (each.to(device) for each in (self.mask, self.center, self.slot))
        weights, spread = self.weights.to(device), self.spread.to(device)
        n_stretches, width = weights.shape[:2]  # T, D
        n_blocks, n_channels = n_stretches * width // mask.shape[1], mask.shape[1]

        def draw(labels, seed, first_row):
            noise = RowNoise(seed, first_row, len(labels), mask)()  # [n, G, K]
            spaced = noise.new_zeros(len(labels), n_blocks, n_channels)
            spaced[:, order] = noise  # [n, T W, K]
            chain = _follow(spaced.view(-1, n_stretches, width), weights, spread).view_as(spaced)
            own = center[torch.from_numpy(labels).to(device)]
            return (chain[:, order] + own).cpu().numpy()

        return draw


def _follow(noise, weights, spread):
    """The chain [N, T, D] that the noise [N, T, D] drives."""
    x = torch.empty_like(noise)
    before = torch.zeros_like(noise[:, 0])
    for stretch in range(len(weights)):
        before = before @ weights[stretch] + noise[:, stretch] @ spread[stretch]
        x[:, stretch] = before
    return x


def fit_block_gaussian(
    encoded: EncodedPeople,
    *,
    checkpoint_path: str | Path,
    shrinkage: float = SHRINKAGE,
    representation_fingerprints: dict[str, str] | None = None,
) -> None:
    """Fit the Gaussian to the latents of training people and write its checkpoint.

    encoded, representation_fingerprints: as in `train_diffusion`. shrinkage: weight of the
    covariance's diagonal, the rest is that of the rows around their label's mean (Ledoit & Wolf
    2004); variances stay as they are. Two stretches are held at a time. A chromosome is fitted to
    the rows that are whole there, see `EncodedPeople.whole_training_rows`.

    Raises InputError for a class without training rows.
    """
    rows = encoded.rows
    require_training_rows(rows)
    config = describe(
        "block_gaussian",
        encoded,
        rows.labels,
        representation_fingerprints,
        shrinkage=shrinkage,
    )
    names = ("center", "weights", "spread")
    parts = {name: [] for name in names}
    masks = encoded.masks
    for part, (path, own_mask) in enumerate(zip(encoded.paths, masks, strict=True)):
        file = LatentFiles([path], [own_mask])  # padded positions are 0
        train = encoded.whole_training_rows(part)
        fitted = fit_chromosome(file, train, rows.labels[train], len(rows.class_names), shrinkage)
        for name, part in zip(names, fitted, strict=True):
            parts[name].append(part)
    slot = _slots([len(each) for each in masks], masks[0].shape[1])
    center = torch.cat(parts["center"], dim=1)
    weights, spread = torch.cat(parts["weights"]), torch.cat(parts["spread"])
    mask = np.concatenate(masks)
    BlockGaussian(config, mask, center, weights, spread, slot).save(checkpoint_path)


def subtract_means(rows, labels: np.ndarray, n_classes: int):
    """Class means [C, G, K] of rows [N, G, K] of classes [N], which become residuals in place."""
    center = rows.new_zeros(n_classes, *rows.shape[1:])
    for label in range(n_classes):
        own = torch.from_numpy(np.flatnonzero(labels == label))
        center[label] = rows[own].mean(dim=0)
        rows[own] -= center[label]
    return center


def _stretch_blocks(n_channels: int) -> int:
    """W, for blocks of K channels."""
    return max(STRETCH_CHANNELS // n_channels, 1)


def _slots(block_counts: list[int], n_channels: int):
    """Places [G] of the chromosomes' blocks among those of whole stretches."""
    stretch, slots, before = _stretch_blocks(n_channels), [], 0
    for n_blocks in block_counts:
        slots.append(before + torch.arange(n_blocks))
        before += -(-n_blocks // stretch) * stretch
    return torch.cat(slots)


def fit_chromosome(latents, rows: np.ndarray, labels: np.ndarray, n_classes: int, shrinkage: float):
    """Center [C, G, K], weights and spread [T, D, D] of the chain of a chromosome's rows.

    latents: `LatentFiles` of it; rows [N]: the training rows, of classes labels [N].
    """
    n_blocks, n_channels = latents.mask.shape
    centers = []

    def residuals():
        for some in slices(n_blocks, _stretch_blocks(n_channels)):
            own = torch.from_numpy(latents.read(rows, some))
            centers.append(subtract_means(own, labels, n_classes))
            yield own

    weights, spread = fit_chain(residuals(), shrinkage)
    return torch.cat(centers, dim=1), weights, spread


def fit_chain(stretches: Iterable, shrinkage: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and spread [T, D, D] of the chain of one chromosome's rows of mean 0.

    stretches: [N, W, K] of consecutive blocks, the last one maybe of fewer; two are held at a time.
    """
    fitted, before = [], None
    for own in stretches:
        if before is None:  # an empty stretch before the first, empty blocks after the last
            before = torch.zeros(len(own), _stretch_blocks(own.shape[2]), own.shape[2])
        own = torch.nn.functional.pad(own, (0, 0, 0, before.shape[1] - own.shape[1]))
        both = torch.cat([before, own], dim=1).flatten(1)  # [N, 2 D]
        fitted.append(_condition(both.T @ both / len(both), shrinkage))
        before = own
    weights, spread = zip(*fitted, strict=True)
    return torch.stack(weights), torch.stack(spread)


def _condition(covariance, shrinkage: float):
    """Regression of the second half of a Gaussian's variables on the first.

    covariance: [2 D, 2 D]. Returns weights [D, D] and spread [D, D], whose products with the
    first half and with noise, both from the right, add up to the second.
    """
    covariance = covariance.double()
    half = len(covariance) // 2
    sd = covariance.diagonal().sqrt()  # [2 D]
    inverse = torch.where(sd > 0, 1 / sd, 0)
    correlation = (1 - max(shrinkage, _LEAST_SHRINKAGE)) * inverse[:, None] * covariance * inverse
    correlation.fill_diagonal_(1)
    root = torch.linalg.cholesky(correlation)
    onto = root[half:, :half].T  # [D, D]
    weights = torch.linalg.solve_triangular(root[:half, :half].T, onto, upper=True)
    weights = inverse[:half, None] * weights * sd[half:]
    return weights.float(), (root[half:, half:].T * sd[half:]).float()
