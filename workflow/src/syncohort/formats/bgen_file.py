"""BGEN 1.1, 1.2 and 1.3 as a file: its header, its records, and their genotypes unpacked.

Source: the BGEN format, "Header block", "Sample identifier block" and "Variant data blocks".

Axes: S people.
"""

import os
import struct
import zlib
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import zstandard

from syncohort.errors import InputError
from syncohort.formats.bgen_calls import DAMAGED, Malformed
from syncohort.formats.bgen_index import BgenIndex
from syncohort.genotypes import normalise_contig

_MAGIC = (b"bgen", bytes(4))
_LEAST_HEADER = 20
_HAS_IDS = 1 << 31
_ZLIB, _ZSTD = 1, 2
_POSITION_MAX = 2**31 - 1
_WINDOW_BYTES = 1 << 9  # in which most records have what stands before their genotypes
_WINDOW_MAX = 1 << 24  # no allele is longer
_BYTES_A_PERSON = 1 + 8  # at most, of two copies, unpacked
_NUMBERS = ("row", "start", "n_packed", "n_unpacked")  # of a `Record`


@dataclass(frozen=True, slots=True)
class Record:
    """A variant without its genotypes, which are n_packed bytes from `start` on.

    row: its number in the file, from 0; n_unpacked: bytes of the genotypes once unpacked.
    """

    row: int
    contig: str
    position: int
    id: str
    alleles: tuple[str, ...]
    start: int
    n_packed: int
    n_unpacked: int


class Records:
    """The variants of a chromosome in columns, which take a third of the memory of `Record`s.

    position, id, alleles: of each variant; indexed with a row it gives its `Record`.
    """

    def __init__(self):
        self.id: list[str] = []
        self.contig: list[str] = []
        self.alleles: list[tuple[str, ...]] = []
        self.position = array("q")
        self._numbers = [array("q") for _ in _NUMBERS]
        self._known: dict = {}  # names and alleles that many variants have

    def append(self, record: Record) -> None:
        """Add a variant."""
        self.id.append(record.id)
        self.contig.append(self._known.setdefault(record.contig, record.contig))
        self.alleles.append(self._known.setdefault(record.alleles, record.alleles))
        self.position.append(record.position)
        for column, name in zip(self._numbers, _NUMBERS, strict=True):
            column.append(getattr(record, name))

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, row: int) -> Record:
        numbers = {name: column[row] for name, column in zip(_NUMBERS, self._numbers, strict=True)}
        texts = {"contig": self.contig[row], "id": self.id[row], "alleles": self.alleles[row]}
        return Record(position=self.position[row], **texts, **numbers)


