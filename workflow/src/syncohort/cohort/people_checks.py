"""The compatibility check's part on people: labels, sizes, cases, covariates, relatives.

Functions take the people of `cohort.join_labels` and return lines of the page.
"""

import re
import unicodedata
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.association.covariates import (
    covariate_notes,
    covariate_problems,
    words_among_numbers,
)
from syncohort.cohort.labels import PEOPLE_COLUMNS, LabelJoin
from syncohort.cohort.synthetic_people import ID_PREFIX, draw_labels
from syncohort.config.requests import least_pairs_mb, wanted_pairs_mb
from syncohort.errors import InputError, examples
from syncohort.formats.missing_codes import MissingCodes, number_of, without_invisible
from syncohort.formats.phenotypes import certain_case
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
    if joined.codes:
        checks.append(Check("values read as no label", counted(joined.codes)))
    if joined.suspicious:
        checks.append(
            Check(
                "labels that look like a code",
                counted(joined.suspicious),
                "look",
                "Kept as labels. If one of them means that there is no label, name it in "
                "labels.missing.",
            )
        )
    alike = alike_values(people.loc[people["label"] != "", "label"])
    if alike:
        checks.append(
            Check(
                "labels that read alike",
                examples(alike),
                "look",
                "These are labels of their own: write one label one way if they mean the same.",
            )
        )
    if joined.n_unmatched:
        found = f"{joined.n_unmatched:,}, not used" + (
            f"; {joined.near_ids}" * bool(joined.near_ids)
        )
        advice = "Rewrite the ids of one of the two if these are the same people."
        near = "look" if joined.near_ids else "ok"
        checks.append(
            Check(
                "lines of the label table without genotypes",
                found,
                near,
                advice if joined.near_ids else "",
            )
        )
    if joined.n_other_families:
        checks.append(
            Check(
                "families of the label table",
                f"{joined.n_other_families:,} people have another FID there than in the genotype "
                "files; their labels go by the IID",
                "look",
                "Are these the same people?",
            )
        )
    if joined.n_comments:
        advice = "If # is a part of a value, put the value in double quotes."
        found = f"{joined.n_comments:,}, read as comments"
        checks.append(Check("lines of the label table that begin with #", found, "look", advice))
    return checks


def alike_values(values: pd.Series) -> list[str]:
    """Values that differ only in case, in blanks and dashes, in how letters are composed, or in
    how a number is written."""
    groups: dict = {}
    for value in sorted(values.unique()):
        number = number_of(value.lstrip("0") if re.fullmatch(r"0\d+", value) else value)
        key = _plain(value) if number is None else number
        groups.setdefault(key, []).append(value)
    return [_named(group) for group in groups.values() if len(group) > 1]


# Cyrillic and Greek letters, and the Latin ones that look the same.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425"
    "\u03bf\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7",
    "aeopcyxiABEKMHOPCTXoABEHIKMNOPTX",
)


def _plain(value: str) -> str:
    """A value without what eyes pass over."""
    text = _seen(value).casefold().strip().strip("'\"")
    return re.sub(r"[\s_.\-\u2010-\u2015]+", " ", text).strip() or text


def _seen(value: str) -> str:
    """A value as the eye sees it."""
    return unicodedata.normalize("NFKC", without_invisible(value)).translate(_LOOKALIKES)


def _named(group: list[str]) -> str:
    """Values in quotes, with the codes of their letters where they look the same."""
    looks = {_seen(value) for value in group}
    return " and ".join(map(repr if len(looks) == len(group) else ascii, group))


def counted(counts: dict[str, int]) -> str:
    """Values and how often they occur, in words."""
    return examples([f"{value} ({count:,})" for value, count in counts.items()], 10)


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
    """Whether somebody, and not everybody, is a case, and by one of the columns of a joined label.

    Without a label of cases: whether the labels read like cases and controls.
    """
    labels = people.loc[people["excluded"] == "", "label"].to_numpy()
    if not len(labels):
        return []
    if case_label is None:
        return _unnamed_cases(labels)
    places = _places(case_label, labels)
    if len(places) > 1:
        return [
            Check(
                "cases",
                f"labels.case_label {case_label!r} stands in {len(places)} of the columns that are joined: "
                f"{examples(places.values())}",
                "stop",
                "Nobody can tell which of them says who is a case. Recode the column of the disease, for "
                "example as case and control, and set labels.case_label to the new word.",
            )
        ]
    is_case = carries(labels, case_label)
    if is_case.any() and not is_case.all():
        found = f"{is_case.sum():,} cases ({case_label}), {(~is_case).sum():,} controls"
        return [Check("cases", found)]
    return [
        Check(
            "cases",
            f"labels.case_label is {case_label!r}; the labels are {examples(sorted(set(labels)))}"
            + _meant(case_label, labels),
            "stop",
            "Set labels.case_label to the label of the cases; it cannot be everybody's.",
        )
    ]


