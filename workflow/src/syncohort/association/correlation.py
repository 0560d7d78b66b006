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

from syncohort.bits import compiled, inlined, pack, popcount
from syncohort.cohort_store import CohortStore
from syncohort.genotypes import PLOIDY
from syncohort.packed_calls import FIRST_OF_TWO, ONE, PackedCalls


@dataclass(frozen=True)
class LabelledCalls:
    """Calls of some variants, ready to be correlated.

    values, called: uint64 [V, W], called None when no call is missing; ends: [L + 1], label l has
    the words ends[l] to ends[l + 1]; is_dosage: a value is a person's dosage, else a
    haplotype's allele; n, mean, spread: float64 [V, L], number, mean and squares about the mean of
    the variant's own calls.
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

    @staticmethod
    def read(
        store: CohortStore,
        people: np.ndarray,
        sizes: list[int],
        variants: np.ndarray,
        mode: Literal["haplotype", "genotype"],
    ) -> "LabelledCalls":
        """The calls of variants (rising indices [V]) of a store, a chunk at a time.

        people: indices [S], those of a label together; sizes, mode: see `of`.
        """
        parts = []
        for part in store.variant_slices():
            own = slice(*np.searchsorted(variants, [part.start, part.stop]))
            if own.start < own.stop:
                span = slice(variants[own][0], variants[own][-1] + 1)
                calls = store.read(span, people)[variants[own] - span.start]
                parts.append(LabelledCalls.of(calls, sizes, mode))
        if not parts:
            return LabelledCalls.of(np.empty((0, len(people), PLOIDY), np.int8), sizes, mode)
        called = None
        if any(part.called is not None for part in parts):
            called = np.concatenate([part._all_called(sizes) for part in parts])
        values, n, mean, spread = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("values", "n", "mean", "spread")
        )
        first = parts[0]
        return LabelledCalls(values, called, first.ends, first.is_dosage, n, mean, spread)

    def _all_called(self, sizes) -> np.ndarray:
        """`called`, written out where no call is missing."""
        if self.called is not None:
            return self.called
        full = [pack(np.ones((1, PLOIDY * size), dtype=bool)) for size in sizes]
        return np.repeat(np.concatenate(full, axis=1), len(self.values), axis=0)

    def pair_sums(self, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums within labels, float64 [M, L], of pairs of variants i [M] and j [M].

        Of the products of both values about their means, and of the squares of the first and of
        the second, over the rows in which both are called.
        """
        shape = len(i), self.n.shape[1]
        shared = self.values, self.called, self.ends, self.is_dosage
        product = np.empty(shape)
        _products(*shared, self.n, self.mean, i, j, product)
        if self.called is None:
            return product, self.spread[i], self.spread[j]
        squares = np.empty((2, *shape))
        _squares(*shared, self.mean, i, j, squares[0])
        _squares(*shared, self.mean, j, i, squares[1])
        return product, *squares


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


@inlined
def _product_sum(values, i, j, start, stop, is_dosage):
    """Sum of products of the values of variants i and j in the words from start to stop."""
    total = 0
    for w in range(start, stop):
        total += popcount(values[i, w] & values[j, w])
    if is_dosage:  # (a + b) (c + d) = ac + bd + ad + bc
        for w in range(start, stop):
            y = values[j, w]
            swapped = ((y >> ONE) & FIRST_OF_TWO) | ((y & FIRST_OF_TWO) << ONE)
            total += popcount(values[i, w] & swapped)
    return total


@inlined
def product_about_means(values, called, n, mean, i, j, label, start, stop, is_dosage):
    """Sum of products of the values of variants i and j about their means, where both are called.

    Arguments: fields of `LabelledCalls`; start, stop: the words of the label.
    """
    total = _product_sum(values, i, j, start, stop, is_dosage)
    mean_i, mean_j = mean[i, label], mean[j, label]
    if called is None:
        return total - n[i, label] * mean_i * mean_j
    both = sum_i = sum_j = 0
    for w in range(start, stop):
        both += popcount(called[i, w] & called[j, w])
        sum_i += popcount(values[i, w] & called[j, w])
        sum_j += popcount(values[j, w] & called[i, w])
    rows = both / 2 if is_dosage else both
    return total - mean_i * sum_j - mean_j * sum_i + rows * mean_i * mean_j


@compiled
def _products(values, called, ends, is_dosage, n, mean, first, second, product):
    """Write the products of `LabelledCalls.pair_sums`."""
    for m in range(len(first)):
        for label in range(len(ends) - 1):
            start, stop = ends[label], ends[label + 1]
            i, j = first[m], second[m]
            product[m, label] = product_about_means(
                values, called, n, mean, i, j, label, start, stop, is_dosage
            )


@compiled
def _squares(values, called, ends, is_dosage, mean, first, second, square):
    """Write the squares of the first variant of each pair where the second is called, too."""
    for m in range(len(first)):
        i, j = first[m], second[m]
        for label in range(len(ends) - 1):
            both = sum_ = twos = 0
            for w in range(ends[label], ends[label + 1]):
                x = values[i, w] & called[j, w]
                both += popcount(called[i, w] & called[j, w])
                sum_ += popcount(x)
                twos += popcount(x & (x >> ONE) & FIRST_OF_TWO)
            rows, raw = (both / 2, sum_ + 2 * twos) if is_dosage else (both, sum_)
            square[m, label] = raw - mean[i, label] * (2 * sum_ - rows * mean[i, label])
