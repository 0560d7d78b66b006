"""The sample sheet of a release: who is who."""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.files import all_or_nothing
from syncohort.genotypes import People, values_of


def write_sample_sheet(people: People, path: str | Path) -> None:
    """Write the people of a cohort as a TSV: sample_id, label and, where there are any, value."""
    table = pd.DataFrame({"sample_id": people.id, "label": people.label})
    if people.has_values:
        table["value"] = people.value
    with all_or_nothing(path) as (partial,):
        table.to_csv(partial, sep="\t", index=False, float_format="%.6g")


def read_sample_sheet(path: str | Path) -> People:
    """The people of a sample sheet, of no split."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    sheet = table[["sample_id", "label"]].to_numpy(dtype=object).T
    return People(*sheet, np.full(len(table), "", dtype=object), values_of(table))
