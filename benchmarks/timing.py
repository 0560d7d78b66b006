"""What a run hands back, and how it is taken."""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Timed:
    """amount: of what the run made or went through; seconds: wall-clock time it took, or the
    processor's; peak_mb: of a program, None for the run's own process."""

    amount: float
    seconds: float
    peak_mb: float | None = None


class Stopwatch:
    """`with Stopwatch() as watch: ...`; then watch.seconds."""

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_) -> None:
        self.seconds = time.perf_counter() - self._started


class Processor:
    """`with Processor() as used: ...`; then used.seconds of the processor, system included.

    programs: count the programs that were run alone, and not this process; used.peak_mb is then
    the largest's. Otherwise both are counted.
    """

    def __init__(self, *, programs: bool = False):
        self._who = (resource.RUSAGE_CHILDREN, *(() if programs else (resource.RUSAGE_SELF,)))

    def _seconds(self) -> float:
        return sum(sum(resource.getrusage(who)[:2]) for who in self._who)

    def __enter__(self) -> Self:
        self._started = self._seconds()
        return self

    def __exit__(self, *_) -> None:
        self.seconds = self._seconds() - self._started
        self.peak_mb = peak_mb(self._who[0])


def peak_mb(who: int = resource.RUSAGE_SELF) -> float:
    """Most memory this process has held [MB], the libraries it imported included."""
    peak = resource.getrusage(who).ru_maxrss
    return peak / (1_000_000 if sys.platform == "darwin" else 1_000)


def in_own_process(name: str, script: str, *arguments) -> dict:
    """What a script prints last, as JSON, when it is run on one processor; name: for its error."""
    result = subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SystemExit(f"{name}: {result.stderr}")
    return json.loads(result.stdout.splitlines()[-1])


def own_use() -> dict:
    """Processor seconds and peak memory of this process so far, which Linux knows."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"cpu_s": time.process_time(), "peak_mb": int(status["VmHWM"].split()[0]) / 1000}
