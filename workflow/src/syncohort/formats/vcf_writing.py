"""Write VCF.gz with a .tbi index.

Axes: v variants of a chunk, n of them that are put into words at once, S people, 2 alleles.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pysam

from syncohort import __version__
from syncohort.cohort_store import CohortStore
from syncohort.files import all_or_nothing
from syncohort.formats.bgzf import write_bgzf
from syncohort.formats.shared_sites import Records, join_calls, records_of
from syncohort.formats.sites import PROVISIONAL_LINE
from syncohort.genotypes import slices
from syncohort.ploidy import ABSENT

SOURCE = f"SynCohort {__version__}"
# one call is a tab and three characters: four bytes, so that it is one number; of one copy it is a
# tab and a character, and bytes of 0 that are left out of the line
_PHASED, _UNPHASED, _MISSING, _HAPLOID, _HAPLOID_MISSING = (
    int(x) for x in np.frombuffer(b"\t0|0\t0/0\t./.\t0\0\0\t.\0\0", dtype="<u4")
)
_ONE_DIGIT = 9  # ALT alleles; calls of more are no four bytes
_STEP_CALLS = 1 << 17  # put into words at once, so that they stay in the processor's cache


def write_vcf(
    store: CohortStore,
    path: str | Path,
    source: str = SOURCE,
    threads: int = 1,
    people: str = "",
) -> None:
    """Write one chromosome of a cohort as VCF 4.3, compressed in blocks, with its .tbi index.

    Variants of one position are one record, see `shared_sites`.
    Calls are `0|1` where phased, `0/1` where not, `./.` where missing, and `1` or `.` where there
    is one copy. A call of which one
    allele is missing is written as missing: PLINK files cannot say it, and plink2 refuses it.
    FILTER is `.`: no filter was applied to a synthetic record, so it passed none. A REF that
    may not be the reference genome's has the flag PR, as plink2 writes it.

    Args:
        store: chromosome to write. path: file to make, ending .vcf.gz.
        source: what the header names as the origin. threads: that compress.
        people: what the header says of the people, "" for nothing.
    """

    write_indexed(path, chain([vcf_header(store, source, people)], record_lines(store)), threads)


def write_indexed(path: str | Path, pieces: Iterable[bytes], threads: int = 1) -> None:
    """Write consecutive pieces of the text of a VCF, compressed in blocks, with its .tbi index."""
    with all_or_nothing(path, f"{path}.tbi") as (partial, _):
        write_bgzf(partial, pieces, threads)
        pysam.tabix_index(str(partial), preset="vcf")


def record_lines(store: CohortStore) -> Iterator[bytes]:
    """The lines of a cohort's records, some at once."""
    for part, calls in store.variant_chunks():
        records = records_of(store.variants[part])
        calls, phased = join_calls(records, calls, store.read_phasing(part))
        heads = _heads(records)
        wide = records.n_alts > _ONE_DIGIT
        for some in slices(len(calls), max(1, _STEP_CALLS // calls.shape[1])):
            tails = _tails(call_words(calls[some], phased[some]))
            for i in np.flatnonzero(wide[some]):
                tails[i] = _long_tail(calls[some][i], phased[some][i])
            yield _lines(heads[some], tails)


def vcf_header(
    store: CohortStore, source: str = SOURCE, people: str = "", further: Iterable[str] = ()
) -> bytes:
    """The header of a cohort's VCF. source, people: see `write_vcf`; further: lines of its own."""
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines = [
        "##fileformat=VCFv4.3",
        f"##source={source}",
        *([f"##people={people}"] if people else []),
        f"##contig=<ID={store.contig}>",
        *([PROVISIONAL_LINE] if store.variants.provisional.any() else []),
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        *further,
        "\t".join([*columns, *store.people.id]),
    ]
    return ("\n".join(lines) + "\n").encode()


def _heads(records: Records) -> list[bytes]:
    """The columns before the calls, for each record."""
    return [
        f"{records.contig}\t{position}\t{name}\t{ref}\t{alt}\t.\t.\t{'PR' if marked else '.'}\tGT".encode()
        for position, name, ref, alt, marked in records.lines()
    ]


def call_words(calls: np.ndarray, phased: np.ndarray) -> np.ndarray:
    """The text of calls int8 [n, S, 2], phased bool [n, S], as uint32 [n, S], four bytes each.

    The alleles have one digit.
    """
    pairs = np.ascontiguousarray(calls).view("<u2")[..., 0]
    words = (pairs & np.uint16(0xF)).astype("<u4") << 8
    words |= (pairs >> 8).astype("<u4") << 24
    if phased.all():
        words += np.uint32(_PHASED)
    else:
        words += np.where(phased, np.uint32(_PHASED), np.uint32(_UNPHASED))
    if calls.min(initial=0) < 0:
        words[(pairs & 0x8080) != 0] = _MISSING
        first, second = calls[..., 0], calls[..., 1]
        if second.min() == ABSENT:
            haploid = np.where(first < 0, _HAPLOID_MISSING, _HAPLOID + (first.astype("<u4") << 8))
            words = np.where(second == ABSENT, haploid, words).astype("<u4")
    return words


def _tails(words: np.ndarray) -> list[memoryview | bytes]:
    """The text of the calls of each record."""
    width = 4 * words.shape[1]
    calls = memoryview(words.view(np.uint8).reshape(-1))
    tails = [calls[start : start + width] for start in range(0, len(calls), width or 1)]
    if words.min(initial=_PHASED) < 1 << 16:  # some are of one copy
        tails = [bytes(tail).translate(None, b"\0") for tail in tails]
    return tails


def _long_tail(calls: np.ndarray, phased: np.ndarray) -> bytes:
    """The text of the calls [S, 2] of one record with alleles of any number of digits."""
    marks = np.where(phased, "|", "/").tolist()
    words = (
        (f"\t{one}" if one >= 0 else "\t.")
        if other == ABSENT
        else (f"\t{one}{mark}{other}" if min(one, other) >= 0 else "\t./.")
        for (one, other), mark in zip(calls.tolist(), marks, strict=True)
    )
    return "".join(words).encode()


def _lines(heads: list[bytes], tails: list) -> bytes:
    """Lines of their first columns and calls."""
    return b"".join(part for pair in zip(heads, tails, strict=True) for part in (*pair, b"\n"))
