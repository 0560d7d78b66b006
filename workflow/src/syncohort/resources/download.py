"""Downloads that can be interrupted: resumed, tried again, checked, and never half a file.

What has come lies in FOLDER/.kept/NAME.part, with what the server said of the file beside it, so
that the next try asks for the rest (RFC 9110, section 14: ranges; 13.1.5: If-Range). A whole, right
file is moved to FOLDER/.kept/NAME and linked to FOLDER/NAME: who deletes the second, as Snakemake
does before it makes a file again, has not lost the first.
"""

import http.client
import json
import logging
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from syncohort import __version__
from syncohort.errors import InputError
from syncohort.files import lock_file, lock_of, name_full_disk, require_space, unlock_file
from syncohort.resources.checks import require_right, write_note
from syncohort.resources.registry import RemoteFile

log = logging.getLogger(__name__)
TRIES = 6  # without a new byte
PAUSE_SECONDS = 2.0  # before the second try; doubled each time
_LONGEST_PAUSE_SECONDS = 300.0
_SILENCE_SECONDS = 60  # of a server, until it counts as gone
_AT_ONCE = 1 << 20
_PROGRESS_SECONDS = 30.0
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_REFUSALS = {
    401: "the server wants a login",
    403: "the server refuses it",
    404: "there is no such file",
    410: "the file is gone for good",
}
_OTHER_DISK = "set `resources` in the configuration to a folder on a larger disk"


class _Again(Exception):
    """A try failed in a way that the next may not; the text says why."""


