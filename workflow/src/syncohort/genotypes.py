"""Variants and people of a cohort, and their calls as rows.

Axes: V variants, S samples (people), P = 2 ploidy, R rows (2 S haplotypes or S people).
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.ploidy import MISSING, doubled

PLOIDY = 2
SPLITS = ("train", "validation", "holdout")
RELATIVES = "relatives"  # of training people, set aside (see `cohort.set_aside`)
UNSEEN = ("holdout", RELATIVES)  # parts of the split of which no generator sees anything
CHUNK_VARIANTS = 2_000
CHUNK_SAMPLES = 500
PEOPLE_PER_BYTE = 4  # of calls as bits, see `call_bits`
# Calls of everybody that are held at once: 50 MB with whether they are phased, and about 400 MB
# with what is worked out from them, whatever the number of people.
HELD_CALLS = 1 << 24
_EITHER_NEGATIVE = np.int16(-0x7F80)  # the sign of either byte: 0x8080
_PLINK_CODES = {"23": "X", "24": "Y", "25": "XY", "26": "MT", "M": "MT"}
# accessions of human chromosomes without their versions: of RefSeq and GenBank, GRCh and T2T-CHM13
_ACCESSIONS = (
    {f"{prefix}{first + n:06d}": str(n) for n in range(1, 25)
     for prefix, first in (("NC_", 0), ("NC_", 60_924), ("CM", 662))}
    | {f"CP{68_278 - n:06d}": str(n) for n in range(1, 24)}
    | {"CP086569": "24", "NC_012920": "26", "J01415": "26", "CP068254": "26"}
)  # fmt: skip
_PREFIX = re.compile(
    r"^(?:chr(?:om(?:osome)?)?[ _.-]?(?=(?:\d+(?:\.0)?|X|Y|XY|MT?)$)|chr(?!om))", re.IGNORECASE
)


def slices(n: int, size: int) -> Iterator[slice]:
    """Consecutive slices of 0..n, `size` long, the last one as long as is left."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def variants_at_once(n_people: int) -> int:
    """So many variants are held at once for so many people: a step along a chromosome.

    It is also the height of a store's chunks, so that a step reads and writes whole ones.
    """
    return max(1, min(CHUNK_VARIANTS, HELD_CALLS // max(n_people, 1)))


def people_at_once(n_variants: int) -> int:
    """So many people are held at once with all of so many variants, and what is made of them."""
    return max(1, min(CHUNK_SAMPLES, HELD_CALLS // max(n_variants, 1)))


def chunk_shape(n_people: int) -> tuple[int, int]:
    """Variants and people of a store's chunk: of few variants so many more people, up to 8 times.

    Chunks are then not many and small; who walks over people reads each at most 8 times. All are
    about as wide, as the last one is filled up, and start with a byte of `call_bits`.
    """
    n_variants = variants_at_once(n_people)
    most = CHUNK_SAMPLES * min(8, CHUNK_VARIANTS // n_variants)
    n_chunks = max(1, -(-n_people // most))
    n_samples = -(-max(n_people, 1) // n_chunks)
    return n_variants, -(-n_samples // PEOPLE_PER_BYTE) * PEOPLE_PER_BYTE


def normalise_contig(name: str) -> str:
    """Return a chromosome name without `chr`: chr20 and 020 -> 20, chrX, 0X and 23 -> X, chrM -> MT.

    The word chromosome may be written out, too. Accessions of human chromosomes are read, too: NC_000020.11 and CM000682.2 -> 20.
    """
    bare = _PREFIX.sub("", str(name).strip()).upper()
    bare = re.sub(r"^(\d+)\.0$", r"\1", bare)  # a column of numbers with gaps, as pandas writes it
    if accession := re.fullmatch(r"(.+)\.\d+", bare):
        bare = _ACCESSIONS.get(accession[1], bare)
    bare = bare.lstrip("0") or "0" if re.fullmatch(r"0*(\d+|X|Y|XY|M|MT)", bare) else bare
    return _PLINK_CODES.get(bare, bare)


def contig_order(name: str) -> tuple[int, str]:
    """Sort key that puts chromosomes in their natural order: 1, 2, ..., 10, ..., X, Y, MT."""
    bare = normalise_contig(name)
    if bare.isdigit():
        return int(bare), ""
    return {"X": 23, "Y": 24, "XY": 25, "MT": 26}.get(bare, 100), bare


@dataclass(frozen=True)
class Variants:
    """Biallelic variants of one chromosome, in genomic order.

    contig: normalised chromosome name; position_bp [V] int32, 1-based, not decreasing;
    id [V] str ("." when the source has none); allele [V, 2] str, REF then ALT;
    provisional [V] bool: REF may not be the allele of the reference genome (default: it is);
    male_haploid [V] bool: men have one copy (default: nobody has).
    """

    contig: str
    position_bp: np.ndarray
    id: np.ndarray
    allele: np.ndarray
    provisional: np.ndarray | None = None
    male_haploid: np.ndarray | None = None

    def __post_init__(self):
        object.__setattr__(self, "position_bp", np.asarray(self.position_bp, dtype=np.int32))
        object.__setattr__(self, "id", np.asarray(self.id, dtype=object))
        allele = np.asarray(self.allele, dtype=object).reshape(-1, 2)
        object.__setattr__(self, "allele", allele)
        for name in ("provisional", "male_haploid"):
            given = np.zeros(len(allele)) if getattr(self, name) is None else getattr(self, name)
            object.__setattr__(self, name, np.asarray(given, dtype=bool))
        lengths = {len(column) for column in self._columns}
        if len(lengths) != 1:
            raise ValueError(f"the columns of variants differ in length: {sorted(lengths)}")
        steps = np.diff(self.position_bp)
        if (steps < 0).any():
            at = int(np.argmax(steps < 0)) + 1
            raise ValueError(f"positions decrease at index {at} of chromosome {self.contig}")

    @property
    def _columns(self) -> tuple[np.ndarray, ...]:
        return self.position_bp, self.id, self.allele, self.provisional, self.male_haploid

    def __len__(self) -> int:
        return len(self.position_bp)

    def __getitem__(self, index) -> Self:
        """Select variants by slice, mask or index array."""
        return Variants(self.contig, *(column[index] for column in self._columns))

    @staticmethod
    def concatenate(parts: list["Variants"]) -> "Variants":
        """Join consecutive pieces of one chromosome."""
        columns = zip(*(part._columns for part in parts), strict=True)
        return Variants(parts[0].contig, *(np.concatenate(column) for column in columns))

    @staticmethod
    def merged(parts: list["Variants"], order: np.ndarray) -> "Variants":
        """Join pieces of one chromosome that lie between each other.

        order: [V] indices into the pieces one after the other, which bring them into genomic order.
        """
        columns = zip(*(part._columns for part in parts), strict=True)
        return Variants(parts[0].contig, *(np.concatenate(column)[order] for column in columns))


@dataclass(frozen=True)
class People:
    """The samples of a cohort.

    id, label, split: [S] str; label and split may be "". value: [S] float64, the number of a
    continuous trait whose bin is the label; NaN (the default) where there is none. sex: [S] int8,
    see `ploidy`; 0, unknown, is the default.
    """

    id: np.ndarray
    label: np.ndarray
    split: np.ndarray
    value: np.ndarray | None = None
    sex: np.ndarray | None = None

    def __post_init__(self):
        value = np.full(len(self.id), np.nan) if self.value is None else self.value
        object.__setattr__(self, "value", np.asarray(value, dtype=np.float64))
        sex = np.zeros(len(self.id)) if self.sex is None else self.sex
        object.__setattr__(self, "sex", np.asarray(sex, dtype=np.int8))
        for name in ("id", "label", "split"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=object))
        if len({len(getattr(self, each.name)) for each in fields(self)}) != 1:
            raise ValueError("id, label, split, value and sex differ in length")
        unique, counts = np.unique(self.id.astype(str), return_counts=True)
        if (counts > 1).any():
            raise InputError(
                f"sample ids occur more than once: {examples(unique[counts > 1])}. "
                "Every person needs an id of its own; rename or remove the copies."
            )

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, index) -> Self:
        """Select people by slice, mask or index array."""
        return People(*(getattr(self, each.name)[index] for each in fields(self)))

    @property
    def has_values(self) -> bool:
        """Whether the labels are bins of a continuous trait: somebody has a value."""
        return bool(np.isfinite(self.value).any())

    @property
    def has_sexes(self) -> bool:
        """Whether somebody's sex is known: it is where chromosome X is used."""
        return bool(self.sex.any())

    @staticmethod
    def unlabelled(sample_ids) -> "People":
        """People as a genotype file names them, before labels and split are known."""
        blank = np.full(len(sample_ids), "", dtype=object)
        return People(np.asarray(sample_ids, dtype=object), blank, blank)


def site_slices(variants: Variants, size: int) -> Iterator[slice]:
    """Consecutive slices of about `size` variants, in which those of a position stay together."""
    position = variants.position_bp
    edges = np.unique(np.searchsorted(position, position[::size]))
    for start, stop in itertools.pairwise([*edges.tolist(), len(position)]):
        yield slice(start, stop)


def values_of(table: pd.DataFrame) -> np.ndarray | None:
    """The column `value` [S] of a table of str, NaN where it is empty; None without one."""
    return pd.to_numeric(table["value"]).to_numpy(np.float64) if "value" in table else None


def carries(labels: np.ndarray, case_label: str) -> np.ndarray:
    """Who is a case, bool [S]: labels [S] that are case_label or have it between their "/"."""
    return np.array([case_label in (label, *label.split("/")) for label in labels], dtype=bool)


def all_true(values: np.ndarray) -> bool:
    """Whether all of some bools are true; of a view that repeats one value it looks at one."""
    return bool(values.all() if any(values.strides) else values.flat[:1].all())


def to_rows(calls: np.ndarray, mode: str, *, once: bool = False) -> np.ndarray:
    """Turn calls int8 [V, S, P] into model rows int8 [R, V], -1 missing.

    Haplotype mode: two rows a person (2 i and 2 i + 1), alleles 0/1. Of one copy both are the
    same (see `ploidy`), or, `once`, the second is missing.
    Genotype mode: one row a person, dosage of ALT in [0, 2]; missing if either allele is.
    """
    if once and mode == "haplotype":
        calls = np.maximum(calls, MISSING)
    calls = doubled(calls)
    if mode == "haplotype":
        return calls.reshape(len(calls), -1).T  # [V, S, P] -> [V, S*P] -> [R, V]
    pair = np.ascontiguousarray(calls).view(np.int16)[:, :, 0]  # both alleles, a byte each
    dosage = (pair + (pair >> 8)).astype(np.int8)
    if calls.min(initial=0) < 0:
        dosage[(pair & _EITHER_NEGATIVE) != 0] = MISSING
    return dosage.T


def from_rows(rows: np.ndarray, mode: str) -> np.ndarray:
    """Turn model rows int8 [R, V] back into calls int8 [V, S, P]; the inverse of `to_rows`."""
    if mode == "haplotype":
        return np.ascontiguousarray(rows.T).reshape(rows.shape[1], -1, PLOIDY)
    dosage = rows.T
    calls = np.stack([dosage == 2, dosage >= 1], axis=2).astype(np.int8)  # 0/0, 0/1, 1/1
    calls[dosage < 0] = MISSING
    return calls


def rows_per_person(mode: str) -> int:
    """2 in haplotype mode, 1 in genotype mode."""
    return PLOIDY if mode == "haplotype" else 1
