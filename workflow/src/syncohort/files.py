"""Files that appear only when complete; their digests."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

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
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(f"{path}: not a readable fitted file ({error}); fit it again") from error
    found = arrays.pop("kind", np.zeros(0, np.uint8)).tobytes().decode()
    require_same("the kinds of file", path, kind, found or "a file without a kind")
    return {
        name.removesuffix(":text"): unpack_texts(value) if name.endswith(":text") else value
        for name, value in arrays.items()
    }


def write_rows(path: str | Path, shape: tuple[int, ...], parts: Iterable[np.ndarray]) -> None:
    """Write a float32 array of `shape` to a .npy file, of its consecutive rows in parts.

    One part is in memory at a time; the file appears only when complete.
    """
    with all_or_nothing(path) as (partial,):
        array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=shape)
        start = 0
        for part in parts:
            array[start : start + len(part)] = part
            start += len(part)
        if start != shape[0]:
            raise ValueError(f"{path}: {start} rows written of {shape[0]}")
        array.flush()


def private_folder(target: Path) -> Path:
    """An empty folder beside `target` for its making; what a killed job left there is removed."""
    folder = target.parent / f".partial-{target.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


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
    finally:
        shutil.rmtree(folder, ignore_errors=True)
