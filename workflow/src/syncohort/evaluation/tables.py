"""Tables of all stages: reading them, and putting the metrics of a study into one."""

from pathlib import Path

import pandas as pd

# columns that hold names; all others hold numbers
_TRUTHS = {"released", "recommended"}  # columns of True and False

_NAMES = {
    *("cohort", "generator", "metric", "group", "note", "contig", "id", "source", "device"),
    *("label", "label_1", "label_2", "maf_bin", "distance_bin", "sample", "split", "person"),
    *("classifier", "predicted", "effect_allele", "other_allele", "test"),
    *("dimension", "verdict", "good", "worst", "labels", "name", "found", "level", "advice"),
}


def read_tables(paths) -> pd.DataFrame:
    """Read tables (TSV) and put them one below the other.

    Columns that hold names stay text, whatever they look like: a label may be called 1 or NA.
    """
    return pd.concat([_read(path) for path in paths], ignore_index=True)


def _read(path: str | Path) -> pd.DataFrame:
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    for column in table.columns.difference(_NAMES | _TRUTHS):
        table[column] = pd.to_numeric(table[column], errors="coerce")
    for column in table.columns.intersection(_TRUTHS):
        table[column] = table[column] == "True"
    return table


def join_metrics(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the tidy tables of all stages into one.

    Rows that several stages wrote, such as those of real people, appear once.
    """
    table = pd.concat(tables, ignore_index=True)
    return table.drop_duplicates(["generator", "metric", "group"], ignore_index=True)
