"""Training of a label-conditional diffusion model on latents.

Axes: N rows, G gene blocks of all chromosomes, K channels, C classes.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from syncohort.diffusion.guidance import drop_labels
from syncohort.diffusion.model import Generator
from syncohort.diffusion.prior import fit_prior, thinned
from syncohort.diffusion.process import WEIGHTINGS, Process, loss_weight
from syncohort.diffusion.validation import make_validation
from syncohort.errors import InputError
from syncohort.generators.base import describe, require_training_rows
from syncohort.generators.conditioning import fit_anchors, mix, positions
from syncohort.generators.latents import LatentFiles, Normalisation, fit_normalisation
from syncohort.seeds import child_seed
from syncohort.training.devices import resolve_device
from syncohort.training.loop import TrainResult, fit
from syncohort.training.parallel import ALONE, Team

log = logging.getLogger(__name__)
CPU_RESIDENT_BYTES = 8 * 10**9
TIMES = ("discrete", "continuous")
_VALIDATION, _PRIOR = 3, 4  # random streams beside those of training and initial weights


@dataclass(frozen=True, eq=False)
class MappedRows:
    """x_0 that stays on disk: indexed with rows [n], like the tensor [N, G, K] it stands for.

    labels: [N]; center, scale: of `Normalisation`; all three on the device the rows of x_0 are
    wanted on.
    """

    files: LatentFiles
    labels: torch.Tensor
    center: torch.Tensor
    scale: torch.Tensor

    def __getitem__(self, rows):
        wanted = rows.cpu().numpy()
        order = np.argsort(wanted)  # forwards through the files
        latents = np.empty((len(wanted), *self.scale.shape), dtype=np.float32)
        latents[order] = self.files[wanted[order]]
        x0 = torch.from_numpy(latents).to(self.scale.device)
        return (x0 - mix(self.center, self.labels[rows])) / self.scale


@dataclass(frozen=True, eq=False)
class _Task:
    """What a network is trained on. data: x_0 [N, G, K]; labels: [N], what it is told of them."""

    process: Process
    time: str
    weighting: str
    data: torch.Tensor | MappedRows
    labels: torch.Tensor
    train_rows: torch.Tensor
    null_label: int
    label_dropout: float

    def __post_init__(self):
        for name, known in (("time", TIMES), ("weighting", WEIGHTINGS)):
            value = getattr(self, name)
            if value not in known:
                raise InputError(
                    f"diffusion {name} {value!r} is unknown; use one of {', '.join(known)}"
                )

    def loss(self, network, batch, generator):
        """Mean loss of training rows `batch`, at random times and with labels dropped."""
        rows, process = self.train_rows[batch], self.process
        labels = drop_labels(self.labels[rows], self.label_dropout, self.null_label, generator)
        times = process.draw_times(len(rows), generator, continuous=self.time == "continuous")
        noise = process.draw_noise(len(rows), generator)
        losses = process.row_losses(network, self.data[rows], times, noise, labels)
        weight = loss_weight(self.weighting, process.target, *process.levels(times))
        return (losses * weight.flatten()).mean()


def _check_rows(n_rows, labels, is_validation, class_names) -> None:
    if not len(labels) == len(is_validation) == n_rows:
        raise ValueError(
            f"{n_rows} rows of latents, {len(labels)} labels, {len(is_validation)} split marks"
        )
    require_training_rows(labels, is_validation, class_names)
    if not is_validation.any():
        raise InputError(
            "there are no validation people, who choose the epoch of the generator; raise "
            "split.validation"
        )


def _resident_bytes(device: torch.device) -> int:
    """How much of a device's memory latents may take before they stay on disk."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory // 2
    return CPU_RESIDENT_BYTES


def _rows_of_x0(files: LatentFiles, normalisation: Normalisation, labels, device, in_memory: bool):
    """x_0 [N, G, K] on the device, or what reads it from disk; the numbers are the same."""
    if in_memory:
        latents = files[:]
        normalisation.apply(latents, labels)
        return torch.from_numpy(latents).to(device)
    log.info("the latents stay on disk: %.1f GB", files.n_bytes / 1e9)
    parts = (labels, normalisation.center, normalisation.scale)
    return MappedRows(files, *(torch.from_numpy(part).to(device) for part in parts))


