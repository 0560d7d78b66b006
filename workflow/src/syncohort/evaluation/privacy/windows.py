"""How near is a row to the nearest of others in each window of consecutive SNPs?

A network that sees some SNPs to either side can copy stretches of training haplotypes and join
them. Whole genomes then are near to nobody; windows are. So the distance to the nearest is taken window
by window, each time to another row, and summed.

Rows are packed, 64 SNPs a word: a distance is the number of bits that differ.

Axes: A, B rows (haplotypes or people) of two groups, V variants, W words, P planes of bits, as many
as a call of a row has alleles (dosages: at least 1, at least 2).
"""

import numpy as np

from syncohort.bits import WORD, compiled, pack_at_least, popcount

WINDOW_SNPS = (64, 256, 512)
_WORDS = tuple(length // WORD for length in WINDOW_SNPS)


def pack_rows(rows: np.ndarray, frequency: np.ndarray, ploidy: int) -> np.ndarray:
    """Rows int8 [A, V] as words uint64 [A, W, P].

    frequency: of ALT, [V]; a missing call (-1) is taken for what it makes likeliest. ploidy: P, alleles of a call.
    """
    rows = np.where(rows < 0, np.rint(ploidy * np.nan_to_num(frequency)).astype(np.int8), rows)
    return np.stack([pack_at_least(rows, least) for least in range(1, ploidy + 1)], axis=2)


class WindowSums:
    """Sums over windows of the distance of each row of A to the nearest row of B.

    Windows of each length of WINDOW_SNPS follow one another from the chromosome's start; what is left at its end is
    a window too.
    """

    def __init__(self, n_rows: int):
        self._sums = np.zeros((n_rows, len(WINDOW_SNPS)), np.int64)

    def add(self, a: np.ndarray, b: np.ndarray) -> None:
        """Add a chunk of packed rows [A, W, P] and [B, W, P].

        The chunk starts with a window, and ends with one or with the chromosome.
        """
        _add_nearest(a, b, self._sums)

    def nearest(self) -> dict[int, np.ndarray]:
        """Length in SNPs -> sum of alleles that differ from the nearest's, int64 [A]."""
        return dict(zip(WINDOW_SNPS, self._sums.T, strict=True))


@compiled
def _add_nearest(a, b, sums):
    """Add to sums [A, lengths] what `WindowSums` says; the last length holds all others."""
    n_words, n_planes = a.shape[1], a.shape[2]
    longest = _WORDS[-1]
    best = np.empty((len(_WORDS), longest), np.int64)  # of the windows in the longest
    for i in range(a.shape[0]):
        for start in range(0, n_words, longest):
            stop = min(start + longest, n_words)
            best[:] = 2**62
            for j in range(b.shape[0]):
                within = 0  # of the window of the middle length
                whole = 0
                for word in range(start, stop):
                    differing = 0
                    for plane in range(n_planes):
                        differing += popcount(a[i, word, plane] ^ b[j, word, plane])
                    place = word - start
                    best[0, place] = min(best[0, place], differing)
                    within += differing
                    whole += differing
                    if (place + 1) % _WORDS[1] == 0 or word == stop - 1:
                        window = place // _WORDS[1]
                        best[1, window] = min(best[1, window], within)
                        within = 0
                best[2, 0] = min(best[2, 0], whole)
            for length in range(len(_WORDS)):
                for window in range(-(-(stop - start) // _WORDS[length])):
                    sums[i, length] += best[length, window]
