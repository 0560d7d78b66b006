"""Training of a label-conditional diffusion model on latents.

Axes: N rows, G gene blocks of all chromosomes, K channels, C classes.
"""

import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from syncohort.diffusion.guidance import drop_labels
from syncohort.diffusion.model import Generator, load_generator
from syncohort.diffusion.prior import ROWS_PER_FACTOR, fit_prior, thinned
from syncohort.diffusion.process import WEIGHTINGS, Process, loss_weight
from syncohort.diffusion.settings import (
    DiffusionSettings,
    DiffusionTraining,
    resident_bytes,
)
from syncohort.diffusion.validation import Counted, make_validation
from syncohort.errors import InputError
from syncohort.files import sha256
from syncohort.generators.base import describe, require_training_rows
from syncohort.generators.conditioning import (
    Told,
    conditions_of,
    mix,
    on_device,
)
from syncohort.generators.latents import LatentFiles, Normalisation, fit_normalisation
from syncohort.generators.rows import EncodedPeople, LatentRows
from syncohort.seeds import child_seed
from syncohort.training.devices import autocast, resolve_device
from syncohort.training.loop import TrainResult, fit
from syncohort.training.parallel import ALONE, Team
from syncohort.training.settings import Workplace

log = logging.getLogger(__name__)
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
    """What a network is trained on.

    data: x_0 [N, G, K]; labels: [N], what it is conditioned on; counted: see `Counted`, None: all.
    """

    process: Process
    time: str
    weighting: str
    data: torch.Tensor | MappedRows
    labels: torch.Tensor | Told
    train_rows: torch.Tensor
    null_label: int
    label_dropout: float
    counted: Counted | None

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
        counted = None if self.counted is None else self.counted[rows]
        losses = process.row_losses(network, self.data[rows], times, noise, labels, counted)
        weight = loss_weight(self.weighting, process.target, *process.levels(times))
        return (losses * weight.flatten()).mean()


def _check_rows(n_rows: int, rows: LatentRows) -> None:
    if len(rows) != n_rows:
        raise ValueError(f"{n_rows} rows of latents, {len(rows)} rows of people")
    require_training_rows(rows)
    if not rows.is_validation.any():
        raise InputError(
            "there are no validation people, who choose the epoch of the generator; raise "
            "split.validation"
        )


