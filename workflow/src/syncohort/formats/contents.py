"""What foreign files hold, cheap to ask for at every start and in every job."""

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from syncohort.files import sha256

WHOLE_BYTES = 1 << 30  # files up to this size are read whole, once
_N_SAMPLES, _SAMPLE_BYTES = 256, 1 << 16  # of larger files


class Contents:
    """Digests of files, kept in a file of notes so that an unchanged file is not read again.

    A file counts as unchanged while its size, the times of its content and of its entry in the
    file system, and its number there are the same: a file that is moved, copied or restored to
    its place is read again, whatever date it bears.
    """

    def __init__(self, notes: str | Path):
        self._notes = Path(notes)
        self._known = self._read_notes()
        self._told: dict[Path, str] = {}
        self._lock = threading.Lock()  # Snakemake looks at jobs in several threads

    def digest(self, paths: Iterable[str | Path]) -> str:
        """Digest of the contents of files, in order; "" for no files, "missing" for an absent one.

        Of files above `WHOLE_BYTES` it is their size, beginning, end and pieces between.
        """
        files = [Path(path) for path in paths]
        digests = [self.of_file(file) for file in files]
        for file, digest in zip(files, digests, strict=True):
            self._told.setdefault(file, digest)
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:32] if digests else ""

    def changed(self) -> list[str]:
        """The files that no longer are what was first told of them."""
        return [str(file) for file, told in self._told.items() if self.of_file(file) != told]

    def once(self, what: str, paths: Iterable[str | Path], work_out: Callable[[], object]):
        """What `work_out` finds in files, worked out once as long as they stay as they are.

        what: its name among the notes; it must be plain enough for JSON.
        """
        key = [_identity(Path(path)) for path in paths]
        with self._lock:
            known = self._known.get(what)
            if known is None or known[0] != key:
                known = self._known[what] = [key, work_out()]
                self._write_notes()
        return known[1]

    def of_file(self, path: Path) -> str:
        """Digest of the content of a file, SHA-256 up to `WHOLE_BYTES`, or of all files of a folder,
        as a Zarr store is; "missing" without it."""
        if _identity(path) is None:
            return "missing"
        return self.once(str(path.absolute()), [path], lambda: _digest(path))

    def _read_notes(self) -> dict:
        try:
            return json.loads(self._notes.read_text())
        except (OSError, ValueError):
            return {}

    def _write_notes(self) -> None:
        """Losing them costs time only, so that several processes may write them."""
        own = self._notes.with_name(f"{self._notes.name}.{os.uname().nodename}.{os.getpid()}")
        try:
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(json.dumps(self._known))
            os.replace(own, self._notes)
        except OSError:
            with contextlib.suppress(OSError):  # the folder cannot be written
                own.unlink()


def hash_once() -> None:
    """Have this process of Snakemake hash a file once as long as it stays as it is.

    Snakemake writes down the digests of a job's inputs for each of its outputs, and takes them
    anew each time: of a job with nine outputs the genotypes were read nine times.
    """
    from snakemake.io import _IOFile

    if hasattr(_IOFile.checksum, "known"):
        return
    plain = _IOFile.checksum

    async def checksum(self, threshold=None, force=False, algorithm=None):
        key = (str(self), threshold, force, algorithm, *(_identity(Path(str(self))) or ()))
        if key not in checksum.known:
            checksum.known[key] = await plain(self, threshold, force, algorithm)
        return checksum.known[key]

    checksum.known = {}
    _IOFile.checksum = checksum


def size_of(path: str | Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    files = _files_below(path) if os.path.isdir(path) else [path]
    return sum(map(os.path.getsize, files))


def _files_below(folder: str | Path) -> list[Path]:
    """The files of a folder and of those in it, in order."""
    return sorted(Path(at) / name for at, _, names in os.walk(folder) for name in names)


def _digest(path: Path) -> str:
    if path.is_dir():
        files = _files_below(path)
        parts = [f"{file.relative_to(path)} {_digest(file)}" for file in files]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return sha256(path) if path.stat().st_size <= WHOLE_BYTES else _sampled(path)


def _identity(path: Path) -> list | None:
    """What changes when a file changes, or one of a folder; None for an absent one."""
    if path.is_dir():
        files = [(str(file), _identity(file)) for file in _files_below(path)]
        return [len(files), hashlib.sha256(repr(files).encode()).hexdigest()]
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _sampled(path: Path) -> str:
    """Digest of a large file's size and of equally spaced pieces, the first and last among them."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        digest = hashlib.sha256(str(size).encode())
        for index in range(_N_SAMPLES):
            file.seek((size - _SAMPLE_BYTES) * index // (_N_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()
