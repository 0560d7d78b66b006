"""Variants of one position are one site: no haplotype carries two of its ALT alleles.

A record of several ALT alleles is read as a variant for each, and the variants of a position are
one record again where a cohort is written for others, as `bcftools norm` splits and joins. In
between each is modelled by itself, so what is drawn must be settled: where a haplotype, or a person
of unphased calls, has more ALT alleles than places for them, those with the highest scores stay.

Axes: V variants, m of one site, S people, R rows, P = 2 ploidy.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from syncohort.formats.sites import ID_MAX
from syncohort.genotypes import PLOIDY, Variants, from_rows, rows_per_person, to_rows
from syncohort.ploidy import ABSENT, MALE, MISSING


def shared_sites(variants: Variants) -> list[slice]:
    """The sites of several variants, as slices of them.

    Variants whose REF alleles are not the beginning of the longest of them are not of one site:
    files that do not say which allele is REF (PLINK 1) may hold such.
    """
    position = variants.position_bp
    starts = np.flatnonzero(np.diff(position, prepend=-1) != 0)
    stops = np.append(starts[1:], len(position))
    several = np.flatnonzero(stops - starts > 1)
    sites = (slice(int(starts[i]), int(stops[i])) for i in several)
    return [site for site in sites if _have_one_ref(variants.allele[site, 0])]


def _have_one_ref(refs: np.ndarray) -> bool:
    longest = max(refs, key=len)
    return all(longest.startswith(ref) for ref in refs)


def settle(rows: np.ndarray, scores: np.ndarray, variants: Variants, mode: str) -> int:
    """Take ALT alleles away where a site has more than places for them, in place.

    Args:
        rows: int8 [R, V], see `genotypes.to_rows`; missing calls count as none.
        scores: of the rows [R, V], or of the variants [V]: about how many copies of ALT there
            should be. The copies above this by most go first.
        variants: [V], all those of a position.
        mode: "haplotype", one ALT allele of a site a row, or "genotype", two.

    Returns:
        How many alleles were taken away.
    """
    places = PLOIDY // rows_per_person(mode)
    n_removed = 0
    for site in shared_sites(variants):
        copies = np.maximum(rows[:, site], 0)
        crowded = np.flatnonzero(copies.sum(axis=1) > places)
        while len(crowded):
            own = copies[crowded]
            worth = np.broadcast_to(scores, rows.shape)[crowded, site] - own
            lowest = np.where(own > 0, worth, np.inf).argmin(axis=1)
            copies[crowded, lowest] -= 1
            rows[crowded, site.start + lowest] -= 1
            n_removed += len(crowded)
            crowded = crowded[copies[crowded].sum(axis=1) > places]
    return n_removed


def settle_calls(calls: np.ndarray, variants: Variants, *, phased: bool) -> int:
    """`settle` calls int8 [V, S, P] that nothing is known of but themselves, in place.

    The commoner ALT allele stays. Returns how many alleles were taken away.
    """
    mode = "haplotype" if phased else "genotype"
    n_removed = 0
    for site in shared_sites(variants):
        own, frequency = variants[site], np.maximum(calls[site], 0).mean(axis=(1, 2))
        rows = to_rows(calls[site], mode).copy()
        taken = settle(rows, frequency, own, mode)
        if taken:
            calls[site] = from_rows(rows, mode)
            n_removed += taken
    return n_removed


def settle_one_copy(calls: np.ndarray, variants: Variants, sex: np.ndarray) -> int:
    """`settle` drawn calls int8 [V, S, P] of one copy, in place; sex: [S].

    The commoner ALT allele stays. Returns how many alleles were taken away.
    """
    own, men = np.flatnonzero(variants.male_haploid), np.flatnonzero(sex == MALE)
    if not len(own) or not len(men):
        return 0
    place = np.ix_(own, men, [0])
    rows = calls[place][..., 0].T.copy()
    n_removed = settle(rows, np.maximum(rows, 0).mean(axis=0), variants[own], "haplotype")
    if n_removed:
        calls[place] = rows.T[..., None]
    return n_removed


def forget_conflicts(calls: np.ndarray, phased: np.ndarray, variants: Variants) -> int:
    """Make calls missing that give a person more ALT alleles of a site than places, in place.

    Which of them is wrong nobody can tell. calls: int8 [V, S, P]; phased: bool [V, S]. Returns of
    how many people and sites the calls were forgotten.
    """
    n_forgotten = 0
    for site in shared_sites(variants):
        own = calls[site]
        copies = np.maximum(own, 0).sum(axis=0)  # [S, P]
        wrong = copies.sum(axis=1) > _n_places(own)
        wrong |= (copies > 1).any(axis=1) & phased[site].all(axis=0)
        n_forgotten += int(wrong.sum())
        own[:, wrong] = np.minimum(own[:, wrong], MISSING)  # an absent allele stays absent
    return n_forgotten


def _n_places(calls: np.ndarray) -> np.ndarray:
    """How many copies people [S] have, of their calls int8 [m, S, P] of a site."""
    return PLOIDY - (calls == ABSENT).all(axis=0).sum(axis=1)


@dataclass(frozen=True)
class Records:
    """Variants as records, one for each site; N of them.

    contig; position_bp [N]; id [N] str; ref [N] str; alt [N] str: ALT alleles joined by commas;
    provisional [N] bool: see `Variants`. Of the variants: record [V] index of theirs, number [V] of
    their ALT allele, from 1. sites: those of several, see `shared_sites`.
    """

    contig: str
    position_bp: np.ndarray
    id: np.ndarray
    ref: np.ndarray
    alt: np.ndarray
    provisional: np.ndarray
    record: np.ndarray
    number: np.ndarray
    sites: list[slice]

    def __len__(self) -> int:
        return len(self.position_bp)

    @property
    def n_alts(self) -> np.ndarray:
        """ALT alleles of each record [N]."""
        return np.bincount(self.record, minlength=len(self))

    def lines(self) -> Iterator[tuple[int, str, str, str, bool]]:
        """Position, id, REF, ALT and whether REF is provisional, of each record."""
        columns = (self.position_bp, self.id, self.ref, self.alt, self.provisional)
        return zip(*(column.tolist() for column in columns), strict=True)


def records_of(variants: Variants) -> Records:
    """Join the variants of each site, as `bcftools norm -m+any` does.

    REF is the longest of theirs, and what it has more is added to the others' ALT. The ids are
    those of the variants, each once, joined by ";", or the first alone where that is too long.
    """
    sites = shared_sites(variants)
    is_first = np.ones(len(variants), dtype=bool)
    number = np.ones(len(variants), dtype=np.int64)
    ref, alt = (column.copy() for column in variants.allele.T)
    names, provisional = variants.id.copy(), variants.provisional.copy()
    for site in sites:
        first, longest = site.start, max(variants.allele[site, 0], key=len)
        is_first[first + 1 : site.stop] = False
        number[site] = np.arange(1, site.stop - first + 1)
        ref[first] = longest
        alt[first] = ",".join(alt + longest[len(ref) :] for ref, alt in variants.allele[site])
        own = [name for name in dict.fromkeys(variants.id[site]) if name != "."]
        joined = ";".join(own) or "."
        names[first] = joined if len(joined) <= ID_MAX else own[0]
        provisional[first] = variants.provisional[site].any()
    kept = (variants.position_bp, names, ref, alt, provisional)
    return Records(
        variants.contig,
        *(column[is_first] for column in kept),
        record=is_first.cumsum() - 1,
        number=number,
        sites=sites,
    )


def join_calls(
    records: Records, calls: np.ndarray, phased: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Calls of records, of those of their variants.

    calls: int8 [V, S, P]; phased: bool [V, S]. A call that one variant knows to be its ALT is that;
    else it is missing if any variant lacks it.

    Returns:
        calls int8 [N, S, P] of alleles by their numbers, -1 missing; phased bool [N, S].

    Raises:
        ValueError: a person with more ALT alleles of a site than places for them.
    """
    if not records.sites:
        return calls, phased
    first = np.flatnonzero(np.diff(records.record, prepend=-1))
    joined, joined_phased = calls[first], phased[first]
    for site in records.sites:
        at = records.record[site.start]
        joined[at], joined_phased[at] = _join_site(records, site, calls[site], phased[site])
    return joined, joined_phased


def _join_site(records: Records, site: slice, calls, phased) -> tuple[np.ndarray, np.ndarray]:
    own = calls == 1  # [m, S, P]
    codes = (own * records.number[site, None, None]).sum(axis=0).astype(np.int8)
    codes[(codes == 0) & (calls < 0).any(axis=0)] = MISSING
    codes[(calls == ABSENT).all(axis=0)] = ABSENT
    all_phased = phased.all(axis=0)
    # unphased calls have their ALT last, so that two variants may both have theirs there
    torn = np.flatnonzero((own.sum(axis=0) > 1).any(axis=1))
    if len(torn):
        too_many = own[:, torn].sum(axis=(0, 2)) > _n_places(calls[:, torn])
        if all_phased[torn].any() or too_many.any():
            place = f"{records.contig}:{records.position_bp[records.record[site.start]]}"
            raise ValueError(f"a person with more ALT alleles of {place} than places for them")
        copies = own[:, torn].sum(axis=2).T  # [n, m], two of each person
        numbers = np.tile(records.number[site], len(torn))
        codes[torn] = np.repeat(numbers, copies.ravel()).reshape(-1, PLOIDY)
    return codes, all_phased
