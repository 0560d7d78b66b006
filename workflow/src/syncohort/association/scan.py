"""Association of variants with a phenotype: scan, LD clumping, the most associated variants.

A scan tests each variant by itself, with covariates; its table has the columns of
`SCAN_COLUMNS`, one row per variant of the cohort, in genomic order. ALT is the effect allele.

Axes: V variants, S people, K covariates (the intercept included), M candidates.
"""

from math import isnan
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from syncohort.association.regression import linear_estimates, logistic_estimates
from syncohort.cohort_store import SITE_COLUMNS, CohortStore, site_table
from syncohort.errors import InputError
from syncohort.genotypes import to_rows

SCAN_COLUMNS = [*SITE_COLUMNS, "frequency", "beta", "se", "z", "p", "n", "test"]
_TEXT = {*SITE_COLUMNS, "test", "label"} - {"position_bp"}


def scan_variants(
    stores: list[CohortStore],
    people: np.ndarray,
    phenotype: np.ndarray,
    covariates: np.ndarray,
    *,
    model: Literal["linear", "logistic"],
) -> pd.DataFrame:
    """Test every variant of a cohort by itself.

    stores: one per chromosome; people: indices [S]; phenotype [S]: float for "linear", bool
    (case) for "logistic"; covariates: float [S, K'], without an intercept, which is added.
    A missing dosage is the mean dosage of these people.

    Returns the columns `SCAN_COLUMNS`: contig, position_bp, id, effect_allele (ALT),
    other_allele (REF), frequency (of ALT in these people), beta, se, z, p, n (people with a
    call), test. Raises InputError for a phenotype that does not vary, and for
    covariates that alone tell cases from controls.
    """
    phenotype = np.asarray(phenotype, dtype=float)
    if len(phenotype) < 2 or np.ptp(phenotype) == 0:
        raise InputError(
            f"an association scan needs people whose phenotypes differ; all {len(phenotype)} "
            f"have {phenotype[0] if len(phenotype) else 'none'}"
        )
    estimate = {"linear": linear_estimates, "logistic": logistic_estimates}[model]
    tables = []
    for store in stores:
        for part, calls in store.variant_chunks(people):
            found = estimate(to_rows(calls, "genotype"), phenotype, covariates)
            tables.append(site_table(store, part).assign(**vars(found)))
    return pd.concat(tables, ignore_index=True)[SCAN_COLUMNS]


def write_scan(table: pd.DataFrame, path: str | Path) -> None:
    """Write a scan's table, with any further columns, as a TSV."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    numbers = {
        name: ["" if isnan(value) else f"{value:.9g}" for value in column.tolist()]
        for name, column in table.select_dtypes("float").items()
    }  # to_csv's own float_format takes four times as long
    table.assign(**numbers).to_csv(path, sep="\t", index=False, lineterminator="\n")


def read_scan(path: str | Path) -> pd.DataFrame:
    """Read what `write_scan` wrote: names as text, `lead` as bool, everything else as numbers."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    for column in table.columns.difference(_TEXT):
        if column == "lead":
            table[column] = table[column] == "True"
        else:
            table[column] = pd.to_numeric(table[column], errors="coerce")
    return table


def has_same_sites(table: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two tables with `SITE_COLUMNS` hold the same positions and alleles, row by row."""
    columns = ["position_bp", "effect_allele", "other_allele"]
    return np.array_equal(table[columns].to_numpy(object), other[columns].to_numpy(object))
