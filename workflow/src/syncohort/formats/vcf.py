"""VCF and BCF: read through bcftools and cyvcf2, write VCF.gz with a .tbi index.

Axes: v variants of a chunk, S people, 2 alleles.
"""

import glob
import gzip
import re
import shutil
import subprocess
import sys
import tempfile
import weakref
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
from cyvcf2 import VCF

from syncohort import __version__
from syncohort.errors import InputError, examples
from syncohort.formats.exports import all_or_nothing, whole_calls
from syncohort.formats.sites import (
    CHUNK_VARIANTS,
    Chunk,
    Sites,
    find_contig,
    make_sites,
    spellings,
    walk,
)
from syncohort.genotypes import MISSING, CohortStore, contig_order, normalise_contig

# bcftools inside pysam shares its process and has been seen to crash it, so it gets its own
_CHILD = """
import sys
from pysam import SamtoolsError, bcftools
try:
    getattr(bcftools, sys.argv[1])(*sys.argv[2:], catch_stdout=False)
except SamtoolsError as error:
    sys.exit(error.value.split("stderr=", 1)[-1])
"""
_ADVICE = {
    "unsorted": "Sort it with `bcftools sort`.",
    "Duplicated sample": "Every person needs an id of its own: `bcftools reheader --samples`.",
    "EOF marker": "The file is cut short: copy or make it again.",
}
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_HAPLOID_PADDING = -2  # cyvcf2's second allele of a call that has only one


def _bcftools(path, *commands: list[str]) -> str:
    """Run bcftools commands as a pipe, each in a process of its own; return what the last prints.

    Raises:
        InputError: one failed; `path` is the user's file in the message.
    """
    running, upstream = [], None
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / f"{i}.log" for i in range(len(commands))]
        for command, log in zip(commands, logs, strict=True):
            with open(log, "wb") as stderr:
                process = subprocess.Popen(
                    [sys.executable, "-c", _CHILD, *command],
                    stdin=upstream,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                )
            if upstream is not None:
                upstream.close()  # so that an early end downstream reaches the process upstream
            running.append(process)
            upstream = process.stdout
        output = upstream.read().decode()
        upstream.close()
        codes = [process.wait() for process in running]
        for command, log, code in zip(commands, logs, codes, strict=True):
            if code:
                _raise_bcftools(path, command, code, log.read_text(errors="replace"))
    return output


def _raise_bcftools(path, command: list[str], code: int, log: str) -> None:
    said = "; ".join(line.strip() for line in log.splitlines() if not line.startswith("[W::"))
    advice = [text for sign, text in _ADVICE.items() if sign in log]
    raise InputError(
        f"{path}: cannot be read as VCF or BCF. `bcftools {command[0]}` ended with code {code}: "
        f"{said or 'no message'}. "
        + (advice[0] if advice else "Look at it with `bcftools view`, and make it again.")
    )


