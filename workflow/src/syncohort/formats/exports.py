"""What the three writers share: all or nothing on disk, one cohort over several chromosomes."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.genotypes import MISSING, People, values_of


@contextmanager
def all_or_nothing(*paths: str | Path) -> Iterator[list[Path]]:
    """Yield stand-ins for `paths`, moved there together when the block ends without error.

    paths: files of one folder, which is made if need be.
    """
    targets = [Path(path) for path in paths]
    targets[0].parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".partial-", dir=targets[0].parent))
    try:
        partials = [folder / target.name for target in targets]
        yield partials
        for partial, target in zip(partials, targets, strict=True):
            os.replace(partial, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def whole_calls(calls: np.ndarray) -> np.ndarray:
    """Calls int8 [v, S, 2] with both alleles missing where one is: PLINK files know no half."""
    return np.where((calls < 0).any(axis=2, keepdims=True), np.int8(MISSING), calls)


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
