"""PLINK 1: .bed, .bim and .fam.

Allele 1 (column 5 of the .bim, the one PLINK counts) is ALT and allele 2 is REF, in both
directions, so that a round trip changes nothing.

Axes: V variants of the file, v of a chunk, S people, 2 alleles.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.call_bits import AlleleBits
from syncohort.cohort_store import CohortStore, common_people
from syncohort.errors import InputError, raise_all
from syncohort.files import all_or_nothing
from syncohort.formats.bed_fit import MAGIC, require_fitting
from syncohort.formats.people_files import read_fam
from syncohort.formats.phenotypes import phenotype_of
from syncohort.formats.sites import ID_MAX, Choice, make_sites
from syncohort.formats.source import Calls, Chunk, Source, walk
from syncohort.formats.variant_table import VariantTable, held_contigs
from syncohort.genotypes import MISSING, Variants

# Calls of allele 1 by the two bits of a person, and of the four people of a byte, 8 bytes as one.
_CALLS = np.array([[1, 1], [MISSING, MISSING], [0, 1], [0, 0]], dtype=np.int8)
_BYTE_CALLS = _CALLS[np.arange(256)[:, None] >> np.array([0, 2, 4, 6]) & 3].reshape(256, 8)
_BYTE_CALLS = _BYTE_CALLS.view(np.uint64)[:, 0]


class PlinkSource(Source):
    """People and genotypes of a PLINK 1 data set.

    path is the .bed or the prefix of the three files; bim and fam replace the file beside
    the .bed. A person's id is the IID; where IIDs repeat over families, FID_IID for all.

    Raises:
        InputError: a file is missing, malformed, or its size does not fit the others.
    """

    def __init__(self, path: str, *, bim: str | None = None, fam: str | None = None):
        self._bed, self._bim, self._fam = plink_files(path, bim=bim, fam=fam)
        self._people = read_fam(self._fam)
        self._variants = VariantTable(self._bim)
        self.sample_ids = self._people["sample"].to_numpy(dtype=object)
        files = (self._bed, self._bim, self._fam)
        self.notes = require_fitting(*files, len(self._variants), len(self._people))

    def people_columns(self) -> pd.DataFrame:
        """A table of str: sample, family, father, mother, sex and phenotype; see `read_psam`."""
        return self._people.copy()

    def contigs(self) -> list[str]:
        """Chromosomes without `chr`, in natural order; 0, PLINK's unplaced, is none."""
        return list(self._variants.spellings)

    def counts(self) -> dict[str, int]:
        """Records of each chromosome, without `chr`."""
        return self._variants.counts_of_contigs()

    def _chunks(self, contig: str, size: int, choice: Choice) -> Iterator[Chunk]:
        """None is phased. No file says which allele is the reference genome's: REF is provisional."""
        rows, table = self._variants.rows(contig)
        columns = (table[name] for name in ("position", "id", "ref", "alt"))
        sites = make_sites(contig, *columns, provisional=True)

        def read(part: np.ndarray) -> Calls:
            calls = self._read(rows[part])
            return Calls(calls, np.zeros(calls.shape[:2], dtype=bool))

        yield from walk(sites, size, choice, read)

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """Calls int8 [v, S, 2] of rows of the .bim."""
        n_people = len(self.sample_ids)
        packed = np.empty((len(rows), (n_people + 3) // 4), dtype=np.uint8)
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)  # of rows that follow one another
        with open(self._bed, "rb") as file:
            for start, stop in pairwise([*starts, len(rows)]):
                file.seek(len(MAGIC) + int(rows[start]) * packed.shape[1])
                if file.readinto(packed[start:stop]) < packed[start:stop].size:
                    raise InputError(f"{self._bed}: was cut short while it was read")
        calls = _BYTE_CALLS[packed].view(np.int8)
        return calls.reshape(len(rows), 4 * packed.shape[1], 2)[:, :n_people]  # of no rows, too


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
    phenotype: list[str] | None = None,
    case_label: str | None = None,
) -> None:
    """Write a cohort as PLINK 1 .bed, .bim and .fam. Phase is lost: the format has none.

    Nor has it variants of several ALT alleles: each is a row, and an id that several rows
    share gets the alleles of each added, `rs1:A:C`. Of one copy the allele stands twice, as PLINK
    has it. Variants of chromosome X at which men have two copies follow the others of X under the
    name XY.

    Args:
        stores: chromosomes in order, of the same people.
        prefix: path without extension.
        phenotype: [S] values of the last .fam column; default: `phenotype_of` the people.
        case_label: see `phenotype_of`.
    """
    people = common_people(stores)
    if phenotype is None:
        phenotype = phenotype_of(people, case_label).code
    with all_or_nothing(f"{prefix}.bed", f"{prefix}.bim", f"{prefix}.fam") as (bed, bim, fam):
        with open(fam, "w", encoding="utf-8") as file:
            rows = zip(people.id, people.sex, phenotype, strict=True)
            file.writelines(f"{name}\t{name}\t0\t0\t{s}\t{p}\n" for name, s, p in rows)
        with open(bim, "w", encoding="utf-8") as file:
            for store in stores:
                for contig, own in _named_parts(store):
                    file.writelines(_bim_lines(contig, store.variants[own]))
        with open(bed, "wb") as file:
            file.write(MAGIC)
            for store in stores:
                for _, own in _named_parts(store):
                    file.writelines(
                        _pack(store.read_bits(part)[own[part]].doubled(), len(people)).tobytes()
                        for part in store.variant_slices()
                    )


