"""Haplotypes of a gene block, as common as those of real people.

Most of what a real haplotype carries at the variants of a gene block, many other haplotypes carry
too. A drawn one is noisy: cut variant by variant, it has an allele turned over now and then, and
becomes one that nobody carries. Too many of them break up long haplotypes and cost linkage. So
uncommon haplotypes of a block are brought back to the common one that is nearest, nearest ones
first, until no more are uncommon than of real people, some of whom carry uncommon ones as well.

Without phase the same holds of a block's genotypes, of which people carry the common ones too.

Axes: R rows (haplotypes, or people in genotype mode), V variants of a block, L labels, P common haplotypes.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.genotypes import slices

MOST_COMMON = 512  # haplotypes of a block that count as common
# A label's share counts as if so many more of its rows had the share of everybody.
_PRIOR_ROWS = 10
_ROWS_AT_ONCE = 8_192


@dataclass(frozen=True, eq=False)
class BlockHaplotypes:
    """What people carry at the variants of a block.

    common: [P, V] int8; uncommon: [L] float64, the share of a label's rows that carry none of them.
    """

    common: np.ndarray
    uncommon: np.ndarray

    @staticmethod
    def of(rows: np.ndarray, labels: np.ndarray, n_labels: int, carriers: int) -> "BlockHaplotypes":
        """The haplotypes that so many training rows carry, and how many unseen rows carry others.

        Args:
            rows: [R, V] int8 of training people; those with a missing call (-1) are left out.
            labels: [R] int, from 0 to L - 1.
            n_labels: L.
            carriers: rows from which a haplotype is common, 2 or more.

        An unseen row finds one fewer among the others than a training row, which is one of its own
        carriers; so a haplotype of just so many carriers counts as uncommon in the share (leaving
        one out; Good 1953).
        """
        whole = (rows >= 0).all(axis=1)
        rows, labels = rows[whole], labels[whole]
        _, first, own, count = np.unique(
            _hashes(rows), return_index=True, return_inverse=True, return_counts=True
        )
        commonest = np.argsort(-count, kind="stable")[:MOST_COMMON]
        common = commonest[count[commonest] >= carriers]
        is_common = np.isin(np.arange(len(count)), common) & (count > carriers)
        uncommon = ~is_common[own]
        n_rows = np.bincount(labels, minlength=n_labels)
        found = np.bincount(labels, weights=uncommon, minlength=n_labels)
        everybody = uncommon.mean() if len(uncommon) else 1.0
        shares = (found + _PRIOR_ROWS * everybody) / (n_rows + _PRIOR_ROWS)
        return BlockHaplotypes(rows[first[common]], shares)

    def bring_back(self, rows: np.ndarray, values: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Rows [R, V] int8 of which no more are uncommon than expected of their labels.

        rows: [R, V] int8, what values [R, V] are nearest to; labels: [R] int. A row costs by how
        much farther its values are from the nearest common haplotype (squared distance), and the
        cheapest are brought back.
        """
        strange = np.flatnonzero(~np.isin(_hashes(rows), _hashes(self.common)))
        excess = len(strange) - round(float(self.uncommon[labels].sum()))
        if excess <= 0 or not len(self.common):
            return rows
        nearest, cost = np.empty(len(strange), int), np.empty(len(strange))
        common = self.common.astype(np.float32)
        for part in slices(len(strange), _ROWS_AT_ONCE):
            own = values[strange[part]]
            apart = (common**2).sum(axis=1) - 2 * own @ common.T  # less the square of values [r, P]
            nearest[part] = apart.argmin(axis=1)
            at_home = rows[strange[part]].astype(np.float32)
            cost[part] = apart.min(axis=1) - (at_home**2 - 2 * own * at_home).sum(axis=1)
        chosen = np.argsort(cost, kind="stable")[:excess]
        changed = rows.copy()
        changed[strange[chosen]] = self.common[nearest[chosen]]
        return changed


def _hashes(rows: np.ndarray) -> np.ndarray:
    """Random linear hashes modulo 2^64 of rows [R, V], uint64 [R]: two differ but once in 2^64."""
    weights = np.random.default_rng(0).integers(0, 2**64, size=rows.shape[1], dtype=np.uint64)
    return rows.astype(np.uint64) @ weights
