"""GWAS summary statistics from elsewhere, as today's programs write them.

PLINK 1.9 and 2, SAIGE, regenie, BOLT-LMM, GCTA, GEMMA, METAL, MTAG, Hail, GWAS-SSF and the
harmonised files of the GWAS Catalog, FinnGen and tables with such columns. Which allele an effect
belongs to is what they differ in most.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr

from syncohort.errors import InputError, examples
from syncohort.formats.columns import HOW_NUMBERS, LAST_BP, bare, find_columns, is_odd_number
from syncohort.formats.gwas_advice import why_unreadable
from syncohort.formats.missing_codes import MissingCodes
from syncohort.formats.tables import TextTable
from syncohort.genotypes import normalise_contig

_KEY = "selection.statistics"
_ADDITIVE = "ADD"

# Names that say whose effect it is; A1 and its like only do where no other column does.
_SURE = "effectallele ea effallele codedallele codedall testedallele"
_RISK = "riskallele"  # the effect's only where no other column may be
_HEADINGS = {  # by preference; compared in lower case without punctuation
    "id": "snp rsid rsids rs snpid variantid markername markerid id variant",
    "contig": "chr chrom chromosome contig",
    "position_bp": "pos position bp positionbp basepairlocation basepair ps genpos",
    "effect_allele": f"{_SURE} a1 allele1 refa alt {_RISK}",
    "other_allele": "otheralleles otherallele noneffectallele noneffallele noncodedallele "
    "noncodedall nonriskallele nea oa omitted ax a2 allele2 a0 allele0 ref",
    "beta": "beta effect b logor effectsize mtagbeta",
    "se": "se stderr standarderror sebeta",
    "z": "z zscore zstat",
    "odds_ratio": "or oddsratio hr hazardratio",
    "p": "p pvalue pval pvalueassociation pboltlmm pboltlmminf pwald mtagpval",
    "log_p": "log10p log10pvalue log10pval neglog10p neglog10pvalue neglog10pval minuslog10p "
    "minuslog10pvalue minuslog10pval mlogp mlog10p mlog10pvalue nlog10p nlog10pvalue",
    "test": "test",
    "ref": "ref",
    "alt": "alt",
}
_ALLELE_NAMES = ("effect_allele", "other_allele", "ref", "alt")
_NUMBERS = ("position_bp", "beta", "se", "z", "odds_ratio", "p", "log_p")
_HARMONISED = "hm_"  # columns of the GWAS Catalog in the place of those they were made from
_PARTNERS = {"a2": "a1", "a0": "a1", "allele2": "allele1", "allele0": "allele1"}
_CLEAR = 0.01  # effects from which their sign is no matter of rounding
_MANY_EFFECTS = 8  # of which some are below 0 if any may be
_ABOVE_ONE = 1 + 1e-6  # a p-value that is 1 but for rounding
_BOUND = re.compile(r"[<\u2264]=?\s*(?=[\d.])")  # of p-values too small for a program
_ALLELE_LIKE = re.compile("allele|coded|tested|minor")  # may say whose effect it is, as `bare`
_ALLELES = re.compile(r"[A-Za-z*]+")


def read_summary_statistics(path: str | Path) -> pd.DataFrame:
    """Read a table of GWAS results, plain or gzipped, columns apart by tabs, commas or blanks.

    Columns go by their usual names (`SNP`, `CHR`, `BP`, `A1`, `A2`, `BETA` or `OR`, `P` or
    `LOG10P`, and others); of harmonised files those that begin with hm_. Without a p-value it is
    that of BETA and SE, or of Z. Of a table with a column TEST the additive rows count (ADD); rows
    of covariates are none of a variant's.

    Returns id ("" where rows go by position), contig (normalised), position_bp (0 where there
    is none), effect_allele, other_allele ("" where there is none; capitals), beta (log odds
    ratio), p; what is no number is NaN. attrs["other_tests"]: rows of other tests.

    Raises:
        InputError: columns that are missing; a table without rows, without additive rows, or without
            one that has an effect and a p-value; positions beyond any chromosome; an odds ratio
            below 0; log10 p-values below 0; a p-value above 1; odds ratios called BETA; numbers with
            a comma in them; alleles that are codes, or another column of alleles that may be the
            effects'.
    """
    table = TextTable(path, _KEY, wanted=_is_heading)
    columns = _find_columns([*table.columns, *_unpacked_names(table.columns)], path)
    names = {column: ours for ours, column in columns.items()}
    parts, other_tests, tests, example = [], 0, set(), None
    by_position = None
    rivals = dict.fromkeys(_rivals(table.columns, columns), True)
    differs = set()
    for chunk in _chunks(table, columns, rivals):
        found = {ours: chunk[column] for ours, column in columns.items()}
        if example is None:
            example = chunk.iloc[0]
        if "test" in found:
            is_additive = _shared(found["test"], str.upper) == _ADDITIVE
            tests.update(found["test"].unique())
            other_tests += int((~is_additive).sum())
            found = {ours: column[is_additive] for ours, column in found.items()}
        part = _statistics(found, f"{_KEY}: {path}", columns)
        for rival in rivals:
            alleles = chunk.loc[part.index, rival].str.upper()
            is_effect = alleles == part["effect_allele"]
            rivals[rival] &= bool((is_effect | (alleles == part["other_allele"])).all())
            differs.update([rival] if not is_effect.all() else ())
        if by_position is None and len(part):
            by_position = bool((part["position_bp"] > 0).any())
        if by_position:
            part["id"] = ""  # millions of names that nobody asks for
        parts.append(part)
    if not parts:
        raise InputError(f"{_KEY}: {path}: holds no row below its heading")
    statistics = pd.concat(parts, ignore_index=True)
    statistics.attrs["other_tests"] = other_tests
    if not len(statistics):
        raise InputError(
            f"{_KEY}: {path}: the column {columns['test']!r} holds {examples(sorted(tests))} and "
            f"no {_ADDITIVE}; the effect of an allele is that of the additive test"
        )
    for rival in filter(rivals.get, differs):
        raise InputError(
            f"{_KEY}: {path}: the column {rival!r} holds now one, now the other of a variant's alleles, "
            f"and {columns['effect_allele']!r} may not be the allele of the effects: name the one that "
            "is EFFECT_ALLELE, or leave the other column out"
        )
    _require_bases(statistics["effect_allele"], f"{_KEY}: {path}")
    usable = np.isfinite(statistics["beta"]) & statistics["p"].between(0, 1)
    if not usable.any():
        seen = ", ".join(
            f"{column} {example[column]!r}"
            for column in names
            if names[column] in ("beta", "odds_ratio", "p", "log_p")
        )
        raise InputError(
            f"{_KEY}: {path}: no row has an effect and a p-value between 0 and 1; line "
            f"{example.name} has {seen}. {HOW_NUMBERS}"
        )
    if "beta" in columns and "odds_ratio" not in columns:
        _require_logarithms(statistics["beta"][usable], columns["beta"], f"{_KEY}: {path}")
    return statistics


def _is_heading(names: list[str]) -> bool:
    """Whether names are of a table of GWAS results."""
    aliases = " ".join(_HEADINGS[each] for each in ("effect_allele", "p", "log_p")).split()
    return len(names) > 2 and any(bare(name) in aliases for name in names)


def _unpacked_names(columns: list[str]) -> list[str]:
    """Names of what is taken out of Hail's columns locus (1:100) and alleles (["G", "A"])."""
    is_packed = {"locus", "alleles"} <= set(columns) and "A1" not in columns
    return ["CHR", "POS", "REF", "ALT"] if is_packed else []


