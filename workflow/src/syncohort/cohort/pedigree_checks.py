"""The compatibility check's part on relatives: families, parents, kinship."""

import numpy as np
import pandas as pd

from syncohort.cohort.ids import near_ids
from syncohort.cohort.labels import LabelJoin
from syncohort.cohort.people_checks import Check, counted
from syncohort.cohort.sexes import sex_of
from syncohort.cohort.splits import groups_of, own_ancestors
from syncohort.errors import examples


def relatives_checks(
    joined: LabelJoin, kinship: bool, sex: np.ndarray | None = None
) -> list[Check]:
    """What is known of relatives: families, parents, or a table of kinship.

    sex: [S] of `sexes.sex_of`; None takes what the people of the join have.
    """
    people = joined.people
    sex = sex_of(people) if sex is None else sex
    codes = _code_checks(joined)
    used = (people["excluded"] == "").to_numpy()
    sizes = np.bincount(groups_of(people, None)[used])
    parents = people.loc[used, ["father", "mother"]]
    n_children = int((parents != "").any(axis=1).sum())
    found = []
    if (sizes > 1).any():
        found.append(
            f"{(sizes > 1).sum():,} families of two or more, the largest of {sizes.max():,}"
        )
    if n_children:
        found.append(f"{n_children:,} people with a father or mother named")
    if kinship:
        found.append("a kinship table, of which the report counts the pairs")
    if not found:
        advice = (
            "Relatives of training people among the holdout people make a generator look better "
            "than it is: give split.family_column or split.kinship_table if there may be any."
        )
        return [Check("relatives", "nothing says who is related", "look", advice), *codes]
    one_family = sizes.max(initial=0) > max(20, used.sum() / 4)
    advice = "One group holds so many people: is this the right column, and are its ids unique?"
    return [
        Check(
            "relatives",
            "; ".join(found),
            "look" if one_family else "ok",
            advice if one_family else "",
        ),
        *codes,
        *_pedigree_checks(people, sex),
    ]


def _code_checks(joined: LabelJoin) -> list[Check]:
    """Names of parents and families that stand for nobody, or may."""
    checks = []
    if joined.nobody:
        found = f"father and mother of the same people: {counted(joined.nobody)}"
        advice = "Nobody is both: these names are read as `not known`."
        checks.append(Check("parents who are nobody", found, "look", advice))
    if joined.relatives:
        checks.append(
            Check(
                "parents or families that look like a code",
                counted(joined.relatives),
                "look",
                "The people who share it are taken for relatives and kept on one side. If it means "
                "`not known`, name it in labels.missing.",
            )
        )
    return checks


def _pedigree_checks(people: pd.DataFrame, sex: np.ndarray) -> list[Check]:
    """What a pedigree cannot be, and parents who may be people under another id."""
    parents = people[["father", "mother"]]
    found = []
    wrong = own_ancestors(people["sample"].to_numpy(), parents)
    if len(wrong):
        found.append(f"{len(wrong):,} people are their own ancestors: {examples(wrong)}")
    both = sorted(set(parents["father"]) & set(parents["mother"]) - {""})
    if both:
        found.append(f"{len(both):,} names are a father and a mother: {examples(both)}")
    sex = pd.Series(sex, index=people["sample"])
    for parent, other, word in (("father", 2, "female"), ("mother", 1, "male")):
        named = sorted(set(parents[parent]) & set(sex.index[sex == other]) - set(both))
        if named:
            found.append(f"{len(named):,} people are a {parent} and {word}: {examples(named)}")
    checks = []
    if found:
        advice = "Correct the columns of father, mother and sex; these people are kept on one side."
        checks.append(Check("pedigree", "; ".join(found), "look", advice))
    near = near_ids(parents.to_numpy().ravel(), people["sample"])
    if near is not None:
        advice = "Write parents as the genotype files do, so that they stay with their children."
        checks.append(Check("parents without genotypes", str(near), "look", advice))
    return checks
