"""Write BGEN 1.2: 8 bits a number, packed with zlib, as UK Biobank has it, and its .sample.

REF is the first allele. Axes: v variants of a chunk, S people, 2 alleles.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from syncohort.cohort_store import CohortStore, common_people
from syncohort.files import all_or_nothing
from syncohort.formats.oxford import write_sample
from syncohort.formats.plink import own_ids
from syncohort.genotypes import Variants
from syncohort.ploidy import ABSENT, MISSING

_ZLIB, _LAYOUT_2, _HAS_IDS = 1, 2 << 2, 1 << 31
_HEADER_BYTES = 20
_BITS, _WHOLE = 8, 255
_MISSING_BIT = 0x80  # of the byte of a person, beside the number of copies
_LEVEL = 4  # of zlib: 7 % larger than 6 in two thirds of the time


def write_bgen(
    stores: list[CohortStore],
    prefix: str | Path,
    case_label: str | None = None,
    statement: str = "",
) -> None:
    """Write a cohort as a .bgen and its .sample.

    The probabilities are those of hard calls, 0 and 1: of haplotypes where every heterozygous call
    of a chromosome is phased, else of genotypes. A call of which one allele is missing is missing.
    Each ALT allele of a position is a record, under the id that a .bim gives it.

    Args:
        stores: chromosomes in order, of the same people.
        prefix: path without extension.
        case_label: see `phenotype_of`.
        statement: what the free area of the .bgen's header says of the people, "" for nothing.
    """
    people = common_people(stores)
    n_missing = np.zeros(len(people), dtype=np.int64)
    n_variants = sum(len(store.variants) for store in stores)
    with all_or_nothing(f"{prefix}.bgen", f"{prefix}.sample") as (bgen, sample):
        with open(bgen, "wb") as file:
            _write_header(file, people.id, n_variants, f"people={statement}" if statement else "")
            for store in stores:
                ids = own_ids(store.variants)
                for part, calls in store.variant_chunks():
                    n_missing += (calls == MISSING).any(axis=2).sum(axis=0)
                    blocks = _blocks(calls, phased=store.phased)
                    names = _names(store.variants[part], ids[part])
                    file.writelines(map(_record, names, blocks))
        write_sample(people, n_missing / max(n_variants, 1), sample, case_label)


def _write_header(file: BinaryIO, ids: np.ndarray, n_variants: int, said: str) -> None:
    named = b"".join(_text(name, "H") for name in ids)
    n_named, free = 8 + len(named), said.encode()
    n_header = _HEADER_BYTES + len(free)
    file.write(struct.pack("<2I", n_header + n_named, n_header))
    file.write(struct.pack("<2I4s", n_variants, len(ids), b"bgen") + free)
    file.write(struct.pack("<I", _ZLIB | _LAYOUT_2 | _HAS_IDS))
    file.write(struct.pack("<2I", n_named, len(ids)) + named)


def _text(value: str, width: str) -> bytes:
    """A text behind the number of its bytes."""
    data = str(value).encode()
    return struct.pack(f"<{width}", len(data)) + data


def _names(variants: Variants, ids: list[str]) -> Iterator[bytes]:
    """What stands before the genotypes of each variant: its id, place and alleles."""
    contig = _text(variants.contig, "H")
    columns = zip(ids, variants.position_bp.tolist(), variants.allele.tolist(), strict=True)
    for name, position, alleles in columns:
        ids = 2 * _text(name, "H")  # of the variant, and its rs number
        place = contig + struct.pack("<IH", position, len(alleles))
        yield ids + place + b"".join(_text(each, "I") for each in alleles)


def _blocks(calls: np.ndarray, *, phased: bool) -> Iterator[bytes]:
    """The genotypes of each variant: calls int8 [v, S, 2]."""
    is_missing = (calls == MISSING).any(axis=2)
    has_two = calls[..., 1] != ABSENT
    first = calls == 0  # of haplotypes: whether each is REF
    if not phased:  # of genotypes: whether both are REF, and whether one is
        n_ref = first.sum(axis=2)
        first = np.where(has_two[..., None], np.stack([n_ref == 2, n_ref == 1], axis=2), first)
    numbers = np.where(first & ~is_missing[..., None], np.uint8(_WHOLE), np.uint8(0))
    ploidy = np.where(has_two, np.uint8(2), np.uint8(1))
    stored = np.stack([np.ones_like(has_two), has_two], axis=2)
    people = ploidy | np.where(is_missing, np.uint8(_MISSING_BIT), np.uint8(0))
    for i in range(len(calls)):
        copies = ploidy[i].min(initial=2), ploidy[i].max(initial=1)
        head = struct.pack("<IHBB", calls.shape[1], 2, *copies)
        own = numbers[i] if copies[0] == 2 else numbers[i][stored[i]]
        yield head + people[i].tobytes() + bytes([phased, _BITS]) + own.tobytes()


def _record(names: bytes, block: bytes) -> bytes:
    packed = zlib.compress(block, _LEVEL)
    return names + struct.pack("<2I", len(packed) + 4, len(block)) + packed