def _unnamed_cases(labels: np.ndarray) -> list[Check]:
    """Labels [S], whole or between "/", that are cases and controls, where nobody said so."""
    for parts in zip(*(label.split("/") for label in sorted(set(labels))), strict=False):
        case = certain_case(sorted(set(parts)))
        if case is not None:
            return [
                Check(
                    "cases",
                    f"the labels {examples(sorted(set(parts)))} read like cases and controls, and "
                    "labels.case_label is not set: they are taken for populations",
                    "look",
                    f"Set labels.case_label: {case!r} if they are. Small differences between the labels "
                    "are then kept, and the report compares effects of variants with the real ones.",
                )
            ]
    return []


def _places(case_label: str, labels: np.ndarray) -> dict[int, str]:
    """Where between the "/" of joined labels [S] the label of the cases stands, each with a label."""
    return {
        place: label
        for label in sorted(set(labels), reverse=True)
        for place, part in enumerate(label.split("/"))
        if part == case_label
    }


def _meant(case_label: str, labels: np.ndarray) -> str:
    """A label, or a part of one, that reads like the label of the cases; "" for none."""
    parts = {part for label in set(labels) for part in (label, *label.split("/"))}
    for part in sorted(parts - {case_label}):
        if alike_values(pd.Series([part, case_label])):
            return f"; is it {part!r}?"
    return ""


def trait_check(trait: dict) -> Check:
    """That the trait is imposed; trait: its settings."""
    within = f", within {trait['within']}" if trait["within"] else ""
    return Check(
        "trait",
        f"simulated, not these people's: {trait['n_causal']:,} causal SNPs, heritability "
        f"{trait['heritability']:g}, prevalence {trait['prevalence']:g}{within}",
    )


def _hidden_columns(columns: list[str]) -> list[str]:
    """What is wrong with columns of the user whose names our own columns of people have."""
    return [
        f"column {column!r}: a column of that name is made for every study, which hides yours; rename it"
        for column in columns
        if column in (*PEOPLE_COLUMNS, "split")
    ]


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
        for problem in (
            *_hidden_columns(selection["covariates"]),
            *covariate_problems(used, selection["covariates"], missing),
        )
        if len(used)
    ]
    if not checks and len(used):
        notes = covariate_notes(used, selection["covariates"], missing)
        for column, (found, advice) in notes.items():
            checks.append(Check(f"covariate {column}", found, "look" if advice else "ok", advice))
    for column in used.columns.intersection(selection["covariates"]):
        alike = alike_values(used[column])
        if alike and number_of(used[column].iloc[0]) is None:
            advice = "These are classes of their own: write one one way if they mean the same."
            checks.append(
                Check(f"covariate {column}", f"{examples(alike)} read alike", "look", advice)
            )
        words = words_among_numbers(used[column], missing)
        if words:
            found = f"numbers beside words ({examples(words)}): read as classes"
            advice = "If the words mean that there is none, name them in labels.missing."
            checks.append(Check(f"covariate {column}", found, "look", advice))
        odd = MissingCodes(missing).suspicious(used[column])
        if odd:
            advice = "Kept as values. If one of them means that there is none, name it in labels.missing."
            checks.append(Check(f"covariate {column}", counted(odd), "look", advice))
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
    """Whether the people asked for can be drawn, and whether their ids are nobody's."""
    alike = people.loc[people["sample"].str.fullmatch(rf"{ID_PREFIX}\d+"), "sample"]
    checks = []
    if len(alike):
        found = f"{len(alike):,} real people are named as synthetic ones are ({examples(alike)})"
        advice = "These ids may stand in the release, for other people. Rename the real ones."
        checks.append(Check("sample ids", found, "look", advice))
    counts = people.loc[people["excluded"] == "", "label"].value_counts().to_dict()
    wanted = {**synthesis, "n_people": synthesis["n_people"] or sum(counts.values())}
    try:
        if counts:
            draw_labels(counts, seed=0, **wanted)
    except InputError as problem:
        checks.append(Check("people to draw", str(problem), "stop", "See the section `synthesis`."))
    return checks