class _VcfFile:
    """One VCF or BCF file, given an index in `folder` when it has none."""

    def __init__(self, path: Path, folder: Path):
        self.path = path
        self._folder = folder
        if not path.is_file():
            raise InputError(f"input.path: {path}: no such file")
        with open(path, "rb") as file:
            start = file.read(18)
        if not start:
            raise InputError(f"{path}: the file is empty; expected VCF or BCF")
        self._gzipped = start[:2] == b"\x1f\x8b"
        self._blocked = self._gzipped and start[12:14] == b"BC"
        if self._blocked:
            self._check_end()

    def _check_end(self) -> None:
        with open(self.path, "rb") as file:
            file.seek(-min(len(_BGZF_END), self.path.stat().st_size), 2)
            if file.read() != _BGZF_END:
                raise InputError(
                    f"{self.path}: the file is cut short: it does not end with the BGZF "
                    "end-of-file block. Copy or make it again; "
                    "`bcftools view FILE > /dev/null` tells whether the copy is whole."
                )

    @cached_property
    def header(self) -> list[str]:
        """Header lines.

        Raises:
            InputError: not a VCF, no people, or no genotypes.
        """
        lines = _bcftools(self.path, ["view", "--header-only", str(self.path)]).splitlines()
        if not any(line.startswith("##FORMAT=<ID=GT,") for line in lines):
            raise InputError(
                f"{self.path}: its header declares no genotypes (##FORMAT=<ID=GT,...>). "
                "A file with a GT of every person is needed, not sites or likelihoods."
            )
        return lines

    @cached_property
    def samples(self) -> list[str]:
        samples = self.header[-1].split("\t")[9:]
        if not samples:
            raise InputError(f"{self.path}: holds no people, only sites; genotypes are needed")
        spaced = [sample for sample in samples if re.search(r"\s", sample)]
        if spaced:
            raise InputError(
                f"{self.path}: sample ids with blanks cannot go into PLINK files: "
                f"{examples(spaced)}. Rename them with `bcftools reheader --samples`."
            )
        return samples

    @cached_property
    def lengths_bp(self) -> dict[str, int]:
        """Chromosome lengths as far as the header gives them."""
        fields = (re.match(r"##contig=<ID=([^,>]+).*?length=(\d+)", line) for line in self.header)
        return {normalise_contig(field[1]): int(field[2]) for field in fields if field}

    @cached_property
    def indexed(self) -> str:
        """A path through which bcftools finds this file and an index of it.

        A file without blocks (.vcf, or compressed by gzip) is packed anew, one without
        index is linked to, in the temporary folder: the user's folder is left alone.
        """
        if self._blocked and any(Path(f"{self.path}{end}").exists() for end in (".tbi", ".csi")):
            return str(self.path)
        copy = Path(tempfile.mkdtemp(dir=self._folder)) / "genotypes.gz"
        if self._blocked:
            copy.symlink_to(self.path.resolve())
        else:
            self._pack(copy)
        _bcftools(self.path, ["index", "--csi", str(copy)])
        return str(copy)

    def _pack(self, copy: Path) -> None:
        text, last = False, b""
        opener = gzip.open if self._gzipped else open
        try:
            with opener(self.path, "rb") as source, pysam.BGZFile(str(copy), "wb") as target:
                while block := source.read(1 << 20):
                    text = text or not last and block.startswith(b"##fileformat")
                    target.write(block)
                    last = block[-1:]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                f"{self.path}: the file is cut short or damaged ({error}); copy or make it again"
            ) from None
        if text and last != b"\n":
            raise InputError(
                f"{self.path}: the file is cut short: its last line does not end. Copy or make it "
                "again; if it is whole, add the missing end of line."
            )

    @cached_property
    def contigs(self) -> dict[str, list[str]]:
        """Chromosomes that hold records, by normalised name, with the file's spellings."""
        lines = _bcftools(self.path, ["index", "--stats", self.indexed]).splitlines()
        return spellings(line.split("\t")[0] for line in lines)


