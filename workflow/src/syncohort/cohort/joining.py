"""The join of genotyped people and the label table, on disk: people, and what stops the run."""

import hashlib
import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort.importing import CALL_COUNTS
from syncohort.cohort.labels import LabelJoin, join_labels
from syncohort.cohort.sexes import sexes


def join_people(
    people_paths: list[str | Path], summary_paths: list[str | Path], labels: dict
) -> LabelJoin:
    """Join the people of imported chromosomes and their labels.

    Args:
        people_paths, summary_paths: what `import_chromosome` wrote, by chromosome.
        labels: arguments of `join_labels`.

    Where chromosomes hold different people, which `examine_cohort` says, the first one's are
    taken and no call counts as missing. With
    chromosome X the people get a column sex_code, see `sexes`.
    """
    tables = [pd.read_csv(p, sep="\t", dtype=str, keep_default_na=False) for p in people_paths]
    file_people = tables[0].drop(columns=list(CALL_COUNTS))
    if not all(table["sample"].equals(file_people["sample"]) for table in tables):
        return join_labels(file_people, np.zeros(len(file_people)), **labels)
    summaries = [json.loads(Path(path).read_text()) for path in summary_paths]
    joined = join_labels(file_people, _missing_shares(summaries, tables), **labels)
    known = pd.concat([file_people, joined.people], axis=1)  # both may have a column of sex
    sex = sexes(known, summaries, tables)
    if sex is not None:
        joined.people["sex_code"] = sex
    return joined


def _missing_shares(summaries: list[dict], tables: list[pd.DataFrame]) -> np.ndarray:
    """Share of missing calls of each person [S], on chromosomes with two copies if there are any:
    where men have one copy, half of a call of theirs is no fault."""
    both = [
        (summary["n_kept"], table["n_missing"].astype(int).to_numpy())
        for summary, table in zip(summaries, tables, strict=True)
    ]
    diploid = [
        pair for pair, s in zip(both, summaries, strict=True) if s["contig"] not in ("X", "Y", "MT")
    ]
    used = diploid or both
    return sum(n for _, n in used) / sum(n_kept for n_kept, _ in used)


def write_join(joined: LabelJoin, people_path: str | Path, notes_path: str | Path) -> None:
    """Write the people as TSV, the rest as JSON."""
    joined.people.to_csv(people_path, sep="\t", index=False)
    names = [field.name for field in fields(joined) if field.name != "people"]
    notes = {name: getattr(joined, name) for name in names}
    Path(notes_path).write_text(json.dumps(notes, indent=1) + "\n")


def write_key(people: pd.DataFrame, summary_path: str | Path, path: str | Path) -> None:
    """Write the key of a cohort, which the random numbers of its release depend on; see `keyed_seed`.

    It follows from the calls of the first chromosome, and from who has which label and value: the
    same data have the same key, and nobody can compute it without them. Another chromosome after
    the first changes nothing, nor does a column that is not used.

    people: of a join. summary_path: what `import_chromosome` wrote of the first chromosome.
    """
    calls = json.loads(Path(summary_path).read_text())["calls_sha256"]
    known = people[["sample", "label", "value"]].to_csv(sep="\t", index=False)
    Path(path).write_text(hashlib.sha256(f"{calls}\n{known}".encode()).hexdigest() + "\n")


def read_join(people_path: str | Path, notes_path: str | Path) -> LabelJoin:
    """What `write_join` wrote."""
    return LabelJoin(read_joined(people_path), **json.loads(Path(notes_path).read_text()))


def read_joined(people_path: str | Path) -> pd.DataFrame:
    """The people of a join: all columns str but for `missing`."""
    people = pd.read_csv(people_path, sep="\t", dtype=str, keep_default_na=False)
    return people.assign(missing=people["missing"].astype(float))
