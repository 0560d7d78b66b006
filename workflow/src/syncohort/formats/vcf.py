"""VCF and BCF: read through bcftools and cyvcf2, write VCF.gz with a .tbi index.

Axes: v variants of a chunk, S people, 2 alleles.
"""

import glob
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
from cyvcf2 import VCF

from syncohort import __version__
from syncohort.errors import InputError, examples
from syncohort.files import all_or_nothing
from syncohort.formats.bcftools import VcfFile, bcftools
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

# one call is a tab and three characters: four bytes, so that a row of people is one look-up
_CALL_TEXT = np.frombuffer(b"\t0/0\t0/1\t1/0\t1/1\t0|0\t0|1\t1|0\t1|1\t./.", dtype="<u4")
_HAPLOID_PADDING = -2  # cyvcf2's second allele of a call that has only one


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
                name: VcfFile(file, self._folder) for name, file in _find(self._path).items()
            }
        else:
            self._files = {None: VcfFile(Path(self._path), self._folder)}
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

    def _file(self, contig: str) -> VcfFile:
        if None in self._files:
            return self._files[None]
        return self._files[_name_of(contig, self._files, self._path)]

    def _check_people(self, file: VcfFile) -> None:
        if file.samples != list(self.sample_ids):
            first = next(iter(self._files.values()))
            other = set(file.samples) ^ set(self.sample_ids)
            what = f"not in both: {examples(sorted(other))}" if other else "in another order"
            raise InputError(
                f"{file.path}: {len(file.samples):,} people, not the {len(self.sample_ids):,} of "
                f"{first.path} ({what}). The files of all chromosomes must hold the same people "
                "in the same order: `bcftools view --samples-file`."
            )


def vcf_file(path: str, contig: str) -> Path:
    """The file that holds a chromosome; see `VcfSource`.

    Raises:
        InputError: no file, or more than one, fits.
    """
    if "{chrom}" not in path:
        if not Path(path).is_file():
            raise InputError(f"input.path: {path}: no such file")
        return Path(path)
    files = _find(path)
    return files[_name_of(contig, files, path)]


def _name_of(contig: str, files: dict, template: str) -> str:
    """The key of `files`, by what stands for `{chrom}`, that is this chromosome."""
    names = find_contig(contig, spellings(files), template)
    if len(names) > 1:
        found = ", ".join(template.replace("{chrom}", name) for name in names)
        raise InputError(f"chromosome {contig}: several files fit {template}: {found}")
    return names[0]


def _find(template: str) -> dict[str, Path]:
    """Files that fit a template, by what stands for `{chrom}`, in natural order.

    `*` in the template stands for anything but a slash.
    """
    parts = template.split("{chrom}")
    fixed = [re.escape(part).replace(r"\*", "[^/]*") for part in parts]
    pattern = fixed[0] + "([^/]+?)" + r"\1".join(fixed[1:])
    found = glob.glob("*".join(glob.escape(part).replace("[*]", "*") for part in parts))
    names = {match[1]: Path(path) for path in found if (match := re.fullmatch(pattern, path))}
    if not names:
        raise InputError(
            f"input.path: no file fits {template}, with {{chrom}} standing for a chromosome"
        )
    return {name: names[name] for name in sorted(names, key=contig_order)}


def _extract(file: VcfFile, name: str, multiallelic: str, path: str) -> None:
    """Write one chromosome's GT as BCF."""
    cut = ["annotate", "--remove", "INFO,^FORMAT/GT", "--regions", name, file.indexed]
    if multiallelic == "drop":
        bcftools(file.path, [*cut, "--output-type", "b1", "--output", path])
        return
    split = ["norm", "--multiallelics", "-any", "--multi-overlaps", ".", "--output-type", "b1"]
    bcftools(file.path, [*cut, "--output-type", "u"], [*split, "--output", path, "-"])


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
    alleles = record.genotype.array() if "GT" in record.FORMAT else None
    if alleles is None or alleles.shape[1] > 3:
        problem = (
            "has no GT; every variant needs genotypes"
            if alleles is None
            else f"has calls of {alleles.shape[1] - 1} alleles; only diploid genotypes are read"
        )
        raise InputError(
            f"{source}: the record {record.CHROM}:{record.POS} {record.REF}>{record.ALT[0]} "
            f"{problem}. Remove such records with `bcftools view --targets ^CHROM:POS`."
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
                codes = _call_codes(calls, store.read_phasing(part))
                for prefix, row in zip(_prefixes(store, part), codes, strict=True):
                    file.write(prefix.encode() + _CALL_TEXT[row].tobytes() + b"\n")
        pysam.tabix_index(str(partial), preset="vcf")


def _header(store: CohortStore, source: str) -> str:
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines = [
        "##fileformat=VCFv4.3",
        f"##source={source}",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        f"##contig=<ID={store.contig}>",
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        "\t".join([*columns, *store.people.id]),
    ]
    return "\n".join(lines) + "\n"


def _prefixes(store: CohortStore, part: slice) -> Iterator[str]:
    """The columns before the calls, for each variant."""
    variants = store.variants[part]
    columns = zip(variants.position_bp, variants.id, variants.allele, strict=True)
    for position, name, (ref, alt) in columns:
        yield f"{store.contig}\t{position}\t{name}\t{ref}\t{alt}\t.\tPASS\t.\tGT"


def _call_codes(calls: np.ndarray, phased: np.ndarray) -> np.ndarray:
    """Index into `_CALL_TEXT` [v, S] of calls int8 [v, S, 2] and phased bool [v, S]."""
    codes = phased * np.uint8(4) + calls[..., 0].view(np.uint8) * 2 + calls[..., 1].view(np.uint8)
    codes[(calls < 0).any(axis=2)] = len(_CALL_TEXT) - 1
    return codes