@dataclass(frozen=True)
class _Part:
    """What has come of a file. path: its bytes, beside what the server said of the file."""

    path: Path

    @property
    def n_bytes(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def _said(self) -> Path:
        return Path(f"{self.path}.json")

    def said(self) -> dict:
        """`total` bytes and `validator` of the file that the bytes are of; {} if unknown."""
        try:
            return json.loads(self._said.read_text())
        except (OSError, ValueError):
            return {}

    def begin(self, said: dict) -> None:
        """Start again from the first byte."""
        self.path.write_bytes(b"")
        self._said.write_text(json.dumps(said))

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._said.unlink(missing_ok=True)


def fetch(
    remote: RemoteFile, target: Path, *, tries: int = TRIES, pause_seconds: float = PAUSE_SECONDS
) -> None:
    """Download a file to `target`; a right one that was kept is not downloaded again.

    Args:
        remote: the file at its source.
        target: where it is wanted.
        tries: without a new byte, until it is given up.
        pause_seconds: before the second try without a new byte; doubled each time.

    Raises:
        InputError: there is no such file or no network, the disk is full, the file is not what
            is published of it, or another process is at it.
    """
    kept = target.parent / ".kept" / target.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not lock_file(lock_of(kept)):
        raise InputError(f"{target}: another process is downloading it. Wait for it, or end it.")
    try:
        if kept.exists():
            how = require_right(kept, remote, target)
            log.info("%s: kept from a download before; %s", target, how)
        else:
            _download(remote, target, kept, tries, pause_seconds)
        _link(kept, target)
    except OSError as error:
        name_full_disk(error, target)
        raise
    finally:
        unlock_file(lock_of(kept))


def _link(kept: Path, target: Path) -> None:
    """Another name for a kept file; where a disk knows no links, the file itself."""
    target.unlink(missing_ok=True)
    try:
        os.link(kept, target)
    except OSError:
        os.replace(kept, target)


def _download(remote: RemoteFile, target: Path, kept: Path, tries: int, pause_seconds: float):
    part = _Part(Path(f"{kept}.part"))
    n_failed, before = 0, part.n_bytes
    while True:
        why = _try(remote, part)
        if why is None:
            break
        n_failed = 1 if part.n_bytes > before else n_failed + 1
        before = part.n_bytes
        if n_failed == tries:
            raise InputError(
                f"{remote.url}: {why}; {tries} tries in a row brought nothing. {before:,} bytes "
                "have come and are kept: run again to go on. Is there a network here? On a "
                "cluster whose nodes have none, run `snakemake --cores 1 fetch_resources --configfile "
                "STUDY.yaml`, with the study's file, where there is."
            )
        pause = min(pause_seconds * 2 ** (n_failed - 1), _LONGEST_PAUSE_SECONDS)
        log.info("%s: %s; %d bytes have come; again in %.0f s", remote.url, why, before, pause)
        time.sleep(pause)
    n_bytes = part.n_bytes
    try:
        how = require_right(part.path, remote, target)
    except InputError:
        part.remove()
        raise
    log.info("%s: %s bytes; %s", remote.url, f"{n_bytes:,}", how)
    write_note(target, part.path)
    with open(part.path, "rb") as file:
        os.fsync(file.fileno())
    os.replace(part.path, kept)
    part.remove()


def _try(remote: RemoteFile, part: _Part) -> str | None:
    """Receive what lacks; why it failed, None where all has come.

    Raises:
        InputError: trying again cannot help.
    """
    try:
        with _ask(remote, part) as answer:
            _receive(answer, remote, part)
    except _Again as error:
        return str(error)
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise InputError(
                f"{remote.url}: the server's certificate cannot be verified ({error.reason}). Is "
                "the clock right, and does a proxy need its own certificate (SSL_CERT_FILE)?"
            ) from error
        return f"no connection ({error.reason})"
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        return f"the connection broke ({type(error).__name__}: {error})"
    return None


def _ask(remote: RemoteFile, part: _Part):
    """The answer of the server: the file, or what lacks of it."""
    headers = {"User-Agent": f"syncohort/{__version__}", "Accept-Encoding": "identity"}
    if part.n_bytes:
        headers["Range"] = f"bytes={part.n_bytes}-"
        if validator := part.said().get("validator"):
            headers["If-Range"] = validator
    try:
        return urllib.request.urlopen(
            urllib.request.Request(remote.url, headers=headers), timeout=_SILENCE_SECONDS
        )
    except urllib.error.HTTPError as error:
        if error.code == 416 and part.n_bytes:
            part.remove()
            raise _Again(
                "the file at the source is shorter than what had come; begun anew"
            ) from None
        if error.code in _PASSING:
            raise _Again(f"the server answers {error.code} {error.reason}") from None
        why = _REFUSALS.get(error.code, f"the server answers {error.code} {error.reason}")
        raise InputError(
            f"{remote.url}: {why} (HTTP {error.code}). See {remote.source} for where it is now, "
            "and write that into resources/datasets.tsv; or put the file where it is wanted."
        ) from None


def _receive(answer, remote: RemoteFile, part: _Part) -> None:
    """Append what an answer holds to what has come.

    Raises:
        _Again: it is of another file than what has come, or was cut.
        InputError: it is not the published file, or has no room.
    """
    total = _total(answer)
    if remote.n_bytes is not None and total not in (None, remote.n_bytes):
        part.remove()
        raise InputError(
            f"{remote.url}: the file has {total:,} bytes, and {remote.n_bytes:,} are published at "
            f"{remote.source}: it is another version. See there, and mend resources/datasets.tsv."
        )
    if answer.status == http.client.PARTIAL_CONTENT:
        if not _goes_on(answer, part, total):
            part.remove()
            raise _Again("the file at the source has changed since; begun anew")
    else:
        if part.n_bytes:
            log.info("%s: the server sends the whole file; begun anew", remote.url)
        part.begin({"total": total, "validator": _validator(answer)})
    require_space(part.path, (total or 0) - part.n_bytes, _OTHER_DISK)
    _append(answer, part, remote.url, total)
    if total is not None and part.n_bytes < total:
        raise _Again(f"the connection was cut at {part.n_bytes:,} of {total:,} bytes")


def _append(answer, part: _Part, url: str, total: int | None) -> None:
    said = time.monotonic()
    try:
        with open(part.path, "ab") as file:
            while received := answer.read(_AT_ONCE):
                file.write(received)
                if time.monotonic() - said > _PROGRESS_SECONDS:
                    said = time.monotonic()
                    of = f" of {total / 1e6:,.0f}" if total else ""
                    log.info("%s: %s%s MB", url, f"{file.tell() / 1e6:,.0f}", of)
    except OSError as error:
        name_full_disk(error, part.path)
        raise


def _total(answer) -> int | None:
    """How long the whole file is, where the server says so."""
    if answer.status == http.client.PARTIAL_CONTENT:
        match = re.fullmatch(r"bytes \d+-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        return int(match[1]) if match else None
    length = answer.headers.get("Content-Length")
    return int(length) if length else None


def _goes_on(answer, part: _Part, total: int | None) -> bool:
    """Whether an answer begins where the bytes that have come end, and is of the same file."""
    begins = answer.headers.get("Content-Range", "").startswith(f"bytes {part.n_bytes}-")
    return begins and total == part.said().get("total")


def _validator(answer) -> str | None:
    """What tells this version of the file from others, as If-Range takes it."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified")
