"""Sequences that carry alleles: what each allele changes of the reference, and the changed text.

Which of the alleles on one sequence are written where they overlap: alleles are first trimmed to
the bases in which they differ from the reference, then the first by position is written, and a later
one that changes a base the earlier one has changed, or inserts where it has inserted, is left out.
A REF that the reference does not have gives way to an ALT, and a person's two ALT alleles of one
position that are single bases become one code.

Axes: V variants, K choices of a variant, E edits of a sequence, N reference bases.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from syncohort.formats.fasta import Sequence
from syncohort.formats.reference_fit import CODE_OF, SWAPPED, UNPLACED
from syncohort.genotypes import MISSING, Variants

_STEP_BASES = 1 << 22
_UNKNOWN = "N"


@dataclass(frozen=True)
class Edits:
    """Stretches of the reference and what stands in their place, in genomic order.

    start, end [E] int64: bases [start, end) counted from 0;
    text [E] bytes, empty for a deletion.
    """

    start: np.ndarray
    end: np.ndarray
    text: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, some) -> Self:
        return Edits(self.start[some], self.end[some], self.text[some])

    @property
    def growth(self) -> int:
        """By how many bases the sequence is longer than the reference."""
        return sum(map(len, self.text)) - int((self.end - self.start).sum())


@dataclass(frozen=True)
class Choices:
    """What each choice at each variant changes of the reference.

    Choices of a haplotype: 0 REF, 1 ALT, -1 missing (N); of a person: the dosage of ALT, 1 as
    IUPAC codes, -1 missing.

    site [V]: number of the position that a variant stands at. changes [V, K] bool: whether a choice
    changes anything; start, end [V, K] int64: bases [start, end) counted from 0; text [V, K]: bytes
    in their place. of_people: whether choices are people's. n_uncoded: variants of which a
    heterozygote has no code, its alleles being of different lengths; the allele that is not the
    reference's stands for it, as with `bcftools consensus --iupac-codes`.
    """

    site: np.ndarray
    changes: np.ndarray
    start: np.ndarray
    end: np.ndarray
    text: np.ndarray
    of_people: bool
    n_uncoded: int

    def of(self, chosen: np.ndarray) -> tuple[Edits, np.ndarray]:
        """The edits of one sequence, chosen [V] int8.

        Returns the edits, and the variants whose allele is left out because it overlaps, [n].
        """
        changes = self.changes[np.arange(len(chosen)), chosen]
        codes = self._codes_of_two(chosen, changes) if self.of_people else {}
        own = np.flatnonzero(changes)
        start, end = self.start[own, chosen[own]], self.end[own, chosen[own]]
        text = self.text[own, chosen[own]]
        for at, code in codes.items():
            text[own == at] = code
        order = np.lexsort((start < end, start))  # what is inserted at a place stands before it
        own, edits = own[order], Edits(start[order], end[order], text[order])
        stays = ~_gives_way(edits, chosen[own] == 0)
        own, edits = own[stays], edits[stays]
        kept = _without_overlaps(edits)
        return edits[kept], own[~(kept | _is_repeated(edits))]

    def _codes_of_two(self, chosen: np.ndarray, changes: np.ndarray) -> dict[int, bytes]:
        """The codes of a person's two ALT alleles of a position, by the first of the two variants;
        the second's change is taken out of changes [V]."""
        n_carried = np.bincount(self.site[chosen > 0], minlength=len(chosen))[self.site]
        several = np.flatnonzero((chosen == 1) & (n_carried == 2))
        codes = {}
        for first, second in pairwise(several):
            own = [first, second]
            bases = b"".join(self.text[own, 2])
            is_snps = (self.end[own, 2] - self.start[own, 2] == 1).all() and len(bases) == 2
            if self.site[first] == self.site[second] and is_snps:
                codes[first] = _code_of(bases.decode()).encode()
                changes[second] = False
        return codes


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
    """The reference with edits that do not overlap, in consecutive parts."""
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


def _gives_way(edits: Edits, is_ref: np.ndarray) -> np.ndarray:
    """Which edits are a REF [E] where an ALT changes something, bool [E]; in order of their start."""
    others, ways = edits[~is_ref], np.zeros(len(edits), dtype=bool)
    if len(others) and is_ref.any():
        reach = np.maximum.accumulate(others.end)
        n_before = np.searchsorted(others.start, edits.end[is_ref])
        covered = reach[np.maximum(n_before - 1, 0)] > edits.start[is_ref]
        ways[is_ref] = covered & (n_before > 0)
    return ways


def _is_repeated(edits: Edits) -> np.ndarray:
    """Which edits are the same as the one before, bool [E]."""
    columns = (edits.start, edits.end, edits.text)
    same = np.logical_and.reduce([column[1:] == column[:-1] for column in columns])
    return np.append(False, same)[: len(edits)]


def _without_overlaps(edits: Edits) -> np.ndarray:
    """Which edits are kept, bool [E]; in order of their start, insertions first."""
    start, end = edits.start, edits.end
    kept = np.ones(len(edits), dtype=bool)
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
        swapped = kinds[at] in SWAPPED
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
    site = np.unique(variants.position_bp, return_inverse=True)[1]
    return Choices(site, changes, start, end, text, person, n_uncoded)


def _both(own: str, other: str) -> str:
    """The text for one of each allele: IUPAC codes where the alleles are of one length."""
    if len(own) != len(other):
        return other
    return "".join(map(_code_of, map("".join, zip(own, other, strict=True))))


def _code_of(bases: str) -> str:
    """The IUPAC code of one of two bases, small where the first is small."""
    code = CODE_OF.get(frozenset(bases.upper()), bases[0])
    return code.lower() if bases[0].islower() else code


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
