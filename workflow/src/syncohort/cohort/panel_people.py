"""Who the people of a public panel are, on whom networks are trained first: their labels and their split.

Axes: S people of the panel.
"""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort.labels import require_id_column
from syncohort.errors import InputError, examples
from syncohort.formats.missing_codes import MissingCodes
from syncohort.formats.tables import read_table
from syncohort.genotypes import People

NO_LABEL = "panel"  # of everybody, where the panel's people have no labels
VALIDATION_SHARE = 0.1  # who choose the epoch
LEAST_PEOPLE = 20
PANEL_SHARES = {"train_share": 1 - VALIDATION_SHARE, "validation_share": VALIDATION_SHARE}
_KEY = "pretraining.table"
log = logging.getLogger(__name__)


def panel_people(
    sample_ids: list[str],
    table: str | Path | None,
    *,
    id_column: str | None,
    label_column: str,
    seed: int,
) -> People:
    """The people of a panel who are trained on, with labels, and a tenth of each label to validate.

    Args:
        sample_ids: of the panel's files.
        table: TSV or CSV with a row for each person; None: nobody has a label.
        id_column: of the table; None: the first.
        label_column: of the table.
        seed: of who validates.

    Returns:
        People in the order of the files; without those who have no label.

    Raises:
        InputError: fewer than `LEAST_PEOPLE` people, or a table without the columns, or with a person twice.
    """
    ids = pd.Series(sample_ids, dtype=str)
    labels = (
        pd.Series(NO_LABEL, index=ids)
        if table is None
        else _labels(ids, table, id_column, label_column)
    )
    used = ids[ids.isin(labels.index)].to_numpy(dtype=object)
    if len(used) < LEAST_PEOPLE:
        where = "the panel" if table is None else f"{table} ({_KEY})"
        raise InputError(
            f"{where} has {len(used):,} people to train on, of {len(ids):,} with genotypes; it takes "
            f"{LEAST_PEOPLE}. Do the sample ids of the panel and of the table agree?"
        )
    log.info("%d of %d people of the panel are used", len(used), len(ids))
    label = labels[used].to_numpy(dtype=object)
    return People(used, label, _split(label, seed))


def _labels(ids: pd.Series, table, id_column: str | None, label_column: str) -> pd.Series:
    """Label of each person of a table who has one, by id."""
    rows = read_table(table, _KEY, wanted=lambda names: label_column in names)
    for key, column in (("id_column", id_column), ("label_column", label_column)):
        if column is not None and column not in rows:
            raise InputError(
                f"{table}: no column {column!r} (pretraining.{key}); found {', '.join(rows.columns)}"
            )
    column = require_id_column(rows, id_column, ids, str(table), "pretraining.id_column")
    own = rows[column].str.strip()
    known = own.isin(set(ids))
    repeated = own[known & own.duplicated()].unique()
    if len(repeated):
        raise InputError(
            f"{table}: these ids stand on more than one line: {examples(repeated)}; leave one line of each"
        )
    has_label = known & ~MissingCodes().is_missing(rows[label_column])
    return pd.Series(rows[label_column].str.strip()[has_label].to_numpy(), index=own[has_label])


def _split(labels: np.ndarray, seed: int) -> np.ndarray:
    """ "train" or "validation" of people of labels [S]; a label of one person only trains."""
    rng, split = np.random.default_rng(seed), np.full(len(labels), "train", dtype=object)
    for label in np.unique(labels.astype(str)):
        own = rng.permutation(np.flatnonzero(labels == label))
        wanted = max(1, round(VALIDATION_SHARE * len(own))) if len(own) > 1 else 0
        split[own[:wanted]] = "validation"
    if not (split == "validation").any():
        raise InputError(
            f"{_KEY}: each person of the panel has a label of its own; name another label_column"
        )
    return split


def write_panel_people(people: People, path: str | Path) -> None:
    """Write them for `people.read_people`."""
    table = {"sample": people.id, "label": people.label, "split": people.split}
    pd.DataFrame(table).to_csv(path, sep="\t", index=False)
