"""Correlation of variants, by counting bits of their calls: linkage disequilibrium.

A variant's alleles stand people by people, label by label, two bits a person, and each label starts
a new word. Sums of products over haplotypes, or of dosages over people, are counts of bits, hence
exact.

Axes: V variants, S people, L labels, M pairs of variants, W words.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from syncohort.bits import compiled, popcount
from syncohort.genotypes import PLOIDY
from syncohort.packed_calls import FIRST_OF_TWO, ONE, PackedCalls


@dataclass(frozen=True)
class LabelledCalls:
    """Calls of some variants, ready to be correlated.

    values, called: uint64 [V, W], called None when no call is missing; ends: [L + 1], label l has
    the words ends[l] to ends[l + 1]; is_dosage: a value is a person's dosage, else a
    haplotype's allele; mean, spread: float64 [V, L], of the values and of their squares about
    the mean, over the variant's own calls.
    """

    values: np.ndarray
    called: np.ndarray | None
    ends: np.ndarray
    is_dosage: bool
    n: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    @staticmethod
    def of(
        calls: np.ndarray, sizes: list[int], mode: Literal["haplotype", "genotype"]
    ) -> "LabelledCalls":
        """calls: int8 [V, S, 2], -1 missing, the people of a label together; sizes: [L] of labels."""
        is_dosage = mode == "genotype"
        parts = [PackedCalls.of(calls[:, a:b]) for a, b in pairwise(np.cumsum([0, *sizes]))]
        if is_dosage:
            parts = [part.without_half_calls() for part in parts]
        ends = np.cumsum([0] + [part.alt.shape[1] for part in parts])
        values = np.concatenate([part.alt for part in parts], axis=1)
        called = None
        if any(part.missing is not None for part in parts):
            called = np.concatenate([part.called() for part in parts], axis=1)
        n = np.tile(np.array(sizes, dtype=float) * (1 if is_dosage else PLOIDY), (len(calls), 1))
        total, square = np.empty_like(n), np.empty_like(n)
        _own_sums(values, called, ends, is_dosage, n, total, square)
        mean = total / np.maximum(n, 1)
        return LabelledCalls(values, called, ends, is_dosage, n, mean, square - n * mean**2)

    def pair_sums(self, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums within labels, float64 [M, L], of pairs of variants i [M] and j [M].

        Of the products of both values about their means, and of the squares of the first and of
        the second, over the rows in which both are called.
        """
        product = np.empty((len(i), self.n.shape[1]))
        if self.called is None:
            _products(self.values, self.ends, self.is_dosage, self.n, self.mean, i, j, product)
            return product, self.spread[i], self.spread[j]
        first, second = np.empty_like(product), np.empty_like(product)
        _called_sums(
            *(self.values, self.called, self.ends, self.is_dosage, self.mean),
            *(i, j, product, first, second),
        )
        return product, first, second


@compiled
def _own_sums(values, called, ends, is_dosage, n, total, square):
    """Write the sums [V, L] of a variant's values and squares, and, of those called, their number."""
    for v in range(len(values)):
        for label in range(len(ends) - 1):
            sum_, both, rows = 0, 0, 0
            for w in range(ends[label], ends[label + 1]):
                x = values[v, w]
                sum_ += popcount(x)
                both += popcount(x & (x >> ONE) & FIRST_OF_TWO)
                if called is not None:
                    rows += popcount(called[v, w])
            total[v, label] = sum_
            square[v, label] = sum_ + 2 * both if is_dosage else sum_
            if called is not None:
                n[v, label] = rows / 2 if is_dosage else rows


@compiled
def product_sum(x, y, start, stop, is_dosage):
    """Sum of products of the values of two variants, words [W] each, from start to stop."""
    total = 0
    for w in range(start, stop):
        total += popcount(x[w] & y[w])
    if is_dosage:  # (a + b) (c + d) = ac + bd + ad + bc
        for w in range(start, stop):
            swapped = ((y[w] >> ONE) & FIRST_OF_TWO) | ((y[w] & FIRST_OF_TWO) << ONE)
            total += popcount(x[w] & swapped)
    return total


@compiled
def _products(values, ends, is_dosage, n, mean, first, second, product):
    """`LabelledCalls.pair_sums` when all is called."""
    for m in range(len(first)):
        i, j = first[m], second[m]
        for label in range(len(ends) - 1):
            start, stop = ends[label], ends[label + 1]
            sum_ = product_sum(values[i], values[j], start, stop, is_dosage)
            product[m, label] = sum_ - n[i, label] * mean[i, label] * mean[j, label]


@compiled
def _called_sums(
    values, called, ends, is_dosage, mean, first, second, product, first_square, second_square
):
    """`LabelledCalls.pair_sums` over the rows in which both are called."""
    for m in range(len(first)):
        i, j = first[m], second[m]
        for label in range(len(ends) - 1):
            start, stop = ends[label], ends[label + 1]
            n = sum_i = sum_j = twos_i = twos_j = 0
            for w in range(start, stop):
                x = values[i, w] & called[j, w]
                y = values[j, w] & called[i, w]
                n += popcount(called[i, w] & called[j, w])
                sum_i += popcount(x)
                sum_j += popcount(y)
                if is_dosage:
                    twos_i += popcount(x & (x >> ONE) & FIRST_OF_TWO)
                    twos_j += popcount(y & (y >> ONE) & FIRST_OF_TWO)
            rows = n / 2 if is_dosage else n
            mean_i, mean_j = mean[i, label], mean[j, label]
            sum_ = product_sum(values[i], values[j], start, stop, is_dosage)
            about = rows * mean_i * mean_j
            product[m, label] = sum_ - mean_i * sum_j - mean_j * sum_i + about
            square_i, square_j = sum_i + 2 * twos_i, sum_j + 2 * twos_j
            first_square[m, label] = square_i - 2 * mean_i * sum_i + rows * mean_i**2
            second_square[m, label] = square_j - 2 * mean_j * sum_j + rows * mean_j**2
