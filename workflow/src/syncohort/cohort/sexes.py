"""Who has one copy of chromosome X: by what files and label table say, else by the calls.

Axes: S people.
"""

import numpy as np
import pandas as pd

from syncohort.cohort import pseudo_autosomal
from syncohort.cohort.people_checks import Check
from syncohort.errors import examples
from syncohort.ploidy import FEMALE, MALE

# Of the heterozygous calls that are expected: with less a person has one copy, with more two. PLINK's
# --check-sex has the first by default (F above 0.8); the second leaves room for mixed ancestry.
_ONE_COPY_MAX, _TWO_COPIES_MIN = 0.2, 0.5
# So many heterozygous calls must be expected for their absence to say anything, and over so much of
# chromosome X: many women have none in a short stretch (docs/measurements.md).
_EXPECTED_MIN = 20
_LEAST_BP = 20_000_000
# A person with more calls of one copy than this share has one copy, over however much of X.
_SINGLE_MIN = 0.5
# Above it, sexes and calls do not disagree by a mistake here and there.
_WRONG_MAX = 0.1
_LOST_LOOK = 0.01
_HETEROZYGOUS_LOOK = 0.01

_MALES, _FEMALES = ("1", "m", "male", "man", "xy"), ("2", "f", "female", "woman", "xx")


def heterozygosity(summary: dict, table: pd.DataFrame) -> np.ndarray | None:
    """Heterozygous calls over those expected of two copies, [S]; None: too few are expected.

    summary, table: what `import_chromosome` wrote of a chromosome.
    """
    if summary["expected_heterozygous"] < _EXPECTED_MIN:
        return None
    known = _known_calls(summary, table) / summary["n_kept"]
    expected = np.maximum(summary["expected_heterozygous"] * known, 1e-9)
    return np.where(known > 0, _counts(table, "n_heterozygous") / expected, np.nan)


def sex_by_calls(summary: dict, table: pd.DataFrame) -> np.ndarray:
    """Sex [S] by the calls of chromosome X; 0 where they do not tell it."""
    found = heterozygosity(summary, table)
    sex = np.zeros(len(table), dtype=np.int8)
    if found is not None and summary["male_haploid_bp"] >= _LEAST_BP:
        sex[found > _TWO_COPIES_MIN] = FEMALE
        sex[found < _ONE_COPY_MAX] = MALE
    single, n_known = _counts(table, "n_single"), _known_calls(summary, table)
    sex[single > _SINGLE_MIN * n_known * summary["n_male_haploid"] / summary["n_kept"]] = MALE
    return sex


def _counts(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].astype(int).to_numpy()


def _known_calls(summary: dict, table: pd.DataFrame) -> np.ndarray:
    """How many calls of a chromosome are known, [S]."""
    return summary["n_kept"] - _counts(table, "n_missing")


def sexes(
    people: pd.DataFrame, summaries: list[dict], tables: list[pd.DataFrame]
) -> np.ndarray | None:
    """The sex [S] that a study with chromosome X goes by; None without X.

    It is what files and label table say, else what the calls tell. people: as for `sex_of`;
    summaries, tables: what `import_chromosome` wrote, by chromosome.
    """
    for summary, table in zip(summaries, tables, strict=True):
        if summary["contig"] == pseudo_autosomal.CONTIG:
            given = sex_of(people)
            return np.where(given > 0, given, sex_by_calls(summary, table))
    return None


def sex_of(people: pd.DataFrame) -> np.ndarray:
    """1 for male, 2 for female, 0 for unknown [S], of columns sex or gender, however written.

    Who is male in one column and female in another is male: with one copy, what is said of the
    second would be made up.
    """
    found = _said(people)
    males, females = (found == MALE).any(axis=1), (found == FEMALE).any(axis=1)
    return np.where(males, MALE, np.where(females, FEMALE, 0))


def _said(people: pd.DataFrame) -> np.ndarray:
    """Sex of people by every column that says it, int [S, columns]."""
    columns = []
    for at, name in enumerate(people.columns):  # a name may stand twice
        if str(name).strip().lower() in ("sex", "gender"):
            codes = people.iloc[:, at].astype(str).str.strip().str.lower().str.removesuffix(".0")
            columns.append(
                np.where(codes.isin(_MALES), MALE, np.where(codes.isin(_FEMALES), FEMALE, 0))
            )
    return np.stack(columns, axis=1) if columns else np.zeros((len(people), 0), dtype=int)


def agreement_checks(people: pd.DataFrame) -> list[Check]:
    """Whether files and label table agree on sex; people: what they say, with a column sample."""
    found = _said(people)
    torn = (found == MALE).any(axis=1) & (found == FEMALE).any(axis=1)
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