def missing_check(missing: np.ndarray, person_missing_max: float) -> Check:
    """How many calls are missing, from shares [S]."""
    many = int((missing > person_missing_max).sum())
    return Check(
        "missing calls",
        f"{missing.mean():.2%} of all calls; {many:,} people above {person_missing_max:.0%}",
        "look" if many else "ok",
        "These people are left out (filters.person_missing_max)." if many else "",
    )


def check_plans(
    people: pd.DataFrame,
    *,
    synthesis: dict,
    case_label: str | None,
    selection: dict | None,
    trait: dict | None,
    missing: list[str],
    train_share: float,
    shadows: dict | None,
    attacks: dict,
) -> list[Check]:
    """Whether what the configuration asks for can be had of these people.

    Args:
        people: of a join (`joining.read_joined`).
        synthesis: arguments of `draw_labels`. case_label: label of the cases, or None.
        selection: covariates and statistics of a selection by association, or None.
        trait: settings of an imposed trait, or None.
        missing: what a missing label or covariate looks like.
        shadows: arguments of `shadow_check`, or None.
        attacks: the further arguments of `attacks_check`.
    """
    checks = synthesis_checks(people, synthesis)
    checks += case_checks(people, case_label)
    if trait is not None:
        checks.append(trait_check(trait))
    if selection is not None:
        checks += selection_checks(people, selection, case_label, missing, train_share)
    if shadows is not None:
        checks.append(shadow_check(**shadows))
    n_training = round((people["excluded"] == "").sum() * train_share)
    checks.append(attacks_check(n_training, synthesis, **attacks))
    return checks


def attacks_check(
    n_training: int, synthesis: dict, privacy_people: int, mode: str, memory_mb: int
) -> Check:
    """What the attacks that compare all pairs of people take; "stop" where a job could not have it.

    synthesis: arguments of `draw_labels`. privacy_people: most people of a group that are compared.
    memory_mb: the most that a job may ask for [MB].
    """
    n_synthetic = synthesis["n_people"] or sum(synthesis["counts"].values()) or n_training
    n_people = min(privacy_people, max(n_training, n_synthetic))
    size = (n_people, rows_per_person(mode))
    least_mb, wanted_mb = least_pairs_mb(*size), wanted_pairs_mb(*size)
    found = f"pairs of at most {n_people:,} people a group: {least_mb / 1000:.1f} GB of memory"
    if least_mb <= memory_mb:
        return Check("attacks on privacy", found)
    advice = (
        f"The job may ask for {memory_mb / 1000:g} GB: set compute.memory_mb: "
        f"{round(-(-wanted_mb // 1000) * 1000)} where a machine has that much, or compare fewer "
        "people (evaluation.privacy_people)."
    )
    return Check("attacks on privacy", found, "stop", advice)


def shadow_check(number: int, of: list[str], none_of: list[str]) -> Check:
    """Which generators are attacked with shadow models, and which are not."""
    own = [f"{number} each of {', '.join(of)}"] if of else []
    if not none_of:
        return Check("shadow models", *own)
    advice = (
        "A diffusion model has them with evaluation.shadow_networks, if it is one network on a gene "
        "PCA; a network for each chromosome and an autoencoder have none."
    )
    found = "; ".join([*own, f"none of {', '.join(none_of)}"])
    return Check("shadow models", found, "look", advice)


def key_checks(without_effect: list[tuple[str, str]]) -> list[Check]:
    """Keys of the configuration that change nothing; without_effect: keys and why, of each."""
    advice = "Leave the key out, or set what it goes with."
    return [Check(key, f"has no effect here: {why}", "look", advice) for key, why in without_effect]


def write_checks(checks: list[Check], path: str | Path) -> None:
    """Write the lines of the check as TSV."""
    columns = [field.name for field in fields(Check)]
    pd.DataFrame(checks, columns=columns).to_csv(path, sep="\t", index=False)


def read_checks(path: str | Path) -> list[Check]:
    """What `write_checks` wrote."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    return [Check(*row) for row in table.itertuples(index=False)]
