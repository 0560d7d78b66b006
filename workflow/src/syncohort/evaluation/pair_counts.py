"""How the genotypes of two rows differ, for all pairs of rows, by counting bits.

A row is a haplotype (0 or 1) or a person's dosages (0, 1, 2), written in planes of bits: value
at least 1, of dosages also at least 2, and called. Two rows differ at a variant in one plane (by
one allele) or in both (by two). Counts are exact.

Axes: A, B rows, V variants, W words of 64 variants.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.bits import compiled, pack_at_least, popcount

_TILE = 64  # rows of either side that stay in the processor's cache together


@dataclass(frozen=True)
class Planes:
    """A chunk of variants of some rows, uint64 [A, W] each.

    ones: value at least 1; twos: at least 2, None for rows of 0 and 1; called: None when no
    call is missing; n: variants.
    """

    ones: np.ndarray
    twos: np.ndarray | None
    called: np.ndarray | None
    n: int

    @staticmethod
    def of(rows: np.ndarray, *, dosages: bool) -> "Planes":
        """Planes of rows int8 [A, V] of 0 and 1, or of dosages; -1 missing."""
        return Planes(
            pack_at_least(rows, 1),
            pack_at_least(rows, 2) if dosages else None,
            pack_at_least(rows, 0) if rows.min(initial=0) < 0 else None,
            rows.shape[1],
        )

    def all_called(self) -> np.ndarray:
        """`called`, written out where no call is missing."""
        if self.called is not None:
            return self.called
        called = np.full_like(self.ones, ~np.uint64(0))
        called[:, self.n // 64 :] = np.uint64((1 << self.n % 64) - 1)
        return called


class PairCounts:
    """Counts of all pairs of rows [A, B] over the variants called in both, chunk by chunk.

    alleles: int32 [A, B], sum of the differences of value; opposite: int32 [A, B], how often
    the difference is 2 (None of rows of 0 and 1).
    """

    def __init__(self, n_a: int, n_b: int, *, dosages: bool):
        self.alleles = np.zeros((n_a, n_b), dtype=np.int32)
        self.opposite = np.zeros((n_a, n_b), dtype=np.int32) if dosages else None
        self._whole = 0  # variants of chunks in which nothing is missing
        self._own_whole = [np.zeros((2, n, 1), dtype=np.int32) for n in (n_a, n_b)]
        self._compared = None  # of the other chunks
        self._own = None

    @staticmethod
    def within(rows: np.ndarray) -> "PairCounts":
        """Counts of dosages int8 [S, V] with themselves."""
        counts = PairCounts(len(rows), len(rows), dosages=True)
        planes = Planes.of(rows, dosages=True)
        counts.add(planes, planes)
        return counts

    def add(self, a: Planes, b: Planes) -> None:
        """Add a chunk of variants; a and b may be one object."""
        if a.called is None and b.called is None:
            self._whole += a.n
            for own, planes in zip(self._own_whole, (a, b), strict=True):
                if planes.twos is not None:
                    for total, plane in zip(own, (planes.ones, planes.twos), strict=True):
                        total[:, 0] += _row_sums(plane)
            called = None, None
        else:
            if self._compared is None:
                self._compared = np.zeros_like(self.alleles)
                if self.opposite is not None:
                    self._own = np.zeros((2, 2, *self.alleles.shape), dtype=np.int32)
            called = a.all_called(), b.all_called()
        _add_pairs(
            *(a.ones, a.twos, called[0], b.ones, b.twos, called[1], a is b),
            *(self.alleles, self.opposite),
            *((None, None) if called[0] is None else (self._compared, self._own)),
        )

    def compared(self) -> np.ndarray | int:
        """Variants called in both, int32 [A, B] or one number for all pairs."""
        return self._whole if self._compared is None else self._whole + self._compared

    def own(self) -> tuple[np.ndarray, np.ndarray]:
        """Of dosages, over the variants called in both: how often the value is at least 1 and
        at least 2, int32 [2, A, B or 1] in the first row and [2, 1 or A, B] in the second."""
        a, b = self._own_whole[0], self._own_whole[1].transpose(0, 2, 1)
        return (a, b) if self._own is None else (a + self._own[0], b + self._own[1])


@compiled
def _row_sums(plane):
    """Bits of each row [A] of a plane [A, W]."""
    total = np.zeros(len(plane), dtype=np.int32)
    for row in range(len(plane)):
        count = 0
        for word in plane[row]:
            count += popcount(word)
        total[row] = count
    return total


@compiled
def _add_pairs(
    ones_a, twos_a, called_a, ones_b, twos_b, called_b, is_same, alleles, opposite, compared, own
):
    """Add a chunk's counts. What needs an argument that is None is not compiled.

    compared int32 [A, B]; own int32 [2 sides, 2 planes, A, B]. is_same: a and b are the same rows,
    so that half of the pairs are those of the other half.
    """
    n_a, n_b, n_words = len(ones_a), len(ones_b), ones_a.shape[1]
    for tile_a in range(0, n_a, _TILE):
        for tile_b in range(tile_a if is_same else 0, n_b, _TILE):
            for i in range(tile_a, min(tile_a + _TILE, n_a)):
                for j in range(max(tile_b, i) if is_same else tile_b, min(tile_b + _TILE, n_b)):
                    n_both = n_1 = n_2 = own_a1 = own_a2 = own_b1 = own_b2 = 0
                    for w in range(n_words):
                        differ_1 = ones_a[i, w] ^ ones_b[j, w]
                        if called_a is not None:
                            both = called_a[i, w] & called_b[j, w]
                            differ_1 &= both
                            n_both += popcount(both)
                        n_1 += popcount(differ_1)
                        if twos_a is not None:
                            differ_2 = twos_a[i, w] ^ twos_b[j, w]
                            if called_a is not None:
                                differ_2 &= both
                                own_a1 += popcount(ones_a[i, w] & both)
                                own_a2 += popcount(twos_a[i, w] & both)
                                own_b1 += popcount(ones_b[j, w] & both)
                                own_b2 += popcount(twos_b[j, w] & both)
                            n_1 += popcount(differ_2)
                            n_2 += popcount(differ_1 & differ_2)
                    for mirrored in range(2 if is_same and i < j else 1):
                        x, y = (j, i) if mirrored else (i, j)
                        alleles[x, y] += n_1
                        if twos_a is not None:
                            opposite[x, y] += n_2
                        if called_a is not None:
                            compared[x, y] += n_both
                            if twos_a is not None:
                                own[mirrored, 0, x, y] += own_a1
                                own[mirrored, 1, x, y] += own_a2
                                own[1 - mirrored, 0, x, y] += own_b1
                                own[1 - mirrored, 1, x, y] += own_b2