class BgenFile:
    """The header of a BGEN file, and its variants one by one.

    Where an index lies beside the file (see `bgen_index`), only the records that are asked for
    are read; else all are walked over.

    Attributes: path, n_variants, n_people, layout (1 or 2), sample_ids ([S] str, None where the
    file names nobody), counts (records by chromosome as the file spells it, once they are known).

    Raises:
        InputError: no BGEN file, one of another version, one that was cut within its header, or
            the index of another file beside it.
    """

    def __init__(self, path: Path):
        self.path = path
        self.counts: dict[str, int] = {}
        self._size = path.stat().st_size
        with open(path, "rb") as file:
            start = file.read(4 + _LEAST_HEADER)
            if len(start) < 4 + _LEAST_HEADER or start[16:20] not in _MAGIC:
                raise InputError(f"{path}: is no BGEN file, or was cut within its header")
            self._first, n_header, self.n_variants, self.n_people, _ = struct.unpack(
                "<5I", start[:20]
            )
            self._first += 4
            file.seek(n_header)  # of which the flags are the last four bytes
            flags = file.read(4)
            if n_header < _LEAST_HEADER or len(flags) < 4:
                raise InputError(f"{path}: was cut within its header. {DAMAGED}")
            flags = int.from_bytes(flags, "little")
            self.layout, self._packing = flags >> 2 & 15, flags & 3
            if self.layout not in (1, 2) or self._packing > self.layout:
                raise InputError(
                    f"{path}: is of no version of BGEN that is read, which are 1.1, 1.2 and 1.3; "
                    "write it as one of these with `qctool` or `plink2 --export bgen-1.2`"
                )
            self.sample_ids = self._read_ids(file) if flags & _HAS_IDS else None
        self._index = BgenIndex.beside(path, self.n_variants)
        if self._index is not None:
            self.counts = self._index.counts

    def _read_ids(self, file) -> list[str]:
        n_block, n_people = struct.unpack("<2I", file.read(8).ljust(8, b"\0"))
        block = file.read(max(0, min(n_block, self._size) - 8))
        ids, at = [], 0
        try:
            if n_people != self.n_people:
                raise Malformed(f"is of {n_people:,} people, not {self.n_people:,}. {DAMAGED}")
            for _ in range(n_people):
                text, at = _text(block, at, 2)
                ids.append(text)
        except _Short:
            raise InputError(f"{self.path}: was cut within its sample ids. {DAMAGED}.") from None
        except Malformed as problem:
            raise self.error("the block of sample ids", problem) from None
        return ids

    def contigs(self) -> list[str]:
        """Names of chromosomes, in the order of the file."""
        if self._index is None:
            self._walk(lambda _: False)
        return list(self.counts)

    def records_of(self, contig: str) -> Records:
        """The records of a chromosome, however it is spelled.

        Raises:
            InputError: a record is damaged or is not there, there are more than the header says, or
                they are not where the index says.
        """
        wanted = normalise_contig(contig)
        if self._index is None:
            return self._walk(lambda name: normalise_contig(name) == wanted)
        return self._indexed([name for name in self.counts if normalise_contig(name) == wanted])

    def _indexed(self, names: list[str]) -> Records:
        """The records of the chromosomes of these names, by the index."""
        found = Records()
        with open(self.path, "rb", buffering=0) as file:
            for row, at, n_bytes in self._index.places(names):
                record = self._read_record(file.fileno(), row, at)
                if record.start + record.n_packed != at + n_bytes or record.contig not in names:
                    raise self._index.wrong()
                found.append(record)
        return found

    def _walk(self, is_wanted: Callable[[str], bool]) -> Records:
        found, wanted, counts, at = Records(), {}, Counter(), self._first
        with open(self.path, "rb", buffering=0) as file:
            for row in range(self.n_variants):
                record = self._read_record(file.fileno(), row, at)
                at = record.start + record.n_packed
                name = record.contig
                counts[name] += 1
                if name not in wanted:
                    wanted[name] = is_wanted(name)
                if wanted[name]:
                    found.append(record)
        if at != self._size:
            raise InputError(
                f"{self.path}: goes on behind the {self.n_variants:,} variants of its header. "
                f"{DAMAGED}."
            )
        self.counts = dict(counts)
        return found

    def _read_record(self, file: int, row: int, at: int) -> Record:
        n_read = _WINDOW_BYTES
        try:
            while True:
                try:
                    record = self._parse(os.pread(file, n_read, at), row, at)
                except _Short:
                    if at + n_read >= self._size or n_read >= _WINDOW_MAX:
                        raise Malformed(f"is cut short. {DAMAGED}") from None
                    n_read *= 8
                    continue
                if record.start + record.n_packed > self._size:
                    raise Malformed(f"is cut short. {DAMAGED}")
                return record
        except Malformed as problem:
            raise self.error(f"variant {row + 1:,} of {self.n_variants:,}", problem) from None

    def named(self, record: Record) -> str:
        """A record as a message names it."""
        name = f"{record.contig}:{record.position} {record.id}"
        return f"variant {record.row + 1:,} of {self.n_variants:,} ({name})"

    def error(self, what: str, problem: Malformed) -> InputError:
        """The error of a part of the file that is `Malformed`."""
        return InputError(f"{self.path}: {what} {problem}.")

    def _parse(self, window: bytes, row: int, at: int) -> Record:
        """The record at the beginning of a window into the file, which stands at `at`."""
        place = 0
        if self.layout == 1:
            n_people, place = _number(window, 0, 4)
            if n_people != self.n_people:
                raise Malformed(f"is of {n_people:,} people, not {self.n_people:,}. {DAMAGED}")
        own_id, place = _text(window, place, 2)
        rs_id, place = _text(window, place, 2)
        contig, place = _text(window, place, 2)
        position, place = _number(window, place, 4)
        n_alleles, place = _number(window, place, 2) if self.layout == 2 else (2, place)
        alleles = []
        for _ in range(n_alleles):
            allele, place = _text(window, place, 4)
            alleles.append(allele)
        if not alleles or position > _POSITION_MAX:
            raise Malformed(f"has {n_alleles} alleles at position {position}. {DAMAGED}")
        n_plain = n_packed = 6 * self.n_people  # of layout 1
        if self.layout == 2 or self._packing:
            n_packed, place = _number(window, place, 4)
        if self.layout == 2:
            n_plain = n_packed
            if self._packing:
                n_plain, place = _number(window, place, 4)
                n_packed -= 4
        if n_packed < 0:
            raise Malformed(f"has genotypes of {n_packed} bytes. {DAMAGED}")
        names = [name for name in (rs_id, own_id) if name not in ("", ".")]
        name = names[0] if names else "."
        return Record(row, contig, position, name, tuple(alleles), at + place, n_packed, n_plain)

    def genotypes(self, file: int, record: Record) -> bytes:
        """The unpacked genotypes of a record with two alleles; file: descriptor of the open file.

        Raises:
            Malformed: they cannot be unpacked, or have another length than they say.
        """
        packed = os.pread(file, record.n_packed, record.start)
        n = record.n_unpacked
        if n > 10 + _BYTES_A_PERSON * self.n_people:
            raise Malformed(
                f"has genotypes of {n:,} bytes, more than people with two copies need; only diploid "
                "genotypes are read"
            )
        try:
            block = _unpack(packed, n, self._packing)
        except (zlib.error, zstandard.ZstdError) as error:
            raise Malformed(f"cannot be unpacked ({error}). {DAMAGED}") from None
        if len(block) != n:
            raise Malformed(f"unpacks to {len(block):,} bytes, not {n:,}. {DAMAGED}")
        return block


class _Short(Exception):
    """A window into the file ends before what is looked for."""


def _number(window: bytes, at: int, width: int) -> tuple[int, int]:
    """A number of so many bytes, and where it ends."""
    end = at + width
    if end > len(window):
        raise _Short
    return int.from_bytes(window[at:end], "little"), end


def _text(window: bytes, at: int, width: int) -> tuple[str, int]:
    """A text behind its length, a number of so many bytes, and where it ends."""
    start = at + width
    end = start + int.from_bytes(window[at:start], "little")
    if end > len(window):
        raise _Short
    try:
        return window[start:end].decode(), end
    except UnicodeDecodeError:
        raise Malformed(f"has a name that is no UTF-8. {DAMAGED}") from None


def _unpack(packed: bytes, n: int, packing: int) -> bytes:
    """What was packed, at most one byte more than it should be."""
    if packing == _ZLIB:
        unpacker = zlib.decompressobj()
        block = unpacker.decompress(packed, n + 1)
        if not unpacker.eof:
            raise zlib.error("its end is missing")
        return block
    if packing == _ZSTD:
        if zstandard.frame_content_size(packed) not in (-1, n):
            raise zstandard.ZstdError("the frame is of another length")
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=n + 1)
    return packed
