"""Checksums of downloaded files: as published, or as noted at the first download."""

import hashlib
from pathlib import Path

from syncohort.errors import InputError
from syncohort.files import all_or_nothing, sha256
from syncohort.resources.registry import RemoteFile


def digest(path: Path, kind: str) -> str:
    """The checksum of a file, hexadecimal; kind: md5, sha256, or git, the id of a blob.

    Source of the last: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    """
    with open(path, "rb") as file:
        if kind != "git":
            return hashlib.file_digest(file, kind).hexdigest()
        found = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        while part := file.read(1 << 20):
            found.update(part)
        return found.hexdigest()


def note_of(target: Path) -> Path:
    """The file with the SHA-256 of a downloaded file, in the form of `sha256sum`."""
    return Path(f"{target}.sha256")


def require_right(path: Path, remote: RemoteFile, target: Path) -> str:
    """Say how a downloaded file was checked; what is wrong is deleted.

    path: the download; target: where the file will lie, beside the note of a download before.

    Raises:
        InputError: the length or the checksum is another one.
    """
    n_bytes = path.stat().st_size
    if remote.n_bytes not in (None, n_bytes):
        path.unlink()
        raise InputError(
            f"{remote.url}: the download has {n_bytes:,} bytes, and {remote.n_bytes:,} are published "
            f"at {remote.source}: it is another version. The download was deleted."
        )
    note = note_of(target)
    if remote.checksum:
        kind, wanted = remote.checksum.split(":")
        by = f"as published at {remote.source}"
    elif note.exists():
        kind, wanted = "sha256", note.read_text().split()[0]
        by = f"as noted at the first download, in {note}"
    else:
        return "no published checksum; its SHA-256 is noted on first download and compared later"
    found = digest(path, kind)
    if found == wanted:
        return f"{kind} {found}, {by}"
    path.unlink()
    raise InputError(
        f"{remote.url}: the download ({n_bytes:,} bytes) has the {kind} {found}, {by} is {wanted}. "
        "The download was deleted. Try again; if it is the same again, the file was replaced at "
        f"the source or on the way (a proxy?): see {remote.source}."
    )


def write_note(target: Path, content: Path) -> None:
    """Note the SHA-256 of a file's content beside the place it will have."""
    with all_or_nothing(note_of(target)) as (partial,):
        partial.write_text(f"{sha256(content)}  {target.name}\n")