def train_diffusion(
    latents_paths: list[str | Path],
    masks: list[np.ndarray],
    labels: np.ndarray,
    is_validation: np.ndarray,
    class_names: list[str],
    *,
    checkpoint_path: str | Path,
    denoiser: dict,
    values: np.ndarray | None = None,
    schedule: str,
    n_steps: int,
    time: str = "discrete",
    target: str = "x0",
    weighting: str = "uniform",
    prior_factors: int | None = 256,
    scaling: str = "global",
    residual_from_class_mean: bool = True,
    label_dropout: float = 0.1,
    membership_max: float = 1.0,
    representation_fingerprints: dict[str, str] | None = None,
    epochs: int,
    batch_size: int,
    patience: int | None = None,
    seed: int,
    device: str = "auto",
    max_resident_bytes: int | None = None,
    state_path: str | Path | None = None,
    team: Team = ALONE,
    **training,
) -> TrainResult:
    """Train a diffusion model on latents and write its checkpoint.

    latents_paths: .npy per chromosome, float32 [N, G_c, K], of training and validation
    rows. masks: bool [G_c, K] for each. labels: [N] int64 in 0..C - 1; is_validation: [N]
    bool; class_names: C names. values: [N] float64 of a continuous trait, which the network is
    then told instead of the classes, its bins (see `conditioning`). checkpoint_path: safetensors file to write.
    denoiser: {"kind": name, options}; schedule, n_steps, target: see `diffusion`; time:
    "discrete", steps 1..T, or "continuous", any in (0, T]; weighting: see `loss_weight`;
    prior_factors: of the Gaussian prior (see `fit_prior`), None for the paper's way
    without; scaling, residual_from_class_mean: see `fit_normalisation`; label_dropout: probability
    of the null label. membership_max: no weights are kept by whose loss training rows can be
    told from validation rows with a higher AUC (see `Validation.measure`, whose entries
    become columns of the log table).
    representation_fingerprints: of the models that made the latents, by chromosome.
    patience: epochs without a lower validation loss that end the training; None: all are
    run. max_resident_bytes: larger latents stay on disk; None: half of a GPU's memory, 8 GB
    without one. epochs, batch_size, seed, device ("auto", "cpu", "cuda"), state_path (deleted
    when the checkpoint is written), team (whose first process writes it) and `training`: as in
    `training.fit`.

    Everything is fitted on the rows outside `is_validation`; those choose the epoch.

    Raises InputError for a class without training rows, no validation rows or unusable
    settings.
    """
    place = resolve_device(device)
    labels, is_validation = np.asarray(labels, np.int64), np.asarray(is_validation, bool)
    files = LatentFiles(latents_paths, masks)
    _check_rows(len(files), labels, is_validation, class_names)
    train_rows = np.flatnonzero(~is_validation)
    anchors = None if values is None else fit_anchors(values[train_rows])
    told = labels if values is None else positions(values, anchors)
    normalisation = fit_normalisation(
        files,
        told,
        files.mask,
        n_classes=len(class_names if anchors is None else anchors),
        residual_from_class_mean=residual_from_class_mean,
        scaling=scaling,
        rows=train_rows,
    )
    if max_resident_bytes is None:
        max_resident_bytes = _resident_bytes(place)
    in_memory = files.n_bytes <= max_resident_bytes
    data = _rows_of_x0(files, normalisation, told, place, in_memory)
    prior = None
    if prior_factors is not None:
        rows = torch.from_numpy(thinned(train_rows).copy()).to(place)
        prior = fit_prior(data[rows], prior_factors, child_seed(seed, _PRIOR))
    config = describe(
        "diffusion",
        latents_paths,
        told,
        is_validation,
        class_names,
        representation_fingerprints,
        anchors=None if anchors is None else anchors.tolist(),
        label_rows=_label_rows(told[train_rows], normalisation),
        denoiser=denoiser,
        schedule=schedule,
        n_steps=n_steps,
        time=time,
        target=target,
        weighting=weighting,
        prior_factors=prior_factors,
        scaling=scaling,
        residual_from_class_mean=residual_from_class_mean,
        label_dropout=label_dropout,
        training={
            "epochs": epochs,
            "batch_size": batch_size,
            "patience": patience,
            "membership_max": membership_max,
            "seed": seed,
            **_recipe(training),
        },
    )
    generator = Generator(config, files.mask.copy(), normalisation, prior)
    process = generator.process(place)
    conditions = torch.from_numpy(told).to(place)
    task = _Task(
        process=process,
        time=time,
        weighting=weighting,
        data=data,
        labels=conditions,
        train_rows=torch.from_numpy(train_rows).to(place),
        null_label=generator.n_classes,
        label_dropout=label_dropout,
    )
    validation = make_validation(
        process,
        weighting,
        data,
        conditions,
        labels,
        is_validation,
        batch_size=batch_size,
        seed=child_seed(seed, _VALIDATION),
    )
    epochs_apart = validation.validations_apart(len(train_rows), epochs)
    result = fit(
        generator.network,
        task.loss,
        len(train_rows),
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        device=place,
        validate=validation.measure,
        validate_every=epochs_apart,
        patience=None if patience is None else -(-patience // epochs_apart),
        limits={"membership_auc": membership_max},
        state_path=state_path,
        fingerprint=json.dumps(config, sort_keys=True),
        team=team,
        **training,
    )
    if not team.is_first:
        return result
    config["training"] |= _outcome(result)
    generator.save(checkpoint_path)
    if state_path is not None:
        Path(state_path).unlink(missing_ok=True)
    return result


def _label_rows(told: np.ndarray, normalisation: Normalisation) -> list[float]:
    """Training rows of each class, or of each anchor its shares of them."""
    n_classes = len(normalisation.center)
    return mix(torch.eye(n_classes), torch.from_numpy(told)).sum(dim=0).tolist()


def _outcome(result: TrainResult) -> dict:
    """What the checkpoint says of its weights."""
    best = result.history[result.best_epoch - 1]
    return {
        "best_epoch": result.best_epoch,
        "best_loss": result.best_loss,
        "membership_auc": best["membership_auc"],
    }


def _recipe(training: dict) -> dict:
    """The training arguments that decide the weights, for the checkpoint."""
    bystanders = ("checkpoint_seconds", "log_path", "threads")
    return {name: value for name, value in training.items() if name not in bystanders}
