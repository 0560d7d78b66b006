"""GWAS summary statistics from elsewhere, and their alignment with a cohort's variants.

Axes: V variants of the cohort.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.association import SITE_COLUMNS, site_table
from syncohort.errors import InputError
from syncohort.genotypes import CohortStore, normalise_contig

COUNTS = (
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

_HEADINGS = {  # by preference; compared in lower case without punctuation
    "id": "snp rsid snpid variantid markername id variant",
    "contig": "chr chrom chromosome contig",
    "position_bp": "pos position bp positionbp basepairlocation",
    "effect_allele": "effectallele ea a1 allele1 testedallele alt",
    "other_allele": "otheralleles otherallele noneffectallele nea a2 allele2 ax ref",
    "beta": "beta effect b logor",
    "odds_ratio": "or oddsratio",
    "p": "p pvalue pval pvalueassociation",
}
_REQUIRED = ("effect_allele", "p")
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True)
class Harmonised:
    """Summary statistics on a cohort's variants.

    table: one row per aligned variant, in the cohort's order (index: into the joined
    chromosomes): contig, position_bp, id, effect_allele (ALT), other_allele (REF), beta per
    ALT allele, p. counts (`COUNTS`): rows of the file; of these unusable (no finite
    beta or no p in [0, 1]), not_in_cohort, ambiguous (A/T and C/G: either strand fits),
    other_alleles, repeated (a variant's second row), and aligned, the rest; of those flipped
    (the effect allele was REF) and complemented (other strand).
    """

    table: pd.DataFrame
    counts: dict[str, int]


def read_summary_statistics(path: str | Path) -> pd.DataFrame:
    """Read a table of GWAS results, plain or gzipped, columns apart by tabs, commas or blanks.

    Columns go by their usual names (`SNP`, `CHR`, `BP`, `A1`, `A2`, `BETA` or `OR`, `P` and
    others): the effect allele, p, beta or odds ratio, and id or chromosome and position.
    Returns id, contig (normalised), position_bp (0 where there is none), effect_allele,
    other_allele ("" where there is none; capitals), beta (log odds ratio), p; what is no
    number is NaN. Raises InputError for columns that are missing.
    """
    table = _read_table(path)
    columns = _find_columns(table, path)
    found = {name: table[column] for name, column in columns.items()}
    numbers = {
        name: pd.to_numeric(found[name], errors="coerce")
        for name in ("position_bp", "beta", "odds_ratio", "p")
        if name in found
    }
    if "beta" not in numbers:
        with np.errstate(divide="ignore", invalid="ignore"):
            numbers["beta"] = np.log(numbers["odds_ratio"])
    contig = found["contig"].map(normalise_contig) if "contig" in found else ""
    position = numbers["position_bp"].fillna(0).astype(np.int64) if "contig" in found else 0
    return pd.DataFrame(
        {
            "id": found.get("id", ""),
            "contig": contig,
            "position_bp": position,
            "effect_allele": found["effect_allele"].str.upper(),
            "other_allele": found["other_allele"].str.upper() if "other_allele" in found else "",
            "beta": numbers["beta"],
            "p": numbers["p"],
        },
        index=table.index,
    )


def harmonise(statistics: pd.DataFrame, stores: list[CohortStore]) -> Harmonised:
    """Align summary statistics with the variants of a cohort, so that beta is per ALT allele.

    statistics: from `read_summary_statistics`; stores: one per chromosome. Variants are
    found by position, or by id where the file has no positions. An effect allele that is
    REF flips the sign; alleles that fit only as their complements are of the other strand;
    A/T and C/G variants are left out, because either strand fits them.

    Raises InputError when no row is aligned: another build, most likely.
    """
    usable = np.isfinite(statistics["beta"]) & statistics["p"].between(0, 1)
    counts = dict.fromkeys(COUNTS, 0)
    counts |= {"rows": len(statistics), "unusable": int((~usable).sum())}
    sites = pd.concat([site_table(store) for store in stores], ignore_index=True)
    found = _join(statistics[usable], sites)
    counts["not_in_cohort"] = int(usable.sum()) - found["row"].nunique()

    alt, ref = found["effect_allele"], found["other_allele"]
    ambiguous = alt.str.translate(_COMPLEMENT) == ref
    straight = _fit(found, alt, ref)
    swapped = _fit(found, ref, alt)
    own_strand = straight | swapped
    complement = [allele.str.translate(_COMPLEMENT) for allele in (alt, ref)]
    straight |= ~own_strand & _fit(found, *complement)
    swapped |= ~own_strand & _fit(found, *complement[::-1])
    fits = straight | swapped
    # a row may meet several variants of its site: the one it fits, or none, decides
    rows = found.assign(fits=fits, ambiguous=ambiguous)
    rows = rows.sort_values("fits", ascending=False, kind="stable").drop_duplicates("row")
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
            "other alleles); are both of the same genome build?"
        )
    table = kept.assign(beta=np.where(is_swapped, -kept["beta"], kept["beta"]))
    return Harmonised(table.set_index("variant")[[*SITE_COLUMNS, "beta", "p"]], counts)


def _read_table(path) -> pd.DataFrame:
    """A table of str, columns apart by tabs, commas or blanks as its heading has them."""
    try:
        with open(path, "rb") as raw:
            opened = gzip.open if raw.read(2) == b"\x1f\x8b" else open
        with opened(path, "rt", encoding="utf-8") as lines:
            heading = lines.readline()
            separator = next((each for each in "\t," if each in heading), r"\s+")
        with opened(path, "rt", encoding="utf-8") as lines:
            return pd.read_csv(lines, sep=separator, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such summary statistics") from None
    except (ValueError, OSError) as error:  # what pandas raises for tables it cannot read
        raise InputError(f"{path}: cannot be read as a table: {error}") from None


def _find_columns(table, path) -> dict[str, str]:
    """Our name -> the file's column, of those there are."""
    bare = {"".join(filter(str.isalnum, column.lower())): column for column in table}
    found = {}
    for name, spellings in _HEADINGS.items():
        column = next((bare[each] for each in spellings.split() if each in bare), None)
        if column is not None:
            found[name] = column
    missing = [name for name in _REQUIRED if name not in found]
    if "beta" not in found and "odds_ratio" not in found:
        missing.append("beta (or odds ratio)")
    if "id" not in found and not {"contig", "position_bp"} <= set(found):
        missing.append("id (or chromosome and position)")
    if missing:
        raise InputError(
            f"{path}: no column for {', '.join(missing)}; found {', '.join(table)}. Summary "
            "statistics look like\nSNP\tCHR\tBP\tA1\tA2\tBETA\tP\nrs1\t22\t16050408\tC\tT\t0.02\t0.4"
        )
    if not {"contig", "position_bp"} <= set(found):
        found = {name: found[name] for name in found if name not in ("contig", "position_bp")}
    return found


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