def _rivals(names: list[str], columns: dict[str, str]) -> list[str]:
    """Columns that may say whose effect it is where that of `columns` has no name that does."""
    if bare(columns["effect_allele"].removeprefix(_HARMONISED)) in _SURE.split():
        return []
    return [
        name
        for name in names
        if name not in columns.values() and name != "alleles" and _ALLELE_LIKE.search(bare(name))
    ]


def _chunks(table: TextTable, columns: dict[str, str], others) -> Iterator[pd.DataFrame]:
    """The columns wanted, Hail's unpacked, and others."""
    unpacked = _unpacked_names(table.columns)
    wanted = dict.fromkeys(name for name in columns.values() if name not in unpacked)
    wanted.update(dict.fromkeys(others))
    for chunk in table.chunks([*wanted, *(("locus", "alleles") if unpacked else ())]):
        if unpacked:
            odd = chunk["locus"][~chunk["locus"].str.contains(":")]
            if len(odd):
                raise InputError(
                    f"{_KEY}: {table.path}, line {odd.index[0]}: the locus {odd.iloc[0]!r} is no "
                    "chromosome and position with : between them, such as 7:1000"
                )
            chunk[["CHR", "POS"]] = chunk["locus"].str.rpartition(":")[[0, 2]]
            alleles = chunk["alleles"].map(_ALLELES.findall)
            chunk["REF"], chunk["ALT"] = alleles.str[0], alleles.str[1:].str.join(",")
        yield chunk