def _resident_bytes(device: torch.device, work: Workplace) -> int:
    """How much of a device's memory latents may take before they stay on disk."""
    if work.max_resident_bytes is not None:
        return work.max_resident_bytes
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory // 2
    return resident_bytes(work.memory_mb)


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
    encoded: EncodedPeople,
    denoiser: dict,
    diffusion: DiffusionSettings,
    training: DiffusionTraining,
    work: Workplace,
    *,
    seed: int,
    scores: np.ndarray | None = None,
    representation_fingerprints: dict[str, str] | None = None,
    start_path: str | Path | None = None,
    device: str = "auto",
    team: Team = ALONE,
) -> TrainResult:
    """Train a diffusion model on latents and write its checkpoint.

    Args:
        encoded: latents of training and validation rows, and whose they are. Where the rows have
            values of a trait, the network is conditioned on these instead of the classes, their bins (see
            `conditioning`).
        denoiser: {"kind": name, options}.
        diffusion: the process and the scale of the data.
        training: how the network is trained, and what ends it.
        work: files and threads; the result is a safetensors file.
        seed: of all random numbers.
        scores: [N, A] float32, the global vectors of the rows, which the network is told; None: of
            a network of the whole genome, which sees them.
        representation_fingerprints: of the models that made the latents, by chromosome.
        start_path: checkpoint of a model of other people's latents, of the same representation and
            denoiser, with whose weights the training begins and whose scale and prior are kept; None:
            random weights.
        device: "auto", "cpu" or "cuda".
        team: the processes that train together; its first one writes the checkpoint.

    Everything is fitted on the rows that do not validate; those choose the epoch.

    Raises:
        InputError: a class without training rows, no validation rows, unusable settings, or a start of
            another representation.
    """
    start = None if start_path is None else load_generator(start_path, representation_fingerprints)
    place, rows = resolve_device(device), encoded.rows
    files = LatentFiles(encoded.paths, encoded.masks)
    _check_rows(len(files), rows)
    train_rows = np.flatnonzero(~rows.is_validation)
    anchors, conditions = conditions_of(rows)
    normalisation = fit_normalisation(
        files,
        conditions,
        files.mask,
        n_classes=len(rows.class_names if anchors is None else anchors),
        residual_from_class_mean=diffusion.residual_from_class_mean,
        scaling=diffusion.scaling,
        rows=train_rows,
        one_copy=encoded.one_copy,
        is_second=rows.is_second,
    )
    if start is not None:
        normalisation = replace(normalisation, scale=start.normalisation.scale)
    in_memory = files.n_bytes <= _resident_bytes(place, work)
    data = _rows_of_x0(files, normalisation, conditions, place, in_memory)
    told = conditions if scores is None else Told(conditions, scores)
    if scores is not None:
        denoiser = denoiser | {"n_scores": scores.shape[1]}
    config = describe(
        "diffusion",
        encoded,
        told,
        representation_fingerprints,
        anchors=None if anchors is None else anchors.tolist(),
        label_rows=_label_rows(conditions[train_rows], normalisation),
        denoiser=denoiser,
        **asdict(diffusion),
        training={**asdict(training), "seed": seed},
        **({} if start is None else {"start_sha256": sha256(start_path)}),
    )
    if start is None:
        prior = _prior(data, encoded.whole_training_rows(), diffusion.prior_factors, seed, place)
    else:
        prior = start.prior
    generator = Generator(config, files.mask.copy(), normalisation, prior)
    if start is not None:
        generator.begin_with(start)
        del start  # its weights need not be held beside those of the training
    process = generator.process(place)
    placed = on_device(told, place)
    counted = Counted.of(encoded, place)
    task = _Task(
        process=process,
        time=diffusion.time,
        weighting=diffusion.weighting,
        data=data,
        labels=placed,
        train_rows=torch.from_numpy(train_rows).to(place),
        null_label=generator.n_classes,
        label_dropout=diffusion.label_dropout,
        counted=counted,
    )
    validation = make_validation(
        process,
        diffusion.weighting,
        data,
        placed,
        rows.labels,
        rows.is_validation,
        batch_size=training.batch_size,
        seed=child_seed(seed, _VALIDATION),
        counted=counted,
    )
    if team.is_first:
        with torch.inference_mode(), autocast(place):
            validation = validation.before_training(generator.network.to(place).eval())
    epochs_apart = validation.validations_apart(len(train_rows), training.epochs)
    patience = None if training.patience is None else -(-training.patience // epochs_apart)
    of_the_loop = asdict(training) | {"patience": patience}
    result = fit(
        generator.network,
        task.loss,
        len(train_rows),
        seed=seed,
        device=place,
        validate=validation.measure,
        validate_every=epochs_apart,
        limits={"membership_added": of_the_loop.pop("membership_max")},
        fingerprint=json.dumps(config, sort_keys=True),
        team=team,
        **of_the_loop,
        **work.of_the_loop,
    )
    if team.is_first:
        config["training"] |= _outcome(result)
        generator.save(work.result_path)
        work.clear_state()
    return result


def _prior(data, rows: np.ndarray, n_factors: int | None, seed: int, device: torch.device):
    """The Gaussian prior of these rows of x_0, with so many factors; None: none."""
    if n_factors is None:
        return None
    rows = torch.from_numpy(thinned(rows).copy()).to(device)
    prior = fit_prior(data, n_factors, child_seed(seed, _PRIOR), rows=rows)
    used = prior.factors.shape[1]
    log.info(
        "%d factors of at most %d: one for %d of %s rows",
        used,
        n_factors,
        ROWS_PER_FACTOR,
        f"{len(rows):,}",
    )
    return prior


def _label_rows(conditions: np.ndarray, normalisation: Normalisation) -> list[float]:
    """Training rows of each class, or of each anchor its shares of them."""
    n_classes = len(normalisation.center)
    return mix(torch.eye(n_classes), torch.from_numpy(conditions)).sum(dim=0).tolist()


def _outcome(result: TrainResult) -> dict:
    """What the checkpoint says of its weights."""
    best = result.history[result.best_epoch - 1]
    return {
        "best_epoch": result.best_epoch,
        "best_loss": result.best_loss,
        "membership_auc": best["membership_auc"],
        "membership_added": best["membership_added"],
    }
