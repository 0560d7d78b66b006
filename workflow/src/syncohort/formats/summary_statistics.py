"""GWAS summary statistics from elsewhere, and their alignment with a cohort's variants.

Axes: V variants of the cohort.
"""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError
from syncohort.genotypes import normalise_contig

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
