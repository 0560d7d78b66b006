"""What the readers share: which records of a chromosome become variants, and in what shape.

Axes: N records of the file, v variants of a chunk, S people, 2 alleles.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.genotypes import MISSING, Variants, contig_order, normalise_contig

CHUNK_VARIANTS = 2_000
DROP_REASONS = {  # and how a page says it
    "no_position": "without a position",
    "monomorphic_code": "with one allele alone",
    "indel": "indels",
    "structural": "structural variants",
    "coded": "whose alleles are not A, C, G or T",
    "mnp": "of several bases (MNPs)",
    "spanning": "of spanning deletions (*)",
    "repeated": "that list an allele twice",
    "multiallelic": "multi-allelic sites",
    "duplicate": "copies of another record",
    "filter": "that fail a filter",
}
# the mark of REF alleles that may not be those of the reference genome, as plink2 declares it
PROVISIONAL_LINE = (
    '##INFO=<ID=PR,Number=0,Type=Flag,Description="Provisional reference allele, may not be '
    'based on real reference genome">'
)
_BASES = {"A": 0, "C": 1, "G": 2, "T": 3}
_PLACEHOLDERS = ("<NON_REF>", "<*>")  # of a gVCF: any allele that was not seen
_NO_ALLELE = ("0", ".")
_OPEN_END = r"[.][ACGTN]+|[ACGTN]+[.]"  # a breakend without a mate


@dataclass(frozen=True)
class Chunk:
    """The next biallelic SNPs of a chromosome, in genomic order.

    variants: v of them; calls: int8 [v, S, 2], -1 missing, 0 REF, 1 ALT; phased: bool [v, S].
    The counts, summed over the chunks of a chromosome, are its totals: n_read: records read,
    dropped: records left out by reason, failed: records that fail filters by the text of their
    FILTER, codes: records by alleles that are no DNA ("A/B"), n_haploid: calls with one
    allele, made missing, n_pairs and n_breaks: see `phase_sets`, n_uncertain: probabilities
    that are no hard call, made missing. A chromosome without any usable record gives one chunk
    without variants.
    """

    variants: Variants
    calls: np.ndarray
    phased: np.ndarray
    n_read: int
    dropped: dict[str, int]
    n_haploid: int
    failed: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    n_pairs: int = 0
    n_breaks: int = 0
    n_uncertain: int = 0


@dataclass(frozen=True)
class Calls:
    """What a reader finds in some records: calls int8 [v, S, 2], phased bool [v, S], and counts.

    n_haploid, n_pairs, n_breaks, n_uncertain: see `Chunk`.
    """

    calls: np.ndarray
    phased: np.ndarray
    n_haploid: int = 0
    n_pairs: int = 0
    n_breaks: int = 0
    n_uncertain: int = 0


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

    position = np.asarray(position, dtype=np.int64)
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


def one_allele_each(sites: Sites, multiallelic: str) -> tuple[Sites, np.ndarray, np.ndarray]:
    """Records as they are used, where each comes from and which ALT allele it is about.

    Under "split" a record of several ALT alleles becomes one for each. Alleles that stand for
    any other one in a gVCF (`<NON_REF>`, `<*>`) are none.

    Returns:
        sites [M], record [M] index into the records of the file, number [M] of the allele, from 1.
    """
    alt, number = sites.alt.copy(), np.ones(len(sites), dtype=np.int32)
    counts = np.ones(len(sites), dtype=np.int64)
    named = {}
    listing = pd.Series(sites.alt, dtype=object).str.contains(",|<NON_REF>|<[*]>")
    for at in np.flatnonzero(listing.to_numpy(dtype=bool)):
        alleles = enumerate(sites.alt[at].split(","), start=1)
        own = [(k, allele) for k, allele in alleles if allele not in _PLACEHOLDERS]
        alt[at] = ",".join(allele for _, allele in own) or "."
        number[at] = own[0][0] if own else 1
        if multiallelic == "split" and not _repeats(sites.ref[at], alt[at]):
            named[at], counts[at] = own, max(len(own), 1)
    record = np.repeat(np.arange(len(sites)), counts)
    starts = np.cumsum(counts) - counts
    sites, number = replace(sites, alt=alt)[record], number[record]
    for at, own in named.items():
        for place, (k, allele) in enumerate(own, start=starts[at]):
            number[place], sites.alt[place] = k, allele
    return sites, record, number


def one_allele(calls: np.ndarray, number: int) -> np.ndarray:
    """Calls [S, 2] with 1 for the given ALT allele and missing ones for other ALT alleles."""
    return np.where(calls == number, 1, np.where(calls > 0, MISSING, calls))


def _repeats(ref: str, alt: str) -> bool:
    """Whether a record with several ALT alleles lists an allele twice."""
    alleles = [ref, *alt.split(",")]
    return len(alleles) > 2 and len(set(alleles)) < len(alleles)


def choose_snps(
    sites: Sites, multiallelic: str, *, pass_only: bool = False
) -> tuple[np.ndarray, dict[str, int], dict[str, int]]:
    """Find the biallelic SNPs among the records of a chromosome.

    Args:
        sites: all records; under "split" one record per ALT allele.
        multiallelic: "drop" leaves out every position at which two or more different SNPs
            are recorded, in one record or in several; "split" keeps each as its own variant.
        pass_only: leave out records that fail a filter.

    Returns:
        rows: indices into `sites` of the kept records, stably sorted by position.
        dropped: number of records left out, by reason (`DROP_REASONS`; zeros omitted).
        codes: records by their alleles ("A/B") where these are no DNA.
    """
    reason = np.full(len(sites), "", dtype=object)
    ref, alt = _base_codes(sites.ref), _base_codes(sites.alt)
    several = pd.Series(sites.alt, dtype=object).str.contains(",").to_numpy(dtype=bool)
    other = np.flatnonzero(~several & ((ref < 0) | (alt < 0) | (ref == alt)))
    pairs = list(zip(sites.ref[other], sites.alt[other], strict=True))
    kinds = {pair: _kind_of(*pair) for pair in set(pairs)}
    reason[other] = [kinds[pair] for pair in pairs]
    reason[several] = "multiallelic"
    for row in np.flatnonzero(several):
        if _repeats(sites.ref[row], sites.alt[row]):
            reason[row] = "repeated"
    reason[sites.position <= 0] = "no_position"
    if pass_only:
        reason[sites.failed != ""] = "filter"
    several &= reason == "multiallelic"

    rows = np.flatnonzero(reason == "")
    rows = rows[np.argsort(sites.position[rows], kind="stable")]
    # REF and ALT swapped is the same variant: PLINK 1 orders alleles as it likes
    pair = np.minimum(ref, alt)[rows] * 4 + np.maximum(ref, alt)[rows]
    _, first = np.unique(sites.position[rows] * 16 + pair, return_index=True)
    reason[np.delete(rows, first)] = "duplicate"
    rows = rows[np.sort(first)]
    if multiallelic == "drop":
        crowded = _crowded(sites, rows, np.flatnonzero(several))
        reason[rows[crowded]] = "multiallelic"
        rows = rows[~crowded]
    counts = {name: int((reason == name).sum()) for name in DROP_REASONS}
    coded = reason == "coded"
    codes = Counter(
        "/".join(sorted(pair)) for pair in zip(sites.ref[coded], sites.alt[coded], strict=True)
    )
    return rows, {name: count for name, count in counts.items() if count}, dict(codes)


def _kind_of(ref: str, alt: str) -> str:
    """Why a record with one ALT allele is no SNP."""
    pair = {ref, alt}
    one_alone = (
        alt == "." or alt == "0" and not ref.isdigit() or ref in _NO_ALLELE and alt in _BASES
    )
    if ref == alt or one_alone:
        return "monomorphic_code"
    if any(mark in allele for allele in pair for mark in "<[]") or re.fullmatch(_OPEN_END, alt):
        return "structural"
    if pair & {"I", "D", "-"}:
        return "indel"
    if all(re.fullmatch("[ACGTN]+|[*]", allele) for allele in pair) and "N" not in pair:
        if "*" in pair:
            return "spanning"
        return "mnp" if len(ref) == len(alt) else "indel"
    return "coded"


def _base_codes(alleles: np.ndarray) -> np.ndarray:
    return pd.Series(alleles, dtype=object).map(_BASES).fillna(-1).to_numpy(dtype=np.int64)


def _crowded(sites: Sites, rows: np.ndarray, several: np.ndarray) -> np.ndarray:
    """Which of the distinct SNPs `rows` share their position with another SNP."""
    position = sites.position[rows]
    values, counts = np.unique(position, return_counts=True)
    with_snp = [
        row
        for row in several
        if sites.ref[row] in _BASES and any(a in _BASES for a in sites.alt[row].split(","))
    ]
    return np.isin(position, values[counts > 1]) | np.isin(position, sites.position[with_snp])


def walk(
    sites: Sites,
    multiallelic: str,
    size: int,
    read: Callable[[np.ndarray], Calls],
    *,
    pass_only: bool = False,
) -> Iterator[Chunk]:
    """Yield the chunks of a chromosome.

    read: the `Calls` of rows of `sites` [v], asked for in genomic order.
    multiallelic, pass_only: see `choose_snps`.
    """
    rows, dropped, codes = choose_snps(sites, multiallelic, pass_only=pass_only)
    failed = dict(Counter(sites.failed[sites.failed != ""]))
    n_read = len(sites)
    for start in range(0, max(len(rows), 1), size):
        part = rows[start : start + size]
        found = read(part)
        yield Chunk(
            sites.variants(part),
            found.calls,
            found.phased,
            n_read,
            dropped,
            found.n_haploid,
            failed,
            codes,
            found.n_pairs,
            found.n_breaks,
            found.n_uncertain,
        )
        n_read, dropped, failed, codes = 0, {}, {}, {}


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
