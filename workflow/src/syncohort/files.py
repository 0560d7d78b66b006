"""Files that appear only when complete; their digests."""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np

from syncohort.errors import InputError


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_fingerprints(paths: list[str | Path]) -> dict[str, str]:
    """SHA-256 of each file, by its name without the ending: the parts of a representation."""
    return {Path(path).stem: sha256(path) for path in paths}


def require_same(what: str, path: str | Path, expected, found) -> None:
    """Raise InputError with both values when `found` is not what the file at `path` expects."""
    if expected != found:
        raise InputError(
            f"{path}: {what} do not match: it was made with {expected}, here is {found}. "
            "Use the files of one run, or fit again."
        )


def pack_texts(texts) -> bytes:
    """Texts without line breaks as bytes, one a line; see `unpack_texts`."""
    return "".join(f"{text}\n" for text in np.ravel(texts)).encode()


def unpack_texts(packed: np.ndarray) -> np.ndarray:
    """The texts [N], objects, of bytes (uint8) that `pack_texts` made."""
    return np.array(packed.tobytes().decode().split("\n")[:-1], dtype=object)


def save_arrays(path: str | Path, kind: str, arrays: dict) -> None:
    """Write arrays and texts (str, or object arrays of str) to one file, equal bytes for equal
    content. The file, a numpy .npz without pickled code, appears only when complete."""
    plain = {"kind": np.frombuffer(kind.encode(), np.uint8)}
    for name, value in arrays.items():
        value = np.asarray(value)
        if value.dtype.kind in "OU":
            plain[f"{name}:text"] = np.frombuffer(pack_texts(value), np.uint8)
        else:
            plain[name] = value
    with all_or_nothing(path) as (partial,), open(partial, "wb") as file:
        np.savez(file, **plain)


def load_arrays(path: str | Path, kind: str) -> dict:
    """Read what `save_arrays` wrote; texts come back as object arrays [N] of str.

    Raises InputError when the file is absent, damaged or of another kind (prints both).
    """
    with _fitted_file(path, kind) as file:
        arrays = {name: file[name] for name in file.files if name != "kind"}
    return {
        name.removesuffix(":text"): unpack_texts(value) if name.endswith(":text") else value
        for name, value in arrays.items()
    }


