"""The compatibility check's part on people: labels, sizes, cases, covariates, relatives.

Functions take the people of `cohort.join_labels` and return lines of the page.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.association.covariates import covariate_problems
from syncohort.cohort.labels import LabelJoin
from syncohort.cohort.splits import NO_FAMILY
from syncohort.cohort.synthetic_people import draw_labels
from syncohort.errors import InputError, examples
from syncohort.genotypes import carries, rows_per_person

# Below about so many training rows the same recipe starts to remember people.
FEW_ROWS = 2_000

# With fewer training people on either side, common variants of usual effects do not stand out.
FEW_CASES = 200


@dataclass(frozen=True)
class Check:
    """level: ok, look (the run goes on) or stop; advice: what to do, "" when all is well."""

    name: str
    found: str
    level: str = "ok"
    advice: str = ""


def label_checks(joined: LabelJoin) -> list[Check]:
    """What the join of labels found, and how many people have one."""
    people = joined.people
    checks = [
        Check(
            "labels", problem, "stop", "See the sections `labels` and `split` in config/README.md."
        )
        for problem in joined.problems
    ]
    left_out = people.loc[people["excluded"] != "", "excluded"].value_counts()
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
    checks.append(
        Check(
            "people with a usable label",
            f"{(people['excluded'] == '').sum():,} of {len(people):,}"
            + (f"; left out: {reasons}" if reasons else ""),
            "look" if left_out.sum() > 0.2 * len(people) else "ok",
            "More than a fifth of the people are left out: is this the right table and column?"
            if left_out.sum() > 0.2 * len(people)
            else "",
        )
    )
    if joined.n_unmatched:
        checks.append(
            Check("lines of the label table without genotypes", f"{joined.n_unmatched:,}, not used")
        )
    return checks


def size_checks(people: pd.DataFrame, mode: str, train_share: float) -> list[Check]:
    """Whether there are enough training rows."""
    rows = int((people["excluded"] == "").sum() * train_share) * rows_per_person(mode)
    few = rows < FEW_ROWS
    return [
        Check(
            "training rows",
            f"about {rows:,} ({'two haplotypes' if mode == 'haplotype' else 'one row'} a person)",
            "look" if few else "ok",
            f"With fewer than about {FEW_ROWS:,} training rows a generator starts to memorise "
            "people: read the section Privacy of the report before anything leaves."
            if few
            else "",
        )
    ]


def case_checks(people: pd.DataFrame, case_label: str | None) -> list[Check]:
    """Whether somebody, and not everybody, is a case."""
    labels = people.loc[people["excluded"] == "", "label"].to_numpy()
    if case_label is None or not len(labels):
        return []
    is_case = carries(labels, case_label)
    if is_case.any() and not is_case.all():
        found = f"{is_case.sum():,} cases ({case_label}), {(~is_case).sum():,} controls"
        return [Check("cases", found)]
    return [
        Check(
            "cases",
            f"labels.case_label is {case_label!r}; the labels are {examples(sorted(set(labels)))}",
            "stop",
            "Set labels.case_label to the label of the cases; it cannot be everybody's.",
        )
    ]


def trait_check(trait: dict) -> Check:
    """That the trait is imposed; trait: its settings."""
    within = f", within {trait['within']}" if trait["within"] else ""
    return Check(
        "trait",
        f"simulated, not these people's: {trait['n_causal']:,} causal SNPs, heritability "
        f"{trait['heritability']:g}, prevalence {trait['prevalence']:g}{within}",
    )


def selection_checks(
    people: pd.DataFrame,
    selection: dict,
    case_label: str | None,
    missing: list[str],
    train_share: float,
) -> list[Check]:
    """Whether covariates are there, and people enough to choose variants by association.

    selection: its settings; missing: values of a covariate that mean that there is none.
    """
    used = people[people["excluded"] == ""]
    checks = [
        Check(
            "covariates",
            problem,
            "stop",
            "selection.covariates names columns of the label table, .fam or .psam.",
        )
        for problem in covariate_problems(used, selection["covariates"], missing)
        if len(used)
    ]
    if selection["statistics"] is not None or used.empty:
        return checks  # the statistics' own people choose
    fewest, words = _smaller_side(used, case_label)
    fewest = int(fewest * train_share)
    few = fewest < FEW_CASES
    advice = (
        "Too small to choose variants by association: with fewer than about "
        f"{FEW_CASES} training people on either side, chance chooses most of them. Give GWAS "
        "summary statistics of a larger study (selection.statistics), and read the section "
        "Selection of variants of the report."
    )
    found = f"about {fewest:,} {words} among the training people"
    return [*checks, Check("selection", found, "look" if few else "ok", advice if few else "")]


def _smaller_side(used: pd.DataFrame, case_label: str | None) -> tuple[int, str]:
    """Of people compared, how many are on the smaller side of the comparison, and who they are."""
    if case_label is not None:
        is_case = carries(used["label"].to_numpy(), case_label)
        sides = {"cases": int(is_case.sum()), "controls": int((~is_case).sum())}
        name = min(sides, key=sides.get)
        return sides[name], name
    if (used["value"] != "").any():
        return len(used) // 2, "people on either side of the middle value"
    counts = used["label"].value_counts()
    return int(counts.min()), f"people with the rarest label ({counts.idxmin()})"


def synthesis_checks(people: pd.DataFrame, synthesis: dict) -> list[Check]:
    """Whether the people asked for can be drawn."""
    counts = people.loc[people["excluded"] == "", "label"].value_counts().to_dict()
    wanted = {**synthesis, "n_people": synthesis["n_people"] or sum(counts.values())}
    try:
        if counts:
            draw_labels(counts, seed=0, **wanted)
    except InputError as problem:
        return [Check("people to draw", str(problem), "stop", "See the section `synthesis`.")]
    return []


def relatives_check(people: pd.DataFrame, kinship: bool) -> Check:
    """What is known of relatives."""
    family = people.loc[people["excluded"] == "", "family"]
    sizes = family[~family.isin(NO_FAMILY)].value_counts()
    if len(sizes):
        found = f"{(sizes > 1).sum():,} families of two or more, the largest of {sizes.max():,}"
        return Check("relatives", found + (" and a kinship table" if kinship else ""))
    if kinship:
        return Check("relatives", "a kinship table")
    return Check(
        "relatives",
        "nothing says who is related",
        "look",
        "Relatives of training people among the holdout people make a generator look better "
        "than it is: give split.family_column or split.kinship_table if there may be any.",
    )


def missing_check(missing: np.ndarray, person_missing_max: float) -> Check:
    """How many calls are missing, from shares [S]."""
    many = int((missing > person_missing_max).sum())
    return Check(
        "missing calls",
        f"{missing.mean():.2%} of all calls; {many:,} people above {person_missing_max:.0%}",
        "look" if many else "ok",
        "These people are left out (filters.person_missing_max)." if many else "",
    )
