"""The compatibility check's part on genotypes: chromosomes, copies of them, sex and phase.

Functions take the summaries that `import_chromosome` wrote, a dictionary per chromosome, and
return lines of the page. Axes: S people.
"""

import numpy as np
import pandas as pd

from syncohort.cohort import pseudo_autosomal
from syncohort.cohort.importing import BREAKS_MAX
from syncohort.cohort.people_checks import Check
from syncohort.cohort.sexes import agreement_checks, heterozygosity, x_checks
from syncohort.errors import examples

# Chromosomes of which people have one copy.
_ONE_COPY = ("Y", "MT")
# A person is heterozygous at a smaller share of what is expected only with one copy.
_HETEROZYGOSITY_MIN = 0.1
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
    summaries: list[dict],
    tables: list[pd.DataFrame],
    people: pd.DataFrame,
    used: np.ndarray,
    mode: str,
) -> list[Check]:
    """Whether everybody has two copies of every chromosome, or, of X, the copies of their sex.

    tables: of each chromosome, with the columns `importing.CALL_COUNTS` [S]. people: [S] rows
    with what files and label table say of people, sex perhaps. used: bool [S], who is not left out;
    mode: "haplotype" or "genotype".
    """
    checks = []
    haploid = [
        summary["contig"]
        for summary in summaries
        if summary["n_haploid"] and summary["contig"] != pseudo_autosomal.CONTIG
    ]
    if haploid:
        checks.append(_stop(f"haploid calls on chromosome {examples(haploid)}"))
    checks += agreement_checks(people)
    for summary, table in zip(summaries, tables, strict=True):
        contig = summary["contig"]
        if contig in haploid:
            continue
        if contig in _ONE_COPY:
            checks.append(_stop(f"chromosome {contig}, of which people have one copy"))
        elif contig == pseudo_autosomal.CONTIG:
            checks += x_checks(summary, table, people, used, mode)
        else:
            checks += _heterozygosity_checks(summary, table)
        checks += _no_call_checks(summary, table)
    return checks


def _stop(found: str) -> Check:
    return Check(
        "ploidy",
        found,
        "stop",
        "Of chromosomes with one copy only X is modelled: leave Y and MT out with "
        "input.chromosomes.",
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


def _heterozygosity_checks(summary: dict, table: pd.DataFrame) -> list[Check]:
    """An autosome at which many people are never heterozygous may be no autosome."""
    found = heterozygosity(summary, table)
    by_calls = np.zeros(len(table), bool) if found is None else found < _HETEROZYGOSITY_MIN
    half = int(table["n_half"].astype(int).sum())
    checks = []
    if by_calls.mean() > 0.1:
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
