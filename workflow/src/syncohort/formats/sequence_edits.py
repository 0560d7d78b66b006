"""Sequences that carry alleles: what each allele changes of the reference, and the changed text.

Which of the alleles on one sequence are written where they overlap: alleles are first trimmed to
the bases in which they differ from the reference, then the first by position is written, and a later
one that changes a base the earlier one has changed, or inserts where it has inserted, is left out.

Axes: V variants, K choices of a variant, E edits of a sequence, N reference bases.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from syncohort.formats.fasta import Sequence
from syncohort.formats.reference_fit import CODE_OF, UNPLACED
from syncohort.genotypes import MISSING, Variants

_STEP_BASES = 1 << 22
_LOWER = 0x20  # the bit in which small letters differ from capitals
_UNKNOWN = "N"


@dataclass(frozen=True)
class Edits:
    """Stretches of the reference and what stands in their place, in genomic order.

    start, end [E] int64: bases [start, end) counted from 0, of which none overlap;
    text [E] bytes, empty for a deletion.
    """

    start: np.ndarray
    end: np.ndarray
    text: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    @property
    def growth(self) -> int:
        """By how many bases the sequence is longer than the reference."""
        return sum(map(len, self.text)) - int((self.end - self.start).sum())


@dataclass(frozen=True)
class Choices:
    """What each choice at each variant changes of the reference.

    changes [V, K] bool: whether anything; start, end [V, K] int64: bases [start, end) counted
    from 0; text [V, K]: bytes in their place. Choices of a haplotype: 0 REF, 1 ALT, -1 missing (N); of
    a person: the dosage of ALT, 1 as IUPAC codes, -1 missing. n_uncoded: variants of which a
    heterozygote has no code, its alleles being of different lengths; the allele that is not the
    reference's stands for it, as with `bcftools consensus --iupac-codes`.
    """

    changes: np.ndarray
    start: np.ndarray
    end: np.ndarray
    text: np.ndarray
    n_uncoded: int

    def of(self, chosen: np.ndarray) -> tuple[Edits, np.ndarray]:
        """The edits of one sequence, chosen [V] int8.

        Returns the edits, and the variants whose allele is left out because it overlaps, [n].
        """
        own = np.flatnonzero(self.changes[np.arange(len(chosen)), chosen])
        start, end = self.start[own, chosen[own]], self.end[own, chosen[own]]
        order = np.lexsort((start < end, start))  # what is inserted at a place stands before it
        own, start, end = own[order], start[order], end[order]
        kept = _without_overlaps(start, end)
        text = self.text[own, chosen[own]]
        return Edits(start[kept], end[kept], text[kept]), own[~kept]


def haplotype_choices(sequence: Sequence, variants: Variants, kinds: np.ndarray) -> Choices:
    """What the alleles of variants change of a reference; kinds [V]: see `ReferenceFit.of`.

    An allele that the reference has changes nothing, whether it is called REF or ALT. Variants
    that have no place on the reference change nothing.
    """
    return _choices(sequence, variants, kinds, person=False)


def person_choices(sequence: Sequence, variants: Variants, kinds: np.ndarray) -> Choices:
    """The same of dosages, 0 to 2."""
    return _choices(sequence, variants, kinds, person=True)


def edited(sequence: Sequence, edits: Edits) -> Iterator[bytes]:
    """The reference with edits, in consecutive parts."""
    place = done = 0
    while place < sequence.length:
        stop = min(place + _STEP_BASES, sequence.length)
        last = stop == sequence.length  # what is inserted at its end belongs to it
        until = int(np.searchsorted(edits.start, stop, side="right" if last else "left"))
        if until > done:
            stop = max(stop, int(edits.end[until - 1]))
        bases = np.frombuffer(sequence.read(place, stop), np.uint8).copy()
        yield from _put(bases, place, edits, slice(done, until))
        place, done = stop, until


def _put(bases: np.ndarray, place: int, edits: Edits, some: slice) -> Iterator[bytes]:
    """Bases [N] uint8, the first of which is number `place`, with some of the edits."""
    start, end, text = edits.start[some] - place, edits.end[some] - place, edits.text[some]
    size = np.fromiter(map(len, text), np.int64, len(text))
    single = (end - start == 1) & (size == 1)
    bases[start[single]] = np.frombuffer(b"".join(text[single]), np.uint8)
    view, at = memoryview(bases), 0
    longer = zip(*(column[~single].tolist() for column in (start, end, text)), strict=True)
    for first, beyond, replacement in longer:
        yield bytes(view[at:first])
        yield replacement
        at = beyond
    yield bytes(view[at:])


def _without_overlaps(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Which edits are kept, bool [E]; in order of their start, insertions first."""
    kept = np.ones(len(start), dtype=bool)
    inserts = start == end
    touching = start[1:] < end[:-1]
    touching |= inserts[1:] & inserts[:-1] & (start[1:] == start[:-1])
    if not touching.any():
        return kept
    taken, point = -1, -1  # end of what is written, and the last place where something is inserted
    for at, (first, beyond) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        if first < taken or first == beyond == point:
            kept[at] = False
            continue
        taken = beyond
        point = first if first == beyond else point
    return kept


def _choices(sequence: Sequence, variants: Variants, kinds, *, person: bool) -> Choices:
    n_choices = 4 if person else 3
    start, end = np.zeros((2, len(variants), n_choices), dtype=np.int64)
    text = np.full((len(variants), n_choices), b"", dtype=object)
    changes = np.zeros((len(variants), n_choices), dtype=bool)
    n_uncoded = 0
    rows = zip(variants.position_bp.tolist(), variants.allele.tolist(), strict=True)
    for at, (position, alleles) in enumerate(rows):
        if kinds[at] in UNPLACED:
            continue
        swapped = kinds[at] in ("swapped", "provisional")
        own, other = alleles[::-1] if swapped else alleles
        first = position - 1
        there = sequence.read(first, first + len(own)).decode()
        wanted = [*alleles, _UNKNOWN * len(own)]
        if person:
            wanted.insert(1, _both(own, other))
            n_uncoded += len(own) != len(other)
        for choice, allele in zip((*range(n_choices - 1), MISSING), wanted, strict=True):
            change = _change(there, allele)
            if change is not None:
                before, after, text[at, choice] = change
                changes[at, choice] = True
                start[at, choice] = first + before
                end[at, choice] = first + len(there) - after
    return Choices(changes, start, end, text, n_uncoded)


def _both(own: str, other: str) -> str:
    """The text for one of each allele: IUPAC codes where the alleles are of one length."""
    if len(own) != len(other):
        return other
    return "".join(CODE_OF.get(frozenset(pair), pair[0]) for pair in zip(own, other, strict=True))


def _change(there: str, allele: str) -> tuple[int, int, bytes] | None:
    """How an allele differs from what the reference has there: bases alike before and after the
    difference, and the text between them; None where it does not differ.

    The text is in small letters where the reference is.
    """
    capitals = there.upper()
    if capitals == allele:
        return None
    most, before, after = min(len(there), len(allele)), 0, 0
    while before < most and capitals[before] == allele[before]:
        before += 1  # first, so that the base before an indel in a VCF stays what it is
    while after < most - before and capitals[-1 - after] == allele[-1 - after]:
        after += 1
    old, new = there[before : len(there) - after], allele[before : len(allele) - after]
    if len(old) != len(new):
        new = new.lower() if there[0].islower() else new
    else:
        pairs = zip(old, new, strict=True)
        new = "".join(base.lower() if was.islower() else base for was, base in pairs)
    return before, after, new.encode()
