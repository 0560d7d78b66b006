"""How well a denoiser does on people it was not trained on, and whether it knows the others.

Axes: N rows, M validation rows, G gene blocks, K channels.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from syncohort.auc import auc_within_labels
from syncohort.diffusion.memorisation import added_auc, separation, stretches
from syncohort.diffusion.process import Process, loss_weight, x0_error_per_loss
from syncohort.generators.conditioning import Told
from syncohort.generators.rows import EncodedPeople
from syncohort.seeds import child_seed

DRAWS = 1_024
NOISE_BINS = 5
FELLOWS_PER_ROW = 2
MEMBERSHIP_DRAWS = 2
MEMBERSHIP_TIME = 0.2  # of T
MOST_FORWARD_SHARE = 0.2  # forward passes for each training row: a tenth of an epoch or less
LEAST_VALIDATIONS = 12
_TIMES, _SPREAD, _NEAR = 0, 1, 2  # random streams
_LEAST_SHARE = 1e-6  # of a row of which nothing counts


def forward_passes(n_rows: int) -> int:
    """Forward passes of a validation on so many rows, their fellows included."""
    return 2 * DRAWS + MEMBERSHIP_DRAWS * (1 + FELLOWS_PER_ROW) * n_rows


def epochs_between(passes: int, n_train: int, epochs: int) -> int:
    """Epochs between validations of so many forward passes; see `Validation.validations_apart`."""
    wanted = math.ceil(passes / (MOST_FORWARD_SHARE * n_train))
    return min(wanted, max(1, epochs // LEAST_VALIDATIONS))


def partners(labels: np.ndarray, rows: np.ndarray, candidates: np.ndarray, seed: int):
    """For each of `rows` a candidate of the same label, another one as long as they last.

    labels: [N]; rows [M] and candidates, which every label of the rows has: indices.
    """
    rng = np.random.default_rng(seed)
    chosen = np.empty_like(rows)
    for label in np.unique(labels[rows]):
        own = np.flatnonzero(labels[rows] == label)
        others = rng.permutation(candidates[labels[candidates] == label])
        chosen[own] = np.resize(others, len(own))
    return chosen


@dataclass(frozen=True, eq=False)
class Counted:
    """Positions whose errors count, indexed by rows [n]: bool [n, G].

    Not the second rows of men, is_second [N], where men have one copy, one_copy [G].
    """

    one_copy: torch.Tensor
    is_second: torch.Tensor

    @staticmethod
    def of(encoded: EncodedPeople, device: torch.device) -> "Counted | None":
        """Of these latents; None where all positions count."""
        one_copy, is_second = encoded.one_copy, encoded.rows.is_second
        if not one_copy.any():
            return None
        return Counted(*(torch.from_numpy(each).to(device) for each in (one_copy, is_second)))

    def __getitem__(self, rows):
        return ~(self.is_second[rows, None] & self.one_copy)

    def share(self, rows, mask):
        """How much of these rows counts: share of the real numbers, mask bool [G, K]; [n]."""
        numbers = mask.sum(dim=1).float()  # [G]
        return (self[rows] * numbers).sum(dim=1) / numbers.sum()


@dataclass(frozen=True, eq=False)
class Validation:
    """Judges a network by rows, noise and times that are the same at every call.

    process, weighting: as in training; data: x_0, indexed by rows; conditions: [N], what the
    network is conditioned on; labels: [N] int64, the classes within which rows are compared.
    rows: [M] int64, of validation; fellows: [2 M], training rows of the same labels (see
    `partners`), the first M of them row by row. The membership AUC takes all of them, for with
    few its chance error stops trainings (docs/measurements.md). batch_size: rows at once.
    untrained: `memorisation.separation` [M] of the network before training; None: it told nothing.
    A draw is a row, a time and noise: there are DRAWS of them, so that few rows are used
    several times. counted: what counts in the loss, None: all.
    """

    process: Process
    weighting: str
    data: torch.Tensor
    conditions: torch.Tensor | Told
    labels: np.ndarray
    rows: torch.Tensor
    fellows: torch.Tensor
    batch_size: int
    seed: int
    untrained: np.ndarray | None = None
    counted: Counted | None = None

    def validations_apart(self, n_train: int, epochs: int) -> int:
        """Epochs between validations, so that they cost about a tenth of the training.

        With few training rows it would be many; there are at least 12 validations in a run.
        """
        return epochs_between(forward_passes(len(self.rows)), n_train, epochs)

    def _losses(self, network, rows, times, stream: int):
        """Losses [n] of these rows at these times [n], each the mean over what counts of the row,
        and how much that is, [n] (None: all).
        """
        generator = torch.Generator(times.device)
        generator.manual_seed(child_seed(self.seed, stream))
        losses = []
        for part, at in zip(rows.split(self.batch_size), times.split(self.batch_size), strict=True):
            noise = self.process.draw_noise(len(part), generator)
            x0, own = self.data[part], self.conditions[part]
            counted = None if self.counted is None else self.counted[part]
            losses.append(self.process.row_losses(network, x0, at, noise, own, counted))
        if self.counted is None:
            return torch.cat(losses), None
        share = self.counted.share(rows, self.process.mask)
        return torch.cat(losses) / share.clamp(min=_LEAST_SHARE), share

    def _membership_losses(self, network) -> np.ndarray:
        """Losses [R, M] of fellows and rows in each stretch of the genome.

        Loss as an attack: Yeom et al. 2018; the same attack as `evaluation.white_box`.
        """
        time = max(1, round(MEMBERSHIP_TIME * self.process.schedule.n_steps))
        losses = []
        for part in self._compared.split(self.batch_size):
            generator = torch.Generator(part.device).manual_seed(child_seed(self.seed, _NEAR))
            x0, own = self.data[part], self.conditions[part]
            draws = (MEMBERSHIP_DRAWS, generator, stretches(len(self.process.mask)))
            losses.append(self.process.mean_losses(network, x0, time, own, *draws))
        return torch.cat(losses).cpu().numpy()

    @property
    def _compared(self):
        return torch.cat([self.fellows, self.rows])

    def _sides(self) -> tuple[np.ndarray, np.ndarray]:
        """Which of the compared rows are training rows, and the labels of all, both [R]."""
        rows = self._compared.cpu().numpy()
        return np.arange(len(rows)) < len(self.fellows), self.labels[rows]

    def before_training(self, network) -> "Validation":
        """The same judge, which subtracts what this network, untrained, tells of training rows."""
        untrained = separation(self._membership_losses(network), *self._sides())
        return replace(self, untrained=untrained)

    def _membership(self, network) -> dict[str, float]:
        losses = self._membership_losses(network)
        real = [int(self.process.mask[some].sum()) for some in stretches(len(self.process.mask))]
        whole = np.average(losses, axis=1, weights=real)
        trained = separation(losses, *self._sides())
        untrained = np.zeros_like(trained) if self.untrained is None else self.untrained
        return {
            "membership_auc": auc_within_labels(-whole, *self._sides()),
            "membership_added": added_auc(trained, untrained),
        }

    def measure(self, network) -> dict[str, float]:
        """Columns of the table of losses.

        numbers: real positions of the latents; loss: mean loss of validation rows, weighted as in training, times evenly spread over
        1..T. reconstruction_error: mean over draws of the root mean square error of x_0 from
        a single call of the network; error_t0.1, ...: the same at times around 0.1 T, 0.3 T
        and so on. train_loss_fixed: as `loss`, of as many training rows with the same labels,
        times and noise; memorisation_gap: by which share it is lower; membership_auc: how well
        training rows are distinguished from validation rows by losses at 0.2 T; membership_added:
        what training adds to that (see `memorisation`). Further what the network
        tells of itself, where it has `diagnostics` (`mlp_cnn`).
        """
        n_steps, device = self.process.schedule.n_steps, self.rows.device
        generator = torch.Generator(device)
        generator.manual_seed(child_seed(self.seed, _TIMES))
        times = 1 + torch.randperm(DRAWS, generator=generator, device=device) * n_steps // DRAWS
        drawn = torch.arange(DRAWS, device=device) % len(self.rows)

        levels = self.process.levels(times)
        weight = loss_weight(self.weighting, self.process.target, *levels).flatten()
        losses, share = self._losses(network, self.rows[drawn], times, _SPREAD)
        loss = _mean(weight * losses, share)
        of_training = self._losses(network, self.fellows[drawn], times, _SPREAD)
        train_loss = _mean(weight * of_training[0], of_training[1])

        errors = (losses * x0_error_per_loss(self.process.target, *levels).flatten()).sqrt()
        bins = (times - 1) * NOISE_BINS // n_steps
        by_noise = {
            f"error_t{(2 * i + 1) / (2 * NOISE_BINS):.1f}": _mean(
                errors[bins == i], None if share is None else share[bins == i]
            )
            for i in range(NOISE_BINS)
        }
        return {
            "loss": loss,
            "numbers": int(self.process.mask.sum()),
            "train_loss_fixed": train_loss,
            "memorisation_gap": 1 - train_loss / loss,
            **self._membership(network),
            "reconstruction_error": _mean(errors, share),
            **by_noise,
            **(network.diagnostics() if hasattr(network, "diagnostics") else {}),
        }


def _mean(values, share) -> float:
    """Mean of values [n] of rows, of which shares [n] count (None: all)."""
    return (values.mean() if share is None else (values * share).sum() / share.sum()).item()


def make_validation(
    process: Process,
    weighting: str,
    data,
    conditions: torch.Tensor | Told,
    labels: np.ndarray,
    is_validation: np.ndarray,
    *,
    batch_size: int,
    seed: int,
    counted: Counted | None = None,
) -> Validation:
    """Choose the rows that judge: at most DRAWS validation rows and their fellows.

    data: x_0, indexed by rows; conditions, on the device, labels: [N], see `Validation`;
    is_validation: [N] bool; counted: see `Validation`.
    """
    device, candidates = process.mask.device, np.flatnonzero(~is_validation)
    shuffled = np.random.default_rng(seed).permutation(np.flatnonzero(is_validation))
    rows = shuffled[:DRAWS]
    fellows = partners(labels, np.tile(rows, FELLOWS_PER_ROW), candidates, seed)
    return Validation(
        process=process,
        weighting=weighting,
        data=data,
        conditions=conditions,
        labels=labels,
        rows=torch.from_numpy(rows).to(device),
        fellows=torch.from_numpy(fellows).to(device),
        batch_size=batch_size,
        seed=seed,
        counted=counted,
    )
