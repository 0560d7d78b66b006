"""Tables of all stages: reading them, and putting the metrics of a study into one."""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError
from syncohort.evaluation.groups import KEYS

_TRUTHS = {"released", "recommended", "member"}  # columns of True and False

_NAMES = {  # columns that hold names; all others hold numbers
    *KEYS,
    *("cohort", "generator", "metric", "group", "note", "contig", "id", "source", "device"),
    *("label_1", "label_2", "sample", "split", "person"),
    *("classifier", "predicted", "effect_allele", "other_allele", "test"),
    *("dimension", "verdict", "good", "worst", "labels", "name", "found", "level", "advice"),
    *("printed", "gene", "block", "denoiser", "reference"),
}


def read_tables(paths, columns: list[str] | None = None) -> pd.DataFrame:
    """Read tables (TSV) and put them one below the other.

    Columns that hold names stay text, whatever they look like: a label may be called 1 or NA.
    All others hold numbers, NaN where a cell is empty. columns: those to read, where a table
    holds columns of the user's own; None: all.
    Raises InputError for text in a column that is not known to hold names.
    """
    return pd.concat([_read(path, columns) for path in paths], ignore_index=True)


def _read(path: str | Path, columns: list[str] | None) -> pd.DataFrame:
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, usecols=columns)
    for column in table.columns.difference(_NAMES | _TRUTHS):
        table[column] = _numbers(table[column], path)
    for column in table.columns.intersection(_TRUTHS):
        table[column] = table[column] == "True"
    return table


def _numbers(cells: pd.Series, path) -> pd.Series:
    numbers = pd.to_numeric(cells, errors="coerce")
    odd = numbers.isna() & ~cells.str.lower().isin(["", "nan"])
    if odd.any():
        row = int(odd.to_numpy().argmax())
        raise InputError(
            f"{path}, line {row + 2}: column {cells.name} holds {cells.iloc[row]!r}, not a number. "
            "Only columns known to hold names may hold text: write a number, or add the column "
            "to `_NAMES` of evaluation/tables.py."
        )
    return numbers


def read_losses(paths: list) -> pd.DataFrame:
    """The table of losses of a generator, of its networks' tables.

    With several networks, such as one for each chromosome, the values of an epoch are means over
    networks by their number of latents (`numbers`), as if one loss were taken over all of them; what a network ended
    with counts on where others were trained longer. seconds: of all networks together.
    """
    tables = [read_tables([path]) for path in paths]
    if len(tables) == 1:
        return tables[0]
    epochs = max((table["epoch"] for table in tables), key=len)
    tables = [table.set_index("epoch") for table in tables]
    sizes = [table["numbers"].dropna().iloc[0] for table in tables]
    filled = [
        table.select_dtypes("number").ffill().reindex(epochs, method="ffill") for table in tables
    ]
    mean = sum(size * each for size, each in zip(sizes, filled, strict=True)) / sum(sizes)
    validated = [table["validation_loss"].reindex(epochs).notna() for table in tables]
    mean["validation_loss"] = mean["validation_loss"].where(np.any(validated, axis=0))
    mean["seconds"] = sum(each["seconds"] for each in filled)
    mean["device"] = tables[0]["device"].iloc[0]
    return mean.reset_index()


def read_benchmarks(paths) -> pd.DataFrame:
    """Seconds `s` and memory `max_rss` [MB], NaN where it was not measured, of a job each.

    paths: what Snakemake's `benchmark:` wrote. Raises InputError for a damaged file.
    """
    return pd.concat([_read_benchmark(path) for path in paths], ignore_index=True)


def _read_benchmark(path: str | Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, sep="\t", usecols=["s", "max_rss"], na_values="-", dtype=float)
        if table["s"].notna().all() and len(table):
            return table
        problem = "no seconds in it"
    except ValueError as error:  # pandas' own are of this kind
        problem = error
    raise InputError(
        f"{path}: not a whole record of a job's time ({problem}). Delete it and run again: the time "
        "of that job is then not shown."
    )


def join_metrics(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the tidy tables of all stages into one.

    Rows that several stages wrote, such as those of real people, appear once.
    """
    table = pd.concat(tables, ignore_index=True)
    return table.drop_duplicates(["generator", "metric", *KEYS], ignore_index=True)
