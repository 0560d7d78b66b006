"""Which records of a chromosome become variants.

Axes: N records of the file, M of them with one ALT allele each.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.formats.alleles import BASES, INDEL, MNP, is_spelled, kind_of, symbol_of
from syncohort.formats.columns import LAST_BP
from syncohort.genotypes import MISSING, Variants, contig_order, normalise_contig

ALTS_MAX = 127  # alleles of a site are numbered in int8
ID_MAX = 15_900  # characters: PLINK takes 16,000, and copies of an id get a number
DROP_REASONS = {  # and how a page says it
    "no_position": "without a position",
    "monomorphic_code": "with one allele alone",
    "indel": "indels",
    "structural": "structural variants",
    "coded": "whose alleles are not A, C, G or T",
    "unspelled": "indels of which not every base is known (I, D, N)",
    "mnp": "of several bases (MNPs)",
    "spanning": "of spanning deletions (*)",
    "repeated": "that list an allele twice",
    "multiallelic": "multi-allelic sites",
    "many_alleles": f"of sites with more than {ALTS_MAX} ALT alleles",
    "duplicate": "copies of another record",
    "filter": "that fail a filter",
    "region": "outside filters.regions",
}
# the mark of REF alleles that may not be those of the reference genome, as plink2 declares it
PROVISIONAL_LINE = (
    '##INFO=<ID=PR,Number=0,Type=Flag,Description="Provisional reference allele, may not be '
    'based on real reference genome">'
)
_PLACEHOLDERS = ("<NON_REF>", "<*>")  # of a gVCF: any allele that was not seen


@dataclass(frozen=True)
class Choice:
    """Which records become variants.

    multiallelic: "drop" leaves out every position at which two or more different SNPs are
        recorded, in one record or in several; "split" keeps each as its own variant.
    variants: "snps", or "all", which keeps indels and MNPs too and drops no position.
    pass_only: leave out records that fail a filter.
    """

    multiallelic: str = "drop"
    variants: str = "snps"
    pass_only: bool = False

    @property
    def splits(self) -> bool:
        """Whether each ALT allele of a record is a variant."""
        return self.multiallelic == "split" or self.variants == "all"


@dataclass(frozen=True)
class Sites:
    """The records of one chromosome as the file has them, alleles in capitals.

    position [N] int64; id, ref, alt [N] str, ALT alleles joined by commas; failed [N] str: the
    filters that a record fails, "" for none; provisional [N] bool: see `Variants`.
    """

    contig: str
    position: np.ndarray
    id: np.ndarray
    ref: np.ndarray
    alt: np.ndarray
    failed: np.ndarray
    provisional: np.ndarray

    def __len__(self) -> int:
        return len(self.position)

    def __getitem__(self, rows: np.ndarray) -> "Sites":
        columns = (self.position, self.id, self.ref, self.alt, self.failed, self.provisional)
        return Sites(self.contig, *(column[rows] for column in columns))

    def variants(self, rows: np.ndarray) -> Variants:
        """The given records, which must be biallelic and in genomic order."""
        alleles = np.stack([self.ref[rows], self.alt[rows]], axis=1)
        own = self.provisional[rows]
        return Variants(self.contig, self.position[rows], self.id[rows], alleles, own)


def make_sites(contig: str, position, names, ref, alt, failed=None, provisional=None) -> Sites:
    """Build `Sites` from columns of a file.

    Missing ids become "."; without `failed` no record fails a filter, and without
    `provisional` REF is known.
    """

    def texts(column, empty):
        return pd.Series(column, dtype=object).fillna(empty)

    position = np.asarray(position)
    if len(position) and position.max() > LAST_BP:
        raise InputError(
            f"chromosome {contig}: position {position.max():,} is beyond the largest that genotype "
            f"files can hold ({LAST_BP:,}); give positions within the chromosome"
        )
    position = position.astype(np.int64)
    failed = np.full(len(position), "") if failed is None else failed
    return Sites(
        normalise_contig(contig),
        position,
        texts(names, ".").to_numpy(dtype=object),
        texts(ref, ".").str.upper().to_numpy(dtype=object),
        texts(alt, ".").str.upper().to_numpy(dtype=object),
        texts(failed, "").replace({"PASS": "", ".": ""}).to_numpy(dtype=object),
        np.broadcast_to(False if provisional is None else provisional, len(position)).astype(bool),
    )


def one_allele_each(sites: Sites, choice: Choice) -> tuple[Sites, np.ndarray, np.ndarray]:
    """Records as they are used, where each comes from and which ALT allele it is about.

    A record of several ALT alleles becomes one for each where the choice splits, unless they are more
    than ALTS_MAX. An id of as many names, parted by ";", gives each its own. Alleles that
    stand for any other one in a gVCF (`<NON_REF>`, `<*>`) are none.

    Returns:
        sites [M], record [M] index into the records of the file, number [M] of the allele, from 1.
    """
    alt, number = sites.alt.copy(), np.ones(len(sites), dtype=np.int32)
    counts = np.ones(len(sites), dtype=np.int64)
    named = {}
    listing = pd.Series(sites.alt, dtype=object).str.contains(",|<NON_REF>|<[*]>")
    for at in np.flatnonzero(listing.to_numpy(dtype=bool)):
        if choice.splits and _are_many(alt[at]):
            continue
        alleles = enumerate(sites.alt[at].split(","), start=1)
        own = [(k, allele) for k, allele in alleles if allele not in _PLACEHOLDERS]
        alt[at] = ",".join(allele for _, allele in own) or "."
        number[at] = own[0][0] if own else 1
        if choice.splits and not _repeats(sites.ref[at], alt[at]):
            named[at], counts[at] = own, max(len(own), 1)
    record = np.repeat(np.arange(len(sites)), counts)
    starts = np.cumsum(counts) - counts
    sites, number = replace(sites, alt=alt)[record], number[record]
    for at, own in named.items():
        names = sites.id[starts[at]].split(";")
        for i, (k, allele) in enumerate(own):
            place = starts[at] + i
            number[place], sites.alt[place] = k, allele
            if len(names) == len(own):
                sites.id[place] = names[i]
    return sites, record, number


def _are_many(alt: str) -> bool:
    """Whether a record has more ALT alleles than can be numbered."""
    return alt.count(",") >= ALTS_MAX


def _repeats(ref: str, alt: str) -> bool:
    """Whether a record with several ALT alleles lists an allele twice."""
    alleles = [ref, *alt.split(",")]
    return len(alleles) > 2 and len(set(alleles)) < len(alleles)


@dataclass(frozen=True)
class _Chosen:
    """rows: indices of the kept records, stably sorted by position; dropped: numbers of those
    left out, by reason (`DROP_REASONS`); codes, symbols: see `Chunk`."""

    rows: np.ndarray
    dropped: dict[str, int]
    codes: dict[str, int]
    symbols: dict[str, int]


def choose_variants(sites: Sites, choice: Choice) -> _Chosen:
    """Find the biallelic variants among all records of a chromosome, as of `one_allele_each`."""
    reason = np.full(len(sites), "", dtype=object)
    several = pd.Series(sites.alt, dtype=object).str.contains(",").to_numpy(dtype=bool)
    code, kinds = _pair_codes(sites, several)
    for kind, rows in kinds.items():
        reason[rows] = kind
        if choice.variants == "all" and kind in (INDEL, MNP):
            spelled = [is_spelled(sites.ref[row], sites.alt[row]) for row in rows]
            reason[rows] = np.where(spelled, "", "unspelled")
    reason[several] = "multiallelic"
    for row in np.flatnonzero(several):
        if _repeats(sites.ref[row], sites.alt[row]):
            reason[row] = "repeated"
        elif choice.splits and _are_many(sites.alt[row]):
            reason[row] = "many_alleles"
    reason[sites.position <= 0] = "no_position"
    if choice.pass_only:
        reason[sites.failed != ""] = "filter"
    several &= reason == "multiallelic"

    rows = np.flatnonzero(reason == "")
    rows = rows[np.argsort(sites.position[rows], kind="stable")]
    key = sites.position[rows] * (code.max(initial=0) + 1) + code[rows]
    _, first = np.unique(key, return_index=True)
    reason[np.delete(rows, first)] = "duplicate"
    rows = rows[np.sort(first)]
    if not choice.splits:
        crowded = _crowded(sites, rows, np.flatnonzero(several))
        reason[rows[crowded]] = "multiallelic"
        rows = rows[~crowded]
    coded, symbolic = (
        (sites.ref[r], sites.alt[r]) for r in (reason == "coded", reason == "structural")
    )
    return _Chosen(
        rows,
        {name: int((reason == name).sum()) for name in DROP_REASONS if (reason == name).any()},
        dict(Counter("/".join(sorted(pair)) for pair in zip(*coded, strict=True))),
        dict(Counter(symbol_of(*pair) for pair in zip(*symbolic, strict=True))),
    )


def _pair_codes(sites: Sites, several: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A number [N] that equal pairs of alleles share, and the rows of each kind but SNPs.

    REF and ALT swapped is the same SNP, and the same variant where REF is provisional: PLINK 1
    orders alleles as it likes. several: rows of several ALT alleles, which have no kind.
    """
    ref, alt = _base_codes(sites.ref), _base_codes(sites.alt)
    code = np.minimum(ref, alt) * 4 + np.maximum(ref, alt)
    other = np.flatnonzero(~several & ((ref < 0) | (alt < 0) | (ref == alt)))
    pairs = list(zip(sites.ref[other], sites.alt[other], strict=True))
    kind_by_pair = {pair: kind_of(*pair) for pair in set(pairs)}
    kinds = np.array([kind_by_pair[pair] for pair in pairs], dtype=object)
    marked = sites.provisional[other].tolist()
    keys = [tuple(sorted(p)) if swaps else p for p, swaps in zip(pairs, marked, strict=True)]
    number = {key: i for i, key in enumerate(dict.fromkeys(keys), start=len(BASES) ** 2)}
    code[other] = [number[key] for key in keys]
    return code, {kind: other[kinds == kind] for kind in dict.fromkeys(kinds)}


