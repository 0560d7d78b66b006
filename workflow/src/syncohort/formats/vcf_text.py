"""Lines of a VCF as arrays, thousands of records at a time.

Decoded here is what is plain: GT alone or first in FORMAT, calls of one or two alleles of one
digit, no phase sets. At anything else `Unusual` is raised, and `vcf` asks bcftools, which
reads more dialects and says what is wrong.

Axes: N records of a block, S people, 2 alleles.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pysam

from syncohort.errors import InputError
from syncohort.formats.sites import Sites, make_sites
from syncohort.genotypes import slices
from syncohort.ploidy import ABSENT, MISSING

# where programs write phase sets: the specification's two, GATK's haplotype caller, ReadBackedPhasing
SET_FIELDS = ("PS", "PSL", "PID", "HP")
_BLOCK_BYTES = 1 << 24
_STEP_CALLS = 1 << 18  # decoded at once, so that they stay in the processor's cache
_TAB, _LINE_END, _BAR, _SLASH, _COLON, _ZERO, _DOT = b"\t\n|/:0."
_N_FIXED = 9  # columns before the calls
_PLACE_BYTES = 1_000  # at the start of a line, in which its chromosome and position stand
_ABSENT = _DOT ^ _ZERO
_BEYOND = b"\n" * 4  # behind every text, so that what follows its last call may be looked at


SECOND_HEADING = (
    "a line that begins with # stands among the records: were files put one behind the other? The "
    "people under a second heading may be others, or in another order. Join the files with "
    "`bcftools concat`."
)


class Unusual(Exception):
    """Lines that are not plain, or no lines at all; with a text, they are wrong."""


def whose_calls(place: str, n_calls: int, n_people: int) -> str:
    """What is wrong with a record that has not a call for each of the people."""
    return (
        f"the record {place} has {n_calls:,} calls under a heading of {n_people:,} people: whose "
        "are they? Give the line #CHROM a name for each, or make the file again."
    )


def require_widths(path: str, index: str, contig: str, n_people: int) -> None:
    """Raise ValueError for a record of a chromosome with more calls than there are people, or a
    second heading.

    bcftools leaves the last calls out and passes the heading over, without a word. path: VCF compressed by bgzip.
    """
    with pysam.TabixFile(path, index=index, encoding="latin-1") as file:
        for line in file.fetch(contig):
            if line.startswith("#"):
                raise ValueError(SECOND_HEADING)
            n_calls = line.count("\t") - (_N_FIXED - 1)
            if n_calls > n_people:
                raise ValueError(whose_calls(":".join(line.split("\t")[:2]), n_calls, n_people))


@dataclass(frozen=True)
class Block:
    """Consecutive records: sites [N]; calls int8 [N, S, 2]: alleles by number, -1 missing, -2
    `ABSENT`; phased bool [N, S]."""

    sites: Sites
    calls: np.ndarray
    phased: np.ndarray


def plain_blocks(path: str, start: int, contig: str, n_people: int) -> Iterator[Block]:
    """The records of one chromosome, all those of one position in the same block.

    path: VCF compressed by bgzip; start: virtual offset of the chromosome's first line;
    contig: its name in the file.

    Raises:
        Unusual: a block is not plain, or a heading stands in it; those before it were yielded.
    """
    rest, last, at_end = b"", -1, False
    try:
        with pysam.BGZFile(path, "rb") as file:
            file.seek(start)
            while not at_end:
                new = file.read(_BLOCK_BYTES)
                text = b"".join((rest, new, _BEYOND))
                if text.startswith(b"#") or b"\n#" in text:
                    raise Unusual(SECOND_HEADING)
                stop, at_end = _own_lines(text, contig, ended=len(new) < _BLOCK_BYTES)
                used = 0
                if stop:
                    block, used = _decode(text, stop, contig, n_people, last, whole=at_end)
                    if used:
                        last = int(block.sites.position[-1])
                        yield block
                rest = text[used : -len(_BEYOND)]
            if len(new) < _BLOCK_BYTES and rest and not rest.endswith(b"\n"):
                raise Unusual
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise Unusual from error


def _own_lines(text: bytes, contig: str, *, ended: bool) -> tuple[int, bool]:
    """Where the whole lines of a chromosome at the start of a text end, and whether they are all.

    text: `_BEYOND` stands at its end; ended: the file ends before that.
    """
    stop = text.rfind(b"\n", 0, -len(_BEYOND)) + 1
    own = contig.encode() + b"\t"
    if not stop or text.startswith(own, text.rfind(b"\n", 0, stop - 1) + 1):
        return stop, ended
    starts = np.flatnonzero(np.frombuffer(text, np.uint8, stop) == _LINE_END) + 1
    return next(s for s in (0, *starts.tolist()) if not text.startswith(own, s)), True


def _decode(
    text: bytes, stop: int, contig: str, n_people: int, last: int, *, whole: bool
) -> tuple[Block, int]:
    """The records of some lines and where they end; unless `whole`, without the last position.

    stop: where the lines end; last: position of the record before them.
    """
    data = np.frombuffer(text, np.uint8, stop + len(_BEYOND))
    ends = np.flatnonzero(data[:stop] == _LINE_END)
    starts = np.concatenate([[0], ends[:-1] + 1])
    width = 4 * n_people
    calls = np.empty((len(ends), n_people, 2), dtype=np.int8)
    phased = np.empty((len(ends), n_people), dtype=bool)
    regular = np.zeros(len(ends), dtype=bool)
    heads = ends - width
    wide = np.flatnonzero(heads > starts)
    if len(wide):
        windows = np.lib.stride_tricks.sliding_window_view(data, width)
        for some in slices(len(wide), max(1, _STEP_CALLS // n_people)):
            rows = wide[some]
            regular[rows] = _decode_regular(windows[heads[rows]], rows, calls, phased)
    if not regular.all():
        heads[~regular] = _decode_by_tabs(data, starts, ends, ~regular, calls, phased)
    try:
        sites = make_sites(contig, *_columns(text, starts, heads, n_people))
    except InputError as error:
        raise Unusual(str(error)) from None
    if (sites.position <= 0).any() or (np.diff(sites.position, prepend=last) < 0).any():
        raise Unusual
    kept = len(sites) if whole else np.searchsorted(sites.position, sites.position[-1])
    some = slice(0, kept)
    block = Block(sites[some], calls[some], phased[some])
    return block, int(ends[kept - 1]) + 1 if kept else 0


def _decode_regular(tails, rows, calls, phased) -> np.ndarray:
    """Decode ends of lines [n, 4 S] that are a tab, an allele, a mark and an allele for everybody.

    rows [n]: where to put them in calls and phased. Returns which were so, bool [n].
    """
    words = tails.view("<u4")  # [n, S]: the tab lowest
    marks = tails[:, 2].copy()
    plain = (_TAB | _ZERO << 8 | _ZERO << 24) | marks.astype(np.uint32) << 16
    words ^= plain[:, None]
    bits = np.bitwise_or.reduce(words, axis=1)
    marked = (marks == _BAR) | (marks == _SLASH)
    binary = marked & (bits & 0xFEFFFEFF == 0)  # alleles 0 and 1 alone
    if binary.all():
        low = words >> 8
        low |= low >> 8
        found = low.astype(np.uint16).view(np.int8)
    else:
        found = np.stack([words >> 8, words >> 24], axis=2).astype(np.int8)
        found = np.where(found == _ABSENT, np.int8(MISSING), found)
    found = found.reshape(len(rows), -1, 2)
    regular = binary
    if not binary.all():
        regular = marked & (bits & 0xE0FFE0FF == 0)
        regular &= ((found >= MISSING) & (found <= 9)).all(axis=(1, 2))
    calls[rows] = found
    phased[rows] = (marks == _BAR)[:, None]
    return regular


def _decode_by_tabs(data, starts, ends, which, calls, phased) -> np.ndarray:
    """Decode the lines `which` (bool [N]) by their columns; return where their ninth ends."""
    n_people = calls.shape[1]
    tabs = np.flatnonzero(data == _TAB)
    first, beyond = np.searchsorted(tabs, starts[which]), np.searchsorted(tabs, ends[which])
    n_calls = beyond - first - (_N_FIXED - 1)
    wrong = np.flatnonzero(n_calls != n_people)
    if len(wrong):
        start = starts[which][wrong[0]]
        place = data[start : start + _PLACE_BYTES].tobytes().decode().split("\t")[:2]
        raise Unusual(whose_calls(":".join(place), max(n_calls[wrong[0]], 0), n_people))
    before = np.arange(_N_FIXED - 1, _N_FIXED - 1 + n_people)
    rows = np.flatnonzero(which)
    for some in slices(len(rows), max(1, _STEP_CALLS // n_people)):
        place = tabs[first[some, None] + before]  # [n, S]
        one, mark, other, end = (data[place + i] for i in (1, 2, 3, 4))
        single = _ends_call(mark)
        double = ((mark == _BAR) | (mark == _SLASH)) & _ends_call(end) & _is_allele(other)
        if not ((single | double) & _is_allele(one)).all():
            raise Unusual
        alleles = np.stack([one, other], axis=2)
        found = np.where(alleles == _DOT, MISSING, alleles.astype(np.int8) - _ZERO)
        found[..., 1][single] = ABSENT
        calls[rows[some]] = found
        phased[rows[some]] = (mark == _BAR) | single
    return tabs[first + _N_FIXED - 1]


def _ends_call(text: np.ndarray) -> np.ndarray:
    return (text == _COLON) | (text == _TAB) | (text == _LINE_END)


def _is_allele(text: np.ndarray) -> np.ndarray:
    return (text - np.uint8(_ZERO) <= 9) | (text == _DOT)


def _columns(text: bytes, starts: np.ndarray, heads: np.ndarray, n_people: int) -> list[tuple]:
    """POS, ID, REF, ALT, the filters that fail and whether REF is provisional, of each line."""
    found = []
    for start, head in zip(starts.tolist(), heads.tolist(), strict=True):
        fields = text[start:head].decode().split("\t")
        if len(fields) > _N_FIXED:
            n_calls = len(fields) - _N_FIXED + n_people
            raise Unusual(whose_calls(":".join(fields[:2]), n_calls, n_people))
        if len(fields) != _N_FIXED or not fields[1].isdecimal():
            raise Unusual
        _, position, name, ref, alt, _, filters, info, formats = fields
        if formats != "GT":
            keys = formats.split(":")
            if keys[0] != "GT" or any(key in SET_FIELDS for key in keys):
                raise Unusual
        failed = filters
        if "PASS;" in filters or ";PASS" in filters:
            failed = ";".join(each for each in filters.split(";") if each != "PASS")
        provisional = "PR" in info and any(each.split("=")[0] == "PR" for each in info.split(";"))
        found.append((int(position), name, ref, alt, failed, provisional))
    return list(zip(*found, strict=True))
