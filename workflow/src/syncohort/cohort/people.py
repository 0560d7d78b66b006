"""The people of a study: the table of the split, which most stages read."""

from pathlib import Path

import pandas as pd

from syncohort.genotypes import People, values_of


def read_people(path: str | Path) -> People:
    """The people of a table that `splits.split_table` wrote."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    return People(
        *(table[column].to_numpy() for column in ("sample", "label", "split")),
        values_of(table),
        table["sex_code"].astype(int) if "sex_code" in table else None,
    )