def _statistics(found: dict[str, pd.Series], place: str, columns: dict) -> pd.DataFrame:
    """The rows of a part of the file; found: columns of str by our names."""
    numbers = {name: _numbers(found[name], place) for name in _NUMBERS if name in found}
    effect = _shared(found["effect_allele"], str.upper)
    with_position = "contig" in found
    return pd.DataFrame(
        {
            "id": found.get("id", ""),
            "contig": _shared(found["contig"], normalise_contig) if with_position else "",
            "position_bp": _whole(numbers["position_bp"], place).fillna(0).astype(np.int64)
            if with_position
            else 0,
            "effect_allele": effect,
            "other_allele": other_alleles(found, effect),
            "beta": _betas(numbers, place, columns),
            "p": _p_values(numbers, place, columns),
        },
        index=found["effect_allele"].index,
    )


def _numbers(column: pd.Series, place: str) -> pd.Series:
    """A column of str as float64, NaN where it is no number; a bound (<1e-300) is its number.

    Raises:
        InputError: a number with a comma in it, or the like.
    """
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    words = column[numbers.isna()]
    if len(words):
        bounds = words[words.str.match(_BOUND)].str.replace(_BOUND, "", regex=True)
        numbers[bounds.index] = pd.to_numeric(bounds, errors="coerce")
        for value in words.drop(bounds.index).unique():
            if is_odd_number(value):
                line = words.index[int(np.argmax((words == value).to_numpy()))]
                raise InputError(f"{place}, line {line}: {column.name} is {value!r}. {HOW_NUMBERS}")
    return numbers


def _whole(position_bp: pd.Series, place: str) -> pd.Series:
    below = position_bp[position_bp < 0].map("{:g}".format)
    position_bp = position_bp.copy()
    position_bp[below.index[MissingCodes().is_missing(below)]] = np.nan
    whole = (position_bp % 1 == 0) & position_bp.between(0, LAST_BP)
    broken = np.flatnonzero((position_bp.notna() & ~whole).to_numpy())
    if len(broken):
        raise InputError(
            f"{place}, line {position_bp.index[broken[0]]}: {position_bp.name} "
            f"{position_bp.iloc[broken[0]]:g} is no position in base pairs"
        )
    return position_bp


def _require_logarithms(beta: pd.Series, column: str, place: str) -> None:
    """Raise InputError for effects that are odds ratios: around 1, and none below 0."""
    if len(beta) >= _MANY_EFFECTS and (beta > 0).all() and 0.8 <= beta.median() <= 1.25:
        raise InputError(
            f"{place}: {column!r} is above 0 in every row, and {beta.median():.3g} in the middle: "
            "are these odds ratios? Then name the column OR"
        )


def _require_bases(alleles: pd.Series, place: str) -> None:
    """Raise InputError where no effect allele is a base: codes such as 1 to 4, or I and D."""
    kinds = pd.unique(alleles)
    if len(kinds) and not any(set(each) & set("ACGT") for each in kinds):
        raise InputError(
            f"{place}: the effect alleles are {examples(sorted(kinds))}, and A, C, G or T is needed; "
            "write the bases that these codes stand for"
        )


def _shared(column: pd.Series, function) -> np.ndarray:
    """`function` of every value [N], equal values being one object."""
    codes, unique = pd.factorize(column)
    return np.array([function(value.strip()) for value in unique] or [""], dtype=object)[codes]


