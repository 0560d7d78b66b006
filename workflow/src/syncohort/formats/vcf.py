"""VCF and BCF: read line by line, or through bcftools and cyvcf2.

Axes: v variants of a chunk, S people, 2 alleles.
"""

import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
from cyvcf2 import VCF

from syncohort.errors import InputError
from syncohort.formats.bcftools import LARGE_SET, UNDECLARED, bcftools
from syncohort.formats.phase_sets import PhaseSets, set_codes
from syncohort.formats.sites import (
    Choice,
    Sites,
    find_contig,
    make_sites,
    one_allele_each,
    own_calls,
)
from syncohort.formats.source import Calls, Chunk, Source, walk
from syncohort.formats.vcf_file import VcfFile
from syncohort.formats.vcf_text import (
    SET_FIELDS,
    Block,
    Unusual,
    plain_blocks,
    require_widths,
)
from syncohort.genotypes import contig_order, normalise_contig
from syncohort.ploidy import ABSENT


class VcfSource(Source):
    """People and genotypes of a VCF or BCF file.

    A file is used as it is when it has a sound index, and gets one in a temporary folder
    otherwise (that takes a pass over it; `notes` says why). Text that is not compressed in blocks
    is read through for each chromosome, which alone is copied there.

    Raises:
        InputError: the file is missing, cut short, not VCF or BCF, or without genotypes.
    """

    def __init__(self, path: str):
        folder = Path(tempfile.mkdtemp(prefix="syncohort-vcf-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._folder = folder
        self._file = VcfFile(Path(path), folder)
        self.sample_ids = np.array(self._file.samples, dtype=object)

    def people_columns(self) -> pd.DataFrame:
        """A table with the column sample: a VCF says nothing else of people."""
        return pd.DataFrame({"sample": self.sample_ids})

    def contigs(self) -> list[str]:
        """Chromosomes that hold records, without `chr`, in natural order."""
        if not self._file.contigs:
            raise InputError(f"{self._file.path}: holds no variants")
        return sorted(self._file.contigs, key=contig_order)

    def counts(self) -> dict[str, int]:
        """Records of each chromosome, without `chr`."""
        counts = self._file.counts
        return {
            contig: sum(counts[name] for name in names)
            for contig, names in self._file.contigs.items()
        }

    @property
    def notes(self) -> list[str]:
        """What was odd about the file so far, in sentences."""
        return self._file.notes

    def contig_length(self, contig: str) -> int | None:
        """Length of a chromosome [bp] if the header says it."""
        return self._file.lengths_bp.get(normalise_contig(contig))

    def _chunks(self, contig: str, size: int, choice: Choice) -> Iterator[Chunk]:
        """The file is read once as long as its lines are plain (see `vcf_text`). From there on, or
        where it is BCF, bcftools cuts the chromosome out and keeps nothing but GT, phase sets and
        the mark of provisional REF alleles.
        """
        file = self._file
        names = find_contig(contig, file.contigs, file.path)
        if len(names) > 1:
            raise InputError(
                f"{file.path}: chromosome {contig} stands under several names: {', '.join(names)}. "
                "Give it one with `bcftools annotate --rename-chrs`."
            )
        n_read = 0
        try:
            for block in self._plain_blocks(names[0]):
                yield from _plain_chunks(block, size, choice)
                n_read += len(block.sites)
        except Unusual as unusual:
            if unusual.args:
                raise InputError(f"{file.path}: {unusual}") from None
            yield from self._other_chunks(names[0], n_read, size, choice)
        else:
            if not file.confirm(names[0], n_read):
                raise InputError(
                    f"{file.path}: {file.notes.pop()}. Chromosome {contig} was half read by then: "
                    "make the index again with `bcftools index --force`."
                )

    def _plain_blocks(self, name: str) -> Iterator[Block]:
        file = self._file
        start = None if file.is_bcf or not file.declares_calls_as_text else file.first_offset(name)
        if start is None:
            raise Unusual
        for block in plain_blocks(file.indexed(name), start, name, len(self.sample_ids)):
            marked = block.sites.provisional & file.marks_references
            yield replace(block, sites=replace(block.sites, provisional=marked))

    def _other_chunks(self, name: str, n_before: int, size: int, choice: Choice) -> Iterator[Chunk]:
        """The chunks of a chromosome without its first records, by way of bcftools."""
        file = self._file
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            path = _extract(file, name, folder)
            sites = _read_sites(path, name, file.path)
            if not file.confirm(name, len(sites)):
                path = _extract(file, name, folder)
                sites = _read_sites(path, name, file.path)
                file.confirm(name, len(sites))
            sites = sites[np.arange(n_before, len(sites))]
            sites, record, number = one_allele_each(sites, choice)
            record += n_before
            read = _call_reader(
                path, record, number, len(self.sample_ids), file.path, choice.variants
            )
            yield from walk(sites, size, choice, read)


def vcf_contigs(path: str) -> list[str]:
    """The chromosomes that a VCF holds; see `VcfSource.contigs`."""
    return VcfSource(path).contigs()


def vcf_file(path: str) -> Path:
    """The file at a path. Raises InputError when it does not exist."""
    if not Path(path).is_file():
        raise InputError(f"input.path: {path}: no such file")
    return Path(path)


def _plain_chunks(block: Block, size: int, choice: Choice) -> Iterator[Chunk]:
    """The chunks of a block of plain records; see `walk`.

    Raises:
        Unusual: a call of an allele that its record does not list.
    """
    sites, record, number = one_allele_each(block.sites, choice)
    listed = np.array([alt.count(",") + 1 for alt in block.sites.alt])
    if (block.calls.max(axis=(1, 2)) > listed).any():
        raise Unusual
    several = listed > 1

    def read(rows: np.ndarray) -> Calls:
        own = record[rows]
        whole = len(own) == len(block.calls) and (np.diff(own) == 1).all()
        calls = block.calls if whole else block.calls[own]
        phased = block.phased if whole else block.phased[own]
        for i in np.flatnonzero(several[own]):
            calls[i] = own_calls(calls[i], number[rows[i]], choice.variants)
        return Calls(calls, phased)

    yield from walk(sites, size, choice, read)


def _extract(file: VcfFile, name: str, folder: str) -> str:
    """Write one chromosome as BCF with GT, phase sets and PR alone; return its path."""
    if not file.is_bcf:
        try:
            require_widths(file.indexed(name), str(file.index_path(name)), name, len(file.samples))
        except ValueError as error:
            raise InputError(f"{file.path}: {error}") from None
    removed = [*_all_but("INFO", ("PR",), file), *_all_but("FORMAT", ("GT", *SET_FIELDS), file)]
    path = f"{folder}/chromosome.bcf"
    cut = ["annotate", "--regions", name, file.indexed(name)]
    if removed:
        cut[1:1] = ["--remove", ",".join(removed)]
    try:
        bcftools(file.path, [*cut, "--output-type", "b1", "--output", path], refused=LARGE_SET)
    except InputError as error:
        if file.is_bcf or not any(sign in str(error) for sign in (UNDECLARED, LARGE_SET)):
            raise
        path = f"{folder}/chromosome.vcf.gz"
        _copy_lines(file, name, path)
    return path


def _all_but(kind: str, kept: tuple[str, ...], file: VcfFile) -> list[str]:
    """What `bcftools annotate --remove` is given to keep some fields of a kind alone.

    It takes neither a field that the header does not declare nor a wish that removes nothing.
    """
    declared = {tag for tag in kept if file.declares(kind, tag)}
    n_declared = sum(line.startswith(f"##{kind}=<") for line in file.header)
    if n_declared == len(declared):
        return []
    return ["^" + ",".join(f"{kind}/{tag}" for tag in sorted(declared))] if declared else [kind]


def _copy_lines(file: VcfFile, name: str, path: str) -> None:
    """Write one chromosome as it is: bcftools refuses tags that the header does not declare.

    Phase sets become text: as numbers those above 2^31 would be missing.
    """
    indexed, index = file.indexed(name), str(file.index_path(name))
    with (
        pysam.TabixFile(indexed, index=index, encoding="latin-1") as source,
        pysam.BGZFile(path, "wb") as target,
    ):
        header = "".join(f"{line}\n" for line in file.header)
        header = re.sub(r"(##FORMAT=<ID=PS,.*?Type=)Integer", r"\1String", header)
        target.write(header.encode())
        for line in source.fetch(name):
            target.write(line.encode("latin-1") + b"\n")


def _records(path: str, source: Path) -> Iterator:
    """The records of the file at `path`; `source` is the user's file in messages."""
    try:
        yield from VCF(path)
    except Exception as error:
        if "error parsing variant" not in str(error):  # cyvcf2 has no exception of its own
            raise
        raise InputError(
            f"{source}: a record cannot be read. Look for it with `bcftools view FILE > /dev/null`."
        ) from None


def _read_sites(path: str, contig: str, source: Path) -> Sites:
    has_marks = re.search("^##INFO=<ID=PR,.*Type=Flag", VCF(path).raw_header, re.MULTILINE)
    records = (
        (r.POS, r.ID, r.REF, ",".join(r.ALT) or ".", r.FILTER, _is_provisional(r, has_marks))
        for r in _records(path, source)
    )
    columns = list(zip(*records, strict=True)) or [()] * 6
    try:
        return make_sites(contig, *columns)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def _is_provisional(record, has_marks) -> bool:
    return bool(has_marks) and record.INFO.get("PR") is not None


def _call_reader(
    path: str, record: np.ndarray, number: np.ndarray, n_people: int, source: Path, variants: str
):
    """A function for `walk`, which asks for ever later rows of the records at `path`.

    record [M], number [M]: see `one_allele_each`.
    """
    records = enumerate(_records(path, source))
    header = VCF(path).raw_header
    undeclared = path.endswith(".vcf.gz")
    fields = [f for f in SET_FIELDS if undeclared or f"##FORMAT=<ID={f}," in header]
    sets = PhaseSets(n_people)
    latest = (-1, None)  # under "split" several rows come from one record

    def read(rows: np.ndarray) -> Calls:
        nonlocal latest
        calls = np.empty((len(rows), n_people, 2), dtype=np.int8)
        phased = np.empty((len(rows), n_people), dtype=bool)
        pairs, breaks = sets.n_pairs, sets.n_breaks
        for i, row in enumerate(rows):
            while latest[0] < record[row]:
                latest = next(records)
            variant = latest[1]
            alleles = _alleles(variant, source)  # [S, ploidy + 1], the last says whether phased
            calls[i] = alleles[:, :2] if alleles.shape[1] == 3 else ABSENT
            if alleles.shape[1] == 2:
                calls[i, :, 0] = alleles[:, 0]
            if calls[i].max() > max(len(variant.ALT), 1):
                raise InputError(
                    f"{source}: the record {_name_of(variant)} has a call of allele "
                    f"{calls[i].max()}, which it does not list. Make the file again."
                )
            if len(variant.ALT) > 1:
                calls[i] = own_calls(calls[i], number[row], variants)
            phased[i] = alleles[:, -1]
            field = next((name for name in fields if name in variant.FORMAT), None)
            if field:
                sets.add(calls[i], phased[i], set_codes(variant.format(field)))
        return Calls(calls, phased, sets.n_pairs - pairs, sets.n_breaks - breaks)

    return read


def _alleles(record, source: Path) -> np.ndarray:
    try:
        alleles = record.genotype.array()
    except Exception as error:  # cyvcf2 has none of its own
        if "couldn't get genotypes" not in str(error):
            raise
        alleles = None
    if alleles is not None and alleles.shape[1] > 3 and (alleles[:, 2:-1] == ABSENT).all():
        alleles = alleles[:, [0, 1, -1]]  # VCF 4.4 counts the phase of the first allele, too
    if alleles is None or alleles.shape[1] > 3:
        problem = (
            "has no GT; every variant needs genotypes, not sites or likelihoods alone"
            if alleles is None
            else f"has calls of {alleles.shape[1] - 1} alleles; only diploid genotypes are read"
        )
        raise InputError(
            f"{source}: the record {_name_of(record)} {problem}. Remove such records with "
            "`bcftools view --targets ^CHROM:POS`."
        )
    return alleles


def _name_of(record) -> str:
    return f"{record.CHROM}:{record.POS} {record.REF}>{','.join(record.ALT) or '.'}"
