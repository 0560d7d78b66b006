"""What a training is given: the settings of the loop, and where it works."""

from dataclasses import dataclass
from pathlib import Path

from syncohort.files import lock_of, unlock_file


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a network is trained, see `loop.fit`; the keys of a section `training`.

    epochs: passes over the training rows; batch_size: rows a step; learning_rate: the peak;
    weight_decay: of AdamW; warmup_steps: optimiser steps; clip_norm: largest norm of the gradient,
    None: any; ema_decay: of the averaged weights, None or 0: none; patience: epochs without a
    better validation that end the training, None: all are run.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_steps: int
    clip_norm: float | None
    ema_decay: float | None
    patience: int | None


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Where a training works; it decides none of the numbers.

    result_path: file to write; log_path: table of losses; state_path: where the training saves
    itself every checkpoint_seconds and looks for a state to continue, deleted when the result is
    written; threads: CPU threads, None leaves torch's setting; max_resident_bytes: larger data
    stay on disk, None: half of a GPU's memory, without one a quarter of memory_mb, the most that
    the job may ask for.
    """

    result_path: str | Path
    log_path: str | Path | None = None
    state_path: str | Path | None = None
    checkpoint_seconds: float = 600.0
    threads: int | None = None
    max_resident_bytes: int | None = None
    memory_mb: float = 16_000

    @property
    def of_the_loop(self) -> dict:
        """The arguments of `loop.fit` that are decided here."""
        names = ("log_path", "state_path", "checkpoint_seconds", "threads")
        return {name: getattr(self, name) for name in names}

    def clear_state(self) -> None:
        """Delete the saved state: the result is safe."""
        if self.state_path is not None:
            lock = lock_of(self.state_path)
            Path(self.state_path).unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
            unlock_file(lock)
