"""PLINK 1: .bed, .bim and .fam, read through pandas-plink.

Allele 1 (column 5 of the .bim, the one PLINK counts) is ALT and allele 2 is REF, in both
directions, so that a round trip changes nothing.

Axes: V variants of the file, v of a chunk, S people, 2 alleles.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError, raise_all
from syncohort.files import all_or_nothing
from syncohort.formats.people_files import read_fam
from syncohort.formats.phenotypes import phenotype_of
from syncohort.formats.sites import (
    CHUNK_VARIANTS,
    Calls,
    Chunk,
    make_sites,
    walk,
)
from syncohort.formats.variant_table import VariantTable, held_contigs
from syncohort.genotypes import MISSING, CohortStore, common_people, from_rows

_MAGIC = b"\x6c\x1b\x01"
_VARIANTS_LOOKED_AT = 1_000  # to see whether .bed and .fam hold the same people
_FEWEST_LOOKED_AT = 50
_BLOCK_CALLS = 1 << 25  # calls that pandas-plink turns into float32 at once


class PlinkSource:
    """People and genotypes of a PLINK 1 data set.

    path is the .bed or the prefix of the three files; bim and fam replace the file beside
    the .bed. A person's id is the IID; where IIDs repeat over families, FID_IID for all.

    Raises:
        InputError: a file is missing, malformed, or its size does not fit the others.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: str, *, bim: str | None = None, fam: str | None = None):
        self._bed, self._bim, self._fam = plink_files(path, bim=bim, fam=fam)
        self._people = read_fam(self._fam)
        self._variants = VariantTable(self._bim)
        self.sample_ids = self._people["sample"].to_numpy(dtype=object)
        self._check_bed()

    def _check_bed(self) -> None:
        with open(self._bed, "rb") as file:
            start = file.read(3)
        if start != _MAGIC:
            raise InputError(
                f"{self._bed}: starts with bytes {start.hex(' ') or '(none)'}, not "
                f"{_MAGIC.hex(' ')} of a variant-major PLINK 1 .bed; make it with "
                "`plink --make-bed` (an annotation in BED format belongs into genes.annotation)"
            )
        n_variants, n_people = len(self._variants), len(self._people)
        expected = len(_MAGIC) + n_variants * ((n_people + 3) // 4)
        found = self._bed.stat().st_size
        if found != expected:
            raise InputError(
                f"{self._bed}: has {found:,} bytes, but {n_variants:,} variants ({self._bim}) of "
                f"{n_people:,} people ({self._fam}) take {expected:,}. The file is cut short, or "
                "the three do not belong together; use those of one `plink --make-bed` run."
            )
        self._check_last_people()

    def _check_last_people(self) -> None:
        """Bytes hold four people: what the last byte says of people the .fam does not have, or
        of some whom the .bed may not have, in variants all over the file."""
        n_variants, n_people = len(self._variants), len(self._people)
        if not n_variants or not n_people:
            return
        rows = np.unique(np.linspace(0, n_variants - 1, _VARIANTS_LOOKED_AT).astype(np.int64))
        width = (n_people + 3) // 4
        with open(self._bed, "rb") as file:
            last = np.array([_byte_at(file, len(_MAGIC) + (row + 1) * width - 1) for row in rows])
        used = (n_people - 1) % 4 + 1
        problem = None
        if (last >> (2 * used)).any():
            problem = "has genotypes of more people than"
        elif used > 1 and len(rows) >= _FEWEST_LOOKED_AT and not (last >> (2 * used - 2)).any():
            problem = (
                f"says nothing of the last person (two copies of allele 1 at {len(rows):,} of "
                f"{len(rows):,} variants looked at), so it has fewer people than"
            )
        if problem:
            raise InputError(
                f"{self._bed}: {problem} the {n_people:,} of {self._fam}. The files do not belong "
                "together; use those of one `plink --make-bed` run."
            )

    def people_columns(self) -> pd.DataFrame:
        """A table of str: sample, family, father, mother, sex and phenotype; see `read_psam`."""
        return self._people.copy()

    def contigs(self) -> list[str]:
        """Chromosomes without `chr`, in natural order; 0, PLINK's unplaced, is none."""
        return list(self._variants.spellings)

    def counts(self) -> dict[str, int]:
        """Records of each chromosome, without `chr`."""
        return self._variants.counts_of_contigs()

    def contig_length(self, contig: str) -> None:
        """None: PLINK 1 files do not say it."""

    def chunks(
        self,
        contig: str,
        *,
        multiallelic: str = "drop",
        pass_only: bool = False,
        size: int = CHUNK_VARIANTS,
    ) -> Iterator[Chunk]:
        """Walk along a chromosome in chunks of at most `size` biallelic SNPs, none phased.

        The file does not say which allele is the reference genome's: REF is provisional.

        Raises:
            InputError: the chromosome is not in the file.
        """
        rows, table = self._variants.rows(contig)
        columns = (table[name] for name in ("position", "id", "ref", "alt"))
        sites = make_sites(contig, *columns, provisional=True)

        def read(part: np.ndarray) -> Calls:
            calls = self._read(rows[part])
            return Calls(calls, np.zeros(calls.shape[:2], dtype=bool))

        yield from walk(sites, multiallelic, size, read, pass_only=pass_only)

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """Calls int8 [v, S, 2] of rows of the .bim."""
        dosage = self._dosage[:, rows].compute(scheduler="synchronous")  # [S, v] float32
        return from_rows(np.nan_to_num(dosage, nan=MISSING).astype(np.int8), "genotype")

    @cached_property
    def _dosage(self):
        """Copies of allele 1 as a lazy dask array [S, V]."""
        from pandas_plink import Chunk as PlinkChunk  # a second to import, for readers only
        from pandas_plink import read_plink1_bin

        n_variants = max(1, min(1000, _BLOCK_CALLS // len(self.sample_ids)))
        try:
            array = read_plink1_bin(
                self._bed,
                self._bim,
                self._fam,
                verbose=False,
                ref="a0",  # pandas-plink's name of column 5; its default counts column 6
                chunk=PlinkChunk(nsamples=None, nvariants=n_variants),
            )
        except ValueError as error:
            raise InputError(f"{self._bed}: cannot be read by pandas-plink: {error}") from None
        return array.data


def _byte_at(file, place: int) -> int:
    file.seek(place)
    return file.read(1)[0]


def plink_contigs(path: str, *, bim: str | None = None, fam: str | None = None) -> list[str]:
    """The chromosomes of a PLINK 1 data set, by the first column of the .bim alone."""
    return held_contigs(plink_files(path, bim=bim, fam=fam)[1])


def plink_files(path: str, *, bim: str | None = None, fam: str | None = None) -> list[Path]:
    """The .bed, .bim and .fam of a data set; see `PlinkSource`.

    Raises:
        InputError: names every file that does not exist.
    """
    prefix = str(path).removesuffix(".bed")
    files = [Path(f"{prefix}.bed"), Path(bim or f"{prefix}.bim"), Path(fam or f"{prefix}.fam")]
    check_files(dict(zip(("path", "bim", "fam"), files, strict=True)))
    return files


def check_files(files: dict[str, Path]) -> None:
    """Raise one `InputError` that names every file that is missing, by configuration key."""
    missing = [f"input.{key}: {file}" for key, file in files.items() if not file.is_file()]
    raise_all(missing, "These genotype files do not exist")


def write_plink(
    stores: list[CohortStore],
    prefix: str | Path,
    sex: list[str] | None = None,
    phenotype: list[str] | None = None,
    case_label: str | None = None,
) -> None:
    """Write a cohort as PLINK 1 .bed, .bim and .fam. Phase is lost: the format has none.

    Args:
        stores: chromosomes in order, of the same people.
        prefix: path without extension.
        sex: [S] 1, 2 or 0 for unknown (default).
        phenotype: [S] values of the last .fam column; default: `phenotype_of` the people.
        case_label: see `phenotype_of`.
    """
    people = common_people(stores)
    sex = ["0"] * len(people) if sex is None else sex
    if phenotype is None:
        phenotype = phenotype_of(people, case_label).code
    with all_or_nothing(f"{prefix}.bed", f"{prefix}.bim", f"{prefix}.fam") as (bed, bim, fam):
        with open(fam, "w", encoding="utf-8") as file:
            rows = zip(people.id, sex, phenotype, strict=True)
            file.writelines(f"{name}\t{name}\t0\t0\t{s}\t{p}\n" for name, s, p in rows)
        with open(bim, "w", encoding="utf-8") as file:
            for store in stores:
                file.writelines(_bim_lines(store))
        with open(bed, "wb") as file:
            file.write(_MAGIC)
            for store in stores:
                file.writelines(_pack(calls).tobytes() for _, calls in store.variant_chunks())


def _bim_lines(store: CohortStore) -> Iterator[str]:
    contig, variants = store.contig, store.variants
    columns = zip(variants.id, variants.position_bp.tolist(), variants.allele.tolist(), strict=True)
    for name, position, (ref, alt) in columns:
        yield f"{contig}\t{name}\t0\t{position}\t{alt}\t{ref}\n"


def _pack(calls: np.ndarray) -> np.ndarray:
    """Bytes uint8 [v, ceil(S / 4)] of a .bed: two bits a person, the first lowest.

    00 is two copies of allele 1 (ALT), 10 one, 11 none and 01 a missing call.
    """
    n_variants, n_people, _ = calls.shape
    alleles = calls.reshape(n_variants, 2 * n_people)
    packed = np.packbits(alleles, axis=1, bitorder="little")  # a bit an allele, four people a byte
    codes = np.frombuffer(packed.tobytes().translate(_BED_BYTES), np.uint8).reshape(packed.shape)
    codes = codes.copy()
    if alleles.min(initial=0) < 0:
        absent = np.packbits(alleles < 0, axis=1, bitorder="little")
        absent = (absent | absent >> 1) & 0x55  # the lower bit of who lacks an allele
        codes = codes & ~(absent * 3) | absent
    codes[:, -1] &= 0xFF >> 2 * (-n_people % 4)
    return codes


def _bed_byte(alleles: int) -> int:
    """What a .bed says of four people whose two alleles are the bits of a byte."""
    codes = (3, 2, 2, 0)  # of no ALT, one as either allele, two
    return sum(codes[alleles >> 2 * i & 3] << 2 * i for i in range(4))


_BED_BYTES = bytes(map(_bed_byte, range(256)))
