"""Kinship of people, from their genotypes.

Axes: S people; or A, B people of two groups.
"""

import numpy as np

from syncohort.evaluation.pair_counts import PairCounts

# the least kinship of relatives of a degree (Manichaikul et al. 2010, table 1)
FIRST_DEGREE, SECOND_DEGREE = 0.177, 0.0884


def kinship(counts: PairCounts) -> np.ndarray:
    """KING-robust kinship [S, S] or [A, B]; NaN where the less heterozygous has no such call.

    Source: Manichaikul et al. 2010, eq. 11 (between families).
    """
    het = [(ones - twos).astype(np.float32) for ones, twos in counts.own()]  # [S, S or 1] and back
    fewer = np.minimum(*het)
    one_het = counts.alleles - 2 * counts.opposite
    apart = (4 * counts.opposite + one_het).astype(np.float32)
    return 0.5 - np.divide(apart, 4 * fewer, out=np.full_like(fewer, np.nan), where=fewer > 0)
