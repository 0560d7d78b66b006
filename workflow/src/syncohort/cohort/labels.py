"""Who has which label, or why a person is left out."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from syncohort.cohort.value_bins import value_bins
from syncohort.errors import examples
from syncohort.formats.missing_codes import MissingCodes
from syncohort.formats.people_files import PERSON_COLUMNS, phenotype_problem
from syncohort.formats.tables import find_columns, read_table

# What a people table says about a person; other columns of the label table follow.
PEOPLE_COLUMNS = (
    "sample",
    "label",
    "family",
    "father",
    "mother",
    "missing",
    "excluded",
    "value",
)
# How label tables name the columns of parents.
PARENTS = {
    "father": "father fatherid fatheriid pat patid paternalid paternal dad",
    "mother": "mother motherid motheriid mat matid maternalid maternal mum mom",
}


@dataclass(frozen=True)
class LabelJoin:
    """people: one row per genotyped person with `PEOPLE_COLUMNS`; problems: what stops the run;
    n_unmatched: rows of the label table without genotypes; codes: values read as no label, and
    suspicious: values kept as labels that look like a code for none, with their counts."""

    people: pd.DataFrame
    problems: list[str]
    n_unmatched: int
    codes: dict[str, int] = field(default_factory=dict)
    suspicious: dict[str, int] = field(default_factory=dict)


def join_labels(
    file_people: pd.DataFrame,
    missing_share: np.ndarray,
    *,
    table: str | None,
    id_column: str | None,
    label_column: str | list[str],
    family_column: str | None,
    missing: list[str],
    minimum_people: int,
    rare: str,
    person_missing_max: float,
    cuts: list[float] | None = None,
) -> LabelJoin:
    """Give every genotyped person a label, or the reason why the person is left out.

    Args:
        file_people: what the genotype files say, column sample and any others.
        missing_share: [S] share of missing calls.
        table: label table (TSV/CSV); None takes the columns of `file_people`.
        Others: see the sections `labels`, `filters` and `split` of the configuration.
    """
    if table is None:
        source, name, id_column = file_people, "the genotype files", "sample"
    else:
        source, name = read_label_table(table), str(table)
    id_column = id_column or _id_column_of(source)
    columns = [label_column] if isinstance(label_column, str) else label_column
    problems = [
        f"{name}: no column {column!r} ({key}); found {', '.join(source.columns)}"
        for key, column in (
            ("labels.id_column", id_column),
            *(("labels.label_column", column) for column in columns),
            ("split.family_column", family_column),
        )
        if column is not None and column not in source.columns
    ]
    people = pd.DataFrame({"sample": file_people["sample"], "label": "", "family": ""})
    people["father"] = people["mother"] = ""
    people["missing"] = missing_share
    people["excluded"] = people["value"] = ""
    if table is None and not problems:
        problems = [
            f"{name}: column {column!r} {problem}; PLINK takes numbers or words for a phenotype"
            for column in columns
            if column not in PERSON_COLUMNS
            and (problem := phenotype_problem(source[column])) is not None
        ]
    if problems:
        return LabelJoin(people, problems, 0)

    codes = MissingCodes(missing)
    ids = source[id_column].str.strip()
    used = source[ids.isin(set(people["sample"]))]
    repeated = used[id_column].str.strip()
    repeated = repeated[repeated.duplicated()].unique()
    if len(repeated):
        problems.append(
            f"{name}: these ids stand on more than one line: {examples(repeated)}; keep one line each"
        )
    if used.empty:
        problems.append(
            f"{name}: none of its {len(ids):,} ids in column {id_column!r} (such as {examples(ids, 3)}) "
            f"is among the {len(people):,} genotyped people (such as {examples(people['sample'], 3)}); "
            "set labels.id_column or rewrite the ids"
        )
    used = used.assign(_id=used[id_column].str.strip()).drop_duplicates("_id").set_index("_id")
    joined = used.reindex(people["sample"]).reset_index(drop=True)
    people["label"] = _joined_labels(joined[columns], codes)
    if cuts:
        values = pd.to_numeric(people["label"], errors="coerce").to_numpy(np.float64)
        wrong = people.loc[(people["label"] != "") & ~np.isfinite(values), "label"].unique()
        if len(wrong):
            problems.append(
                f"{name}: labels.cuts makes column {columns[0]!r} a number, which these values are "
                f"not: {examples(wrong)}; add them to labels.missing, or leave labels.cuts out"
            )
        people["value"] = people["label"].where(np.isfinite(values), "")
        people["label"] = value_bins(values, cuts)
    if family_column:
        family = joined[family_column].str.strip().fillna("")
        people["family"] = family.mask(codes.is_missing(family), "").to_numpy()
    people[list(PARENTS)] = _parents(joined, file_people, codes)
    extra = [c for c in joined.columns if c not in (id_column, *PEOPLE_COLUMNS)]
    people = pd.concat([people, joined[extra].fillna("")], axis=1)

    people.loc[people["missing"] > person_missing_max, "excluded"] = "too many missing calls"
    people.loc[people["label"] == "", "excluded"] = "no label"
    people.loc[joined[columns[0]].isna(), "excluded"] = "not in the label table"
    counts = people.loc[people["excluded"] == "", "label"].value_counts()
    few = counts[counts < minimum_people].sort_index()
    if rare == "drop":
        people.loc[people["label"].isin(few.index) & (people["excluded"] == ""), "excluded"] = (
            "rare label"
        )
        counts = counts.drop(few.index)
    elif len(few):
        shown = examples([f"{label} ({count})" for label, count in few.items()])
        problems.append(
            f"these labels have fewer than {minimum_people} people (labels.minimum_people): {shown}; "
            "leave them out with `labels: {rare: drop}`, or merge them with others"
        )
    if counts.empty and not used.empty:
        problems.append("nobody with a usable label is left")
    n_unmatched = int((~ids.isin(set(people["sample"]))).sum())
    return LabelJoin(people, problems, n_unmatched, *_code_counts(joined[columns], codes))


def _joined_labels(columns: pd.DataFrame, codes: MissingCodes) -> pd.Series:
    """Labels [S] from their columns, joined by "/"; "" where one of them is missing."""
    parts = [columns[name].fillna("").str.strip() for name in columns]
    parts = [part.mask(codes.is_missing(part), "") for part in parts]
    known = np.all([part != "" for part in parts], axis=0)
    return parts[0].str.cat(parts[1:], sep="/").where(known, "")


def _code_counts(columns: pd.DataFrame, codes: MissingCodes) -> tuple[dict, dict]:
    """How often values of columns were read as no label, and values that look so were kept."""
    taken, kept = {}, {}
    for name in columns:
        values = columns[name].dropna().str.strip()
        missing = values[codes.is_missing(values) & (values != "").to_numpy()]
        for counts, found in ((taken, missing.value_counts()), (kept, codes.suspicious(values))):
            for value, count in found.items():
                counts[value] = counts.get(value, 0) + int(count)
    return taken, kept


def _parents(joined: pd.DataFrame, file_people: pd.DataFrame, codes: MissingCodes) -> pd.DataFrame:
    """Columns father and mother [S]: of the label table, else of the genotype files; "" for none."""
    columns = {}
    for parent, aliases in PARENTS.items():
        known = pd.Series("", index=file_people.index)
        for table in (joined, file_people):
            for column in find_columns(table.columns, aliases, "the label table"):
                named = table[column].fillna("").astype(str).str.strip()
                named = named.mask(codes.is_missing(named) | (named == "0").to_numpy(), "")
                known = known.where(known != "", named)
        columns[parent] = known
    return pd.DataFrame(columns)


def _id_column_of(source: pd.DataFrame) -> str:
    """The column of sample ids where none is named: the first, but IID where FID stands too."""
    named = {str(column).lower(): column for column in source.columns}
    return named["iid"] if {"fid", "iid"} <= named.keys() else source.columns[0]


def read_label_table(path: str) -> pd.DataFrame:
    """A table of str with a heading; see `formats.tables`."""
    return read_table(path, "labels.table").reset_index(drop=True)
