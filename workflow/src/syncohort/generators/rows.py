"""Rows of latents: whose they are, and which of them validate."""

import numpy as np

from syncohort.genotypes import People, rows_per_person


def training_rows(people: People, mode: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Labels and split of the rows of latents, in the order `encode_people` writes them.

    people: the cohort's; the holdout's have no latents. Returns labels [N] int64, is_validation
    [N] bool and the names of the classes, sorted.
    """
    encoded = people[people.split != "holdout"]
    names, labels = np.unique(encoded.label.astype(str), return_inverse=True)
    each = rows_per_person(mode)
    is_validation = np.repeat(encoded.split == "validation", each)
    return np.repeat(labels, each), is_validation.astype(bool), names.tolist()


def training_values(people: People, mode: str) -> np.ndarray | None:
    """Label values [N] float64 of the rows of `training_rows`; None where labels are no values."""
    if not people.has_values:
        return None
    return np.repeat(people[people.split != "holdout"].value, rows_per_person(mode))
