"""Hard calls of the probabilities in a BGEN file.

Dosages are rounded to 1/16384 of an allele, and a call further than a threshold from a whole
number of alleles is missing: bit by bit what `plink2 --hard-call-threshold` makes of them.

Source: the BGEN format, versions 1.1 (layout 1), 1.2 and 1.3 (layout 2), "Genotype data block";
PLINK 2.0's documentation of --hard-call-threshold.

Axes: v variants, S people, n the numbers a variant stores: one for each allele of each person.
"""

import struct
from functools import cache

import numpy as np

from syncohort.ploidy import ABSENT, MISSING

HARD_CALL_THRESHOLD = 0.1  # of plink2
# A call in a byte: copies of the second allele, who is heterozygous with known phase, and no call.
_HET, _SECOND_FIRST, _FIRST_SECOND = 1, 3, 4
UNKNOWN, UNCERTAIN = 5, 6
_ONE_FIRST, _ONE_SECOND = 7, 8  # of one copy
_IMPOSSIBLE = 9
_CALLS = np.array(
    [[0, 0], [0, 1], [1, 1], [1, 0], [0, 1], *[[MISSING] * 2] * 2, [0, ABSENT], [1, ABSENT]],
    dtype=np.int8,
)
_SWAPPED = np.where(_CALLS < 0, _CALLS, 1 - _CALLS)
_SWAPPED[_HET] = 0, 1

_UNITS = 1 << 14  # of a dosage, an allele
_ALMOST_NONE = 2**-44  # so that a threshold of 0.2 is not 0.19999
_PLOIDY_BITS, _MISSING_BIT = 0x3F, 0x80  # of the byte of a person
_WITH_TWO, _WITH_CALL = bytes([2, 2 | _MISSING_BIT]), bytes(range(_MISSING_BIT))
_BITS_MAX = 32
DAMAGED = "The file is damaged, or was not written to its end; make it again"


class Malformed(Exception):
    """What is wrong with a variant, in sentences; the reader says with which one."""


