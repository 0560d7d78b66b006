"""What a training run writes down: its setting, its progress, its state file, its table."""

import hashlib
import json
import logging
import math
import os
import pickle
import platform
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import torch

from syncohort.errors import InputError
from syncohort.files import all_or_nothing, lock_file, lock_of

log = logging.getLogger(__name__)

COLUMNS = (
    "epoch",
    "examples_seen",
    "seconds",
    "train_loss",
    "validation_loss",
    "learning_rate",
    "device",
)


@dataclass(frozen=True)
class Setting:
    """What decides the numbers of a run; the hash of it guards the saved state.

    All but the number of processes: a job that gets fewer GPUs when it is tried again goes on.
    """

    n_rows: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_steps: int
    clip_norm: float | None
    ema_decay: float | None
    seed: int
    precision: str
    validate_every: int
    patience: int | None
    limits: dict[str, float]
    fingerprint: str
    weights: list

    @property
    def n_batches(self) -> int:
        return math.ceil(self.n_rows / self.batch_size)

    @property
    def n_steps(self) -> int:
        return self.n_batches * self.epochs

    def excess(self, values: dict[str, float]) -> float:
        """By how much validation values exceed their limits, at worst; 0: none is exceeded."""
        return max([0.0, *(values[name] - limit for name, limit in self.limits.items())])

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass
class Progress:
    """Where a run is: plain numbers, saved with the weights."""

    step: int = 0
    epoch: int = 0  # finished epochs
    batch: int = 0  # finished batches of the running epoch
    seconds: float = 0.0
    best_epoch: int = 0  # 0: nothing validated yet
    best_loss: float = math.inf
    best_excess: float = math.inf  # over the limits, of the best epoch
    excess: float = 0.0  # of the last validation
    history: list = field(default_factory=list)

    def validations_since_best(self) -> int:
        later = self.history[self.best_epoch :]
        return sum(row["validation_loss"] is not None for row in later)

    @property
    def beyond_limits(self) -> bool:
        """Whether weights within the limits were found, and training has gone beyond them."""
        return self.best_excess == 0 < self.excess


class StateFile:
    """The file a run continues from: written atomically, read only by the same setting."""

    def __init__(self, path: Path, digest: str, every_seconds: float):
        self._path = path
        self._digest = digest
        self._every_seconds = every_seconds
        self._saved_at = time.monotonic()

    def lock(self) -> None:
        """Let no other process train from this file; see `lock_file`.

        Raises InputError, which names it, when another one does.
        """
        lock = lock_of(self._path)
        lock.parent.mkdir(parents=True, exist_ok=True)
        if not lock_file(lock):
            raise InputError(
                f"{self._path}: this training is running already: {lock.read_text().strip()}. A run "
                "that was killed may have left it behind. Wait for it, or end it (`scancel` its job, "
                "or `kill` it there), then start again."
            )
        job = os.environ.get("SLURM_JOB_ID")
        number = f", job {job} of SLURM" if job else ""
        lock.write_text(f"process {os.getpid()} on {platform.node()}{number}\n")

    @property
    def due(self) -> bool:
        return time.monotonic() - self._saved_at >= self._every_seconds

    def save(self, state: dict) -> None:
        with all_or_nothing(self._path) as (partial,):
            torch.save({"digest": self._digest, **state}, partial)
        self._saved_at = time.monotonic()

    def load(self, device: torch.device) -> dict | None:
        if not self._path.exists():
            return None
        try:
            self._require_whole()
            state = torch.load(self._path, map_location=device, weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, BadZipFile) as error:
            log.warning("%s: unreadable training state, starting anew: %s", self._path, error)
            return None
        if state["digest"] != self._digest:
            log.warning(
                "%s: the training state is of another configuration or of other data, "
                "starting anew (state %s, this run %s)",
                self._path,
                state["digest"],
                self._digest,
            )
            return None
        return state

    def _require_whole(self) -> None:
        """Compare each part with its CRC, which torch writes and does not look at."""
        with ZipFile(self._path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise BadZipFile(f"{damaged} is damaged")


def write_table(path: Path, history: list[dict]) -> None:
    """Write the epochs so far; a resumed run writes those before it was killed, too."""
    columns = list(dict.fromkeys([*COLUMNS, *(name for row in history for name in row)]))
    lines = ["\t".join(columns)]
    for row in history:
        values = (row.get(name) for name in columns)
        lines.append("\t".join("" if value is None else str(value) for value in values))
    with all_or_nothing(path) as (partial,):
        partial.write_text("\n".join(lines) + "\n")
