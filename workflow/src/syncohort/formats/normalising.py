"""Variants in their one way of writing, in order again: leftmost where the reference is known.

The same insertion or deletion can be written at several places of a repeat, and with more bases
than it needs; a change that is written twice is one variant (Tan et al. 2015). Variants that move
change places with others, so the last `REACH_BP` of a chunk wait for the next one.

Axes: v variants of a chunk, S people, 2 alleles.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from syncohort.formats.alleles import left_aligned, trimmed
from syncohort.formats.source import Chunk
from syncohort.genotypes import Variants

REACH_BP = 1_000  # a variant moves no further to the left


class Reference(Protocol):
    """A chromosome of the reference genome; `fasta.Sequence` is one."""

    def read(self, start: int, end: int) -> bytes:
        """The bases [start, end), counted from 0."""


@dataclass
class NormalisedCounts:
    """n_changed: variants with another position or other alleles than their record; n_differing:
    those of several bases whose REF is not the reference's, which stay where they are; n_repeated:
    those left out, because they are the same as another one."""

    n_changed: int = 0
    n_differing: int = 0
    n_repeated: int = 0


def normalised(
    chunks: Iterable[Chunk], reference: Reference | None, counts: NormalisedCounts
) -> Iterator[Chunk]:
    """The chunks of a chromosome with variants normalised, sorted, and each there once.

    Of equal variants the first stays. All variants of a position come in one chunk. Without a
    reference, variants have as few bases as can be, and stand where their record says.

    counts: is added to.
    """
    waiting = None
    for chunk in chunks:
        own = _Columns.of(chunk)
        if len(own.position):
            reached = int(own.position[-1]) - REACH_BP
            _normalise(own, reference, counts)
            own = own if waiting is None else waiting.then(own)
            own = own[_distinct_in_order(own, counts)]
            n_ready = int(np.searchsorted(own.position, reached))
            own, waiting = own[:n_ready], own[n_ready:]
        yield own.put_into(chunk)
    if waiting is not None:
        yield waiting.put_into(replace(chunk, **_NOTHING_MORE))


# of a chunk whose records were counted with another
_NOTHING_MORE = {
    "n_read": 0, "n_pairs": 0, "n_breaks": 0,
    "dropped": {}, "failed": {}, "codes": {}, "symbols": {},
}  # fmt: skip


@dataclass(frozen=True)
class _Columns:
    """Variants in any order, and their calls: position int64 [v]; id [v]; ref, alt [v] str;
    provisional [v]; calls [v, S, 2]; phased [v, S]."""

    position: np.ndarray
    id: np.ndarray
    ref: np.ndarray
    alt: np.ndarray
    provisional: np.ndarray
    calls: np.ndarray
    phased: np.ndarray

    @classmethod
    def of(cls, chunk: Chunk) -> Self:
        own = chunk.variants
        position = own.position_bp.astype(np.int64)
        ref, alt = own.allele.T.copy()
        return cls(position, own.id, ref, alt, own.provisional, chunk.calls, chunk.phased)

    def _columns(self) -> tuple[np.ndarray, ...]:
        return tuple(vars(self).values())

    def __getitem__(self, rows) -> Self:
        return _Columns(*(column[rows] for column in self._columns()))

    def then(self, other: Self) -> Self:
        pairs = zip(self._columns(), other._columns(), strict=True)
        return _Columns(*(np.concatenate(pair) for pair in pairs))

    def put_into(self, chunk: Chunk) -> Chunk:
        allele = np.stack([self.ref, self.alt], axis=1)
        contig = chunk.variants.contig
        variants = Variants(contig, self.position, self.id, allele, self.provisional)
        return replace(chunk, variants=variants, calls=self.calls, phased=self.phased)


def _normalise(own: _Columns, reference: Reference | None, counts: NormalisedCounts) -> None:
    """Give variants of several bases their one position and alleles, in place."""
    longest = np.fromiter(map(len, own.ref), int) + np.fromiter(map(len, own.alt), int)
    for row in np.flatnonzero(longest > 2):
        variant = int(own.position[row]), own.ref[row], own.alt[row]
        found = trimmed(*variant)
        if reference is not None:
            before = _before(reference, *variant[:2])
            counts.n_differing += before is None
            found = left_aligned(*variant, before) if before is not None else found
        counts.n_changed += found != variant
        own.position[row], own.ref[row], own.alt[row] = found


def _before(reference: Reference, position: int, ref: str) -> str | None:
    """The bases before a position, so many as a variant may move; None where REF differs."""
    start = max(position - 1 - REACH_BP, 0)
    text = reference.read(start, position - 1 + len(ref)).decode().upper()
    return text[: position - 1 - start] if text[position - 1 - start :] == ref else None


def _distinct_in_order(own: _Columns, counts: NormalisedCounts) -> np.ndarray:
    """The rows by position, without those that say the same as one before."""
    seen, rows = set(), []
    for row in np.argsort(own.position, kind="stable").tolist():
        variant = (own.position[row], own.ref[row], own.alt[row])
        if variant not in seen:
            seen.add(variant)
            rows.append(row)
    counts.n_repeated += len(own.position) - len(rows)
    return np.array(rows, dtype=np.int64)
