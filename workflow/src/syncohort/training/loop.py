"""One training loop for every network: AdamW, warm-up and cosine, EMA, resumable.

Every random number of step k comes from (seed, k), and the order of rows in epoch e from
(seed, e). A run that was killed therefore continues from its last saved state, anywhere
in an epoch, with the numbers the uninterrupted run draws. Where several processes share the
batches (see `parallel`), those after the first draw theirs from (seed, k, rank).
"""

import copy
import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import torch
from torch import nn

from syncohort.errors import InputError
from syncohort.seeds import child_seed
from syncohort.training.devices import autocast, device_name
from syncohort.training.parallel import ALONE, Team
from syncohort.training.state import Progress, Setting, StateFile, write_table

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 30.0
_ORDER, _STEP = 0, 1  # the random streams of a run


@dataclass(frozen=True)
class TrainResult:
    """What a training run did; the model it was given holds the chosen weights.

    history: one dict per epoch, the columns of the log table; best_epoch: the epoch the
    weights are from (the last one without validation), best_loss its validation loss or
    None; examples_seen: rows shown in all; stopped_early: patience ran out or a limit was
    exceeded; resumed_at_step: optimiser step of the saved state it continued from, 0 for
    none.
    """

    history: list[dict]
    best_epoch: int
    best_loss: float | None
    examples_seen: int
    stopped_early: bool
    resumed_at_step: int


