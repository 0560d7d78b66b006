"""The sample sheet of a release: who is who."""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.files import all_or_nothing
from syncohort.genotypes import People, values_of
from syncohort.ploidy import SEX_NAMES


def write_sample_sheet(people: People, path: str | Path) -> None:
    """Write the people of a cohort as a TSV: sample_id, label and, where known, value and sex."""
    table = pd.DataFrame({"sample_id": people.id, "label": people.label})
    if people.has_values:
        table["value"] = people.value
    if people.has_sexes:
        table["sex"] = [SEX_NAMES[code] for code in people.sex.tolist()]
    with all_or_nothing(path) as (partial,):
        table.to_csv(partial, sep="\t", index=False, float_format="%.15g")


def read_sample_sheet(path: str | Path) -> People:
    """The people of a sample sheet, of no split."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    sheet = table[["sample_id", "label"]].to_numpy(dtype=object).T
    sex = None
    if "sex" in table:
        sex = table["sex"].map({name: code for code, name in SEX_NAMES.items()})
    return People(*sheet, np.full(len(table), "", dtype=object), values_of(table), sex)
