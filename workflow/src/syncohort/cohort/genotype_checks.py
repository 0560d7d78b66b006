"""The compatibility check's part on genotypes: chromosomes, copies of them, sex and phase.

Functions take the summaries that `import_chromosome` wrote, a dictionary per chromosome, and
return lines of the page. Axes: S people.
"""

import numpy as np
import pandas as pd

from syncohort.cohort.importing import BREAKS_MAX
from syncohort.cohort.people_checks import Check
from syncohort.errors import examples

# Chromosomes of which some or all people have one copy.
_ONE_COPY = ("Y", "MT")
_SOME_ONE_COPY = "X"

# A person is heterozygous at a smaller share of what is expected only with one copy.
_HETEROZYGOSITY_MIN = 0.1
# So many heterozygous calls must be expected for their absence to say anything.
_EXPECTED_MIN = 20

_MALE, _FEMALE = ("1", "m", "male", "man", "xy"), ("2", "f", "female", "woman", "xx")
_LARGEST_HUMAN = 22
_NUMBERED_PLINK_CODES = 26


def name_checks(summaries: list[dict]) -> list[Check]:
    """Whether chromosome numbers are those of humans."""
    held = {name for summary in summaries for name in summary["held"]}
    numbers = sorted(
        int(name) for name in held if name.isdigit() and int(name) > _NUMBERED_PLINK_CODES
    )
    if not numbers:
        return []
    return [
        Check(
            "chromosome names",
            f"numbers above {_NUMBERED_PLINK_CODES}: {examples(numbers)}",
            "look",
            f"Of another species? Human autosomes are 1 to {_LARGEST_HUMAN}, and 23, 24, 25 and 26 "
            "are read as X, Y, XY and MT. Name the chromosomes to use in input.chromosomes; rename 23 to 26 "
            "where they are autosomes.",
        )
    ]


def ploidy_checks(
    summaries: list[dict], tables: list[pd.DataFrame], people: pd.DataFrame
) -> list[Check]:
    """Whether everybody has two copies of every chromosome.

    tables: of each chromosome, with the columns `importing.CALL_COUNTS` [S]. people: [S] rows
    with what files and label table say of people, sex perhaps.
    """
    checks = []
    haploid = [summary["contig"] for summary in summaries if summary["n_haploid"]]
    if haploid:
        checks.append(_stop(f"haploid calls on chromosome {examples(haploid)}"))
    sex = sex_of(people)
    checks += sex_checks(people)
    for summary, table in zip(summaries, tables, strict=True):
        contig = summary["contig"]
        if contig in haploid:
            continue
        if contig in _ONE_COPY:
            checks.append(_stop(f"chromosome {contig}, of which people have one copy"))
        elif contig == _SOME_ONE_COPY:
            checks += _x_checks(summary, table, sex)
        else:
            checks += _heterozygosity_checks(summary, table)
        checks += _no_call_checks(summary, table)
    return checks


def _stop(found: str) -> Check:
    return Check(
        "ploidy",
        found,
        "stop",
        "Only diploid genotypes are modelled yet: leave such chromosomes (X and Y of males, MT) "
        "out with input.chromosomes.",
    )


def _without_calls(summary: dict, table: pd.DataFrame) -> np.ndarray:
    """Who has no call at all, not even half of one, bool [S]."""
    missing, half = (table[name].astype(int).to_numpy() for name in ("n_missing", "n_half"))
    return (missing == summary["n_kept"]) & (half == 0)


def _no_call_checks(summary: dict, table: pd.DataFrame) -> list[Check]:
    """People of whom a chromosome says nothing, which may be how a file marks one copy or none."""
    without = _without_calls(summary, table)
    if not without.any():
        return []
    names = examples(table.loc[without, "sample"])
    return [
        Check(
            f"people without a call on chromosome {summary['contig']}",
            f"{without.sum():,} ({names}): how many copies they have cannot be seen",
            "look",
            "Their calls there are missing. Leave these people or this chromosome out if that is "
            "not meant.",
        )
    ]


def has_one_copy(summary: dict, table: pd.DataFrame) -> np.ndarray | None:
    """Who has so few heterozygous calls that there is one copy, bool [S]; None: cannot be seen."""
    n_kept = summary["n_kept"]
    known = 1 - table["n_missing"].astype(int).to_numpy() / n_kept
    expected = summary["expected_heterozygous"] * known
    if summary["expected_heterozygous"] < _EXPECTED_MIN:
        return None
    return table["n_heterozygous"].astype(int).to_numpy() < _HETEROZYGOSITY_MIN * expected


