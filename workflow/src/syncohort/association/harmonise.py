"""Alignment of GWAS summary statistics with a cohort's variants: strand, allele order, palindromes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.cohort_store import SITE_COLUMNS, CohortStore, site_table
from syncohort.errors import InputError
from syncohort.formats.alleles import trimmed

COUNTS = (
    "other_tests",
    "rows",
    "unusable",
    "repeated",
    "not_in_cohort",
    "ambiguous",
    "other_alleles",
    "aligned",
    "flipped",
    "complemented",
)

STEP = "summary statistics: {}"  # how tables of steps name a count

_PLACE = r"(?i)(chr)?(\d+|X|Y|MT?)[:_]\d+([:_].*)?"  # ids such as 7:1000:A:G
# So many rows with other alleles, and so large a share of those at the cohort's variants: rows of
# another genome build meet variants by chance, and few multiallelic sites do.
_OTHERS_MIN, _OTHERS_MAX = 20, 0.2
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True)
class Harmonised:
    """Summary statistics on a cohort's variants.

    table: one row per aligned variant, in the cohort's order (index: into the joined
    chromosomes): contig, position_bp, id, effect_allele (ALT), other_allele (REF), beta per
    ALT allele, p. counts (`COUNTS`): rows of other tests in the file, which are not used; its
    other rows; of these unusable (no finite
    beta or no p in [0, 1]), not_in_cohort, ambiguous (A/T and C/G: either strand fits; or
    several variants of the site do), other_alleles, repeated (a variant's second row), and aligned, the rest; of those flipped
    (the effect allele was REF) and complemented (other strand).
    """

    table: pd.DataFrame
    counts: dict[str, int]


def harmonise(statistics: pd.DataFrame, stores: list[CohortStore]) -> Harmonised:
    """Align summary statistics with the variants of a cohort, so that beta is per ALT allele.

    statistics: from `read_summary_statistics`; stores: one per chromosome. Variants are
    found by position, or by id where the file has no positions. An effect allele that is
    REF flips the sign; alleles that fit only as their complements are of the other strand;
    A/T and C/G variants are left out, because either strand fits them. Alleles of several bases
    are compared without those that both share, and on the strand of the file alone.

    Raises InputError when no row is aligned, or too many at the cohort's variants have other
    alleles: another build, most likely.
    """
    usable = np.isfinite(statistics["beta"]) & statistics["p"].between(0, 1)
    counts = dict.fromkeys(COUNTS, 0)
    counts["other_tests"] = statistics.attrs.get("other_tests", 0)
    counts |= {"rows": len(statistics), "unusable": int((~usable).sum())}
    sites = pd.concat([site_table(store) for store in stores], ignore_index=True)
    found = _join(_parsimonious(statistics[usable], sites), sites)
    counts["not_in_cohort"] = int(usable.sum()) - found["row"].nunique()

    alt, ref = found["effect_allele"], found["other_allele"]
    is_snp = (alt.str.len() == 1) & (ref.str.len() == 1)
    ambiguous = is_snp & (alt.str.translate(_COMPLEMENT) == ref)
    straight = _fit(found, alt, ref)
    swapped = _fit(found, ref, alt)
    own_strand = straight | swapped
    complement = [allele.str.translate(_COMPLEMENT) for allele in (alt, ref)]
    straight |= is_snp & ~own_strand & _fit(found, *complement)
    swapped |= is_snp & ~own_strand & _fit(found, *complement[::-1])
    fits = straight | swapped
    # a row may meet several variants of its site, and is of the one it fits best; of two, it is of none
    rank = fits.astype(int) + own_strand
    best = rank == rank.groupby(found["row"]).transform("max")
    several = best.groupby(found["row"]).transform("sum") > 1
    rows = found.assign(fits=fits, ambiguous=ambiguous | several)[best].drop_duplicates("row")
    counts["other_alleles"] = int((~rows["fits"]).sum())
    counts["ambiguous"] = int((rows["fits"] & rows["ambiguous"]).sum())

    kept = rows[rows["fits"] & ~rows["ambiguous"]].sort_values(["variant", "row"])
    unique = ~kept.duplicated("variant")
    counts["repeated"] = int((~unique).sum())
    kept = kept[unique]
    is_swapped, is_own = swapped.loc[kept.index], own_strand.loc[kept.index]
    counts["aligned"] = len(kept)
    counts["flipped"], counts["complemented"] = int(is_swapped.sum()), int((~is_own).sum())
    if kept.empty:
        raise InputError(
            f"summary statistics: none of {len(statistics):,} rows fits a variant of the cohort "
            f"({counts['not_in_cohort']:,} are at other places, {counts['other_alleles']:,} have "
            f"other alleles); {_advice(statistics)}"
        )
    n_other, n_met = counts["other_alleles"], counts["other_alleles"] + counts["aligned"]
    if n_other >= _OTHERS_MIN and n_other > _OTHERS_MAX * n_met:
        raise InputError(
            f"summary statistics: of {n_met:,} rows at variants of the cohort {n_other:,} have other "
            f"alleles than these ({n_other / n_met:.0%}), so the others may fit by chance; "
            f"{_advice(statistics)}"
        )
    table = kept.assign(beta=np.where(is_swapped, -kept["beta"], kept["beta"]))
    return Harmonised(table.set_index("variant")[[*SITE_COLUMNS, "beta", "p"]], counts)


def _advice(statistics: pd.DataFrame) -> str:
    """What may be wrong with summary statistics of which too few rows fit."""
    if statistics["id"].astype(str).str.fullmatch(_PLACE).mean() > 0.5:
        return "their ids hold positions: write these into columns CHR and BP"
    return "are both of the same genome build?"


def _parsimonious(statistics: pd.DataFrame, sites: pd.DataFrame) -> pd.DataFrame:
    """Rows whose alleles, where both are of several bases, lack those that both share."""
    columns = ["position_bp", "other_allele", "effect_allele"]
    found = statistics[columns].copy()
    long = (found["other_allele"].str.len() > 1) & (found["effect_allele"].str.len() > 1)
    only_snps = (sites["effect_allele"].str.len() + sites["other_allele"].str.len() == 2).all()
    if only_snps or not long.any():
        return statistics
    shortest = [trimmed(*row) for row in found[long].itertuples(index=False)]
    found.loc[long, columns] = pd.DataFrame(shortest, found.index[long], columns)
    by_id = statistics["position_bp"] <= 0
    return statistics.assign(**found.assign(position_bp=found["position_bp"].mask(by_id, 0)))


def _join(statistics, sites) -> pd.DataFrame:
    """Pairs of a row and a variant at its place: theirs (effect, other, beta, p) and SITE_COLUMNS."""
    theirs = statistics.rename(columns={"effect_allele": "effect", "other_allele": "other"})
    theirs = theirs.rename_axis("row").reset_index()
    ours = sites.rename_axis("variant").reset_index()
    if (theirs["position_bp"] > 0).any():
        return theirs.drop(columns="id").merge(ours, on=["contig", "position_bp"])
    ours = ours[~ours["id"].isin(["", "."])]
    return theirs.drop(columns=["contig", "position_bp"]).merge(ours, on="id")


def _fit(found, effect, other) -> pd.Series:
    """Where the file's effect allele is `effect` and its other allele, if it names one, `other`."""
    return (found["effect"] == effect) & ((found["other"] == other) | (found["other"] == ""))