def learning_rate_factor(step: int, warmup_steps: int, n_steps: int) -> float:
    """Linear warm-up over `warmup_steps`, then half a cosine that reaches 0 at `n_steps`.

    step counts from 0; the warm-up takes at most a tenth of the run.
    """
    warmup_steps = min(warmup_steps, n_steps // 10)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / (n_steps - warmup_steps)))


def ema_decay_at(step: int, decay: float) -> float:
    """EMA decay after optimiser step `step` (from 1): min(decay, (1 + step) / (10 + step)).

    The ramp lets a short run forget its initial weights.
    """
    return min(decay, (1 + step) / (10 + step))


def fit(
    model: nn.Module,
    loss_fn: Callable[[nn.Module, torch.Tensor, torch.Generator], torch.Tensor],
    n_rows: int,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    weight_decay: float = 0.0,
    warmup_steps: int = 100,
    clip_norm: float | None = 1.0,
    ema_decay: float | None = None,
    device: torch.device | str = "cpu",
    precision: str = "auto",
    threads: int | None = None,
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
    validate_every: int = 1,
    patience: int | None = None,
    limits: dict[str, float] | None = None,
    state_path: str | Path | None = None,
    checkpoint_seconds: float = 600.0,
    fingerprint: str = "",
    log_path: str | Path | None = None,
    team: Team = ALONE,
) -> TrainResult:
    """Train `model` in place and leave the chosen weights in it.

    loss_fn: (model, row indices [batch] int64 on the device, generator on the device) ->
    mean loss over those rows; the generator is its only source of randomness.
    n_rows: training rows. learning_rate: the peak; warmup_steps: optimiser steps;
    clip_norm: gradient norm, None does not clip. ema_decay: with one, an average of the
    weights is what is validated and returned; None trains without. device: a torch device
    (see `devices.resolve_device`). threads: CPU threads of all processes of the team, None
    leaves torch's setting.
    validate: called with the (averaged) model in eval mode every `validate_every` epochs
    and after the last; returns at least "loss", further entries become columns of the
    table. The weights with the lowest are kept; `patience` validations without a new
    lowest end the run.
    limits: highest acceptable values of entries `validate` returns. Weights that exceed one
    are not kept, and the run ends there. Only as long as none were acceptable it goes on,
    and keeps those that exceed least, with a warning.
    state_path: where the run saves itself every `checkpoint_seconds` and looks for a state
    to continue; the caller deletes it once the result is safe. A state of another
    configuration, or of other data by its `fingerprint`, is ignored with a log line.
    log_path: tab-separated table of COLUMNS, brought up to date after every epoch.
    team: the processes that train together, each with the same arguments. Its first one
    validates, saves and writes the table; all get the same weights and result. loss_fn is given
    the process's own part of each batch, so that the random numbers, unlike the expected
    gradient, depend on the number of processes. A state is continued by any number.

    Raises InputError when the loss is not finite, or another process trains from this state.
    """
    device = torch.device(device)
    if threads is not None:
        torch.set_num_threads(max(1, threads // team.size))
    setting = Setting(
        n_rows=n_rows,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        warmup_steps=warmup_steps,
        clip_norm=clip_norm,
        ema_decay=ema_decay,
        seed=seed,
        precision=precision,
        validate_every=validate_every,
        patience=patience,
        limits=limits or {},
        fingerprint=fingerprint,
        weights=[[name, list(each.shape)] for name, each in model.named_parameters()],
    )
    state = None
    if state_path is not None:
        state = StateFile(Path(state_path), setting.digest(), checkpoint_seconds)
        if team.is_first:
            state.lock()
    run = _Run(model.to(device), loss_fn, setting, device, validate, state, team)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        return run.to_the_end(None if log_path is None else Path(log_path))


class _Run:
    """One training run; the methods go from the smallest part to the whole."""

    def __init__(self, model, loss_fn, setting: Setting, device, validate, state, team: Team):
        self._model = model
        self._loss_fn = loss_fn
        self._setting = setting
        self._device = device
        self._validate = validate
        self._state = state
        self._team = team
        self._parameters = list(model.parameters())
        self._optimiser = torch.optim.AdamW(
            self._parameters,
            lr=setting.learning_rate,
            weight_decay=setting.weight_decay,
            fused=True,
        )
        self._averaged = copy.deepcopy(model) if setting.ema_decay else model
        self._best = None
        self._generator = torch.Generator(device)
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self._progress = Progress()
        self._started = self._pace_since = self._reported = time.monotonic()
        self._resumed_at = 0  # optimiser step

    def _content(self) -> dict:
        self._progress.seconds = time.monotonic() - self._started
        return {
            "model": self._model.state_dict(),
            "averaged": self._averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "best": self._best,
            "loss_sum": self._loss_sum,
            "progress": asdict(self._progress),
        }

    def _save_when_due(self) -> None:
        if self._team.is_first and self._state is not None and self._state.due:
            self._state.save(self._content())

    def _resume(self) -> None:
        self._load_state()
        steps = self._team.gather(self._progress.step)
        if len(set(steps)) > 1:
            raise InputError(
                "the processes of the training read different states, of optimiser steps "
                f"{', '.join(map(str, steps))}; start the job again"
            )

    def _load_state(self) -> None:
        state = None if self._state is None else self._state.load(self._device)
        if state is None:
            return
        self._model.load_state_dict(state["model"])
        self._averaged.load_state_dict(state["averaged"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._best = state["best"]
        self._loss_sum = state["loss_sum"]
        self._progress = Progress(**state["progress"])
        self._started = time.monotonic() - self._progress.seconds
        self._resumed_at = self._progress.step

    def _remaining_batches(self):
        """Row indices [batch] of what is left of the running epoch."""
        generator = torch.Generator()
        generator.manual_seed(child_seed(self._setting.seed, _ORDER, self._progress.epoch))
        order = torch.randperm(self._setting.n_rows, generator=generator).to(self._device)
        return order.split(self._setting.batch_size)[self._progress.batch :]

    def _learning_rate(self) -> float:
        setting, step = self._setting, self._progress.step
        factor = learning_rate_factor(step, setting.warmup_steps, setting.n_steps)
        return setting.learning_rate * factor

    def _step(self, batch) -> None:
        rows, share = self._team.part(batch)
        seed = child_seed(self._setting.seed, _STEP, self._progress.step, *self._team.stream)
        self._generator.manual_seed(seed)
        torch.manual_seed(seed)  # dropout knows no other generator
        with autocast(self._device, self._setting.precision):
            loss = self._loss_fn(self._model, rows, self._generator)
        loss.backward()
        loss = self._team.average(self._parameters, loss.detach(), share)
        if self._setting.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, self._setting.clip_norm)
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self._optimiser.step()
        self._optimiser.zero_grad()  # the next forward pass has their memory
        self._loss_sum += loss * len(batch)
        self._progress.step += 1
        self._progress.batch += 1
        self._average()

    @torch.no_grad()
    def _average(self) -> None:
        if self._averaged is self._model:
            return
        weight = 1 - ema_decay_at(self._progress.step, self._setting.ema_decay)
        torch._foreach_lerp_(list(self._averaged.parameters()), self._parameters, weight)
        for mine, theirs in zip(self._averaged.buffers(), self._model.buffers(), strict=True):
            mine.copy_(theirs)

    def _measure(self) -> dict:
        self._averaged.eval()
        with torch.no_grad(), autocast(self._device, self._setting.precision):
            return dict(self._validate(self._averaged))

    def _validation(self, epoch: int) -> dict:
        """Validate when it is time and keep the weights if they are the best so far."""
        due = epoch % self._setting.validate_every == 0 or epoch == self._setting.epochs
        if self._validate is None or not due:
            return {"loss": None}
        values = self._team.gather(self._measure() if self._team.is_first else None)[0]
        progress = self._progress
        progress.excess = self._setting.excess(values)
        if (progress.excess, values["loss"]) < (progress.best_excess, progress.best_loss):
            progress.best_excess, progress.best_loss = progress.excess, values["loss"]
            progress.best_epoch = epoch
            weights = self._averaged.state_dict()
            self._best = {name: each.clone() for name, each in weights.items()}
        return values

    def _finish_epoch(self) -> None:
        progress = self._progress
        self._model.train()
        for batch in self._remaining_batches():
            self._step(batch)
            self._save_when_due()
            self._report_when_due()
        train_loss = self._loss_sum.item() / self._setting.n_rows
        epoch = progress.epoch + 1
        if not math.isfinite(train_loss):
            raise InputError(
                f"the training loss became {train_loss} in epoch {epoch}; "
                f"lower the learning rate (now {self._setting.learning_rate:g})"
            )
        validation = self._validation(epoch)
        row = {
            "epoch": epoch,
            "examples_seen": epoch * self._setting.n_rows,
            "seconds": round(time.monotonic() - self._started, 2),
            "train_loss": train_loss,
            "validation_loss": validation.pop("loss"),
            "learning_rate": self._optimiser.param_groups[0]["lr"],
            "device": self._place(),
        }
        progress.history.append(row | validation)
        progress.epoch, progress.batch = epoch, 0
        self._loss_sum.zero_()
        self._save_when_due()

    def _place(self) -> str:
        name, size = device_name(self._device), self._team.size
        return name if size == 1 else f"{size} x {name}"

    def _report(self, epoch: int, what: str) -> None:
        """A log line with the time left, at the pace since the start of this process."""
        step, self._reported = self._progress.step, time.monotonic()
        pace = (self._reported - self._pace_since) / max(step - self._resumed_at, 1)
        left = timedelta(seconds=round((self._setting.n_steps - step) * pace))
        log.info("epoch %d of %d: %s, %s left", epoch, self._setting.epochs, what, left)

    def _report_when_due(self) -> None:
        """A line now and then within a long epoch."""
        if time.monotonic() - self._reported >= PROGRESS_SECONDS:
            progress = self._progress
            what = f"{progress.batch} of {self._setting.n_batches} batches"
            self._report(progress.epoch + 1, what)

    def _report_epoch(self) -> None:
        row = self._progress.history[-1]
        loss = row["validation_loss"]
        validation = "not due" if loss is None else f"{loss:.5f}"
        self._report(row["epoch"], f"train {row['train_loss']:.5f}, validation {validation}")

    def _is_over(self) -> bool:
        progress, patience = self._progress, self._setting.patience
        if patience is not None and progress.validations_since_best() >= patience:
            return True
        return progress.beyond_limits or progress.epoch == self._setting.epochs

    def _report_limits(self) -> None:
        """Say so when the limits ended the run, or when no weights were within them."""
        progress, limits = self._progress, self._setting.limits
        if not progress.best_epoch or not (progress.beyond_limits or progress.best_excess):
            return
        row = progress.history[-1 if progress.beyond_limits else progress.best_epoch - 1]
        values = ", ".join(f"{each} {row[each]:.3f} (limit {limits[each]:g})" for each in limits)
        if progress.beyond_limits:
            log.info("stopped: %s in epoch %d", values, row["epoch"])
        else:
            log.warning(
                "no epoch was within the limits, epoch %d is kept: %s", row["epoch"], values
            )

    def _take_chosen_weights(self) -> None:
        if self._best is None and self._averaged is not self._model:
            self._best = self._averaged.state_dict()
        if self._best is not None:
            self._model.load_state_dict(self._best)
        self._model.eval()

    def to_the_end(self, log_path: Path | None) -> TrainResult:
        self._resume()
        setting, progress = self._setting, self._progress
        log.info(
            "training %s weights on %s rows with %s, from epoch %d, step %d",
            f"{sum(each.numel() for each in self._parameters):,}",
            f"{setting.n_rows:,}",
            self._place(),
            progress.epoch + 1,
            progress.step,
        )
        what = "%d epochs of batches of %d rows, weight decay %.3g"
        log.info(what, setting.epochs, setting.batch_size, setting.weight_decay)
        while not self._is_over():
            self._finish_epoch()
            self._report_epoch()
            if log_path is not None and self._team.is_first:
                write_table(log_path, progress.history)
        self._report_limits()
        self._take_chosen_weights()
        return TrainResult(
            history=progress.history,
            best_epoch=progress.best_epoch or progress.epoch,
            best_loss=progress.best_loss if progress.best_epoch else None,
            examples_seen=progress.epoch * setting.n_rows,
            stopped_early=progress.epoch < setting.epochs,
            resumed_at_step=self._resumed_at,
        )
