"""Files that appear only when complete; their digests."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
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
    path = Path(path)
    plain = {"kind": np.frombuffer(kind.encode(), np.uint8)}
    for name, value in arrays.items():
        value = np.asarray(value)
        if value.dtype.kind in "OU":
            plain[f"{name}:text"] = np.frombuffer(pack_texts(value), np.uint8)
        else:
            plain[name] = value
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            np.savez(file, **plain)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


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


@contextmanager
def all_or_nothing(*paths: str | Path) -> Iterator[list[Path]]:
    """Yield stand-ins for `paths`, moved there together when the block ends without error.

    paths: files of one folder, which is made if need be.
    """
    targets = [Path(path) for path in paths]
    targets[0].parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".partial-", dir=targets[0].parent))
    try:
        partials = [folder / target.name for target in targets]
        yield partials
        for partial, target in zip(partials, targets, strict=True):
            os.replace(partial, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