def other_alleles(found: dict[str, pd.Series], effect: np.ndarray) -> np.ndarray | str:
    """Other allele [N]: the file's own, or of REF and ALT the one that is not the effect allele.

    found: columns of str by the names of `allele_columns`; effect: the effect allele in capitals.
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
    if beta is not None:
        clear = np.minimum(beta.abs(), logarithm.abs()) > _CLEAR
        torn = clear & (np.sign(beta) != np.sign(logarithm))
        if torn.sum() > clear.sum() / 2:
            raise InputError(
                f"{place}, line {torn.index[int(np.argmax(torn))]}: {columns['beta']!r} and "
                f"{columns['odds_ratio']!r} say opposite effects of one allele; keep the column that "
                "is right"
            )
    return logarithm if beta is None else beta.fillna(logarithm)


def _p_values(numbers: dict[str, pd.Series], place: str, columns: dict) -> pd.Series:
    """p-values; from -log10(p) in rows that have no other; else Wald's of BETA / SE, or of Z."""
    p = numbers.get("p")
    if p is None and "log_p" not in numbers:
        z = numbers["z"] if "z" in numbers else numbers["beta"] / numbers["se"]
        return pd.Series(2 * ndtr(-np.abs(z.to_numpy())), index=z.index)
    if p is not None:
        above = np.flatnonzero((p > _ABOVE_ONE).to_numpy())
        if len(above):
            raise InputError(
                f"{place}, line {p.index[above[0]]}: {columns['p']!r} is {p.iloc[above[0]]:g}, and a "
                "p-value is at most 1; is it -log10(p)? Then name the column LOG10P"
            )
        p = p.clip(upper=1)
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
    columns, original = _harmonised(columns)
    others = [name for name in _HEADINGS if name not in _ALLELE_NAMES]
    found = allele_columns(columns, place) | _first_columns(columns, others, place)
    missing = [name for name in ("effect_allele",) if name not in found]
    if not {"p", "log_p", "z"} & set(found) and not {"beta", "se"} <= set(found):
        missing.append("p")
    if "beta" not in found and "odds_ratio" not in found:
        missing.append("beta (or odds ratio)")
    if "id" not in found and not {"contig", "position_bp"} <= set(found):
        missing.append("id (or chromosome and position)")
    if missing:
        raise InputError(
            f"{place}: no column for {', '.join(missing)}; found {', '.join(columns)}. "
            f"{why_unreadable(columns)}Summary statistics look like\nSNP\tCHR\tBP\tA1\tA2\tBETA\tP\nrs1\t22\t16050408\tC\tT\t0.02\t0.4"
        )
    if {"p", "log_p"} & set(found):
        found = {name: found[name] for name in found if name not in ("z", "se")}
    found = {name: original.get(column, column) for name, column in found.items()}
    if not {"contig", "position_bp"} <= set(found):
        found = {name: found[name] for name in found if name not in ("contig", "position_bp")}
    return found


def allele_columns(columns: list[str], place: str) -> dict[str, str]:
    """effect_allele, other_allele, ref and alt -> the file's column, of those there are.

    Raises InputError where the effect may be that of a risk allele or of another one.
    """
    found = _first_columns(columns, _ALLELE_NAMES, place)
    _require_clear_allele(found, columns, place)
    _choose_alleles(found, columns)
    return found


def _first_columns(columns: list[str], names, place: str) -> dict[str, str]:
    held = {name: find_columns(columns, _HEADINGS[name], place) for name in names}
    return {name: matching[0] for name, matching in held.items() if matching}


def _harmonised(columns: list[str]) -> tuple[list[str], dict[str, str]]:
    """The columns that count, and the file's names of those called otherwise.

    A harmonised file of the GWAS Catalog has, beside the columns it was made from, hm_chrom,
    hm_pos, hm_effect_allele, hm_beta and others, of one build (GRCh38) and strand.
    """
    if not {"hm_pos", "hm_effect_allele"} <= set(columns):
        return columns, {}
    original = {name.removeprefix(_HARMONISED): name for name in columns if name.startswith("hm_")}
    replaced = "chromosome base_pair_location effect_allele other_allele beta odds_ratio variant_id"
    kept = [name for name in columns if name not in original and name not in replaced.split()]
    kept = [name for name in kept if not name.startswith(_HARMONISED)]
    return [*original, *kept], original


def _require_clear_allele(found: dict[str, str], columns: list[str], place: str) -> None:
    """Raise InputError for a risk allele beside A1 or its like: the effect may be of either."""
    risk = find_columns(columns, _RISK, place)
    effect = found.get("effect_allele")
    if risk and effect not in risk and bare(effect) not in _SURE.split():
        raise InputError(
            f"{place}: are the effects those of the alleles in {risk[0]!r} or in {effect!r}? Name the "
            "column of these EFFECT_ALLELE"
        )


def _choose_alleles(found: dict[str, str], columns: list[str]) -> None:
    """Correct which columns are the effect and the other allele, in place.

    SAIGE's effects belong to Allele2, which its frequencies name. REF is the other allele only
    where ALT is the effect allele: plink2's A1 may be REF. Of A1 and A2 beside an effect allele
    the other allele is the one that is not it.
    """
    effect, other = found.get("effect_allele"), found.get("other_allele")
    names = {bare(name): name for name in columns}
    second = names.keys() & {"acallele2", "afallele2", "freqallele2"} or {"tstat", "var"} <= set(
        names
    )
    if second and effect and effect.lower() == "allele1" and other and other.lower() == "allele2":
        found["effect_allele"], found["other_allele"] = other, effect
    if other is not None and other == found.get("ref") and effect != found.get("alt"):
        del found["other_allele"]
        if "alt" not in found:
            found.pop("ref")
    partner = other and names.get(_PARTNERS.get(bare(other)))
    if partner and partner != effect and effect != other:
        del found["other_allele"]
        found["ref"], found["alt"] = other, partner
