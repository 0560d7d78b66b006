"""What went wrong in a run: of each job that failed its cause, once, and the file to read."""

import os
import re
from pathlib import Path

from syncohort.job import FOR_GOOD, IDLE_GPU, NOT_AGAIN, RUN, WRONG
from syncohort.slurm import end_of

_HEADER = re.compile(
    r"^(?P<job>.*?): syncohort .*?(?:, job (?P<slurm>\S+) of SLURM)?, run (?P<run>.*)$"
)
_ERROR = re.compile(r"^ *Error in rule (?P<rule>\w+):\n(?: {4,}\S.*\n)*", re.MULTILINE)
_SHOWN = 40  # lines of a message


def failures(logs: str | Path, run: str | None = None, run_logs: list[str] | None = None) -> str:
    """A paragraph for each job of a run that failed; "" when none did.

    logs: folder of the cohort's logs; run: which run, this one by default; run_logs: Snakemake's
    own logs of the run, which name the jobs that were killed before they wrote a word.
    """
    run = run or os.environ.get(RUN, "")
    files = [file for file in Path(logs).rglob("*.log") if file.is_file()]
    told = [_told(file, run) for file in sorted(files)]
    told += _silent(_errors(run_logs or []), Path(logs), run)
    return "\n\n".join(paragraph for paragraph in told if paragraph)


def on_processors(logs: str | Path, run: str | None = None) -> str:
    """A line that names the jobs of a run that were given a GPU and could not use it; or ""."""
    run = run or os.environ.get(RUN, "")
    found = []
    for file in sorted(Path(logs).rglob("*.log")):
        if file.is_file() and IDLE_GPU in (text := file.read_text(errors="replace")):
            header = _HEADER.match(text.partition("\n")[0])
            found += [f"{header['job']}: {file}"] if header and header["run"] == run else []
    return f"{IDLE_GPU} in {len(found)} job(s):\n  " + "\n  ".join(found) if found else ""


def say_why_groups_fail() -> None:
    """Have this process of Snakemake say why a group of jobs failed, as it does of a single job.

    Snakemake drops the message of a group: a refused submission would fail without a word.
    """
    from snakemake.jobs import GroupJob
    from snakemake.logging import logger

    if hasattr(GroupJob.log_error, "plain"):
        return
    plain = GroupJob.log_error

    def log_error(self, msg=None, aux_logs=None, **kwargs):
        if msg:
            how = end_of(str(kwargs["external_jobid"])) if kwargs.get("external_jobid") else ""
            logger.error(f"Group {self.groupid}: {msg}{how and f' ({how})'}")
        plain(self, msg=msg, aux_logs=aux_logs, **kwargs)

    log_error.plain = plain
    GroupJob.log_error = log_error


def _told(log: Path, run: str) -> str:
    """What a log and those of earlier tries say, when the last try failed."""
    last = _read(log, run)
    if last is None or last["ended"]:
        return ""
    tries = sorted(log.parent.glob(f"{log.name}.[0-9]*"), key=lambda file: int(file.suffix[1:]))
    earlier = [found for file in tries if (found := _read(file, run))]
    causes = [found for found in [*earlier, last] if not found["text"].startswith(NOT_AGAIN)]
    first = next((found for found in causes if found["for_good"]), None)
    cause = first or next((found for found in reversed(causes) if found["text"]), None)
    file, text = (cause["file"], cause["text"]) if cause else (log, "")
    file = log if file.samefile(log) else file
    if not text:
        text = last["slurm"] and end_of(last["slurm"])
        text = text or "it ended without a word, as jobs do that are killed."
    return f"{last['job']}\n  read: {file}\n{_indented(text)}"


def _errors(run_logs: list[str]) -> list[re.Match]:
    """What Snakemake says of the jobs of a run that failed, one by one."""
    texts = [Path(file).read_text(errors="replace") for file in run_logs if Path(file).is_file()]
    return [found for text in texts for found in _ERROR.finditer(text)]


def _silent(errors: list[re.Match], logs: Path, run: str) -> list[str]:
    """How jobs of a cluster ended whose own logs are not of this run: killed before they began one.

    errors: what Snakemake says of jobs; without a number a job was never one of the cluster. Of a
    job that was tried again the last try counts.
    """
    told = {}
    for error in errors:
        lines = r"^ +(log|external_jobid): (.*?)(?: \(check .*)?$"
        said = dict(re.findall(lines, error[0], re.MULTILINE))
        files = [Path(file) for file in said.get("log", "").split(", ") if file]
        own = tuple(file for file in files if file.is_relative_to(logs))
        number = said.get("external_jobid")
        if number is None or any(file.exists() and _read(file, run) for file in own):
            continue
        how = end_of(number) or "it was ended before its first line, or could not start."
        told[own] = f"{error['rule']}\n  read: {files[-1]}\n{_indented(how)}"
    return list(told.values())


def _read(log: Path, run: str) -> dict | None:
    """A log in its parts; None when it is of another run."""
    header, _, text = log.read_text(errors="replace").partition("\n")
    found = _HEADER.match(header)
    if found is None or found["run"] != run:
        return None
    text = text.strip()
    for_good = text.endswith(FOR_GOOD)
    ended = bool(re.search(r"^done in [\d.]+ s$", text[-40:], re.MULTILINE))
    return {
        "file": log,
        "job": found["job"].replace(" {}", ""),
        "slurm": found["slurm"],
        "text": _cause(text.removesuffix(FOR_GOOD)),
        "for_good": for_good,
        "ended": ended,
    }


def _cause(text: str) -> str:
    """The message that a log ends with, or its last traceback; "" of a job that was killed."""
    for sign in (WRONG, "Traceback (most recent call last):"):
        _, found, after = text.rpartition(sign)
        if found:
            return (after if sign == WRONG else found + after).strip()
    return ""


def _indented(text: str) -> str:
    """The first lines of a message, the last ones of a traceback."""
    lines = text.splitlines()
    if len(lines) > _SHOWN:
        more = f"... ({len(lines) - _SHOWN} more lines)"
        is_crash = text.startswith("Traceback")
        lines = [more, *lines[-_SHOWN:]] if is_crash else [*lines[:_SHOWN], more]
    return "\n".join(f"  {line}" for line in lines)
