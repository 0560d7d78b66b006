"""Calls as bits, two a person, and the counts of alleles and genotypes of groups of people.

A word of 64 bits holds 32 people. Groups are masks of such words, so that nobody's calls are copied
to count those of some people.

Axes: V variants, S people, G groups, W = 2 S / 64 words, rounded up.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.bits import compiled, pack, popcount, words
from syncohort.call_bits import AlleleBits
from syncohort.dosages import minor
from syncohort.genotypes import PLOIDY, slices

_VARIANTS_AT_ONCE = 128  # that a processor's cache holds while they are packed
FIRST_OF_TWO = np.uint64(0x5555555555555555)  # one bit of each person
ONE = np.uint64(1)


@dataclass(frozen=True)
class GenotypeCounts:
    """Of each variant and group, int32 [V, G].

    alt, alleles: ALT and called alleles; het, hom_alt, called: genotypes among those with both
    alleles called.
    """

    alt: np.ndarray
    alleles: np.ndarray
    het: np.ndarray
    hom_alt: np.ndarray
    called: np.ndarray


@dataclass(frozen=True)
class PackedCalls:
    """alt, missing: uint64 [V, W], a bit for each allele; missing is None when no call is.

    n_people: S; the bits past theirs are 0.
    """

    alt: np.ndarray
    missing: np.ndarray | None
    n_people: int

    @staticmethod
    def of(calls: np.ndarray) -> "PackedCalls":
        """Pack calls int8 [V, S, 2], -1 missing."""
        n_people = calls.shape[1]
        alt = np.empty((len(calls), words(PLOIDY * n_people)), dtype=np.uint64)
        missing = None
        for part in slices(len(calls), _VARIANTS_AT_ONCE):
            alleles = calls[part].reshape(part.stop - part.start, -1)
            alt[part] = pack(alleles == 1)
            if alleles.min(initial=0) < 0:
                missing = np.zeros_like(alt) if missing is None else missing
                missing[part] = pack(alleles < 0)
        return PackedCalls(alt, missing, n_people)

    @staticmethod
    def of_bits(bits: AlleleBits, n_people: int) -> "PackedCalls":
        """The same from the bits of everybody's calls (`CohortStore.read_bits`)."""
        shape = len(bits), words(PLOIDY * n_people)
        alt = _as_words(bits.low, shape)
        if bits.signs is None:
            return PackedCalls(alt, None, n_people)
        missing = _as_words(bits.signs, shape)
        return PackedCalls(alt & ~missing, missing, n_people)

    def called(self) -> np.ndarray:
        """Called alleles, uint64 [V, W]; 0 past the last person."""
        full = pack(np.ones((1, PLOIDY * self.n_people), dtype=bool))
        return (
            np.broadcast_to(full, self.alt.shape) if self.missing is None else full & ~self.missing
        )

    def without_half_calls(self) -> "PackedCalls":
        """The same calls, missing where one of the two alleles is."""
        if self.missing is None:
            return self
        either = (self.missing | (self.missing >> ONE)) & FIRST_OF_TWO
        missing = either | (either << ONE)
        return PackedCalls(self.alt & ~missing, missing, self.n_people)

    def count(self, masks: np.ndarray) -> GenotypeCounts:
        """Counts of groups, whose `masks` are uint64 [G, W]."""
        counts = np.empty((5, len(self.alt), len(masks)), dtype=np.int32)
        _count(self.alt, self.missing, masks, *_spans(masks), counts)
        return GenotypeCounts(*counts)


def _as_words(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A plane uint8 [V, B] of bits as words uint64 [V, W]."""
    whole = np.zeros((shape[0], 8 * shape[1]), dtype=np.uint8)
    whole[:, : plane.shape[1]] = plane
    return whole.view("<u8")


def minor_allele_frequency(calls: np.ndarray) -> np.ndarray:
    """MAF [V] of calls int8 [V, S, 2]; missing alleles do not count, 0 where all are missing."""
    counts = PackedCalls.of(calls).count(masks(np.ones((1, calls.shape[1]), dtype=bool)))
    return minor(counts.alt[:, 0] / np.maximum(counts.alleles[:, 0], 1))


def masks_of(group: np.ndarray, n_groups: int) -> np.ndarray:
    """Masks uint64 [G, W] of people whose group is [S] int; -1 for those in none."""
    return masks(np.arange(n_groups)[:, None] == np.asarray(group))


def masks(members: np.ndarray) -> np.ndarray:
    """Masks uint64 [G, W] of the members of groups, bool [G, S]."""
    return pack(np.repeat(members, PLOIDY, axis=1))


def _spans(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First word of each mask that is not 0, and the word after the last."""
    used = masks != 0
    after = masks.shape[1] - used[:, ::-1].argmax(axis=1)
    return used.argmax(axis=1), np.where(used.any(axis=1), after, 0)


@compiled
def _count(alt, missing, masks, first, after, counts):
    """Write the fields of `GenotypeCounts` into counts [5, V, G]."""
    for v in range(len(alt)):
        for g in range(len(masks)):
            n_alt = n_any = n_both = n_lacking = n_incomplete = n_members = 0
            for w in range(first[g], after[g]):
                members = masks[g, w]
                found = alt[v, w] & members
                n_alt += popcount(found)
                n_members += popcount(members)
                if missing is not None:
                    lacking = missing[v, w] & members
                    n_lacking += popcount(lacking)
                    incomplete = (lacking | (lacking >> ONE)) & FIRST_OF_TWO
                    n_incomplete += popcount(incomplete)
                    found &= ~(incomplete | (incomplete << ONE))
                second = found >> ONE
                n_any += popcount((found | second) & FIRST_OF_TWO)
                n_both += popcount(found & second & FIRST_OF_TWO)
            counts[0, v, g] = n_alt
            counts[1, v, g] = n_members - n_lacking
            counts[2, v, g] = n_any - n_both
            counts[3, v, g] = n_both
            counts[4, v, g] = n_members // 2 - n_incomplete
