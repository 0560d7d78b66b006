"""Haplotypes around a place: the alleles of the SNPs nearby as bits.

The SNPs of a chromosome are cut into blocks of 64, a word each. The haplotype around what lies in a
block is its word, the one before and the one after: 192 SNPs, and fewer at the ends.

Axes: V SNPs, B = V / 64 blocks, rounded up, R rows (two haplotypes a person).
"""

from collections.abc import Iterator

import numpy as np

from syncohort.bits import WORD, pack_at_least, words
from syncohort.cohort_store import CohortStore
from syncohort.genotypes import Variants, slices, to_rows, variants_at_once

SNPS_AROUND = 3 * WORD


def blocks_of(variants: Variants, others: Variants) -> list[slice]:
    """Which of `others` lie in each block of the SNPs `variants`: slices [B].

    Those before the first SNP are in the first block, those after the last in the last.
    """
    starts = variants.position_bp[WORD::WORD]
    edges = np.searchsorted(others.position_bp, starts, side="left")
    stops = np.append(edges, len(others))
    return [slice(int(a), int(b)) for a, b in zip(np.append(0, edges), stops, strict=True)]


def held_at_once(part: slice, n_people: int) -> Iterator[slice]:
    """A slice of variants in pieces, each with as many as are held at once of so many people."""
    for some in slices(part.stop - part.start, variants_at_once(n_people)):
        yield slice(part.start + some.start, part.start + some.stop)


def haplotypes_around(store: CohortStore, samples=slice(None)) -> Iterator[np.ndarray]:
    """Walk along a chromosome: yield for each block the haplotypes around it, uint64 [R, 3].

    A bit is 1 where the allele is ALT; a missing one counts as REF. samples: slice, mask or
    indices of people. Memory is that of a chunk of variants.
    """
    blocks = _blocks(store, samples)
    own = next(blocks)
    before = np.zeros_like(own)
    for after in blocks:
        yield np.stack([before, own, after], axis=1)
        before, own = own, after
    yield np.stack([before, own, np.zeros_like(own)], axis=1)


def _blocks(store: CohortStore, samples) -> Iterator[np.ndarray]:
    """The words [R] of the blocks, one after the other."""
    waiting = None
    for _, calls in store.variant_chunks(samples):
        rows = to_rows(calls, "haplotype")  # [R, v]
        rows = rows if waiting is None else np.concatenate([waiting, rows], axis=1)
        full = rows.shape[1] // WORD * WORD
        yield from pack_at_least(rows[:, :full], 1).T
        waiting = rows[:, full:]
    if words(waiting.shape[1]):
        yield from pack_at_least(waiting, 1).T
