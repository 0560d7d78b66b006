"""Columns of a table of text: found by their usual names, read as numbers."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError

LAST_BP = 2**31 - 2  # the largest position of plink2, within the 32 bits of a store
HOW_NUMBERS = (
    "Numbers are written with a decimal point, without marks between thousands and without units "
    "or signs beside them: 0.35, 1200."
)
# 0,35 and 1,200 and 1 200 and 1'200 and 1.200,5
_COMMA = re.compile(
    r"[-+]?(\d+,\d+(e[-+]?\d+)?|\d{1,3}([ \u00a0\u202f\u2009'\u2019,.]\d{3})+,\d+|"
    r"\d{1,3}([ \u00a0\u202f\u2009'\u2019,]\d{3})+(\.\d*)?)",
    re.IGNORECASE,
)
_MARKED = re.compile(
    r"[<>~=\u2264\u2265\u2248]+ ?[-+]?\d[\d.,]*(e[-+]?\d+)?|[-+]?\d[\d.,]* ?%", re.IGNORECASE
)


def bare(name: str) -> str:
    """A column name for comparison: small letters and digits alone."""
    return "".join(filter(str.isalnum, name.lower()))


def find_columns(columns: Iterable[str], aliases: str, path: str | Path) -> list[str]:
    """The columns that carry one of `aliases` (apart by blanks), by preference.

    Names are compared by `bare`. Raises InputError when two columns read as the same alias.
    """
    held: dict[str, list[str]] = {}
    for column in columns:
        held.setdefault(bare(column), []).append(column)
    found = [held[alias] for alias in aliases.split() if alias in held]
    for same in found[:1]:
        if len(same) > 1:
            raise InputError(
                f"{path}: the columns {' and '.join(map(repr, same))} mean the same; leave one out"
            )
    return [same[0] for same in found]


def numbers_of(column: pd.Series, path: str | Path, name: str) -> pd.Series:
    """A column of `read_table` as finite float64.

    Raises:
        InputError: names the first line whose value is no number.
    """
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = ~np.isfinite(numbers.to_numpy())
    if wrong.any():
        at = int(np.argmax(wrong))
        advice = f". {HOW_NUMBERS}" if is_odd_number(column.iloc[at]) else ""
        raise InputError(
            f"{path}, line {column.index[at]}: the {name} {column.iloc[at]!r} is not a "
            f"number{advice}"
        )
    return numbers


def positions_of(
    column: pd.Series, path: str | Path, name: str, *, least: int = -LAST_BP, whole: bool = True
) -> pd.Series:
    """A column of `read_table` as positions [bp], float64, from `least` to LAST_BP.

    whole: whether they must be whole numbers.

    Raises:
        InputError: names the first line whose value is no position.
    """
    numbers = numbers_of(column, path, name)
    beyond = (numbers < least) | (numbers > LAST_BP)
    wrong = np.flatnonzero(beyond | (whole & (numbers % 1 != 0)))
    if len(wrong):
        lowest = "" if least < 0 else f"from {least} "
        raise InputError(
            f"{path}, line {column.index[wrong[0]]}: the {name} {column.iloc[wrong[0]]!r} is no position "
            f"in base pairs, which are {'whole ' * whole}numbers {lowest}up to {LAST_BP:,}"
        )
    return numbers


def is_odd_number(text: str) -> bool:
    """Whether a text is a number to people and not to programs: 0,35, 1 200, <5, 12 %."""
    text = text.strip()
    return _COMMA.fullmatch(text) is not None or _MARKED.fullmatch(text) is not None
