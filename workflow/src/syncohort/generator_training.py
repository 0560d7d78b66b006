"""Training of a label-conditional diffusion model on latents.

Axes: N rows, G gene blocks of all chromosomes, K channels, C classes.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from syncohort import __version__
from syncohort.devices import resolve_device
from syncohort.diffusion.guidance import drop_labels
from syncohort.diffusion.prior import fit_prior
from syncohort.diffusion.process import Process
from syncohort.errors import InputError, examples
from syncohort.generator import FORMAT, Generator
from syncohort.genotypes import People, rows_per_person
from syncohort.latents import fit_normalisation, read_latents, sha256
from syncohort.seeds import child_seed
from syncohort.training import TrainResult, fit

VALIDATION_DRAWS = 1_024
_VALIDATION, _PRIOR = 3, 4  # random streams beside those of training and initial weights


@dataclass(frozen=True, eq=False)
class _Task:
    """What a network is trained on. data: x_0 [N, G, K]; labels: [N]; rows: of `data`."""

    process: Process
    data: torch.Tensor
    labels: torch.Tensor
    train_rows: torch.Tensor
    validation_rows: torch.Tensor
    null_label: int
    label_dropout: float
    batch_size: int
    seed: int

    def loss(self, network, batch, generator):
        """Mean loss of training rows `batch`, at random times and with labels dropped."""
        rows = self.train_rows[batch]
        labels = drop_labels(self.labels[rows], self.label_dropout, self.null_label, generator)
        times = self.process.draw_times(len(rows), generator)
        noise = self.process.draw_noise(len(rows), generator)
        return self.process.row_losses(network, self.data[rows], times, noise, labels).mean()

    def validate(self, network) -> dict[str, float]:
        """Mean loss of validation rows, with their labels.

        Rows, noise and times, evenly spread over 1..T, are the same at every call, so that
        epochs compare; few rows are used several times.
        """
        passes = -(-VALIDATION_DRAWS // len(self.validation_rows))
        rows = self.validation_rows.repeat(passes)
        generator = torch.Generator(self.data.device)
        generator.manual_seed(child_seed(self.seed, _VALIDATION))
        spread = torch.randperm(len(rows), generator=generator, device=rows.device)
        times = 1 + spread * self.process.schedule.n_steps // len(rows)
        total = 0.0
        for part, at in zip(rows.split(self.batch_size), times.split(self.batch_size), strict=True):
            noise = self.process.draw_noise(len(part), generator)
            losses = self.process.row_losses(network, self.data[part], at, noise, self.labels[part])
            total += losses.sum().item()
        return {"loss": total / len(rows)}


def _check_rows(n_rows, labels, is_validation, class_names) -> None:
    if not len(labels) == len(is_validation) == n_rows:
        raise ValueError(
            f"{n_rows} rows of latents, {len(labels)} labels, {len(is_validation)} split marks"
        )
    trained = np.bincount(labels[~is_validation], minlength=len(class_names))
    empty = [name for name, count in zip(class_names, trained, strict=True) if not count]
    if empty:
        raise InputError(
            f"no training people carry the labels {examples(empty)}; a generator cannot learn "
            "them. Merge or drop these labels, or make the training share larger."
        )
    if not is_validation.any():
        raise InputError(
            "there are no validation people, who choose the epoch of the generator; raise "
            "split.validation"
        )


def training_rows(people: People, mode: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Labels and split of the rows of latents, in the order `encode_people` writes them.

    people: the cohort's; the holdout's have no latents. Returns labels [N] int64, is_validation
    [N] bool and the names of the classes, sorted.
    """
    encoded = people[people.split != "holdout"]
    names, labels = np.unique(encoded.label.astype(str), return_inverse=True)
    each = rows_per_person(mode)
    is_validation = np.repeat(encoded.split == "validation", each)
    return np.repeat(labels, each), is_validation.astype(bool), names.tolist()