class VcfSource:
    """People and genotypes of a VCF or BCF file, or of one such file per chromosome.

    path may hold `{chrom}`; the files are then found by name. A file is used as it is when
    it has an index, and gets one in a temporary folder otherwise (that takes a pass over it).

    Raises:
        InputError: a file is missing, cut short, not VCF or BCF, or without genotypes.
    """

    def __init__(self, path: str):
        self._path = str(path)
        self._folder = Path(tempfile.mkdtemp(prefix="syncohort-vcf-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        if "{chrom}" in self._path:
            self._files = {
                name: _VcfFile(file, self._folder) for name, file in _find(self._path).items()
            }
        else:
            self._files = {None: _VcfFile(Path(self._path), self._folder)}
        self.sample_ids = np.array(next(iter(self._files.values())).samples, dtype=object)

    def people_columns(self) -> pd.DataFrame:
        """A table with the column sample: a VCF says nothing else of people."""
        return pd.DataFrame({"sample": self.sample_ids})

    def contigs(self) -> list[str]:
        """Chromosomes that hold records, without `chr`, in natural order."""
        held = {
            contig
            for name, file in self._files.items()
            for contig in file.contigs
            if name is None or contig == normalise_contig(name)
        }
        if not held:
            raise InputError(f"{self._path}: holds no variants")
        return sorted(held, key=contig_order)

    def contig_length(self, contig: str) -> int | None:
        """Length of a chromosome [bp] if the header says it."""
        return self._file(contig).lengths_bp.get(normalise_contig(contig))

    def chunks(
        self, contig: str, *, multiallelic: str = "drop", size: int = CHUNK_VARIANTS
    ) -> Iterator[Chunk]:
        """Walk along a chromosome in chunks of at most `size` biallelic SNPs.

        bcftools cuts the chromosome out, keeps nothing but GT and, under "split", makes one
        record per ALT allele. An allele that is another record's ALT is then missing:
        written as REF, as `bcftools norm` does unless told, it would be a false call.
        A call with one allele (haploid) counts as missing.

        Raises:
            InputError: chromosome not in the file, damaged records, calls of three alleles.
        """
        file = self._file(contig)
        names = find_contig(contig, file.contigs, file.path)
        if len(names) > 1:
            raise InputError(
                f"{file.path}: chromosome {contig} stands under several names: {', '.join(names)}. "
                "Give it one with `bcftools annotate --rename-chrs`."
            )
        self._check_people(file)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            path = str(Path(folder) / "chromosome.bcf")
            _extract(file, names[0], multiallelic, path)
            sites = _read_sites(path, contig)
            read = _call_reader(path, len(self.sample_ids), file.path)
            yield from walk(sites, multiallelic, size, read)

    def _file(self, contig: str) -> _VcfFile:
        if None in self._files:
            return self._files[None]
        held = spellings(self._files)
        names = find_contig(contig, held, self._path)
        if len(names) > 1:
            found = ", ".join(str(self._files[name].path) for name in names)
            raise InputError(f"chromosome {contig}: several files fit {self._path}: {found}")
        return self._files[names[0]]

    def _check_people(self, file: _VcfFile) -> None:
        if file.samples != list(self.sample_ids):
            first = next(iter(self._files.values()))
            other = set(file.samples) ^ set(self.sample_ids)
            what = f"not in both: {examples(sorted(other))}" if other else "in another order"
            raise InputError(
                f"{file.path}: {len(file.samples):,} people, not the {len(self.sample_ids):,} of "
                f"{first.path} ({what}). The files of all chromosomes must hold the same people "
                "in the same order: `bcftools view --samples-file`."
            )


def _find(template: str) -> dict[str, Path]:
    """Files that fit a template, by what stands for `{chrom}`, in natural order."""
    parts = template.split("{chrom}")
    pattern = re.escape(parts[0]) + "([^/]+?)" + r"\1".join(map(re.escape, parts[1:]))
    found = glob.glob("*".join(map(glob.escape, parts)))
    names = {match[1]: Path(path) for path in found if (match := re.fullmatch(pattern, path))}
    if not names:
        raise InputError(
            f"input.path: no file fits {template}, with {{chrom}} standing for a chromosome"
        )
    return {name: names[name] for name in sorted(names, key=contig_order)}


def _extract(file: _VcfFile, name: str, multiallelic: str, path: str) -> None:
    """Write one chromosome's GT as BCF."""
    cut = ["annotate", "--remove", "INFO,^FORMAT/GT", "--regions", name, file.indexed]
    if multiallelic == "drop":
        _bcftools(file.path, [*cut, "--output-type", "b1", "--output", path])
        return
    split = ["norm", "--multiallelics", "-any", "--multi-overlaps", ".", "--output-type", "b1"]
    _bcftools(file.path, [*cut, "--output-type", "u"], [*split, "--output", path, "-"])


def _read_sites(path: str, contig: str) -> Sites:
    records = ((r.POS, r.ID, r.REF, ",".join(r.ALT) or ".") for r in VCF(path))
    columns = list(zip(*records, strict=True)) or [(), (), (), ()]
    return make_sites(contig, *columns)


def _call_reader(path: str, n_people: int, source: Path):
    """A function for `walk`, which asks for ever later rows of the BCF at `path`."""
    records = enumerate(VCF(path))

    def read(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
        calls = np.empty((len(rows), n_people, 2), dtype=np.int8)
        phased = np.empty((len(rows), n_people), dtype=bool)
        for i, row in enumerate(rows):
            record = next(record for at, record in records if at == row)
            alleles = _alleles(record, source)  # [S, ploidy + 1], the last says whether phased
            calls[i] = alleles[:, :2] if alleles.shape[1] == 3 else _HAPLOID_PADDING
            if alleles.shape[1] == 2:
                calls[i, :, 0] = alleles[:, 0]
            phased[i] = alleles[:, -1]
        single = calls[..., 1] == _HAPLOID_PADDING
        n_haploid = int((single & (calls[..., 0] >= 0)).sum())
        calls[single] = MISSING
        return calls, phased, n_haploid

    return read


def _alleles(record, source: Path) -> np.ndarray:
    place = f"{source}: {record.CHROM}:{record.POS} {record.REF}>{','.join(record.ALT)}"
    if "GT" not in record.FORMAT:
        raise InputError(f"{place}: the record has no GT; every variant needs genotypes")
    alleles = record.genotype.array()
    if alleles.shape[1] > 3:
        raise InputError(
            f"{place}: has calls of {alleles.shape[1] - 1} alleles; only diploid genotypes are "
            "read. Remove the record with `bcftools view --targets ^...`."
        )
    return alleles


def write_vcf(
    store: CohortStore, path: str | Path, source: str = f"SynCohort {__version__}"
) -> None:
    """Write one chromosome of a cohort as VCF 4.3, compressed in blocks, with its .tbi index.

    Calls are `0|1` where phased, `0/1` where not, `./.` where missing. A call of which one
    allele is missing is written as missing: PLINK files cannot say it, and plink2 refuses it.

    Args:
        store: chromosome to write. path: file to make, ending .vcf.gz.
        source: what the header names as the origin.
    """
    with all_or_nothing(path, f"{path}.tbi") as (partial, _):
        with pysam.BGZFile(str(partial), "wb") as file:
            file.write(_header(store, source).encode())
            for part, calls in store.variant_chunks():
                text = _call_text(calls, store.read_phasing(part))
                for prefix, codes in zip(_prefixes(store, part), *text, strict=True):
                    file.write(prefix.encode() + codes.tobytes() + b"\n")
        pysam.tabix_index(str(partial), preset="vcf")
