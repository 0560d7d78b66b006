"""One VCF or BCF file of the user: is it whole, what does it hold, and where is its index?"""

import gzip
import re
import struct
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import pysam

from syncohort.errors import InputError, examples
from syncohort.formats.bcftools import bcftools
from syncohort.formats.bgzf import BGZF_END, is_blocked, require_end
from syncohort.formats.compression import ZSTD
from syncohort.formats.index_files import indexed_spans
from syncohort.formats.sites import spellings
from syncohort.formats.tables import FOREIGN
from syncohort.formats.vcf_text import SECOND_HEADING
from syncohort.genotypes import normalise_contig

_COUNTED_BYTES = 1 << 20  # files up to this size are indexed once more, to compare


@dataclass(frozen=True)
class _Index:
    """path: through which bcftools finds the file and this index; counts: records by contig as
    spelled, None where the index does not count; beside: the user's index, None for our own."""

    path: str
    counts: dict[str, int | None]
    beside: Path | None = None


class VcfFile:
    """One VCF or BCF file.

    It gets an index of its own in `folder` when it has none, or one that is older than the file
    or does not count what the file holds; `notes` then says so. Of text that is not compressed in
    blocks, which cannot have one, a chromosome at a time is copied there. The user's folder is
    left alone.
    """

    def __init__(self, path: Path, folder: Path):
        self.path = path
        self.notes: list[str] = []
        self._folder = folder
        self._chromosomes: dict[str, _Index] = {}
        if not path.is_file():
            raise InputError(f"input.path: {path}: no such file")
        with open(path, "rb") as file:
            start = file.read(18)
        if not start:
            raise InputError(f"{path}: the file is empty; expected VCF or BCF")
        kind = next((kind for magic, kind in FOREIGN.items() if start.startswith(magic)), None)
        if kind or start.startswith(ZSTD):
            raise InputError(
                f"{path}: is {kind or 'compressed with zstd'}; VCF is read plain, gzipped or, best, "
                "compressed by bgzip: unpack it"
            )
        self._gzipped = start[:2] == b"\x1f\x8b"
        self._blocked = is_blocked(start)
        if self._blocked:
            require_end(path)

    @cached_property
    def header(self) -> list[str]:
        """Header lines. Raises InputError when this is no VCF."""
        text = bcftools(self.path, ["view", "--header-only", str(self.path)], prints="text")
        return text.splitlines()

    def declares(self, kind: str, name: str) -> bool:
        """Whether the header declares a field; kind: INFO or FORMAT."""
        return any(line.startswith(f"##{kind}=<ID={name},") for line in self.header)

    @property
    def declares_calls_as_text(self) -> bool:
        """Whether the header says that GT is text, as it must, or says nothing of it."""
        lines = [line for line in self.header if line.startswith("##FORMAT=<ID=GT,")]
        return all("Type=String" in line for line in lines)

    @cached_property
    def samples(self) -> list[str]:
        samples = self.header[-1].split("\t")[9:]
        if not samples:
            raise InputError(f"{self.path}: holds no people, only sites; genotypes are needed")
        broken = [sample for sample in samples if "\ufffd" in sample]
        if broken:
            raise InputError(
                f"{self.path}: sample ids that are no UTF-8: {examples(broken)}. Rename them with "
                "`bcftools reheader --samples`."
            )
        spaced = [sample for sample in samples if re.search(r"\s", sample)]
        if spaced:
            raise InputError(
                f"{self.path}: sample ids with blanks cannot go into PLINK files: "
                f"{examples(spaced)}. Rename them with `bcftools reheader --samples`."
            )
        return samples

    @property
    def marks_references(self) -> bool:
        """Whether INFO/PR is the flag of provisional REF alleles, as for plink2."""
        lines = [line for line in self.header if line.startswith("##INFO=<ID=PR,")]
        return any("Type=Flag" in line for line in lines)

    @cached_property
    def lengths_bp(self) -> dict[str, int]:
        """Chromosome lengths as far as the header gives them."""
        fields = (re.match(r"##contig=<ID=([^,>]+).*?length=(\d+)", line) for line in self.header)
        return {normalise_contig(field[1]): int(field[2]) for field in fields if field}

    @cached_property
    def is_bcf(self) -> bool:
        """Whether this is BCF, compressed or not."""
        with (gzip.open if self._gzipped else open)(self.path, "rb") as file:
            return file.read(3) == b"BCF"

    def indexed(self, name: str) -> str:
        """A path through which bcftools finds the records of a chromosome and a sound index."""
        return self._chromosome(name).path if self._is_plain_text else self._index.path

    def index_path(self, name: str) -> Path:
        """The index of `indexed`."""
        ends = (Path(f"{self.indexed(name)}{end}") for end in (".csi", ".tbi"))
        return next(filter(Path.exists, ends))

    def first_offset(self, name: str) -> int | None:
        """Where the records of a chromosome begin in `indexed`, a BGZF virtual offset.

        None where the index does not say it. Raises InputError for a second heading before any
        chromosome.
        """
        spans = indexed_spans(self.index_path(name))
        with pysam.BGZFile(self.indexed(name), "rb") as file:
            for span in spans:
                file.seek(span.start)
                if file.read(1) == b"#":
                    raise self._second_heading()
        return next((span.start for span in spans if span.name == name), None)

    @property
    def counts(self) -> dict[str, int]:
        """Records by chromosome, as the file spells it."""
        counts = self._text_counts if self._is_plain_text else self._index.counts
        return {name: count for name, count in counts.items() if count}

    @property
    def _is_plain_text(self) -> bool:
        return not self._blocked and not self.is_bcf

    @cached_property
    def _text_counts(self) -> dict[str, int]:
        """Records by chromosome, of a pass over the lines.

        Raises InputError for a line that cannot be a record, and for a second heading.
        """
        counts = {}
        for line in self._lines():
            if line.startswith(b"#"):
                if counts:
                    raise self._second_heading()
            else:
                name, tab, _ = line.partition(b"\t")
                if not tab:
                    self._refuse(line)
                counts[name] = counts.get(name, 0) + 1
        return {name.decode(): count for name, count in counts.items()}

    def _lines(self) -> Iterator[bytes]:
        line = b"\n"
        try:
            with (gzip.open if self._gzipped else open)(self.path, "rb") as file:
                for line in file:
                    yield line
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._cut_short(error) from None
        if not line.endswith(b"\n"):
            raise InputError(
                f"{self.path}: the file is cut short: its last line does not end. Copy or make it "
                "again; if it is whole, add the missing end of line."
            )

    def _cut_short(self, error: Exception) -> InputError:
        return InputError(
            f"{self.path}: the file is cut short or damaged ({error}); copy or make it again"
        )

    def _second_heading(self) -> InputError:
        return InputError(f"{self.path}: {SECOND_HEADING}")

    def _refuse(self, line: bytes) -> NoReturn:
        """Raise InputError with what bcftools says of a line."""
        lines = "".join(f"{each}\n" for each in self.header).encode() + line
        odd = Path(tempfile.mkdtemp(dir=self._folder)) / "line.gz"
        with pysam.BGZFile(str(odd), "wb") as target:
            target.write(lines)
        bcftools(self.path, ["index", "--csi", str(odd)])
        raise InputError(f"{self.path}: holds a line that is no record: {line[:80]!r}")

    def _chromosome(self, name: str) -> _Index:
        """A copy of one chromosome of a file of text, with its index."""
        if name not in self._chromosomes:
            copy = Path(tempfile.mkdtemp(dir=self._folder)) / "genotypes.gz"
            start = name.encode() + b"\t"
            with pysam.BGZFile(str(copy), "wb") as target:
                for line in self._lines():
                    if line.startswith((b"#", start)):
                        target.write(line)
            bcftools(self.path, ["index", "--csi", str(copy)])
            self._chromosomes[name] = _Index(str(copy), _record_counts(self.path, str(copy)))
        return self._chromosomes[name]

    @cached_property
    def contigs(self) -> dict[str, list[str]]:
        """Chromosomes that hold records, by normalised name, with the file's spellings."""
        return spellings(self.counts)

    def confirm(self, name: str, n_read: int) -> bool:
        """Whether so many records of a chromosome are all; if not, another index was made.

        Raises:
            InputError: the file holds fewer records than a count of them says.
        """
        expected = self.counts.get(name)
        if n_read == expected:
            return True
        if self._is_plain_text or self._index.beside is None:
            raise InputError(
                f"{self.path}: of {expected:,} records on {name} {n_read:,} could be read: the "
                "file is damaged, or has records at position 0. Remove those with `bcftools view "
                "--exclude 'POS=0'`, or copy or make the file again."
            )
        self._index = self._replace(
            self._index, f"counts {expected:,} records on {name}, but leads to {n_read:,}"
        )
        return False

    @cached_property
    def _index(self) -> _Index:
        beside = self._beside()
        if beside is None:
            return self._build()
        old = beside.stat().st_mtime < self.path.stat().st_mtime
        try:
            index = self._open(beside)
        except InputError:
            index = _Index("", {}, beside)
            return self._replace(index, "cannot be read")
        if old:
            return self._replace(index, "is older than its file")
        if None in index.counts.values():
            return self._replace(index, "does not count records")
        if self._ends_elsewhere(beside):
            return self._replace(index, "does not end where its file does")
        # a small file may end where a smaller one did, and is counted at once
        if self.path.stat().st_size <= _COUNTED_BYTES and self._build().counts != index.counts:
            return self._replace(index, "counts other records than its file holds")
        return index

    def _ends_elsewhere(self, index: Path) -> bool:
        """Whether the last record that an index knows is not the last of the file."""
        try:
            end = max((span.end for span in indexed_spans(index)), default=0)
            address, within = divmod(end, 1 << 16)
            with open(self.path, "rb") as file:
                file.seek(address)
                head = file.read(18)
                (length,) = struct.unpack_from("<H", head, 16)
                file.seek(address + length + 1 - 4)
                (n_bytes,) = struct.unpack("<I", file.read(4))
        except (OSError, EOFError, struct.error):
            return True
        rest = self.path.stat().st_size - (address + length + 1)
        return not is_blocked(head) or within != n_bytes or rest not in (0, len(BGZF_END))

    def _beside(self) -> Path | None:
        """The newest index that lies beside the file."""
        if not self._blocked:
            return None
        names = (Path(f"{self.path}{end}") for end in (".csi", ".tbi"))
        return max(filter(Path.is_file, names), key=lambda file: file.stat().st_mtime, default=None)

    def _open(self, beside: Path) -> _Index:
        """An index beside the file, linked to so that bcftools takes no other."""
        link = Path(tempfile.mkdtemp(dir=self._folder)) / "genotypes.gz"
        link.symlink_to(self.path.resolve())
        Path(f"{link}{beside.suffix}").symlink_to(beside.resolve())
        return _Index(str(link), _record_counts(self.path, str(link)), beside)

    def _build(self) -> _Index:
        copy = Path(tempfile.mkdtemp(dir=self._folder)) / "genotypes.gz"
        if self._blocked:
            copy.symlink_to(self.path.resolve())
        else:
            self._pack(copy)
        bcftools(self.path, ["index", "--csi", str(copy)])
        return _Index(str(copy), _record_counts(self.path, str(copy)))

    def _replace(self, old: _Index, fault: str) -> _Index:
        """A new index instead of one at fault.

        Raises:
            InputError: the old one counts records that the file does not hold.
        """
        new = self._build()
        for name, count in old.counts.items():
            held = new.counts.get(name, 0)
            if count is not None and held < count:
                raise InputError(
                    f"{self.path}: holds {held:,} records on {name}, but its index {old.beside.name} "
                    f"counts {count:,}: the file has lost a part, or was replaced by a smaller one. "
                    "Copy it again; if it is whole, remake the index with `bcftools index --force`."
                )
        self.notes.append(
            f"{old.beside} {fault}; another was made for this run (`bcftools index --force` "
            "saves that)"
        )
        return new

    def _pack(self, copy: Path) -> None:
        """Compress BCF in blocks."""
        try:
            with (
                (gzip.open if self._gzipped else open)(self.path, "rb") as source,
                pysam.BGZFile(str(copy), "wb") as target,
            ):
                while block := source.read(1 << 20):
                    target.write(block)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._cut_short(error) from None


def _record_counts(path: Path, indexed: str) -> dict[str, int | None]:
    """Records of each contig as the index says, None where it does not."""
    table = bcftools(path, ["index", "--stats", indexed], prints="text")
    rows = (line.split("\t") for line in table.splitlines())
    return {name: int(count) if count.isdigit() else None for name, _, count in rows}