def train_diffusion(
    latents_paths: list[str | Path],
    masks: list[np.ndarray],
    labels: np.ndarray,
    is_validation: np.ndarray,
    class_names: list[str],
    *,
    checkpoint_path: str | Path,
    denoiser: dict,
    schedule: str,
    n_steps: int,
    target: str = "x0",
    prior_factors: int | None = 256,
    scaling: str = "global",
    residual_from_class_mean: bool = True,
    label_dropout: float = 0.1,
    gene_pca_fingerprints: dict[str, str] | None = None,
    batch_size: int,
    seed: int,
    device: str = "auto",
    state_path: str | Path | None = None,
    **training,
) -> TrainResult:
    """Train a diffusion model on latents and write its checkpoint.

    latents_paths: .npy per chromosome, float32 [N, G_c, K], of training and validation
    rows. masks: bool [G_c, K] for each. labels: [N] int64 in 0..C - 1; is_validation: [N]
    bool; class_names: C names. checkpoint_path: safetensors file to write.
    denoiser: {"kind": name, options}; schedule, n_steps, target: see `diffusion`;
    prior_factors: of the Gaussian prior (see `fit_prior`), None for the paper's way
    without; scaling, residual_from_class_mean: see `fit_normalisation`; label_dropout: probability
    of the null label. gene_pca_fingerprints: of the models that made the latents, by chromosome.
    batch_size, seed, device ("auto", "cpu", "cuda"), state_path (deleted when the
    checkpoint is written) and `training`: as in `training.fit`.

    Everything is fitted on the rows outside `is_validation`; those choose the epoch.

    Raises InputError for a class without training rows, no validation rows or unusable
    settings.
    """
    place = resolve_device(device)
    labels, is_validation = np.asarray(labels, np.int64), np.asarray(is_validation, bool)
    latents, mask = read_latents(latents_paths, masks)
    _check_rows(len(latents), labels, is_validation, class_names)
    normalisation = fit_normalisation(
        latents[~is_validation],
        labels[~is_validation],
        mask,
        n_classes=len(class_names),
        residual_from_class_mean=residual_from_class_mean,
        scaling=scaling,
    )
    normalisation.apply(latents, labels)
    config = {
        "format": FORMAT,
        "package_version": __version__,
        "class_names": list(class_names),
        "denoiser": denoiser,
        "schedule": schedule,
        "n_steps": n_steps,
        "target": target,
        "prior_factors": prior_factors,
        "scaling": scaling,
        "residual_from_class_mean": residual_from_class_mean,
        "label_dropout": label_dropout,
        "training": {"batch_size": batch_size, "seed": seed, **_recipe(training)},
        "latents_sha256": [sha256(path) for path in latents_paths],
        "rows_sha256": hashlib.sha256(labels.tobytes() + is_validation.tobytes()).hexdigest(),
        "gene_pca_fingerprints": gene_pca_fingerprints or {},
    }
    data = torch.from_numpy(latents).to(place)
    train_rows = torch.from_numpy(np.flatnonzero(~is_validation)).to(place)
    prior = None
    if prior_factors is not None:
        prior = fit_prior(data[train_rows], prior_factors, child_seed(seed, _PRIOR))
    generator = Generator(config, mask, normalisation, prior)
    task = _Task(
        process=generator.process(place),
        data=data,
        labels=torch.from_numpy(labels).to(place),
        train_rows=train_rows,
        validation_rows=torch.from_numpy(np.flatnonzero(is_validation)).to(place),
        null_label=generator.n_classes,
        label_dropout=label_dropout,
        batch_size=batch_size,
        seed=seed,
    )
    result = fit(
        generator.network,
        task.loss,
        len(task.train_rows),
        batch_size=batch_size,
        seed=seed,
        device=place,
        validate=task.validate,
        state_path=state_path,
        fingerprint=json.dumps(config, sort_keys=True),
        **training,
    )
    config["training"] |= {"best_epoch": result.best_epoch, "best_loss": result.best_loss}
    generator.save(checkpoint_path)
    if state_path is not None:
        Path(state_path).unlink(missing_ok=True)
    return result


def _recipe(training: dict) -> dict:
    """The training arguments that decide the weights, for the checkpoint."""
    bystanders = ("checkpoint_seconds", "log_path", "threads")
    return {name: value for name, value in training.items() if name not in bystanders}
