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
