"""Flags as bits in words of 64, and loops over them that are compiled when first called.

Axes: A rows, n flags of a row, W = n / 64 words, rounded up.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, register_jitable

WORD = 64


_SUMS = {"reassoc", "contract", "nsz"}  # several terms of a sum at once; NaN and inf stay


def compiled(function, **options):
    """Compile a function for this processor and keep the code beside its module.

    Where neither that folder nor the user's own can be written the code is made anew in every
    process. The interpreter is free meanwhile, so that threads may share the work.
    """
    try:
        return njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # numba finds no folder for its cache
        return njit(nogil=True, **options)(function)


def compiled_sums(function):
    """`compiled`, and sums of floats are taken in whatever order is fast."""
    return compiled(function, fastmath=_SUMS)


inlined = register_jitable(inline="always")  # a function that is written out where it is called


@intrinsic
def popcount(_, word):
    """How many bits of a word uint64 are 1: one instruction, or one for several words."""

    def generate(_, builder, __, arguments):
        return builder.trunc(builder.ctpop(arguments[0]), ir.IntType(64))

    return types.int64(types.uint64), generate


def words(n: int) -> int:
    """Words that hold n flags."""
    return -(-n // WORD)


def pack(flags: np.ndarray) -> np.ndarray:
    """Flags bool [A, n] as words uint64 [A, W]; the bits past the last flag are 0."""
    packed = np.packbits(flags, axis=1, bitorder="little")
    full = np.zeros((len(flags), 8 * words(flags.shape[1])), dtype=np.uint8)
    full[:, : packed.shape[1]] = packed
    return full.view("<u8")


def pack_at_least(values: np.ndarray, least: int) -> np.ndarray:
    """Where values int8 [A, n] are at least `least`, as words [A, W], in either order of memory."""
    if values.flags.c_contiguous or not values.T.flags.c_contiguous:
        return pack(values >= least)
    packed = np.zeros((len(values), words(values.shape[1])), dtype=np.uint64)
    _pack_columns(values.T, least, packed)
    return packed


@compiled
def _pack_columns(values, least, packed):
    """Rows of values [n, A], 64 together, become a column of packed [A, W]."""
    n, width = values.shape
    word = np.empty(width, dtype=np.uint64)
    for start in range(0, n, WORD):
        word[:] = 0
        for row in range(start, min(start + WORD, n)):
            bit = np.uint64(1) << np.uint64(row - start)
            for column in range(width):
                word[column] |= bit if values[row, column] >= least else np.uint64(0)
        packed[:, start // WORD] = word
