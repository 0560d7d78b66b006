"""Checksums of what jobs write, so that a file damaged or replaced between two rules is found.

A job's outputs are listed in results/<cohort>/checksums, one list a file, in the form that
`sha256sum --check` reads from results/<cohort>; the jobs that read them compare. While a job
writes, the lists of its outputs say so, so that what a killed job left is not taken as whole.
Comments in a list say what the file was made of, for dates do not where a clock was set back.

Files of the user are compared with the lists of checksums that came with them, where there are any:
no reader can see that a bit of a .bed was flipped.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path

from syncohort.errors import InputError, raise_all
from syncohort.files import all_or_nothing, is_partial, sha256

FOLDER = "checksums"
_UNFINISHED = "# being written\n"
_MADE_OF = "# made of "
_SECOND_NS = 10**9
# how the lists of checksums are called that lie beside the files of others
_ENDINGS = {".md5": "md5", ".md5sum": "md5", ".sha256": "sha256", ".sha256sum": "sha256"}
_LISTS = {"MD5SUMS": "md5", "md5sum.txt": "md5", "md5sums.txt": "md5"}
_LISTS |= {"SHA256SUMS": "sha256", "sha256sum.txt": "sha256", "sha256sums.txt": "sha256"}
_LONGEST_LIST = 1 << 24
_HEADING = "Files between the steps are not what the steps wrote"


def results_folder(log: str | Path) -> Path:
    """The folder of the cohort to whose logs a log belongs, results/<cohort>; else the log's."""
    above = Path(log).parents
    return next((folder.parent for folder in above if folder.name == "logs"), above[0])


class Checksums:
    """The checksums of the files below `results`; other files are passed over."""

    def __init__(self, results: Path):
        self._results = results

    def foreign(self, files: Iterable[str | Path]) -> list[str | Path]:
        """Those of some files that do not lie below the results."""
        return [file for file in files if not Path(file).is_relative_to(self._results)]

    def begin(self, files: Iterable[str | Path]) -> None:
        """Note that a job is about to write these files."""
        for _, entry in self._entries(files):
            self._write(entry, _UNFINISHED)

    def record(self, files: Iterable[str | Path], sources: Iterable[str | Path] = ()) -> None:
        """Note the checksums of files that a job has written whole, and of what it made them of."""
        notes = (entry for _, entry in self._entries(sources) if entry.exists())
        made_of = "".join(f"{_MADE_OF}{_lines(entry)[0]}\n" for entry in notes)
        for file, entry in self._entries(files):
            self._write(entry, f"{sha256(file)}  {file.relative_to(self._results)}\n{made_of}")

    def put_dates_in_order(self) -> None:
        """Date files so that Snakemake sees which of them are made of what is another by now.

        It looks at the content of a source only where that is newer than what was made of it, and
        fails a job whose source is of the future. So no file keeps a date that is still to come;
        a file gets one before that of a source that has changed since, and none before that of
        a source that has not.
        """
        now = time.time_ns()
        sums, made_of = self._notes()
        dates: dict[str, int] = {}
        for name in TopologicalSorter(made_of).static_order():
            file = self._results / name
            if not file.exists():
                continue
            own = file.stat().st_mtime_ns
            date = min(own, now)
            sources = made_of.get(name, {}).keys() & dates.keys()
            changed = [each for each in sources if made_of[name][each] != sums.get(each)]
            if changed:
                dates[name] = min(date, *(dates[each] - _SECOND_NS for each in changed))
            else:
                dates[name] = max([date, *(dates[each] for each in sources)])
            if dates[name] != own and os.access(file, os.W_OK):
                os.utime(file, ns=(dates[name], dates[name]))

    def _notes(self) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """Of each file its line in its list, and those that its sources had in theirs."""
        sums, made_of = {}, {}
        for entry in (self._results / FOLDER).rglob("*.sha256"):
            place = entry.relative_to(self._results / FOLDER)
            if is_partial(place):
                continue
            name = str(place).removesuffix(".sha256")
            sums[name], *others = _lines(entry)
            lines = [each.removeprefix(_MADE_OF) for each in others if each.startswith(_MADE_OF)]
            made_of[name] = {line.partition("  ")[2]: line for line in lines}
        return sums, made_of

    def verify(self, files: Iterable[str | Path]) -> None:
        """Raise InputError that lists the files that are not what was noted of them.

        Files of which nothing was noted, by a version before this one, are taken as they are.
        """
        faults = [self._fault(file, entry) for file, entry in self._entries(files)]
        raise_all([fault for fault in faults if fault], _HEADING)

    def _fault(self, file: Path, entry: Path) -> str | None:
        if not file.exists():
            return f"{file}: it is gone; where another run makes it anew, run again after that"
        if not entry.exists():
            return None
        noted = entry.read_text(errors="replace")
        if noted == _UNFINISHED:
            found = "the job that writes it has not ended well; wait for it if it still runs, or"
        elif noted.split(" ")[0] != sha256(file):
            found = "cut short, damaged or replaced since it was written;"
        else:
            return None
        n_bytes = file.stat().st_size
        return f"{file} ({n_bytes:,} bytes): {found} delete it and run again, then it is made anew"

    def _entries(self, files: Iterable[str | Path]):
        for file in map(Path, files):
            if file.is_relative_to(self._results):
                name = file.relative_to(self._results)
                yield file, self._results / FOLDER / f"{name}.sha256"

    def _write(self, entry: Path, text: str) -> None:
        with all_or_nothing(entry) as (partial,):
            partial.write_text(text)


