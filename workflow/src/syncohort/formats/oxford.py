"""The people of Oxford files: a .sample, beside a .bgen.

Source: the .sample format of QCTOOL and SNPTEST. A line of names, a line of types (0 for ids and
`missing`, D for classes, B for 0 and 1, P and C for numbers), then a line a person.

Axes: S people.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError, examples
from syncohort.formats.bgen_file import BgenFile
from syncohort.formats.fields import BLANKS
from syncohort.formats.missing_codes import MissingCodes
from syncohort.formats.people_files import people_table, require_names_apart
from syncohort.formats.phenotypes import MISSING, categories, phenotype_of
from syncohort.formats.tables import TextTable
from syncohort.genotypes import People

_NAMES = {"ID_1": "family", "ID_2": "sample", "ID": "sample"} | {
    "SEX": "sex",
    "FATHER": "father",
    "MOTHER": "mother",
}
_TYPES = ("0", "D", "B", "P", "C")
_BINARY = {0.0: "1", 1.0: "2"}  # controls and cases, as PLINK files have them
_FROM_PLINK = {"1": "0", "2": "1"}
_CODES = MissingCodes()


def read_sample(path: Path) -> pd.DataFrame:
    """The people of a .sample, as str: see `people_files.read_psam`.

    The person's id is ID_2, and ID_1 the family's, as plink2 has it. Columns of type B have
    controls and cases as "1" and "2", as those of a .fam. NA and other codes are missing.

    Raises:
        InputError: lines of names or of types that are none, a row of another length, a column
            called as another is here, an id that occurs twice, or a value of type B that is not 0,
            1 or missing.
    """
    table = TextTable(path, separator=BLANKS).read()
    named = [name.upper() for name in table]
    if named[:2] != ["ID_1", "ID_2"] and named[:1] != ["ID"]:
        raise InputError(
            f"{path}, line 1: a .sample file begins with the names ID_1, ID_2 and missing; found "
            f"{examples(list(table))}"
        )
    types = dict(zip(table, table.iloc[0], strict=True)) if len(table) else {}
    if not set(types.values()) <= set(_TYPES) or not types:
        raise InputError(
            f"{path}, line 2: expected the type of each column, which is one of {', '.join(_TYPES)};"
            f" found {examples(list(types.values()))}"
        )
    table = table.iloc[1:]
    columns = {name: _NAMES[name.upper()] for name in table if name.upper() in _NAMES}
    require_names_apart(table.columns, columns, path)
    people = people_table(table[list(columns)].rename(columns=columns), path)
    for name in table:
        if name not in columns and name.upper() != "MISSING":
            people[name] = _values(table[name], types[name], path).to_numpy()
    return people


def _values(column: pd.Series, kind: str, path: Path) -> pd.Series:
    """Values of a column of some type, indexed by line; "" for missing."""
    values = column.where(~_CODES.is_missing(column), "")
    if kind != "B":
        return values
    codes = pd.to_numeric(values, errors="coerce").map(_BINARY)
    odd = codes.isna() & (values != "")
    if odd.any():
        raise InputError(
            f"{path}, line {odd.idxmax()}: {column.name} is {values[odd.idxmax()]!r}; a column of "
            "type B holds 0 (control), 1 (case) and NA"
        )
    return codes.fillna("")


def require_same_people(people: pd.DataFrame, file: BgenFile, sample: Path) -> None:
    """Stop where a .bgen names other people than its .sample file, or has more or fewer.

    It may name them by ID_2, by ID_1, or by both with an underscore between.
    """
    if len(people) != file.n_people:
        raise InputError(
            f"{sample}: {len(people):,} people, but {file.n_people:,} in {file.path}; use the .sample "
            "file that came with it"
        )
    if file.sample_ids is None:
        return
    own = np.array(file.sample_ids, dtype=object)
    person = people["sample"]
    family = people.get("family", person)
    spelled = [ids.to_numpy() == own for ids in (person, family, family + "_" + person)]
    if not any(same.all() for same in spelled):
        at = int(np.argmin(max(spelled, key=np.sum)))
        raise InputError(
            f"{sample}: person {at + 1:,} is {person.iloc[at]!r}, but {own[at]!r} in {file.path}. Use "
            "the .sample file that came with it"
        )


def write_sample(
    people: People, missing: np.ndarray, path: Path, case_label: str | None = None
) -> None:
    """Write people as a .sample: both ids are the person's, and sex is NA where it is unknown.

    Cases and controls are a column `phenotype` of type B, numbers one of type P; labels that are
    neither are a column `label` of type D, as names of `categories`.

    Args:
        people: [S]. missing: share of missing calls [S]. path: file to make.
        case_label: see `phenotype_of`.
    """
    phenotype = phenotype_of(people, case_label)
    codes = np.array(phenotype.code, dtype=object)
    if phenotype.kind == "none":
        name, kind = "label", "D"
        codes = np.array(categories(people.label), dtype=object)
    elif phenotype.kind == "binary":
        name, kind = "phenotype", "B"
        codes = np.array([_FROM_PLINK.get(code, code) for code in codes], dtype=object)
    else:
        name, kind = "phenotype", "P"
    codes[np.isin(codes, (MISSING, "NONE"))] = "NA"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"ID_1 ID_2 missing sex {name}\n0 0 0 D {kind}\n")
        sex = np.where(people.sex > 0, people.sex.astype(str), "NA")
        file.writelines(
            f"{person} {person} {share:.6g} {own} {code}\n"
            for person, share, own, code in zip(people.id, missing, sex, codes, strict=True)
        )
