"""What a run of Snakemake that was killed left behind: results without a record, jobs that run on.

A job that runs on after its Snakemake was killed writes its results, but nobody writes down with
which parameters; Snakemake would take them for its own and never see that a parameter changes. So
each run leaves a note for as long as it lasts; where one is found, results of that time without a
record are marked as incomplete, and made again. It knows how Snakemake 9 keeps its records.
"""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from syncohort.errors import InputError, examples

_NAME_MAX = 254  # characters of a name of a record; longer ones go into folders
_SECONDS = 2.0  # that times of files and of records may differ


class Runs:
    """The runs that began in a working folder and have not ended.

    folder: `.snakemake` there; results: names of outputs begin with it.
    """

    def __init__(self, folder: str | Path, results: str):
        self._folder = Path(folder)
        self._notes = self._folder / "syncohort_runs"
        self._results = results

    def begin(self, run: str) -> None:
        """Note that a run begins, and forget those that were killed.

        Raises:
            InputError: jobs of one that was killed still run, by SLURM's account.
        """
        left = self._left()
        alive = _living_jobs(self._folder.absolute().parent) if left else []
        if alive:
            raise InputError(
                f"{len(alive)} job(s) of a run of Snakemake that was killed still wait or run: "
                f"{examples(alive)}. Wait for them, or cancel them (`scancel NUMBER`), then start "
                "again: two would write the same files."
            )
        for file in left:
            file.unlink(missing_ok=True)
        self._notes.mkdir(parents=True, exist_ok=True)
        (self._notes / run).write_text(self._results)

    def end(self, run: str) -> None:
        """Forget a run that came to its end, whether well or not."""
        (self._notes / run).unlink(missing_ok=True)

    def others_run(self) -> bool:
        """Whether a run holds Snakemake's locks."""
        return any((self._folder / "locks").glob("*"))

    def mark_doubtful(self) -> list[str]:
        """Have results that a killed run left without a record made again; their names.

        Nothing is done while a run holds Snakemake's locks: its results are just being made.
        """
        left = self._left()
        if not left or self.others_run():
            return []
        since = min(file.stat().st_mtime for file in left)
        doubtful = [file for file in self._written_since(since) if not self._has_record(file)]
        for name in doubtful:
            marker = _record(self._folder / "incomplete", name)
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.write_text(json.dumps({"external_jobid": None}))
        return doubtful

    def _left(self) -> list[Path]:
        """Notes of runs of the same results that did not end."""
        notes = sorted(self._notes.glob("*"))
        return [file for file in notes if file.read_text() == self._results]

    def _written_since(self, time: float) -> Iterator[str]:
        for place, folders, names in os.walk(self._results):
            if place == self._results:
                folders[:] = sorted(set(folders) - {"logs", "benchmarks", "state", "withdrawn"})
            for name in sorted(names):
                file = os.path.join(place, name)
                if not name.startswith(".") and os.path.getmtime(file) >= time - _SECONDS:
                    yield file

    def _has_record(self, name: str) -> bool:
        """Whether Snakemake wrote down how this very content of a file was made."""
        try:
            record = json.loads(_record(self._folder / "metadata", name).read_text())
        except (OSError, ValueError):
            return False
        return os.path.getmtime(name) <= (record.get("endtime") or 0) + _SECONDS


def _record(folder: Path, name: str) -> Path:
    """Where Snakemake keeps what it knows of an output."""
    code = base64.urlsafe_b64encode(name.encode()).decode()
    pieces = [code[start : start + _NAME_MAX] for start in range(0, len(code), _NAME_MAX)]
    return folder.joinpath(*(f"@{piece}" for piece in pieces[:-1]), pieces[-1])


def _living_jobs(folder: Path) -> list[str]:
    """Jobs of SLURM that Snakemake started in a folder and that wait or run: number and rule."""
    command = ["squeue", "--me", "--noheader", "--format", "%i|%Z|%k"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []  # no SLURM here
    rows = [line.strip().split("|") for line in done.stdout.splitlines()]
    return [
        f"{row[0]} ({row[2].removeprefix('rule_')})"
        for row in rows
        if len(row) == 3 and row[1] == str(folder) and row[2].startswith("rule_")
    ]
