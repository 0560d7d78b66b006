"""Calls as they lie in a cohort dataset: bits, two a person, that Blosc's chunks hold apart.

An allele is a byte of 1, 0, -1 or -2, and the shuffle of a chunk puts the lowest bits of all its bytes
first and their signs last. These two planes of eight say all of it, so that calls are counted, or written
in two bits a person, without a byte for each allele.
Source: the chunk format of Blosc 1 (c-blosc, README_CHUNK_FORMAT).

Axes: V variants, S people, B = S / 4 bytes, rounded up.
"""

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import zarr
from numcodecs import Blosc, zstd

from syncohort.genotypes import PEOPLE_PER_BYTE

_SECOND_OF_TWO = np.uint8(0b10_10_10_10)
_PLANES = 8
_HEADER = 16
# format 2, no dictionary; compressed by zstd, bits shuffled, a block's bytes in one stream; of one byte each
_READ_AS_PLANES = bytes([2, 1, 0b100_1_0_1_00, 1])


@dataclass(frozen=True)
class AlleleBits:
    """Calls of all of a store's people, or of a span of them: an allele is low - 2 sign.

    low, signs: uint8 [V, B], two bits a person, the first lowest; signs is None where no allele is
    negative. Bits past the last person are 0.
    """

    low: np.ndarray
    signs: np.ndarray | None

    @staticmethod
    def of(calls: np.ndarray) -> "AlleleBits":
        """Bits of calls int8 [V, S, 2]."""
        alleles = calls.reshape(len(calls), -1)
        signs = _pack(alleles < 0) if alleles.min(initial=0) < 0 else None
        return AlleleBits(_pack(alleles & 1), signs)

    @staticmethod
    def joined(parts: list["AlleleBits"]) -> "AlleleBits":
        """Bits of consecutive variants, together."""
        if len(parts) == 1:
            return parts[0]
        low, signs = [part.low for part in parts], None
        if any(part.signs is not None for part in parts):
            signs = [np.zeros_like(p.low) if p.signs is None else p.signs for p in parts]
        return AlleleBits(np.concatenate(low), None if signs is None else np.concatenate(signs))

    def __len__(self) -> int:
        return len(self.low)

    def __getitem__(self, variants) -> Self:
        """Select variants by slice or mask."""
        return self._each(lambda plane: plane[variants])

    def calls(self, people: np.ndarray) -> np.ndarray:
        """Calls int8 [V, S', 2] of people (indices [S'] in any order)."""
        first = people[0] if len(people) else 0
        if np.array_equal(people, np.arange(first, first + len(people))):
            span = slice(first // PEOPLE_PER_BYTE, None)
            skipped = first % PEOPLE_PER_BYTE
            calls = self._each(lambda plane: plane[:, span])._unpacked(skipped + len(people))
            return np.ascontiguousarray(calls[:, skipped:])
        used, place = np.unique(people // PEOPLE_PER_BYTE, return_inverse=True)
        calls = self._each(lambda plane: np.take(plane, used, axis=1))._unpacked(
            PEOPLE_PER_BYTE * len(used)
        )
        pairs = calls.view(np.int16)[..., 0]  # both alleles together
        chosen = np.take(pairs, PEOPLE_PER_BYTE * place + people % PEOPLE_PER_BYTE, axis=1)
        return chosen.view(np.int8).reshape(*chosen.shape, 2)

    def doubled(self) -> Self:
        """Bits of calls in which an allele without a second one stands twice, see `ploidy`."""
        if self.signs is None:
            return self
        absent = self.signs & ~self.low & _SECOND_OF_TWO  # -2, the other negative one is -1
        return self._each(lambda plane: plane & ~absent | (plane << 1) & absent)

    def _each(self, change) -> Self:
        return AlleleBits(change(self.low), None if self.signs is None else change(self.signs))

    def _unpacked(self, n_people: int) -> np.ndarray:
        """Calls int8 [V, n_people, 2] of the first people."""
        alleles = _unpack(self.low, 2 * n_people)
        if self.signs is not None:
            alleles -= 2 * _unpack(self.signs, 2 * n_people)
        return alleles.reshape(len(self), n_people, 2)


def _pack(flags: np.ndarray) -> np.ndarray:
    return np.packbits(flags, axis=1, bitorder="little")


def _unpack(plane: np.ndarray, n: int) -> np.ndarray:
    return np.unpackbits(plane, axis=1, count=n, bitorder="little").view(np.int8)


class CallChunks:
    """The array call_genotype of a dataset's zip file, read a row of chunks at a time."""

    def __init__(self, archive: zipfile.ZipFile, array: zarr.Array):
        self._archive, self._name = archive, array.basename
        self._n_variants, self._n_people = array.shape[:2]
        self._height, self._width = array.chunks[:2]

    def bits(self, variants: slice, people: slice = slice(None)) -> Iterator[tuple]:
        """Yield (rows of the result, `AlleleBits`) of a slice of variants, for each row of chunks.

        people: consecutive; the first of them a multiple of `PEOPLE_PER_BYTE`.
        """
        wanted, own = range(self._n_variants)[variants], range(self._n_people)[people]
        for row in range(wanted.start // self._height, -(-wanted.stop // self._height)):
            top = row * self._height
            start, stop = max(wanted.start, top), min(wanted.stop, top + self._height)
            found = self._row(row, slice(start - top, stop - top), own)
            yield slice(start - wanted.start, stop - wanted.start), found

    def _row(self, row: int, variants: slice, people: range) -> AlleleBits:
        """Bits of some variants of a row of chunks."""
        first, width = people.start // PEOPLE_PER_BYTE, self._width // PEOPLE_PER_BYTE
        shape = variants.stop - variants.start, -(-len(people) // PEOPLE_PER_BYTE)
        low, signs = np.empty(shape, dtype=np.uint8), None
        for column in range(people.start // self._width, -(-people.stop // self._width)):
            chunk = self._archive.read(f"{self._name}/{row}.{column}.0")
            planes = [
                None if plane is None else plane.reshape(self._height, width)[variants]
                for plane in bit_planes(chunk)
            ]
            left = column * width - first
            place = slice(max(left, 0), min(left + width, shape[1]))
            part = slice(place.start - left, place.stop - left)
            low[:, place] = planes[0][:, part]
            if planes[1] is not None:
                signs = np.zeros(shape, dtype=np.uint8) if signs is None else signs
                signs[:, place] = planes[1][:, part]
        return AlleleBits(low, signs)

    def read(self, variants: slice, samples) -> np.ndarray:
        """Calls int8 [V', S', 2] of a slice of variants and a slice, mask or index of samples."""
        people = np.arange(self._n_people)[samples]
        n_variants = len(range(self._n_variants)[variants])
        calls = np.empty((n_variants, len(people), 2), dtype=np.int8)
        if calls.size:
            first = int(people.min()) // PEOPLE_PER_BYTE * PEOPLE_PER_BYTE
            for part, found in self.bits(variants, slice(first, int(people.max()) + 1)):
                if len(found) == n_variants:
                    return found.calls(people - first)
                calls[part] = found.calls(people - first)
        return calls


def bit_planes(chunk: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """Lowest bits and signs, uint8 [n / 8], of n int8 that Blosc compressed; None: all signs are 0."""
    n, block_size = struct.unpack_from("<II", chunk, 4)
    if chunk[:4] != _READ_AS_PLANES or n % _PLANES or block_size % _PLANES:  # of few bytes, say
        values = np.frombuffer(Blosc().decode(chunk), dtype=np.int8)[None]
        low, signs = _pack(values & 1)[0], _pack(values < 0)[0]
        return low, signs if signs.any() else None
    low, signs = np.empty(n // _PLANES, dtype=np.uint8), None
    block, held = np.empty(block_size, dtype=np.uint8), memoryview(chunk)
    for i, start in enumerate(struct.unpack_from(f"<{-(-n // block_size)}I", chunk, _HEADER)):
        size = min(block_size, n - i * block_size)
        (stored,) = struct.unpack_from("<I", chunk, start)
        content, own = held[start + 4 : start + 4 + stored], block[:size]
        if stored == size:  # zstd could not shorten it
            own = np.frombuffer(content, dtype=np.uint8)
        else:
            zstd.decompress(content, own)
        place = slice(i * block_size // _PLANES, (i * block_size + size) // _PLANES)
        planes = own.reshape(_PLANES, -1)
        low[place] = planes[0]
        if planes[-1].any():
            signs = np.zeros_like(low) if signs is None else signs
            signs[place] = planes[-1]
    return low, signs
