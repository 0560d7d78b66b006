"""Write VCF.gz with a .tbi index.

Axes: v variants of a chunk, n of them that are put into words at once, S people, 2 alleles.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pysam

from syncohort import __version__
from syncohort.files import all_or_nothing
from syncohort.formats.bgzf import write_bgzf
from syncohort.formats.sites import PROVISIONAL_LINE
from syncohort.genotypes import CohortStore, Variants, slices

SOURCE = f"SynCohort {__version__}"
# one call is a tab and three characters: four bytes, so that it is one number
_PHASED, _UNPHASED, _MISSING = (int(x) for x in np.frombuffer(b"\t0|0\t0/0\t./.", dtype="<u4"))
_STEP_CALLS = 1 << 17  # put into words at once, so that they stay in the processor's cache


def write_vcf(
    store: CohortStore,
    path: str | Path,
    source: str = SOURCE,
    threads: int = 1,
    people: str = "",
) -> None:
    """Write one chromosome of a cohort as VCF 4.3, compressed in blocks, with its .tbi index.

    Calls are `0|1` where phased, `0/1` where not, `./.` where missing. A call of which one
    allele is missing is written as missing: PLINK files cannot say it, and plink2 refuses it.
    FILTER is `.`: no filter was applied to a synthetic record, so it passed none. A REF that
    may not be the reference genome's has the flag PR, as plink2 writes it.

    Args:
        store: chromosome to write. path: file to make, ending .vcf.gz.
        source: what the header names as the origin. threads: that compress.
        people: what the header says of the people, "" for nothing.
    """

    def pieces() -> Iterator[bytes]:
        yield vcf_header(store, source, people)
        for _, lines in record_lines(store):
            yield lines

    write_indexed(path, pieces(), threads)


def write_indexed(path: str | Path, pieces: Iterable[bytes], threads: int = 1) -> None:
    """Write consecutive pieces of the text of a VCF, compressed in blocks, with its .tbi index."""
    with all_or_nothing(path, f"{path}.tbi") as (partial, _):
        write_bgzf(partial, pieces, threads)
        pysam.tabix_index(str(partial), preset="vcf")


def record_lines(store: CohortStore) -> Iterator[tuple[Variants, bytes]]:
    """The records of a cohort: some variants after others, and their lines."""
    for part, calls in store.variant_chunks():
        phased, variants = store.read_phasing(part), store.variants[part]
        heads = _heads(store.contig, variants)
        for some in slices(len(calls), max(1, _STEP_CALLS // calls.shape[1])):
            yield variants[some], _lines(heads[some], call_words(calls[some], phased[some]))


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


def _heads(contig: str, variants: Variants) -> list[bytes]:
    """The columns before the calls, for each variant."""
    info = np.where(variants.provisional, "PR", ".").tolist()
    columns = zip(
        variants.position_bp.tolist(), variants.id, variants.allele.tolist(), info, strict=True
    )
    return [
        f"{contig}\t{position}\t{name}\t{ref}\t{alt}\t.\t.\t{mark}\tGT".encode()
        for position, name, (ref, alt), mark in columns
    ]


def call_words(calls: np.ndarray, phased: np.ndarray) -> np.ndarray:
    """The text of calls int8 [n, S, 2], phased bool [n, S], as uint32 [n, S], four letters each."""
    pairs = np.ascontiguousarray(calls).view("<u2")[..., 0]
    words = (pairs & np.uint16(1)).astype("<u4") << 8
    words |= (pairs >> 8).astype("<u4") << 24
    if phased.all():
        words += np.uint32(_PHASED)
    else:
        words += np.where(phased, np.uint32(_PHASED), np.uint32(_UNPHASED))
    if calls.min(initial=0) < 0:
        words[(pairs & 0x8080) != 0] = _MISSING
    return words


def _lines(heads: list[bytes], words: np.ndarray) -> bytes:
    """Lines of their first columns and calls."""
    width = 4 * words.shape[1]
    calls = memoryview(words.view(np.uint8).reshape(-1))
    tails = (calls[start : start + width] for start in range(0, len(calls), width or 1))
    return b"".join(part for pair in zip(heads, tails, strict=True) for part in (*pair, b"\n"))
