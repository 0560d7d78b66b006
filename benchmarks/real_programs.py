"""Our stages against the programs a geneticist would use: processor seconds, peak memory, results.

Each side is a process of its own on one thread; the sides take turns, and the least of their
times counts, as other work on the machine only adds. A family of lines is a module with
`prepare(folder, size, vcf)` and `LINES`.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
FAMILIES = ("genotype_statistics", "reading_writing")
ROUNDS = 3
COLUMNS = (
    "what",
    "program",
    "ours_cpu_s",
    "theirs_cpu_s",
    "ratio",
    "start_cpu_s",
    "ours_peak_mb",
    "theirs_peak_mb",
    "agreement",
)


@dataclass(frozen=True)
class Line:
    """what, in words; ours: name of a function of (folder) in the family's module; command: of the
    program, run in the folder; compare: folder -> how the results agree, in words; raises
    AssertionError where they do not; program: its name, if not that of the command.
    """

    what: str
    ours: str
    command: tuple[str, ...]
    compare: Callable[[Path], str]
    program: str | None = None


@dataclass(frozen=True)
class Use:
    """Processor seconds, and peak memory [MB]."""

    cpu_s: float
    peak_mb: float


# A program's peak counts what the process held that started it: a small one.
_LAUNCHER = """
import json, os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000]))
"""


def run_program(command: tuple[str, ...], folder: Path) -> Use:
    """What a program uses from its start to its end."""
    launched = [sys.executable, "-S", "-c", _LAUNCHER, shutil.which(command[0]), *command[1:]]
    done = subprocess.run(launched, cwd=folder, capture_output=True, text=True, check=True)
    status, cpu_s, peak_mb = json.loads(done.stdout.splitlines()[-1])
    if status:
        raise SystemExit(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}")
    return Use(cpu_s, peak_mb)


def run_ours(family: str, function: str, folder: Path) -> tuple[Use, float]:
    """What a function uses in a new process, and the processor seconds before it: imports, and
    loading compiled code, by calling it on a few variants first."""
    command = [sys.executable, __file__, family, function, folder]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise SystemExit(f"{function}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Use(found["cpu_s"], found["peak_mb"]), found["start_cpu_s"]


def measure(family: str, line: Line, folder: Path) -> dict:
    """A row of the table."""
    program = line.program or line.command[0]
    if shutil.which(line.command[0]) is None:
        return {"what": line.what, "program": program, "agreement": f"{program} is not installed"}
    ours, theirs, starts = [], [], []
    for _ in range(ROUNDS):
        used, start = run_ours(family, line.ours, folder)
        ours.append(used)
        starts.append(start)
        theirs.append(run_program(line.command, folder))
    best = [min(use.cpu_s for use in side) for side in (ours, theirs)]
    return {
        "what": line.what,
        "program": program,
        "ours_cpu_s": best[0],
        "theirs_cpu_s": best[1],
        "ratio": best[0] / max(best[1], 0.01),  # the clock of a program ticks so often
        "start_cpu_s": min(starts),
        "ours_peak_mb": max(use.peak_mb for use in ours),
        "theirs_peak_mb": max(use.peak_mb for use in theirs),
        "agreement": line.compare(folder),
    }


def report(rows: list[dict]) -> str:
    """The table as text, figures to three digits."""
    lines = []
    for row in rows:
        values = (row.get(column, "") for column in COLUMNS)
        lines.append("\t".join(f"{v:.3g}" if isinstance(v, float) else str(v) for v in values))
    return "\n".join(["\t".join(COLUMNS), *lines]) + "\n"


def _child(family: str, function: str, folder: Path) -> None:
    sys.path[:0] = [str(HERE), str(HERE.parent / "workflow" / "src")]
    work = getattr(import_module(family), function)
    work(folder / "few")
    start = time.process_time()
    work(folder)
    cpu_s = time.process_time() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"cpu_s": cpu_s, "start_cpu_s": start, "peak_mb": peak_mb}))


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