def _named_parts(store: CohortStore) -> list[tuple[str, np.ndarray]]:
    """Chromosome names in PLINK 1 and their variants, bool [V]: X without what it shares with Y
    is one, and that, XY, another."""
    male_haploid = store.variants.male_haploid
    if store.contig != "X":
        return [(store.contig, ~male_haploid)]
    parts = [("X", male_haploid), ("XY", ~male_haploid)]
    return [(name, own) for name, own in parts if own.any()]


def _bim_lines(contig: str, variants: Variants) -> Iterator[str]:
    names = own_ids(variants)
    columns = zip(names, variants.position_bp.tolist(), variants.allele.tolist(), strict=True)
    for name, position, (ref, alt) in columns:
        yield f"{contig}\t{name}\t0\t{position}\t{alt}\t{ref}\n"


def own_ids(variants: Variants) -> list[str]:
    """Ids [V] of a chromosome's variants: those that several share with their alleles added, or with
    a number where that is too long or another's id already.

    Variants of one record share its id, at several positions if they were normalised. "." is none.
    """
    n_there = Counter(variants.id.tolist())
    taken = {name for name, n in n_there.items() if n == 1}
    numbers = defaultdict(lambda: count(1))
    ids = []
    for name, (ref, alt) in zip(variants.id.tolist(), variants.allele.tolist(), strict=True):
        own = name
        if name != "." and n_there[name] > 1:
            own = f"{name}:{ref}:{alt}"
            if len(own) > ID_MAX:
                own = f"{name}:{next(numbers[name])}"
            while own in taken:
                own = f"{name}:{next(numbers[name])}"
            taken.add(own)
        ids.append(own)
    return ids


def _pack(bits: AlleleBits, n_people: int) -> np.ndarray:
    """Bytes uint8 [v, ceil(S / 4)] of a .bed: two bits a person, the first lowest.

    00 is two copies of allele 1 (ALT), 10 one, 11 none and 01 a missing call.
    """
    codes = _BED_BYTES[bits.low]
    if bits.signs is not None:
        absent = (bits.signs | bits.signs >> 1) & 0x55  # the lower bit of who lacks an allele
        codes = codes & ~(absent * 3) | absent
    codes[:, -1] &= 0xFF >> 2 * (-n_people % 4)
    return codes


def _bed_byte(alleles: int) -> int:
    """What a .bed says of four people whose two alleles are the bits of a byte."""
    codes = (3, 2, 2, 0)  # of no ALT, one as either allele, two
    return sum(codes[alleles >> 2 * i & 3] << 2 * i for i in range(4))


_BED_BYTES = np.array([_bed_byte(byte) for byte in range(256)], dtype=np.uint8)