def x_checks(
    summary: dict, table: pd.DataFrame, people: pd.DataFrame, used: np.ndarray, mode: str
) -> list[Check]:
    """What chromosome X says of the people's sex, and whether they can be modelled with it.

    summary, table: what `import_chromosome` wrote of X; people: what files and label table say;
    used: bool [S], who is not left out; mode: "haplotype" or "genotype".
    """
    given, by_calls = sex_of(people), sex_by_calls(summary, table)
    sex = np.where(given > 0, given, by_calls)
    males, females, unclear = ((sex == code) & used for code in (MALE, FEMALE, 0))
    told = (given == 0) & (sex > 0) & used
    found = f"{males.sum():,} males, {females.sum():,} females, {unclear.sum():,} unclear"
    if told.any():
        found += f"; {told.sum():,} of them by their heterozygous calls on chromosome X"
    checks = [Check("sex", found)]
    if unclear.any():
        checks.append(_unclear_check(table.loc[unclear, "sample"]))
    wrong = (given > 0) & (by_calls > 0) & (given != by_calls) & used
    if wrong.any():
        checks.append(_wrong_check(table.loc[wrong, "sample"], int(used.sum())))
    if mode == "genotype" and "label" in people:
        labels = people["label"].to_numpy()
        checks += _one_sex_checks(set(labels[males]) & set(labels[females]))
    checks += _lost_checks(summary, table, males, females)
    return checks + _male_checks(summary, table[males])


def _one_sex_checks(mixed: set[str]) -> list[Check]:
    """In genotype mode a row is a person, and who is drawn for a label must have its sex."""
    if not mixed:
        return []
    return [
        Check(
            "chromosome X in genotype mode",
            f"labels of males and females: {examples(sorted(mixed))}",
            "stop",
            "A row is a person here, whose chromosome X depends on the sex: make it a part of the "
            "label (`label_column: [COLUMN, sex]`), set mode: haplotype, or leave X out.",
        )
    ]


def _unclear_check(names: pd.Series) -> Check:
    return Check(
        "people of unclear sex",
        f"{len(names):,} ({examples(names)}): nothing says their sex, and their calls on chromosome "
        "X do not tell it",
        "stop",
        "Say it in a column sex of the label table, the .fam or the .psam (1 or male, 2 or "
        "female), or leave these people or chromosome X out.",
    )


def _wrong_check(names: pd.Series, n_used: int) -> Check:
    many = len(names) > _WRONG_MAX * n_used
    return Check(
        "sex and chromosome X",
        f"{len(names):,} people ({examples(names)}) are said to be of one sex and have the "
        "heterozygous calls of the other",
        "stop" if many else "look",
        "Do the rows of the label table belong to these people, and is input.build right?"
        if many
        else "What is said is taken; leave them out where samples may have been mixed up.",
    )


def _lost_checks(
    summary: dict, table: pd.DataFrame, males: np.ndarray, females: np.ndarray
) -> list[Check]:
    """Calls of one copy where there are two, which are taken as missing.

    males, females: bool [S].
    """
    single, shared = _counts(table, "n_single"), _counts(table, "n_single_shared")
    n_female, n_male = int((single + shared)[females].sum()), int(shared[males].sum())
    if not n_female + n_male:
        return []
    known = _known_calls(summary, table)
    share_shared = 1 - summary["n_male_haploid"] / summary["n_kept"]
    of_females = n_female / max(known[females].sum(), 1)
    of_males = n_male / max(known[males].sum() * share_shared, 1)
    level = "look" if max(of_females, of_males) > _LOST_LOOK else "ok"
    if of_females > _WRONG_MAX:  # some programs write men's calls as of one copy all along X
        level = "stop"
    return [
        Check(
            "calls of one allele where there are two copies",
            f"{n_female:,} of females ({of_females:.2%} of their calls on chromosome X), {n_male:,} of "
            f"males in the regions shared with Y ({of_males:.2%} of their calls there), taken as "
            "missing",
            level,
            ""
            if level == "ok"
            else "Are the sexes those of these people, and is input.build right?",
        )
    ]


def _male_checks(summary: dict, males: pd.DataFrame) -> list[Check]:
    n_haploid = summary["n_male_haploid"]
    checks = [
        Check(
            "chromosome X",
            f"males have one copy of {n_haploid:,} of {summary['n_kept']:,} SNPs; the others lie in "
            "the regions shared with Y",
        )
    ]
    n_het = int(males["n_heterozygous"].astype(int).sum())
    if n_het:
        share = n_het / max(len(males) * n_haploid, 1)
        odd = share > _HETEROZYGOUS_LOOK
        checks.append(
            Check(
                "heterozygous calls of males",
                f"{n_het:,} on chromosome X where they have one copy ({share:.2%} of their calls), "
                "taken as missing",
                "look" if odd else "ok",
                "Errors of calling, or another genome build (input.build)?" if odd else "",
            )
        )
    return checks
