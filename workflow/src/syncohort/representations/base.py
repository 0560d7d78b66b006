"""What every representation shares: fitted files and the fingerprints that tie them together.

A fitted file is a numpy .npz of plain arrays (no pickled code) with a `kind`.
"""

import hashlib
import os
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from syncohort.errors import InputError
from syncohort.genotypes import Variants


def fingerprint_variants(variants: Variants) -> str:
    """SHA-256 over contig, positions, ids and alleles, in order."""
    digest = hashlib.sha256(f"{variants.contig}\n{len(variants)}\n".encode())
    digest.update(variants.position_bp.astype("<i4").tobytes())
    for texts in (variants.id, variants.allele):
        digest.update(pack_texts(texts))
    return digest.hexdigest()


class PeopleFingerprint:
    """SHA-256 over people's ids and genotypes, whatever the order or chunks they come in."""

    def __init__(self):
        self._people: list[tuple[str, bytes]] = []

    def add(self, ids, values: np.ndarray) -> None:
        """Add people: ids [s] and values [s, ...], their genotypes (any shape per person)."""
        for name, person in zip(ids, values, strict=True):
            self._people.append((str(name), hashlib.sha256(person.tobytes()).digest()))

    def hexdigest(self) -> str:
        digest = hashlib.sha256()
        for name, person in sorted(self._people):
            digest.update(name.encode() + b"\0" + person)
        return digest.hexdigest()


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
    content. The file appears at `path` only when complete."""
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
