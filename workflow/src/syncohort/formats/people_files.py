"""The people of PLINK files, .fam and .psam: ids, parents, sex and phenotypes.

Phenotypes are read by value, as plink1.9 and plink2 read them (`plink_phenotype`).
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.formats.fields import BLANKS
from syncohort.formats.missing_codes import MissingCodes
from syncohort.formats.tables import TextTable, plink_start, require_order

_FAM = ("family", "sample", "father", "mother", "sex", "phenotype")
_PSAM = {
    "FID": "family",
    "IID": "sample",
    "PAT": "father",
    "MAT": "mother",
    "SEX": "sex",
}
_IDS = ["FID", "IID"]
_HEADINGS = ("#FID", "#IID")
_FAM_ORDER = {name: at for at, name in enumerate(_PSAM)}
_FAM_NAMES = _PSAM | dict.fromkeys(("PHENO", "PHENO1", "PHENOTYPE"), "phenotype")
# What PLINK files say of a person beside phenotypes.
PERSON_COLUMNS = (*_FAM[:5], "SID")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
_CODES = MissingCodes()


def read_fam(path: Path) -> pd.DataFrame:
    """The people of a .fam, as str: sample, family, father, mother, sex, phenotype.

    See `read_psam` for what the columns hold. Comments after # may stand above. One that begins
    with #FID or #IID names the columns to plink2, so it must say what they are.

    Raises:
        InputError: a row without six columns, a heading of other columns, an id that occurs twice.
    """
    above, line = plink_start(path, _HEADINGS)
    first, n_above = line.split(), len(above)
    if first and (first[0].startswith("#") or [name.upper() for name in first[:2]] == _IDS):
        named = [_FAM_NAMES.get(name.lstrip("#").upper(), name) for name in first]
        if named != list(_FAM) or not first[0].startswith("#"):
            raise InputError(
                f"{path}, line {n_above + 1}: {first[0]!r} begins a heading that does not name the columns of a "
                ".fam, which are FID, IID, PAT, MAT, SEX and PHENO1: bring the columns into this "
                "order (`plink2 --make-just-fam`), or remove the line if they are"
            )
        table = TextTable(path, separator=BLANKS, n_above=n_above).read()
        return people_table(table.set_axis(_FAM, axis=1), path)
    require_order(above, line, _FAM_ORDER, path)
    return people_table(TextTable(path, names=_FAM, n_above=n_above).read(), path)


def read_psam(path: Path) -> pd.DataFrame:
    """The people of a .psam or .fam, as str: sample, then what else the file has.

    A person's id is the IID; where IIDs repeat over families, FID_IID for all. father, mother:
    "" for none; the sample id of a parent who is in the file, another name for one who is not.
    sex: "" for unknown. Lines above the heading that begin with # are comments. Phenotypes, under their own names: see `plink_phenotype`.

    Raises:
        InputError: a row with more or fewer columns than the heading, a column called as another
            is here, an id that occurs twice.
    """
    above, line = plink_start(path, _HEADINGS)
    first, n_above = line.split(), len(above)
    if first and first[0] in _HEADINGS:
        table = TextTable(path, separator=BLANKS, n_above=n_above).read()
        require_names_apart(table.columns, _PSAM, path)
        table = table.rename(columns=_PSAM)
        if "sample" not in table:
            raise InputError(f"{path}: the heading lacks IID; found {', '.join(table)}")
    else:
        require_order(above, line, _FAM_ORDER, path)
        names = _FAM[: 5 if len(first) == 5 else 6]
        table = TextTable(path, names=names, n_above=n_above).read()
    return people_table(table, path)


def require_names_apart(names, ours: dict[str, str], path) -> None:
    """Raise InputError for a column that is called as another one is here.

    ours: the file's name -> ours, of those that have another.
    """
    held = {}
    for name in names:
        other = held.setdefault(ours.get(name, name), name)
        if other != name:
            raise InputError(
                f"{path}: the columns {other!r} and {name!r} would both be {ours.get(name, name)!r} "
                "here; rename one of them, or leave it out"
            )


def people_table(table: pd.DataFrame, path) -> pd.DataFrame:
    """People as `read_psam` gives them, of a table of str under its names (family, sample ...).

    Raises:
        InputError: nobody, somebody with the id 0, or an id that occurs twice.
    """
    if table.empty:
        raise InputError(f"{path}: holds no people; expected columns {', '.join(_FAM)}")
    table = table.reset_index(drop=True)
    family, person = table.get("family"), table["sample"]
    if (person == "0").any():
        raise InputError(
            f"{path}: a person has the id 0 (IID), which means nobody to PLINK; give another one"
        )
    table["sample"] = unique_ids(family, person, path)
    for parent in ("father", "mother"):
        if parent in table:
            table[parent] = parent_ids(table[parent], family, person, table["sample"])
    if "sex" in table:
        table["sex"] = table["sex"].where(~_CODES.is_missing(table["sex"]), "").replace("0", "")
    for name in table.columns.difference(PERSON_COLUMNS, sort=False):
        table[name] = plink_phenotype(table[name])
    first = [name for name in ("sample", "family") if name in table]
    return table[first + [name for name in table if name not in (*first, "SID")]]


def unique_ids(family: pd.Series | None, person: pd.Series, path) -> pd.Series:
    """IID, or FID_IID for all where IIDs repeat over families.

    Raises:
        InputError: people remain that have the same id.
    """
    ids = person
    if family is not None and ids.duplicated().any():
        ids = family + "_" + person
    if ids.duplicated().any():
        named = ids if family is None or (family != "0").any() else person
        raise InputError(
            f"{path}: sample ids occur more than once: {examples(named[ids.duplicated()].unique())}. "
            "Every person needs an id of its own; rename or remove the copies."
        )
    return ids


def parent_ids(parent, family, person, ids) -> pd.Series:
    """The sample id of each person's parent [S]; "" for none.

    parent, person: IIDs; family: FIDs, or None; ids: sample ids of the people.

    A parent is somebody of the same family or, with an IID that is nobody else's, of another
    one. Who is not in the file is known within a family, where families have several members.
    """
    known = ~_CODES.is_nobody(parent)
    alone = ~person.duplicated(keep=False)
    by_person = dict(zip(person[alone], ids[alone], strict=True))
    if family is None:
        return parent.where(known, "")  # the sample ids are the IIDs
    within = family + "\t" + parent
    by_family = dict(zip(family + "\t" + person, ids, strict=True))
    shared = family.duplicated(keep=False) & ~_CODES.is_nobody(family)
    absent = parent.where(~shared, family + "_" + parent)
    found = within.map(by_family)
    for second in (parent.map(by_person), absent):
        found = found.where(found.notna(), second)
    return found.where(known, "")


def plink_phenotype(column: pd.Series) -> pd.Series:
    """A phenotype column of str, read by value as plink1.9 and plink2 read it; "" for missing.

    Numbers that are all among -9, 0, 1 and 2 are controls ("1") and cases ("2"), and 0 and -9
    are missing, however they are written (1.0, -9.00). Other numbers are quantitative: -9 is
    missing, 0 a value. Words are classes. NA, nan, NONE and other codes for "none" are missing
    everywhere. Numbers beside words stay as they are (`phenotype_problem`).
    """
    values, numbers, is_text = _parsed(column)
    known = set(numbers.dropna())
    if is_text.any():
        if known <= {-9.0, 0.0}:
            return values.where(is_text, "")
        return column
    if known <= {-9.0, 0.0, 1.0, 2.0}:
        return numbers.map({1.0: "1", 2.0: "2"}).fillna("").astype(object)
    return values.where(numbers.notna() & (numbers != -9), "")


def phenotype_problem(column: pd.Series) -> str | None:
    """Why a phenotype column of str is none that plink2 reads; None when it is one."""
    values, numbers, is_text = _parsed(column)
    words = values[is_text]
    like_numbers = words[words.str.match(r"[-+]?\.?\d|[-+]?inf", case=False)].unique()
    if len(like_numbers):
        return f"{examples(like_numbers)} begins like a number and is none"
    known = numbers[numbers.notna() & ~numbers.isin([-9.0, 0.0])]
    if len(words) and len(known):
        return (
            f"holds words ({examples(words.unique(), 3)}) beside numbers "
            f"({examples(values[known.index].unique(), 3)})"
        )
    return None


def _parsed(column: pd.Series) -> tuple[pd.Series, pd.Series, np.ndarray]:
    """The values, stripped; as numbers, NaN where they are none; which of them are words."""
    values = column.fillna("").str.strip()
    is_number = values.str.fullmatch(_NUMBER)
    numbers = pd.to_numeric(values.where(is_number), errors="coerce")
    is_text = ~is_number & ~_CODES.is_missing(values)
    return values, numbers, is_text.to_numpy()
