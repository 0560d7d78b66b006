"""What a run hands back, and how it is taken."""

import resource
import sys
import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Timed:
    """amount: of what the run made or went through; seconds: wall-clock time it took."""

    amount: float
    seconds: float


class Stopwatch:
    """`with Stopwatch() as watch: ...`; then watch.seconds."""

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_) -> None:
        self.seconds = time.perf_counter() - self._started


def peak_mb() -> float:
    """Most memory this process has held [MB], the libraries it imported included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1_000_000 if sys.platform == "darwin" else 1_000)
