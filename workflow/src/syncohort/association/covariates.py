"""What a test of association adjusts for: ancestry, and columns of the label table.

Axes: V variants, S people, K covariates.
"""

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.formats.missing_codes import MissingCodes

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
        is_text = pd.to_numeric(known, errors="coerce").isna()
        if known.empty:
            problems.append(f"column {column!r} has no value")
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
