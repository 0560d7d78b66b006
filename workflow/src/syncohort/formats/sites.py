"""What the three readers share: which records of a chromosome become variants, and in what shape.

Axes: N records of the file, v variants of a chunk, S people, 2 alleles.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.errors import InputError
from syncohort.genotypes import Variants, contig_order, normalise_contig

CHUNK_VARIANTS = 2_000
DROP_REASONS = ("no_position", "monomorphic_code", "not_a_snp", "multiallelic", "duplicate")
_BASES = {"A": 0, "C": 1, "G": 2, "T": 3}


@dataclass(frozen=True)
class Chunk:
    """The next biallelic SNPs of a chromosome, in genomic order.

    variants: v of them; calls: int8 [v, S, 2], -1 missing, 0 REF, 1 ALT; phased: bool [v, S].
    n_read: records read, dropped: records left out by reason, n_haploid: calls with one
    allele, made missing; summed over the chunks of a chromosome they are its totals. A
    chromosome without any usable record gives one chunk without variants.
    """

    variants: Variants
    calls: np.ndarray
    phased: np.ndarray
    n_read: int
    dropped: dict[str, int]
    n_haploid: int


@dataclass(frozen=True)
class Sites:
    """The records of one chromosome as the file has them, alleles in capitals.

    position [N] int64; id, ref, alt [N] str, ALT alleles joined by commas.
    """

    contig: str
    position: np.ndarray
    id: np.ndarray
    ref: np.ndarray
    alt: np.ndarray

    def __len__(self) -> int:
        return len(self.position)

    def variants(self, rows: np.ndarray) -> Variants:
        """The given records, which must be biallelic and in genomic order."""
        alleles = np.stack([self.ref[rows], self.alt[rows]], axis=1)
        return Variants(self.contig, self.position[rows], self.id[rows], alleles)


def make_sites(contig: str, position, names, ref, alt) -> Sites:
    """Build `Sites` from columns of a file; missing ids become "."."""

    def capitals(alleles):
        return pd.Series(alleles, dtype=object).str.upper().to_numpy(dtype=object)

    names = pd.Series(names, dtype=object).fillna(".").to_numpy(dtype=object)
    position = np.asarray(position, dtype=np.int64)
    return Sites(normalise_contig(contig), position, names, capitals(ref), capitals(alt))


def choose_snps(sites: Sites, multiallelic: str) -> tuple[np.ndarray, dict[str, int]]:
    """Find the biallelic SNPs among the records of a chromosome.

    Args:
        sites: all records; under "split" one record per ALT allele.
        multiallelic: "drop" leaves out every position at which two or more different SNPs
            are recorded, in one record or in several; "split" keeps each as its own variant.

    Returns:
        rows: indices into `sites` of the kept records, stably sorted by position.
        dropped: number of records left out, by reason (`DROP_REASONS`; zeros omitted).
    """
    reason = np.full(len(sites), "", dtype=object)
    ref, alt = _base_codes(sites.ref), _base_codes(sites.alt)
    several = pd.Series(sites.alt, dtype=object).str.contains(",").to_numpy(dtype=bool)
    reason[(ref < 0) | (alt < 0) | (ref == alt)] = "not_a_snp"
    for column in (sites.ref, sites.alt):
        reason[pd.Series(column, dtype=object).isin(("0", ".")).to_numpy()] = "monomorphic_code"
    reason[several] = "multiallelic"
    reason[sites.position <= 0] = "no_position"

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
    return rows, {name: count for name, count in counts.items() if count}


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
    read: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, int]],
) -> Iterator[Chunk]:
    """Yield the chunks of a chromosome.

    read: turns rows of `sites` [v], in genomic order, into calls int8 [v, S, 2],
    phased bool [v, S] and the number of haploid calls.
    """
    rows, dropped = choose_snps(sites, multiallelic)
    n_read = len(sites)
    for start in range(0, max(len(rows), 1), size):
        part = rows[start : start + size]
        calls, phased, n_haploid = read(part)
        yield Chunk(sites.variants(part), calls, phased, n_read, dropped, n_haploid)
        n_read, dropped = 0, {}


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
    if wanted not in held:
        raise InputError(
            f"{path}: no variants of chromosome {contig}. It holds {', '.join(held) or 'none'}; "
            "choose among these in input.chromosomes (chr20 and 20 mean the same)."
        )
    return held[wanted]
