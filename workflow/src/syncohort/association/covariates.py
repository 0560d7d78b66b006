"""What a test of association adjusts for: ancestry, and columns of the label table.

Axes: V variants, S people, K covariates.
"""

import re

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.formats.columns import HOW_NUMBERS, is_odd_number
from syncohort.formats.missing_codes import MissingCodes

_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.*")
MAX_CLASSES = 30  # of a covariate of text; more are no covariate but a name


def covariate_problems(table: pd.DataFrame, columns: list[str], missing: list[str]) -> list[str]:
    """Why columns of a table of str cannot be covariates; [] when they can.

    missing: further values that mean that there is none (`formats.missing_codes`).
    """
    problems = []
    for column in columns:
        if column not in table:
            problems.append(f"no column {column!r}; found {examples(table, 30)}")
            continue
        values = table[column].str.strip()
        known = values[_is_known(values, missing)]
        numbers = pd.to_numeric(known, errors="coerce")
        is_text = numbers.isna()
        odd = [value for value in known[is_text].unique() if is_odd_number(value)]
        if known.empty:
            problems.append(f"column {column!r} has no value")
        elif odd:
            problems.append(f"column {column!r} holds {examples(odd, 3)}. {HOW_NUMBERS}")
        elif np.isinf(numbers).any():
            infinite = known[np.isinf(numbers)].unique()
            problems.append(f"column {column!r} holds {examples(infinite, 3)}, which is no number")
        elif is_text.any() and known.nunique() > MAX_CLASSES:
            problems.append(
                f"column {column!r} holds text ({examples(known[is_text], 3)}) of "
                f"{known.nunique():,} kinds; a covariate is numbers, or at most {MAX_CLASSES} kinds"
            )
    return problems


def words_among_numbers(values: pd.Series, missing: list[str]) -> list[str]:
    """The words of a covariate column of str that holds numbers too; [] where there are none."""
    known = values.str.strip()[_is_known(values.str.strip(), missing)]
    is_text = pd.to_numeric(known, errors="coerce").isna()
    return sorted(known[is_text].unique()) if is_text.any() and not is_text.all() else []


def covariate_notes(
    table: pd.DataFrame, columns: list[str], missing: list[str]
) -> dict[str, tuple[str, str]]:
    """What is odd about columns of a table of str that can be covariates, or is good to know.

    Returns column -> what was found, and what to do ("" where nothing is wrong): columns that are
    the same for everybody, that follow from those before them, or that are classes.
    """
    notes, before = {}, np.ones((len(table), 1))
    for column in columns:
        values, _ = covariate_values(table, [column], missing)
        scale = np.abs(values - values.mean(axis=0)).max(axis=0, initial=0)
        if not (scale > 0).any():
            found = "the same for everybody: it adjusts for nothing"
            notes[column] = (found, "Is this the right column? Otherwise leave it out.")
            continue
        values = (values - values.mean(axis=0))[:, scale > 0] / scale[scale > 0]
        both = np.column_stack([before, values])
        known = table[column].str.strip()
        known = known[_is_known(known, missing)]
        is_text = pd.to_numeric(known, errors="coerce").isna()
        if np.linalg.matrix_rank(both) < both.shape[1]:
            found = "follows from the covariates before it: it adjusts for nothing more"
            notes[column] = (found, "Leave one of them out.")
            continue
        if is_text.all():
            kinds = sorted(known.unique())
            dates = [each for each in kinds if _DATE.fullmatch(each)]
            advice = "A date is no number: write an age or a year." if dates else ""
            notes[column] = (f"{len(kinds)} classes ({examples(kinds)})", advice)
        before = both
    return notes


def covariate_values(
    table: pd.DataFrame, columns: list[str], missing: list[str]
) -> tuple[np.ndarray, dict[str, int]]:
    """Columns of a table of str [S] as numbers float64 [S, K].

    Text of C kinds becomes C - 1 columns of 0 and 1. Somebody without a value gets the mean.
    Returns the numbers, and how many people got the mean by column (of those where any did).
    Raises InputError for columns that cannot be covariates.
    """
    problems = covariate_problems(table, columns, missing)
    if problems:
        raise InputError(f"selection.covariates: {'; '.join(problems)}")
    parts, filled = [np.empty((len(table), 0))], {}
    for column in columns:
        values = table[column].str.strip()
        known = _is_known(values, missing)
        numbers = pd.to_numeric(values.where(known), errors="coerce")
        if numbers[known].isna().any():
            numbers = pd.get_dummies(values.where(known), drop_first=True, dtype=float)
            numbers[~known] = np.nan
        numbers = numbers.to_numpy(float).reshape(len(table), -1)
        parts.append(np.where(np.isnan(numbers), np.nanmean(numbers, axis=0), numbers))
        if not known.all():
            filled[column] = int((~known).sum())
    return np.column_stack(parts), filled


def _is_known(values: pd.Series, missing: list[str]) -> pd.Series:
    return pd.Series(~MissingCodes(missing).is_missing(values), index=values.index)
