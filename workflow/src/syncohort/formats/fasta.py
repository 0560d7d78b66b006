"""A chromosome of a reference genome, from FASTA files of any kind.

The sequence is unpacked once to a file without a name, a byte a base, of which any part is read at
once: memory is that of the parts asked for, whether the FASTA file is plain, gzipped or in blocks,
and however long its lines are. An index beside the file (.fai, and .gzi for blocks) saves the search.

Source of the indexes: the manual pages of faidx and bgzip.
"""

import os
import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pysam

from syncohort.errors import InputError, examples
from syncohort.files import name_full_disk
from syncohort.formats.bgzf import is_blocked, require_end
from syncohort.formats.compression import open_unpacked
from syncohort.genotypes import contig_order, normalise_contig

_BLOCK_BYTES = 1 << 22
_LONGEST_HEADER = 1 << 16
_LINE_ENDS = b"\r\n"
_CODES = b"ACGTUNRYSWKMBDHV"  # bases, and the IUPAC codes of several
_LETTERS = _CODES + _CODES.lower()


class Sequence:
    """One chromosome of a reference genome, read in parts.

    Attributes: path of its FASTA file; name as the file spells it; contig, its normalised name;
    length [bp].
    """

    def __init__(self, path: Path, name: str, unpacked: BinaryIO):
        self.path = path
        self.name = name
        self.contig = normalise_contig(name)
        self._unpacked = unpacked
        self.length = os.fstat(unpacked.fileno()).st_size

    def read(self, start: int, end: int) -> bytes:
        """The bases [start, end), counted from 0, in the file's own letters, lower case too.

        What lies beyond either end of the chromosome is left out.
        """
        start = max(start, 0)
        return os.pread(self._unpacked.fileno(), max(end - start, 0), start)


@contextmanager
def open_sequence(files: Iterable[str | Path], contig: str) -> Iterator[Sequence]:
    """Open one chromosome of a reference genome.

    files: FASTA, plain, gzipped, compressed by bgzip or zstd. contig: any spelling.

    Raises:
        InputError: no file holds the chromosome, or more than one sequence is it; a file is no
            FASTA of DNA or is damaged, or its index is another file's.
    """
    wanted = normalise_contig(contig)
    with tempfile.TemporaryFile() as unpacked:
        found, held = [], []
        for path in map(Path, files):
            for record in _search(path, wanted, unpacked if not found else None):
                held.append(record.contig)
                if record.contig == wanted:
                    found.append((path, record.name))
        if not found:
            listed = examples(sorted(set(held), key=contig_order), 30) or "none"
            raise InputError(
                f"{_named(files)}: no sequence of chromosome {contig}. It holds {listed} (chr20 and "
                "20 mean the same). Give the FASTA of the whole genome, or of each chromosome, in "
                "input.reference."
            )
        if len(found) > 1:
            listed = examples([f"{name} of {path}" for path, name in found])
            raise InputError(
                f"several sequences are chromosome {contig}: {listed}. Keep one in input.reference."
            )
        unpacked.flush()
        yield Sequence(*found[0], unpacked)


@dataclass(frozen=True)
class _Record:
    """A sequence of a FASTA file: its name, and of an index its length [bp] and place [bytes]."""

    name: str
    length: int | None = None
    offset: int | None = None

    @property
    def contig(self) -> str:
        return normalise_contig(self.name)


def _named(files: Iterable[str | Path]) -> str:
    return examples(files) or "input.reference"


def _search(path: Path, wanted: str, target: BinaryIO | None) -> list[_Record]:
    """The sequences of a file; the first that is the chromosome `wanted` is written to target."""
    try:
        with open(path, "rb") as file:
            blocked = is_blocked(file.read(18))
        if blocked:
            require_end(path)
        records = _index(path, blocked)
        own = [record for record in records or [] if record.contig == wanted]
        with _open(path, blocked) as file:
            if records is None:
                return _scan(path, file, wanted, target)
            if own and target is not None:
                _go_to(path, file, own[0], blocked)
                _scan(path, file, wanted, target, only=own[0])
    except (OSError, EOFError, zlib.error) as error:
        name_full_disk(error, Path(tempfile.gettempdir()) / path.name)
        raise InputError(
            f"{path}: cannot be read ({error}): the file is damaged or cut short; copy it again"
        ) from error
    return records


def _open(path: Path, blocked: bool):
    return pysam.BGZFile(str(path), "rb") if blocked else open_unpacked(path)