def _base_codes(alleles: np.ndarray) -> np.ndarray:
    return pd.Series(alleles, dtype=object).map(BASES).fillna(-1).to_numpy(dtype=np.int64)


def _crowded(sites: Sites, rows: np.ndarray, several: np.ndarray) -> np.ndarray:
    """Which of the distinct SNPs `rows` share their position with another SNP."""
    position = sites.position[rows]
    values, counts = np.unique(position, return_counts=True)
    with_snp = [
        row
        for row in several
        if sites.ref[row] in BASES and any(a in BASES for a in sites.alt[row].split(","))
    ]
    return np.isin(position, values[counts > 1]) | np.isin(position, sites.position[with_snp])


def own_calls(codes: np.ndarray, number, variants: str) -> np.ndarray:
    """Calls int8 of one ALT allele, of calls of alleles by their numbers.

    codes: 0 REF, negative none. number: of the ALT allele. Another ALT allele is missing where
    `variants` is "snps", for as REF it may be a false call; it counts as REF, not this ALT, where
    it is "all", for it then is a variant of its own.
    """
    other = 0 if variants == "all" else MISSING
    return np.where(codes == number, 1, np.where(codes > 0, other, codes)).astype(np.int8)


def spellings(names: Iterable[str]) -> dict[str, list[str]]:
    """Normalised chromosome names, in natural order, with the file's spellings of each."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(normalise_contig(name), []).append(name)
    return {contig: found[contig] for contig in sorted(found, key=contig_order)}


def find_contig(contig: str, held: dict[str, list[str]], path) -> list[str]:
    """The file's spellings of one chromosome.

    Raises:
        InputError: the file does not hold it; the message names those it holds.
    """
    wanted = normalise_contig(contig)
    if not held:
        raise InputError(f"{path}: holds no variants")
    if wanted not in held:
        raise InputError(
            f"{path}: no variants of chromosome {contig}. It holds {examples(held, 30) or 'none'}; "
            "choose among these in input.chromosomes (chr20 and 20 mean the same)."
        )
    return held[wanted]


def count_contigs(file: BinaryIO) -> dict[str, int]:
    """Rows of a table by their first column, which are few distinct names in long runs.

    file: stands at the first row; columns apart by blanks. Lines without text do not count.
    """
    counts: Counter[bytes] = Counter()
    rest = b""
    while block := file.read(1 << 24):
        rest += block
        end = rest.rfind(b"\n") + 1
        counts.update(_FIRST_WORD.findall(rest[:end]))
        rest = rest[end:]
    counts.update(_FIRST_WORD.findall(rest))
    return {name.decode(errors="replace"): count for name, count in counts.items()}


_FIRST_WORD = re.compile(rb"^[ \t]*([^\s]+)", re.MULTILINE)