def save_parts(path: str | Path, kind: str, parts: Iterable[dict]) -> None:
    """Write dictionaries of arrays to one file, for `read_parts`; one is in memory at a time. Equal
    bytes for equal content. The file, a numpy .npz, appears only when complete."""
    with all_or_nothing(path) as (partial,), ZipFile(partial, "w") as archive:

        def add(name: str, array: np.ndarray) -> None:
            with archive.open(ZipInfo(f"{name}.npy"), "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)

        add("kind", np.frombuffer(kind.encode(), np.uint8))
        for number, part in enumerate(parts):
            for name, array in part.items():
                add(f"{number}/{name}", array)


def read_parts(path: str | Path, kind: str) -> Iterator[dict]:
    """The dictionaries that `save_parts` wrote, one after the other.

    Raises InputError when the file is absent, damaged or of another kind (prints both).
    """
    with _fitted_file(path, kind) as file:
        names = [name.split("/") for name in file.files if name != "kind"]
        for number, own in groupby(names, key=lambda name: name[0]):
            yield {name: file[f"{number}/{name}"] for _, name in own}


@contextmanager
def _fitted_file(path: str | Path, kind: str) -> Iterator[np.lib.npyio.NpzFile]:
    """An open .npz file of a kind, whose damage is an InputError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = file["kind"].tobytes().decode() if "kind" in file.files else ""
            require_same("the kinds of file", path, kind, found or "a file without a kind")
            yield file
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(f"{path}: not a readable fitted file ({error}); fit it again") from error


def write_rows(
    path: str | Path, shape: tuple[int, ...], parts: Iterable[np.ndarray], kind: str = "<f4"
) -> None:
    """Write an array of `shape` to a .npy file, of its consecutive rows in parts.

    kind: of its numbers, float32, or "<f2" for float16. One part is in memory at a time; the file
    appears only when complete. It is written and not mapped: a full disk is an error of writing, and
    the death of a process that wrote to a map.

    Raises InputError when the disk has no room for it.
    """
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    with all_or_nothing(path) as (partial,), open(partial, "wb") as file:
        require_space(path, np.dtype(kind).itemsize * int(np.prod(shape, dtype=np.int64)))
        np.lib.format.write_array_header_1_0(file, header)
        start = 0
        for part in parts:
            if part.shape[1:] != shape[1:]:
                raise ValueError(f"{path}: rows of shape {part.shape[1:]}, not {shape[1:]}")
            file.write(np.ascontiguousarray(part, dtype=kind))
            start += len(part)
        if start != shape[0]:
            raise ValueError(f"{path}: {start} rows written of {shape[0]}")


class RowFile:
    """A .npy file of numbers [R, G, ...], read some rows at a time and never mapped.

    Pages of a mapped file count as memory of the job that reads it, for as long as it runs.
    `shape`: of the array. Raises InputError for a file that is no such array, or cut short.
    """

    def __init__(self, path: str | Path):
        try:
            self._open(path)
        except (OSError, ValueError, IndexError) as error:
            raise InputError(
                f"{path}: not a whole array of rows ({error}); delete it and run again"
            ) from error

    def _open(self, path: str | Path) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 (as long as this object)
        version = np.lib.format.read_magic(self._file)
        if version != (1, 0):
            raise ValueError(f"{path}: version {version} of the .npy format, not (1, 0)")
        self.shape, by_columns, self._kind = np.lib.format.read_array_header_1_0(self._file)
        self._start = self._file.tell()
        self._column_bytes = self._kind.itemsize * int(np.prod(self.shape[2:]))
        whole = self._start + self._column_bytes * self.shape[0] * self.shape[1]
        found = os.fstat(self._file.fileno()).st_size
        if by_columns or found != whole:
            raise ValueError(f"{path}: {found} bytes, not the {whole} of an array {self.shape}")

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, rows: np.ndarray | slice, columns: slice = slice(None)) -> np.ndarray:
        """Float32 [n, g, ...] of rows, a slice or whole numbers [n], and a slice of the columns."""
        wanted = np.arange(len(self))[rows]
        start, stop, _ = columns.indices(self.shape[1])
        found = np.empty((len(wanted), stop - start, *self.shape[2:]), self._kind)
        row_bytes = self._column_bytes * self.shape[1]
        together = isinstance(rows, slice) and stop - start == self.shape[1] and len(wanted) > 1
        if together and wanted[1] == wanted[0] + 1:
            self._fill(found.reshape(-1), wanted[0] * row_bytes)
        else:
            for row, piece in zip(wanted.tolist(), found, strict=True):
                self._fill(piece.reshape(-1), row * row_bytes + start * self._column_bytes)
        return found.astype(np.float32, copy=False)

    def _fill(self, piece: np.ndarray, at: int) -> None:
        left = memoryview(piece).cast("B")
        at += self._start
        while len(left):  # one call reads at most 2 GB
            n = os.preadv(self._file.fileno(), [left], at)
            if not n:
                raise OSError(f"{self._file.name}: ends before row bytes {at}")
            left, at = left[n:], at + n


def require_space(
    path: str | Path, n_bytes: int, otherwise: str = "move results/ to a larger disk"
) -> None:
    """Raise InputError when the disk of `path`, whose folder exists, has no room for so many bytes.

    otherwise: what the user may do but make room.
    """
    free = shutil.disk_usage(Path(path).parent).free
    if free < n_bytes:
        raise InputError(
            f"no space left: {path} needs {n_bytes / 1e9:,.3f} GB, {free / 1e9:,.3f} GB are free. "
            f"Make room, or {otherwise}."
        )


_NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of this user is used up",
    errno.EFBIG: "the file is larger than this process may write (ulimit -f)",
}
_FULL_BYTES = 1 << 16  # with less room than this a disk counts as full


def name_full_disk(error: BaseException | None, path: Path) -> None:
    """Raise InputError, with the room there is, when `error` came of `path` having no room."""
    if error is None or isinstance(error, InputError) or not isinstance(error, Exception):
        return
    folder = next(folder for folder in path.absolute().parents if folder.is_dir())
    free, disk = shutil.disk_usage(folder).free, os.statvfs(folder)
    reason = _no_room(error, free)
    if reason is None:
        return
    if disk.f_files and not disk.f_favail:
        reason = "the disk has no room for more files (no free inodes, `df -i`)"
    raise InputError(
        f"no space left: {path} cannot be written, {reason} ({free / 1e9:,.3f} GB are free on the "
        f"disk of {folder}). Make room and run again."
    ) from error


def _no_room(error: Exception, free: int) -> str | None:
    """What an error says about room, None when it is of something else; free: bytes."""
    number = error.errno if isinstance(error, OSError) else None
    for known, reason in _NO_ROOM.items():
        # libraries written in C and Rust say it in words alone
        if number == known or os.strerror(known) in str(error) or f"os error {known}" in str(error):
            return reason
    return "the disk is full" if number is None and free < _FULL_BYTES else None


_PARTIAL = ".partial-"  # begins the names of folders in which files are made


def is_partial(path: Path) -> bool:
    """Whether a path is, or lies in, a folder of a file that is being made, or was by a killed job."""
    return any(part.startswith(_PARTIAL) for part in path.parts)


def private_folder(target: Path) -> Path:
    """An empty folder beside `target` for its making; what a killed job left there is removed.

    Raises InputError when another process that still lives is making `target`.
    """
    folder = target.parent / f"{_PARTIAL}{target.name}"
    if not _lock(folder):
        raise InputError(
            f"{target}: another process is writing it, perhaps one that an ended run left behind. "
            "Wait for it or end it, then run again."
        )
    for name in os.listdir(folder):
        if name != _LOCK:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return folder


_LOCK = ".lock"
_locks: dict[Path, int] = {}  # open files of locks, which end with the process that holds them


def _lock(folder: Path) -> bool:
    """Make a folder and lock it for this process; whether no other process holds it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    unlock(folder)
    return lock_file(folder / _LOCK)


def lock_of(path: str | Path) -> Path:
    """The file beside another one that whoever works on that one has locked."""
    return Path(f"{path}.lock")


def lock_file(path: Path) -> bool:
    """Make a file and lock it for this process; whether no other process holds it.

    The lock is given back with `unlock_file`, and ends with the process however that ends. On NFS
    it holds between machines too (its server keeps it) unless it is mounted with `nolock` or
    `local_lock`; a file system without locks lets everybody pass.
    """
    if path in _locks:
        return True
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    except OSError:
        pass  # a file system without locks
    _locks[path] = file
    return True


def unlock_file(path: Path) -> None:
    """Give back the lock of a file; the file stays."""
    if path in _locks:
        os.close(_locks.pop(path))


def unlock(folder: Path) -> None:
    """Give back the lock of a `private_folder`."""
    unlock_file(folder / _LOCK)


def temporary_folder(parent: Path, name: str) -> Path:
    """A private folder that several processes may have at once; those of ended ones are removed.

    It lies in `parent`, which is made, and is removed with `remove_private_folder`.
    """
    for folder in parent.glob(f"{_PARTIAL}{name}-*"):
        if _lock(folder):
            remove_private_folder(folder)
    return private_folder(parent / f"{name}-{os.uname().nodename}-{os.getpid()}")


def remove_private_folder(folder: Path) -> None:
    """Remove a folder of `private_folder` with all it holds."""
    shutil.rmtree(folder, ignore_errors=True)
    unlock(folder)


@contextmanager
def all_or_nothing(*paths: str | Path) -> Iterator[list[Path]]:
    """Yield stand-ins for `paths`, moved there together when the block ends without error.

    paths: files of one folder, which is made if need be; one job at a time makes them. Stand-ins
    have the names of the files, in a folder of their own, and are on the disk before they are
    moved: a machine that loses power leaves the old file or the new one.
    """
    targets = [Path(path) for path in paths]
    folder = private_folder(targets[0])
    try:
        partials = [folder / target.name for target in targets]
        yield partials
        for partial in partials:
            with open(partial, "rb") as file:
                os.fsync(file.fileno())
        for partial, target in zip(partials, targets, strict=True):
            os.replace(partial, target)
    except Exception as error:
        name_full_disk(error, targets[0])
        raise
    finally:
        remove_private_folder(folder)