def _scan(
    path: Path,
    file: BinaryIO,
    wanted: str,
    target: BinaryIO | None,
    only: _Record | None = None,
) -> list[_Record]:
    """The sequences that begin from where a file stands; the first of `wanted` goes to target.

    only: what an index says of the sequence the file stands at; the scan ends with it.
    """
    records: list[_Record] = []
    writing, size = False, 0
    for header, body in _pieces(path, file):
        if header is not None:
            if only and records:
                break
            name = _name_of(header)
            writing = target is not None and normalise_contig(name) == wanted
            writing &= all(record.contig != wanted for record in records)
            records.append(_Record(name))
        elif writing:
            bases = body.translate(None, _LINE_ENDS)
            odd = bases.translate(None, _LETTERS)
            if odd:
                raise InputError(
                    f"{path}: the sequence {records[-1].name} holds {chr(odd[0])!r}, which is no letter of "
                    "DNA. A reference genome is needed, not proteins or an alignment with gaps."
                )
            target.write(bases)
            size += len(bases)
    if only and ([record.name for record in records] != [only.name] or size != only.length):
        _blame_index(path)
    return records


def _pieces(path: Path, file: BinaryIO) -> Iterator[tuple[bytes | None, bytes]]:
    """The lines of a FASTA file: (header, b"") for one that begins with >, and (None, text) for
    stretches of what lies between, which may be parts of lines."""
    header, starts_line, first = None, True, True
    while block := file.read(_BLOCK_BYTES):
        if first and not block.lstrip().startswith(b">"):
            raise InputError(
                f"{path}: is no FASTA file: it begins with {block[:20]!r}, where > and the name of a "
                "sequence are needed"
            )
        block, first = block.lstrip() if first else block, False
        place = 0
        while place < len(block):
            if header is None and starts_line and block.startswith(b">", place):
                header, place = b"", place + 1
            elif header is not None:
                end = block.find(b"\n", place)
                header += block[place : end if end >= 0 else len(block)]
                if len(header) > _LONGEST_HEADER:
                    raise InputError(f"{path}: a line that begins with > does not end: no FASTA")
                if end < 0:
                    break
                yield header, b""
                header, starts_line, place = None, True, end + 1
            else:
                mark = block.find(b"\n>", place)
                end = mark + 1 if mark >= 0 else len(block)
                yield None, block[place:end]
                starts_line, place = block.endswith(b"\n", place, end), end
    if first or header is not None:
        raise InputError(f"{path}: the file is {'empty' if first else 'cut short'}: no FASTA")


def _name_of(header: bytes) -> str:
    return (header.split() or [b""])[0].decode(errors="replace")


def _index(path: Path, blocked: bool) -> list[_Record] | None:
    """The sequences that the index beside a file knows; None where there is no index of use."""
    beside = Path(f"{path}.fai")
    with open(path, "rb") as file:
        plain = file.read(1) == b">"
    if not beside.is_file() or not (plain or blocked and Path(f"{path}.gzi").is_file()):
        return None
    records = []
    for line in beside.read_text(errors="replace").splitlines():
        fields = line.split("\t")
        if len(fields) < 5 or not (fields[1].isdecimal() and fields[2].isdecimal()):
            _blame_index(path)
        records.append(_Record(fields[0], int(fields[1]), int(fields[2])))
    return records


def _go_to(path: Path, file: BinaryIO, record: _Record, blocked: bool) -> None:
    """Bring a file to the header of a sequence, by what its index says of the first base."""
    back = min(record.offset, _LONGEST_HEADER)
    start = record.offset - back
    _seek(path, file, start, blocked)
    before = file.read(back)
    begin = before[:-1].rfind(b"\n") + 1
    if len(before) < back or not before.startswith(b">", begin) or not before.endswith(b"\n"):
        _blame_index(path)
    _seek(path, file, start + begin, blocked)


def _seek(path: Path, file: BinaryIO, place: int, blocked: bool) -> None:
    """Go to a byte of the text; in a file of blocks the .gzi says in which block it lies."""
    if not blocked:
        file.seek(place)
        return
    data = Path(f"{path}.gzi").read_bytes()
    (n_blocks,) = struct.unpack_from("<Q", data) if len(data) >= 8 else (0,)
    if len(data) != 8 + 16 * n_blocks:
        _blame_index(path)
    blocks = [(0, 0), *struct.iter_unpack("<QQ", data[8:])]
    address, text = max(block for block in blocks if block[1] <= place)
    file.seek(address << 16)
    while text < place:
        read = file.read(min(place - text, _BLOCK_BYTES))
        if not read:
            _blame_index(path)
        text += len(read)


def _blame_index(path: Path) -> None:
    raise InputError(
        f"{path}.fai (or .gzi): does not fit {path}: the index is damaged or another file's. "
        f"Make it again: `samtools faidx {path}`, or remove it."
    )
