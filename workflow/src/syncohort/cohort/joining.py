"""The join of genotyped people and the label table, on disk: people, and what stops the run."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort.labels import LabelJoin, join_labels


def join_people(
    people_paths: list[str | Path], summary_paths: list[str | Path], labels: dict
) -> LabelJoin:
    """Join the people of imported chromosomes and their labels.

    Args:
        people_paths, summary_paths: what `import_chromosome` wrote, by chromosome.
        labels: arguments of `join_labels`.

    Where chromosomes hold different people, which `examine_cohort` says, the first one's are
    taken and no call counts as missing.
    """
    tables = [pd.read_csv(p, sep="\t", dtype=str, keep_default_na=False) for p in people_paths]
    file_people = tables[0].drop(columns="n_missing")
    missing = np.zeros(len(file_people))
    if all(table["sample"].equals(file_people["sample"]) for table in tables):
        n_variants = sum(json.loads(Path(path).read_text())["n_kept"] for path in summary_paths)
        missing = sum(t["n_missing"].astype(int).to_numpy() for t in tables) / n_variants
    return join_labels(file_people, missing, **labels)


def write_join(joined: LabelJoin, people_path: str | Path, notes_path: str | Path) -> None:
    """Write the people as TSV, the rest as JSON."""
    joined.people.to_csv(people_path, sep="\t", index=False)
    notes = {"problems": joined.problems, "n_unmatched": joined.n_unmatched}
    Path(notes_path).write_text(json.dumps(notes, indent=1) + "\n")


def read_join(people_path: str | Path, notes_path: str | Path) -> LabelJoin:
    """What `write_join` wrote."""
    return LabelJoin(read_joined(people_path), **json.loads(Path(notes_path).read_text()))


def read_joined(people_path: str | Path) -> pd.DataFrame:
    """The people of a join: all columns str but for `missing`."""
    people = pd.read_csv(people_path, sep="\t", dtype=str, keep_default_na=False)
    return people.assign(missing=people["missing"].astype(float))