def _x_checks(summary: dict, table: pd.DataFrame, sex: np.ndarray) -> list[Check]:
    """X is used only where it is certain that everybody has two copies."""
    male = sex == 1
    half = table["n_half"].astype(int).to_numpy() > table["n_heterozygous"].astype(int).to_numpy()
    by_calls = has_one_copy(summary, table)
    half |= _without_calls(summary, table)
    unknown = (sex == 0) & (half if by_calls is None else half | by_calls)
    wrong = np.zeros(len(sex), dtype=bool) if by_calls is None else (sex == 2) & by_calls
    found = []
    if wrong.any():
        names = examples(table.loc[wrong, "sample"])
        found.append(
            f"{wrong.sum():,} people are female ({names}) and have hardly a heterozygous call"
        )
    if male.any():
        found.append(f"{male.sum():,} people are male")
    if unknown.any():
        found.append(f"{unknown.sum():,} people of unknown sex have hardly a heterozygous call")
    if by_calls is None and (sex == 0).any():
        found.append(f"{(sex == 0).sum():,} people are of unknown sex, with too few SNPs to see it")
    return [_stop(f"chromosome X: {' and '.join(found)}")] if found else []


def _heterozygosity_checks(summary: dict, table: pd.DataFrame) -> list[Check]:
    """An autosome at which many people are never heterozygous may be no autosome."""
    by_calls = has_one_copy(summary, table)
    half = int(table["n_half"].astype(int).sum())
    checks = []
    if by_calls is not None and by_calls.mean() > 0.1:
        checks.append(
            Check(
                "ploidy",
                f"{by_calls.sum():,} of {len(by_calls):,} people have hardly a heterozygous call on "
                f"chromosome {summary['contig']}",
                "look",
                "Is it X or Y under another name, or are the people inbred lines?",
            )
        )
    if half:
        checks.append(
            Check(
                "half-missing calls",
                f"{half:,} on chromosome {summary['contig']} (0/., or another ALT allele), missing",
            )
        )
    return checks


def sex_of(people: pd.DataFrame) -> np.ndarray:
    """1 for male, 2 for female, 0 for unknown [S], of columns sex or gender, however written.

    Who is male in one column and female in another is male: one copy of X is what stops.
    """
    found = _sexes(people)
    return np.where((found == 1).any(axis=1), 1, np.where((found == 2).any(axis=1), 2, 0))


def _sexes(people: pd.DataFrame) -> np.ndarray:
    """Sex of people by every column that says it, int [S, columns]."""
    columns = []
    for at, name in enumerate(people.columns):  # a name may stand twice
        if str(name).strip().lower() in ("sex", "gender"):
            codes = people.iloc[:, at].astype(str).str.strip().str.lower().str.removesuffix(".0")
            columns.append(np.where(codes.isin(_MALE), 1, np.where(codes.isin(_FEMALE), 2, 0)))
    return np.stack(columns, axis=1) if columns else np.zeros((len(people), 0), dtype=int)


def sex_checks(people: pd.DataFrame) -> list[Check]:
    """Whether files and label table agree on sex; people: as for `ploidy_checks`."""
    found = _sexes(people)
    torn = (found == 1).any(axis=1) & (found == 2).any(axis=1)
    if not torn.any():
        return []
    names = people["sample"]
    names = names.iloc[:, 0] if names.ndim > 1 else names
    return [
        Check(
            "sex",
            f"{torn.sum():,} people are male in one column and female in another "
            f"({examples(names[torn])}), of the genotype files and the label table",
            "look",
            "Are rows of the label table those of the right people?",
        )
    ]


def phase_checks(summaries: list[dict], mode: str, phasing: str) -> list[Check]:
    """Whether genotypes are phased as the mode needs it."""
    broken = {
        summary["contig"]: summary["n_breaks"] / summary["n_pairs"]
        for summary in summaries
        if summary["n_breaks"]
    }
    worst = max(broken.values(), default=0)
    unphased = [summary["contig"] for summary in summaries if not summary["phased"]]
    if not unphased:
        if not broken:
            return [Check("phase", "every heterozygous call is phased")]
        return [
            Check(
                "phase",
                "every heterozygous call is phased, but phase sets (PS) break off after "
                f"{worst:.2%} of the heterozygous calls on chromosome {examples(broken)}",
                "look" if mode == "haplotype" else "ok",
                "Phase is taken to go on over these breaks." if mode == "haplotype" else "",
            )
        ]
    why = ""
    if worst > BREAKS_MAX:
        why = (
            f": phase sets (PS) break off after {worst:.0%} of them, so the file does not say how "
            "variants are phased with each other"
        )
    found = f"heterozygous calls without phase on chromosome {examples(unphased)}{why}"
    if mode == "haplotype" and phasing != "none":
        return [Check("phase", f"{found}; {phasing} will phase them")]
    stop = mode == "haplotype"
    return [
        Check(
            "phase",
            found,
            "stop" if stop else "ok",
            "mode: haplotype needs phased genotypes: set phasing.program: beagle, phase them "
            "yourself (SHAPEIT, Eagle), or set mode: genotype."
            if stop
            else "",
        )
    ]