def to_calls(
    codes: np.ndarray, is_phased: np.ndarray, *, ref_last: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Calls int8 [v, S, 2] of codes uint8 [v, S], and which of them are phased, bool [v, S].

    is_phased: bool [v], of the variants; ref_last: REF is the second allele.
    """
    table = (_SWAPPED if ref_last else _CALLS).view("<u2")[:, 0]  # both alleles as one number
    calls = table[codes].view(np.int8).reshape(*codes.shape, 2)
    return calls, is_phased[:, None] & (codes != _HET)


def layout_1_codes(block: bytes, n_people: int, threshold: float) -> np.ndarray:
    """Codes uint8 [S] of a variant of BGEN 1.1: three probabilities a person; none if all are 0.

    Raises:
        Malformed: the block is not as long as so many people need.
    """
    if len(block) != 6 * n_people:
        raise Malformed(f"holds {len(block):,} bytes for {n_people:,} people. {DAMAGED}")
    triples = np.frombuffer(block, dtype="<u2").reshape(n_people, 3).astype(np.int64)
    whole = triples.sum(axis=1)
    codes = _codes(2 * triples[:, 0] + triples[:, 1], np.maximum(whole, 1), threshold)
    codes[whole == 0] = UNKNOWN
    return codes


def layout_2_codes(block: bytes, n_people: int, threshold: float) -> tuple[np.ndarray, bool]:
    """Codes uint8 [S] of a variant of BGEN 1.2 or 1.3 with two alleles, and whether it is phased.

    Raises:
        Malformed: the block contradicts itself or the file, or people have more than two copies.
    """
    start = 8 + n_people  # of whether it is phased, the number of bits, and what is stored in them
    if len(block) < start + 2:
        raise Malformed(f"holds {len(block):,} bytes for {n_people:,} people. {DAMAGED}")
    counts = struct.unpack_from("<IHBB", block)
    is_phased, n_bits = block[start], block[start + 1]
    if counts[:2] != (n_people, 2) or is_phased > 1 or not 0 < n_bits <= _BITS_MAX:
        raise Malformed(f"contradicts the header of the file. {DAMAGED}")
    people = block[8:start]
    n_copies = _copies(people, *counts[2:])
    n_stored = 2 * n_people if n_copies is None else int(n_copies.sum())
    if len(block) != start + 2 + (n_stored * n_bits + 7) // 8:
        raise Malformed(f"holds {len(block):,} bytes for {n_people:,} people. {DAMAGED}")
    if n_copies is None and n_bits == 8:  # as biobanks have it
        pairs = np.frombuffer(block, dtype="<u2", offset=start + 2)
        codes = _codes_of_bytes(bool(is_phased), threshold)[pairs]
    else:
        pairs = _pairs(_unpack(block, start + 2, n_stored, n_bits), n_copies)
        codes = _codes_of_pairs(*pairs, (1 << n_bits) - 1, bool(is_phased), threshold)
        if n_copies is not None:
            one = n_copies == 1
            codes[one] = _codes_of_one(pairs[0][one], (1 << n_bits) - 1, threshold)
            codes[n_copies == 0] = UNKNOWN
    if people.translate(None, _WITH_CALL):
        codes[np.frombuffer(people, dtype=np.uint8) & _MISSING_BIT > 0] = UNKNOWN
    if codes.max(initial=0) == _IMPOSSIBLE:
        raise Malformed(f"has probabilities that sum to more than 1. {DAMAGED}")
    return codes, bool(is_phased)


def _copies(people: bytes, lowest: int, highest: int) -> np.ndarray | None:
    """How many copies people have, uint8 [S], by a byte of each; None where everybody has two."""
    if lowest == highest == 2 and not people.translate(None, _WITH_TWO):
        return None
    n_copies = np.frombuffer(people, dtype=np.uint8) & _PLOIDY_BITS
    if n_copies.min(initial=highest) < lowest or n_copies.max(initial=lowest) > highest:
        raise Malformed(f"has a number of copies beside those it states. {DAMAGED}")
    if n_copies.max(initial=0) > 2:
        raise Malformed(
            f"has people with {n_copies.max()} copies; only diploid genotypes are read. Leave such "
            "variants out (`qctool -excl-positions`)"
        )
    return None if (n_copies == 2).all() else n_copies


def _unpack(block: bytes, start: int, n: int, n_bits: int) -> np.ndarray:
    """Numbers [n] of so many bits each, the lowest first, from a byte on."""
    if n_bits in (8, 16, 32):
        return np.frombuffer(block, dtype=f"<u{n_bits // 8}", count=n, offset=start)
    bits = np.arange(n, dtype=np.int64) * n_bits
    padded = np.frombuffer(block[start:] + bytes(8), dtype=np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 8)[bits >> 3]  # [n, 8]
    words = np.ascontiguousarray(windows).view("<u8")[:, 0]
    return words >> (bits & 7).astype(np.uint64) & np.uint64((1 << n_bits) - 1)


def _pairs(stored: np.ndarray, n_copies: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The two numbers of each person, float64 [S]; 0 for those whom a person with less lacks."""
    if n_copies is None:
        return stored[::2].astype(np.float64), stored[1::2].astype(np.float64)
    first, second = np.zeros((2, len(n_copies)))
    starts = np.cumsum(n_copies, dtype=np.int64) - n_copies
    first[n_copies > 0] = stored[starts[n_copies > 0]]
    second[n_copies > 1] = stored[starts[n_copies > 1] + 1]
    return first, second


@cache
def _codes_of_bytes(is_phased: bool, threshold: float) -> np.ndarray:
    """Codes uint8 [65536] of two probabilities in a byte each."""
    pairs = np.arange(1 << 16)
    return _codes_of_pairs(pairs & 0xFF, pairs >> 8, 0xFF, is_phased, threshold)


def _codes_of_pairs(first, second, whole: int, is_phased: bool, threshold: float) -> np.ndarray:
    """Codes uint8 [S] of two numbers a person [S], of which `whole` stands for 1.

    Phased, they are the probabilities that the first and the second copy are the first allele;
    otherwise those of two copies of it and of one.
    """
    if not is_phased:
        codes = _codes(2 * first + second, whole, threshold)
        codes[first + second > whole] = _IMPOSSIBLE
        return codes
    codes = _codes(first + second, whole, threshold)
    apart = np.rint((first + whole - second) * _UNITS / whole) - _UNITS
    codes[(codes == _HET) & (apart > _UNITS // 2)] = _FIRST_SECOND
    codes[(codes == _HET) & (apart < -_UNITS // 2)] = _SECOND_FIRST
    return codes


def _codes_of_one(first, whole: int, threshold: float) -> np.ndarray:
    """Codes uint8 [n] of people with one copy, by how probable it is the first allele, [n]."""
    codes = _codes(2 * first, whole, threshold)  # a dosage of 0 or 2, as plink2 has it
    one = np.array([_ONE_FIRST, UNCERTAIN, _ONE_SECOND], dtype=np.uint8)
    return np.where(codes < len(one), one[np.minimum(codes, 2)], codes)


def _codes(copies: np.ndarray, whole, threshold: float) -> np.ndarray:
    """Codes uint8 [S] of expected copies of the first allele [S], of which `whole` stands for 1."""
    dosage = np.rint(copies * float(_UNITS) / whole)  # ties to even, as plink2 has it
    nearest = np.rint(dosage / _UNITS)
    codes = (2 - nearest).astype(np.uint8)
    limit = int(threshold * _UNITS * (1 + _ALMOST_NONE))
    codes[np.abs(dosage - nearest * _UNITS) > limit] = UNCERTAIN
    return codes