def _lines(entry: Path) -> list[str]:
    """The lines of a list of checksums, at least one."""
    return entry.read_text(errors="replace").splitlines() or [""]


def verify_given(files: Iterable[str | Path]) -> list[str]:
    """Compare files with the lists of checksums beside them; return what was compared, in words.

    A list is FILE.md5 or FILE.sha256, or MD5SUMS, SHA256SUMS and their like in the folder.

    Raises InputError that names the files that are not what a list says.
    """
    compared, faults = [], []
    for file in map(Path, files):
        for path, kind in _lists_beside(file):
            given = _given_checksum(path, file, kind)
            if given is None:
                continue
            with open(file, "rb") as content:
                found = hashlib.file_digest(content, kind).hexdigest()
            if found == given:
                compared.append(f"{file}: as {path} says")
            else:
                faults.append(
                    f"{file}: its {kind} is {found}, {path} says {given}. The file was damaged or "
                    "replaced: copy it again; if it is right, remove or renew the list"
                )
    raise_all(faults, "Files are not what the checksums beside them say")
    return compared


def _lists_beside(file: Path) -> list[tuple[Path, str]]:
    lists = [(Path(f"{file}{ending}"), kind) for ending, kind in _ENDINGS.items()]
    lists += [(file.parent / name, kind) for name, kind in _LISTS.items()]
    return [(path, kind) for path, kind in lists if path != file and path.is_file()]


def _given_checksum(path: Path, file: Path, kind: str) -> str | None:
    """What a list says of a file, in lines `HEX  NAME` or `MD5 (NAME) = HEX`, or HEX alone."""
    if path.stat().st_size > _LONGEST_LIST:
        return None
    number = f"[0-9a-fA-F]{{{2 * hashlib.new(kind, usedforsecurity=False).digest_size}}}"
    name = rf"(?:\S*/)?{re.escape(file.name)}"
    forms = [rf"({number}) [ *]{name}", rf"\w+ ?\({name}\) ?= ?({number})"]
    if path.name.startswith(file.name):
        forms.append(rf"({number})")
    for line in path.read_text(errors="replace").splitlines():
        for form in forms:
            match = re.fullmatch(form, line.strip())
            if match:
                return match[1].lower()
    return None


class FilesAtRest:
    """What the system says of files that are read, to see afterwards that nobody touched them."""

    def __init__(self, files: Iterable[str | Path]):
        self._before = {str(file): _state(file) for file in files}

    def require_unchanged(self) -> None:
        """Raise InputError that names the files that were changed or replaced since."""
        changed = [file for file, state in self._before.items() if _state(file) != state]
        if changed:
            raise InputError(
                f"{', '.join(changed)}: changed while it was read, so that what was made of it may "
                "be of both contents. See who writes it, and run again when it is at rest."
            )


def _state(file: str | Path) -> tuple | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
