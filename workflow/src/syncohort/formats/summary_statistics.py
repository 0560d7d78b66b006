"""GWAS summary statistics from elsewhere, as today's programs write them.

PLINK 1.9 and 2, SAIGE, regenie, BOLT-LMM, GCTA, GEMMA, METAL, GWAS-SSF (GWAS Catalog), FinnGen
and tables with such columns. Which allele an effect belongs to is what they differ in most.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.formats.columns import find_columns
from syncohort.formats.tables import TextTable
from syncohort.genotypes import normalise_contig

_KEY = "selection.statistics"
_ADDITIVE = "ADD"

_HEADINGS = {  # by preference; compared in lower case without punctuation
    "id": "snp rsid rsids rs snpid variantid markername markerid id variant",
    "contig": "chr chrom chromosome contig",
    "position_bp": "pos position bp positionbp basepairlocation basepair ps genpos",
    "effect_allele": "effectallele ea a1 allele1 testedallele refa alt",
    "other_allele": "otheralleles otherallele noneffectallele nea oa omitted ax a2 allele2 a0 "
    "allele0 ref",
    "beta": "beta effect b logor effectsize",
    "odds_ratio": "or oddsratio hr hazardratio",
    "p": "p pvalue pval pvalueassociation pboltlmm pboltlmminf pwald",
    "log_p": "log10p log10pvalue log10pval neglog10p neglog10pvalue neglog10pval minuslog10p "
    "minuslog10pvalue minuslog10pval mlogp mlog10p mlog10pvalue nlog10p nlog10pvalue",
    "test": "test",
    "ref": "ref",
    "alt": "alt",
}


def read_summary_statistics(path: str | Path) -> pd.DataFrame:
    """Read a table of GWAS results, plain or gzipped, columns apart by tabs, commas or blanks.

    Columns go by their usual names (`SNP`, `CHR`, `BP`, `A1`, `A2`, `BETA` or `OR`, `P` or
    `LOG10P`, and others). Of a table with a column TEST the additive rows count (ADD); rows of
    covariates are none of a variant's.

    Returns id ("" where rows go by position), contig (normalised), position_bp (0 where there
    is none), effect_allele, other_allele ("" where there is none; capitals), beta (log odds
    ratio), p; what is no number is NaN. attrs["other_tests"]: rows of other tests.

    Raises:
        InputError: columns that are missing; a table without additive rows, or without one that
            has an effect and a p-value; an odds ratio below 0; log10 p-values below 0.
    """
    table = TextTable(path, _KEY)
    columns = _find_columns(table.columns, path)
    names = {column: ours for ours, column in columns.items()}
    parts, other_tests, tests, n_rows, example = [], 0, set(), 0, None
    by_position = None
    for chunk in table.chunks(dict.fromkeys(columns.values())):
        found = {ours: chunk[column] for ours, column in columns.items()}
        n_rows += len(chunk)
        if example is None:
            example = chunk.iloc[0]
        if "test" in found:
            is_additive = _shared(found["test"], str.upper) == _ADDITIVE
            tests.update(found["test"].unique())
            other_tests += int((~is_additive).sum())
            found = {ours: column[is_additive] for ours, column in found.items()}
        part = _statistics(found, f"{_KEY}: {path}", columns)
        if by_position is None and len(part):
            by_position = bool((part["position_bp"] > 0).any())
        if by_position:
            part["id"] = ""  # millions of names that nobody asks for
        parts.append(part)
    statistics = pd.concat(parts, ignore_index=True) if parts else _no_rows()
    statistics.attrs["other_tests"] = other_tests
    if n_rows and not len(statistics):
        raise InputError(
            f"{_KEY}: {path}: the column {columns['test']!r} holds {examples(sorted(tests))} and "
            f"no {_ADDITIVE}; the effect of an allele is that of the additive test"
        )
    usable = np.isfinite(statistics["beta"]) & statistics["p"].between(0, 1)
    if n_rows and not usable.any():
        seen = ", ".join(
            f"{column} {example[column]!r}"
            for column in names
            if names[column] in ("beta", "odds_ratio", "p", "log_p")
        )
        raise InputError(
            f"{_KEY}: {path}: no row has an effect and a p-value between 0 and 1; line "
            f"{example.name} has {seen}. Numbers have a decimal point, and P is no -log10(p)."
        )
    return statistics


def _statistics(found: dict[str, pd.Series], place: str, columns: dict) -> pd.DataFrame:
    """The rows of a part of the file; found: columns of str by our names."""
    numbers = {
        name: pd.to_numeric(found[name], errors="coerce").astype(np.float64)
        for name in ("position_bp", "beta", "odds_ratio", "p", "log_p")
        if name in found
    }
    effect = _shared(found["effect_allele"], str.upper)
    with_position = "contig" in found
    return pd.DataFrame(
        {
            "id": found.get("id", ""),
            "contig": _shared(found["contig"], normalise_contig) if with_position else "",
            "position_bp": numbers["position_bp"].fillna(0).astype(np.int64)
            if with_position
            else 0,
            "effect_allele": effect,
            "other_allele": _other_alleles(found, effect),
            "beta": _betas(numbers, place, columns),
            "p": _p_values(numbers, place, columns),
        },
        index=found["effect_allele"].index,
    )


def _no_rows() -> pd.DataFrame:
    names = ("id", "contig", "position_bp", "effect_allele", "other_allele", "beta", "p")
    return pd.DataFrame({name: [] for name in names})


def _shared(column: pd.Series, function) -> np.ndarray:
    """`function` of every value [N], equal values being one object."""
    codes, unique = pd.factorize(column)
    return np.array([function(value.strip()) for value in unique] or [""], dtype=object)[codes]


def _other_alleles(found: dict[str, pd.Series], effect: np.ndarray) -> np.ndarray | str:
    """Other allele [N]: the file's own, or of REF and ALT the one that is not the effect allele.

    "" where an effect allele has several others; "?" where it is neither REF nor ALT.
    """
    if "other_allele" in found:
        return _shared(found["other_allele"], str.upper)
    if not {"ref", "alt"} <= set(found):
        return ""
    ref, alt = (_shared(found[name], str.upper) for name in ("ref", "alt"))
    other = np.where(effect == alt, ref, np.where(effect == ref, alt, "?"))
    lists = {each for each in pd.unique(alt) if "," in each}
    several = np.flatnonzero(pd.Series(alt).isin(lists)) if lists else []
    for row in several:
        rest = {ref[row], *alt[row].split(",")}
        other[row] = "" if effect[row] in rest else "?"
    return other


def _betas(numbers: dict[str, pd.Series], place: str, columns: dict) -> pd.Series:
    """Effects; the logarithm of the odds ratio in rows that have no other."""
    beta = numbers.get("beta")
    if "odds_ratio" not in numbers:
        return beta
    ratio = numbers["odds_ratio"]
    if (ratio < 0).any():
        raise InputError(
            f"{place}, line {ratio.index[int(np.argmax(ratio < 0))]}: the odds ratio "
            f"{columns['odds_ratio']!r} is below 0; a logarithm of it is called BETA"
        )
    with np.errstate(divide="ignore"):
        logarithm = np.log(ratio)
    return logarithm if beta is None else beta.fillna(logarithm)


def _p_values(numbers: dict[str, pd.Series], place: str, columns: dict) -> pd.Series:
    """p-values; from -log10(p) in rows that have no other."""
    p = numbers.get("p")
    if "log_p" not in numbers:
        return p
    log_p = numbers["log_p"]
    if (log_p < 0).any():
        raise InputError(
            f"{place}, line {log_p.index[int(np.argmax(log_p < 0))]}: {columns['log_p']!r} is "
            "below 0; programs that write it mean -log10(p)"
        )
    power = 10.0**-log_p
    return power if p is None else p.fillna(power)


def _find_columns(columns: list[str], path) -> dict[str, str]:
    """Our name -> the file's column, of those there are."""
    place = f"{_KEY}: {path}"
    held = {name: find_columns(columns, aliases, place) for name, aliases in _HEADINGS.items()}
    found = {name: matching[0] for name, matching in held.items() if matching}
    _choose_alleles(found, columns)
    missing = [name for name in ("effect_allele",) if name not in found]
    if "p" not in found and "log_p" not in found:
        missing.append("p")
    if "beta" not in found and "odds_ratio" not in found:
        missing.append("beta (or odds ratio)")
    if "id" not in found and not {"contig", "position_bp"} <= set(found):
        missing.append("id (or chromosome and position)")
    if missing:
        raise InputError(
            f"{place}: no column for {', '.join(missing)}; found {', '.join(columns)}. Summary "
            "statistics look like\nSNP\tCHR\tBP\tA1\tA2\tBETA\tP\nrs1\t22\t16050408\tC\tT\t0.02\t0.4"
        )
    if not {"contig", "position_bp"} <= set(found):
        found = {name: found[name] for name in found if name not in ("contig", "position_bp")}
    return found


def _choose_alleles(found: dict[str, str], columns: list[str]) -> None:
    """Correct which columns are the effect and the other allele, in place.

    SAIGE's effects belong to Allele2, which its frequencies name. REF is the other allele only
    where ALT is the effect allele: plink2's A1 may be REF.
    """
    effect, other = found.get("effect_allele"), found.get("other_allele")
    second = find_columns(columns, "acallele2 afallele2 freqallele2", "")
    if second and effect and effect.lower() == "allele1" and other and other.lower() == "allele2":
        found["effect_allele"], found["other_allele"] = other, effect
    if other is not None and other == found.get("ref") and effect != found.get("alt"):
        del found["other_allele"]
        if "alt" not in found:
            found.pop("ref")
