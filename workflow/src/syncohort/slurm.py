"""What SLURM says of a job that ended without a word."""

import os
import re
import subprocess
from pathlib import Path

LONGEST_LOOK_SECONDS = 180  # between two looks of Snakemake's plugin for SLURM
_MEMORY_SIGNS = re.compile(r"exceeded memory limit|oom.kill|out of memory", re.IGNORECASE)
_STATES = {
    "TIMEOUT": "SLURM ended it for its time",
    "CANCELLED": "it was cancelled",
    "NODE_FAIL": "its machine failed",
    "PREEMPTED": "SLURM gave its place to another job",
    "RUNNING": "SLURM says that it still runs",
    "PENDING": "SLURM says that it still waits",
}


def own_job() -> str | None:
    """Number of the SLURM job that this process runs in."""
    return os.environ.get("SLURM_JOB_ID")


def end_of(job: str) -> str:
    """How a job of SLURM ended, in words, with what it had asked for; "" when SLURM cannot say.

    job: its number. SLURM forgets a finished job after a while (MinJobAge); then the accounting
    is asked, where there is one.
    """
    record = _record(job)
    state = record.get("JobState", record.get("State", "")).split(" ")[0]
    if state == "OUT_OF_MEMORY" or (state == "FAILED" and _says_memory(record.get("StdOut"))):
        asked = record.get("MinMemoryNode", record.get("ReqMem", "")).removesuffix("n")
        figure = f", for it had asked for {_megabytes(asked)}" if asked else ""
        return f"out of memory: SLURM ended job {job}{figure}"
    if state == "TIMEOUT" and (limit := record.get("TimeLimit", record.get("Timelimit"))):
        return f"{_STATES[state]} (job {job}, {limit}): raise compute.training_hours"
    return f"{_STATES[state]} (job {job})" if state in _STATES else ""


def forgets_too_soon(status_command: str) -> str:
    """What to do when the cluster forgets finished jobs before Snakemake looks; "" when it does not.

    status_command: how Snakemake looks, `squeue` or another.
    """
    found = re.search(r"^MinJobAge\s*=\s*(\d+)", _ask("scontrol", "show", "config"), re.MULTILINE)
    if status_command != "squeue" or not found or int(found[1]) > LONGEST_LOOK_SECONDS:
        return ""
    return (
        f"This cluster forgets finished jobs after {found[1]} s (MinJobAge), and Snakemake looks at "
        f"them every {LONGEST_LOOK_SECONDS} s: it would wait for ever. Set slurm-status-command: "
        "sacct in the profile, which needs SLURM's accounting."
    )


def _megabytes(asked: str) -> str:
    """SLURM's "1350M" or "4G" as MB."""
    number, unit = re.fullmatch(r"([\d.]+)([KMGT]?)", asked).groups()
    factor = {"K": 2**-10, "G": 2**10, "T": 2**20}.get(unit, 1)
    return f"{float(number) * factor:,.0f} MB"


def _record(job: str) -> dict[str, str]:
    fields = "State,ReqMem,Timelimit"
    shown = _ask("scontrol", "show", "job", "--oneliner", job)
    if "JobState=" in shown:
        return dict(re.findall(r"(\w+)=(\S*)", shown))
    lines = _ask("sacct", "-X", "-n", "-P", "-j", job, "-o", fields).splitlines()
    return dict(zip(fields.split(","), lines[0].split("|"), strict=True)) if lines else {}


def _ask(*command: str) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=30
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _says_memory(output: str | None) -> bool:
    """Whether a job's output, where SLURM writes to, says that memory was short."""
    try:
        return bool(output and _MEMORY_SIGNS.search(Path(output).read_text(errors="replace")))
    except OSError:
        return False
