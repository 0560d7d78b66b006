"""Who has which label, or why a person is left out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort.value_bins import value_bins
from syncohort.errors import InputError, examples

# What a people table says about a person; other columns of the label table follow.
PEOPLE_COLUMNS = ("sample", "label", "family", "missing", "excluded", "value")


@dataclass(frozen=True)
class LabelJoin:
    """people: one row per genotyped person with `PEOPLE_COLUMNS`; problems: what stops the run;
    n_unmatched: rows of the label table without genotypes."""

    people: pd.DataFrame
    problems: list[str]
    n_unmatched: int


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
    id_column = id_column or source.columns[0]
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
    people["missing"] = missing_share
    people["excluded"] = people["value"] = ""
    if problems:
        return LabelJoin(people, problems, 0)

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
    people["label"] = _joined_labels(joined[columns], missing, is_fam=table is None)
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
        people["family"] = joined[family_column].str.strip().fillna("").to_numpy()
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
    return LabelJoin(people, problems, int((~ids.isin(set(people["sample"]))).sum()))


def _joined_labels(columns: pd.DataFrame, missing: list[str], *, is_fam: bool) -> pd.Series:
    """Labels [S] from their columns, joined by "/"; "" where one of them is missing."""
    parts = []
    for name in columns:
        part = columns[name].fillna("").str.strip()
        # PLINK's other code for a missing phenotype
        zero = is_fam and name == "phenotype" and set(part) <= {"", "0", "1", "2", "-9"}
        parts.append(part.mask(part.isin([*missing, "0"] if zero else missing), ""))
    known = np.all([part != "" for part in parts], axis=0)
    return parts[0].str.cat(parts[1:], sep="/").where(known, "")


def read_label_table(path: str) -> pd.DataFrame:
    """A table of str, TSV or CSV with a header.

    Raises InputError for a file that is missing or no table.
    """
    if not Path(path).is_file():
        raise InputError(f"labels.table: {path}: no such file")
    try:
        with open(path, encoding="utf-8-sig") as file:
            header = file.readline()
        separator = next((mark for mark in "\t,;" if mark in header), r"\s+")
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            index_col=False,
        )
    except (ValueError, pd.errors.ParserError) as error:  # UnicodeDecodeError, EmptyDataError
        raise InputError(
            f"labels.table: {path}: not a table of text ({str(error).strip()}). Save it as TSV or "
            "CSV, encoded as UTF-8, with one header line."
        ) from None
    return table.rename(columns={c: c.strip().lstrip("#") for c in table.columns})
