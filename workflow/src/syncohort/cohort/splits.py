"""Train, validation and holdout people, with relatives on one side."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from syncohort.errors import InputError, examples
from syncohort.genotypes import SPLITS

NO_FAMILY = ("", "0", "NA", "-9")  # plink2 writes 0 for everybody


def read_kinship(path: str | Path, kinship_min: float) -> pd.DataFrame:
    """Read pairs of relatives (id_1, id_2) from a table with two id columns and a kinship column.

    Understands KING and plink2 `--make-king-table` headers (IID1/ID1, IID2/ID2, KINSHIP) and
    any TSV/CSV whose columns carry such names.
    """
    table = pd.read_csv(path, sep=None, engine="python", dtype=str)
    names = {str(column).strip("#").lower(): column for column in table.columns}
    chosen = []
    for choices in (("iid1", "id1"), ("iid2", "id2"), ("kinship", "phi")):
        column = next((names[choice] for choice in choices if choice in names), None)
        if column is None:
            raise InputError(
                f"{path}: no column {' or '.join(choices)}; found {', '.join(table.columns)}. "
                "A kinship table needs two id columns and a kinship column (KING or plink2 names)."
            )
        chosen.append(column)
    kinship = pd.to_numeric(table[chosen[2]], errors="coerce")
    if kinship.isna().any():
        line = int(np.argmax(kinship.isna())) + 2
        raise InputError(f"{path}, line {line}: the kinship is not a number")
    related = table[kinship >= kinship_min]
    return pd.DataFrame({"id_1": related[chosen[0]], "id_2": related[chosen[1]]})


def _require_known(pairs: pd.DataFrame, samples: pd.Series, path) -> None:
    """Raise InputError when a table of relatives names nobody of the cohort; log how many fit."""
    known = (pairs["id_1"].isin(samples) & pairs["id_2"].isin(samples)).sum()
    print(f"{path}: {known:,} of {len(pairs):,} pairs of relatives are among the people")
    if len(pairs) and not known:
        raise InputError(
            f"split.kinship_table: {path}: none of its {len(pairs):,} pairs of relatives (such as "
            f"{pairs['id_1'].iloc[0]} and {pairs['id_2'].iloc[0]}) is among the people (such as "
            f"{examples(samples, 2)}). Write the ids as in the genotype files."
        )


def relative_groups(ids: np.ndarray, family: np.ndarray, pairs: pd.DataFrame | None):
    """Number the groups of relatives [S]: people linked by a family id or by a kinship pair.

    family: [S] str; "", 0, NA and -9 stand for none. pairs: columns id_1, id_2; ids that are not in the cohort
    are ignored.
    """
    index = {person: i for i, person in enumerate(ids)}
    links = []
    first = {}
    for i, name in enumerate(family):
        if name not in NO_FAMILY:
            links.append((first.setdefault(name, i), i))
    if pairs is not None:
        known = pairs[pairs["id_1"].isin(index) & pairs["id_2"].isin(index)]
        links += [(index[a], index[b]) for a, b in zip(known["id_1"], known["id_2"], strict=True)]
    rows, columns = np.array(links, dtype=int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(ids), len(ids)))
    return connected_components(graph, directed=False)[1]


def split_people(
    labels: np.ndarray, groups: np.ndarray, *, validation: float, holdout: float, seed: int
) -> np.ndarray:
    """Assign every person to train, validation or holdout.

    Each label is divided in the given proportions, as exactly as keeping groups of relatives
    together allows; every label has someone on every side.

    Args:
        labels: [S] str. groups: [S] int, equal for relatives.
        validation, holdout: shares of people in (0, 0.5).
        seed: int.

    Returns:
        [S] str, one of `SPLITS`.

    Raises:
        InputError: relatives cannot be kept together with every label on every side.
    """
    rng = np.random.default_rng(seed)
    classes, label_index = np.unique(labels.astype(str), return_inverse=True)
    sizes = np.bincount(label_index)
    wanted = np.zeros((len(classes), len(SPLITS)))
    wanted[:, 1] = np.maximum(1, np.round(sizes * validation))
    wanted[:, 2] = np.maximum(1, np.round(sizes * holdout))
    wanted[:, 0] = sizes - wanted[:, 1] - wanted[:, 2]
    missing = wanted.copy()

    members = pd.Series(np.arange(len(labels))).groupby(groups).apply(np.array)
    order = rng.permutation(len(members))
    order = order[np.argsort([-len(members.iloc[i]) for i in order], kind="stable")]
    assigned = np.empty(len(labels), dtype=int)
    for group in order:  # large families first, while there is room on every side
        people = members.iloc[group]
        need = (missing[label_index[people]] / np.maximum(wanted[label_index[people]], 1)).sum(0)
        side = int(np.argmax(need))
        assigned[people] = side
        np.subtract.at(missing, (label_index[people], side), 1)

    problems = [
        f"{label}: no {SPLITS[side]} people"
        for i, label in enumerate(classes)
        for side in range(len(SPLITS))
        if not np.any(assigned[label_index == i] == side)
    ]
    if problems:
        raise InputError(
            f"Relatives cannot be kept on one side: {examples(problems)}. Give these labels more "
            "unrelated people, leave the labels out, or raise split.kinship_min."
        )
    return np.array(SPLITS, dtype=object)[assigned]


def keep_share(labels: np.ndarray, groups: np.ndarray, *, share: float, seed: int) -> np.ndarray:
    """Choose a share of the training people, so that a study can be made of few.

    Each label keeps its share, at least one person, as exactly as taking groups of relatives
    as a whole allows.

    Args:
        labels: [S] str. groups: [S] int, equal for relatives.
        share: in (0, 1].
        seed: int.

    Returns:
        [S] bool, who is kept.
    """
    rng = np.random.default_rng([seed, 1])  # a stream beside that of the split
    label_index = np.unique(labels.astype(str), return_inverse=True)[1]
    wanted = np.maximum(1, np.round(share * np.bincount(label_index))).astype(int)
    members = pd.Series(np.arange(len(labels))).groupby(groups).apply(np.array)
    order = rng.permutation(len(members))
    kept, missing = np.zeros(len(labels), dtype=bool), wanted.copy()
    for people in members.iloc[order]:
        own = np.bincount(label_index[people], minlength=len(wanted))
        if (own <= missing).all():
            kept[people] = True
            missing -= own
    smallest_first = order[np.argsort([len(members.iloc[i]) for i in order], kind="stable")]
    for label in range(len(wanted)):  # every family of a label may be larger than its share
        if not kept[label_index == label].any():
            families = (members.iloc[i] for i in smallest_first)
            kept[next(people for people in families if label in label_index[people])] = True
    return kept


def split_table(
    people_path: str | Path,
    kinship_path: str | Path | None,
    out_path: str | Path,
    *,
    validation: float,
    holdout: float,
    training_share: float,
    kinship_min: float,
    seed: int,
) -> None:
    """Write the table of the people who are used, with a column split.

    Args:
        people_path: TSV with sample, label, family and excluded (`joining.write_join`).
        kinship_path: table of relatives, or None.
        out_path: TSV to write; people left out of the study are not in it.
        training_share: of the training people who are used, in (0, 1]; the others are left
            out of the study. Who validates and who is held out does not depend on it.
        Others: see `split_people` and `read_kinship`.
    """
    people = pd.read_csv(people_path, sep="\t", dtype=str, keep_default_na=False)
    used = people[people["excluded"] == ""].drop(columns="excluded").reset_index(drop=True)
    pairs = None if kinship_path is None else read_kinship(kinship_path, kinship_min)
    if pairs is not None:
        _require_known(pairs, people["sample"], kinship_path)
    groups = relative_groups(used["sample"].to_numpy(), used["family"].to_numpy(), pairs)
    split = split_people(
        used["label"].to_numpy(), groups, validation=validation, holdout=holdout, seed=seed
    )
    used = used.drop(columns="split", errors="ignore")  # a column of the user's of that name
    used.insert(2, "split", split)
    print(f"{len(used):,} people, {groups.max() + 1:,} when relatives count as one:")
    print(used.groupby("split").size().to_string())
    if training_share < 1:
        train = np.flatnonzero(split == "train")
        labels = used["label"].to_numpy()[train]
        kept = keep_share(labels, groups[train], share=training_share, seed=seed)
        used = used.drop(index=train[~kept])
        print(f"training people: {kept.sum():,} kept (split.training_share {training_share:g})")
    used.to_csv(out_path, sep="\t", index=False)
