"""Write the sequences of people as FASTA, compressed in blocks, with .fai and .gzi indexes.

Axes: V variants, S people, P = 2 ploidy, N bases.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.files import all_or_nothing, require_space
from syncohort.formats.bgzf import LIKE_DNA, write_bgzf
from syncohort.formats.fasta import Sequence
from syncohort.formats.reference_fit import SWAPPED, UNPLACED, ReferenceFit
from syncohort.formats.sequence_edits import (
    Choices,
    edited,
    haplotype_choices,
    person_choices,
)
from syncohort.genotypes import people_at_once, rows_per_person, to_rows
from syncohort.ploidy import ABSENT

LINE_BASES = 60
_LINES_BASES = 1 << 16  # made into lines at once
CONSENSUS = "consensus"  # in the place of a haplotype's number
INDEXES = (".fai", ".gzi")
# a base on the disk [bytes]: a reference in capitals .28, one with half of it in small letters .39
BASE_BYTES = 0.4


@dataclass
class Written:
    """What was written of one chromosome.

    reference: name of its file. n_sequences, n_bases: of all people together. n_changes: places at which the sequences differ
    from the reference, over all sequences. n_swapped: variants whose ALT is the
    reference's allele. n_unplaced: variants of which the reference has no allele, left out. n_overlapping: alleles left out because they overlap one that is written;
    n_overlapping_variants: how many variants these are. n_uncoded: see `Choices`. n_one_copy: people of whom
    one sequence is written, for they have one copy of (most of) the chromosome; n_second_copies:
    their ALT alleles on the other one, where it has these regions too, which are not written.
    """

    contig: str
    reference: str
    n_sequences: int = 0
    n_bases: int = 0
    n_changes: int = 0
    n_swapped: int = 0
    n_unplaced: int = 0
    n_overlapping: int = 0
    n_overlapping_variants: int = 0
    n_uncoded: int = 0
    n_one_copy: int = 0
    n_second_copies: int = 0


def write_fasta(
    store: CohortStore,
    sequence: Sequence,
    path: str | Path,
    *,
    people: np.ndarray,
    mode: str,
    about: str,
    mismatch_max: float,
    threads: int = 1,
) -> Written:
    """Write the sequences of one chromosome of some people.

    In haplotype mode each has two, ID#1#CHROMOSOME and ID#2#CHROMOSOME (the names of PanSN), in
    genotype mode one with IUPAC codes, ID#consensus#CHROMOSOME. A man has one of chromosome X: what
    X shares with Y is written as it is on X. Bases that no variant changes are the reference's, in
    its capitals and small letters. How alleles that overlap are treated: `sequence_edits`.

    Args:
        store: chromosome. sequence: its reference.
        path: file to make, ending .fa.gz; its indexes are made beside it.
        people: indices of those to write, in this order. mode: "haplotype" or "genotype".
        about: what the header of each sequence says of it.
        mismatch_max: share of variants that may not fit the reference. threads: that compress.

    Raises InputError where more variants do not fit, with the first and the likely cause.
    """
    fit, kinds = ReferenceFit.of(sequence, store.variants)
    if fit.is_beyond(mismatch_max):
        raise InputError(
            f"{sequence.path}, chromosome {store.contig}: {fit.in_words()}. {fit.cause()} "
            "release.fasta.mismatch_max is the share that may not fit."
        )
    choices_of = haplotype_choices if mode == "haplotype" else person_choices
    choices = choices_of(sequence, store.variants, kinds)
    written = Written(
        store.contig,
        sequence.path.name,
        n_swapped=sum(fit.counts[kind] for kind in SWAPPED),
        n_unplaced=sum(fit.counts[kind] for kind in UNPLACED),
        n_uncoded=choices.n_uncoded,
    )
    rows = _rows(store, people, mode, written)
    with all_or_nothing(path, *(f"{path}{end}" for end in INDEXES)) as (partial, *_):
        n_sequences = len(people) * rows_per_person(mode)
        require_space(partial, n_sequences * sequence.length * BASE_BYTES)
        write_bgzf(partial, _text(rows, sequence, choices, about, written), threads, LIKE_DNA)
        pysam.faidx(str(partial))
    return written


def _rows(
    store: CohortStore, people: np.ndarray, mode: str, written: Written
) -> Iterator[tuple[str, np.ndarray]]:
    """The name of each sequence, and what its person has at each variant, int8 [V]."""
    for some, calls in store.people_chunks(people, people_at_once(len(store.variants))):
        for person, own in zip(store.people.id[some], np.moveaxis(calls, 1, 0), strict=True):
            if mode == "genotype":
                rows = {CONSENSUS: to_rows(own[:, None], mode)[0]}
            elif (own[:, 1] == ABSENT).any():
                rows = {"1": own[:, 0]}
                written.n_one_copy += 1
                written.n_second_copies += int((own[:, 1] == 1).sum())
            else:
                rows = {"1": own[:, 0], "2": own[:, 1]}
            for name, row in rows.items():
                yield f"{person}#{name}#{store.contig}", row


def _text(
    rows: Iterator[tuple[str, np.ndarray]],
    sequence: Sequence,
    choices: Choices,
    about: str,
    written: Written,
) -> Iterator[bytes]:
    """The text of a FASTA file, in parts, counted in `written`."""
    overlapping = np.zeros(len(choices.changes), dtype=bool)
    for name, chosen in rows:
        edits, left_out = choices.of(chosen)
        yield f">{name} {about}\n".encode()
        yield from _lines(edited(sequence, edits))
        overlapping[left_out] = True
        written.n_overlapping += len(left_out)
        written.n_sequences += 1
        written.n_changes += len(edits)
        written.n_bases += sequence.length + edits.growth
    written.n_overlapping_variants = int(overlapping.sum())


def _lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Bases in lines of `LINE_BASES`, many lines at a time."""
    waiting, size = [], 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= _LINES_BASES:
            bases = b"".join(waiting)
            whole = size - size % LINE_BASES
            yield _wrapped(bases[:whole])
            waiting, size = [bases[whole:]], size - whole
    bases = b"".join(waiting)
    whole = size - size % LINE_BASES
    yield _wrapped(bases[:whole])
    if whole < size:
        yield bases[whole:] + b"\n"


def _wrapped(bases: bytes) -> bytes:
    """As many whole lines as the bases make."""
    lines = np.full((len(bases) // LINE_BASES, LINE_BASES + 1), ord("\n"), dtype=np.uint8)
    lines[:, :LINE_BASES] = np.frombuffer(bases, np.uint8).reshape(-1, LINE_BASES)
    return lines.tobytes()
