"""Train, validation and holdout people, with relatives on one side."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from syncohort.cohort.ids import near_ids
from syncohort.cohort.labels import says_family
from syncohort.cohort.set_aside import set_aside_relatives
from syncohort.errors import InputError, examples
from syncohort.formats.columns import find_columns, numbers_of
from syncohort.formats.missing_codes import MissingCodes
from syncohort.formats.tables import TextTable
from syncohort.genotypes import RELATIVES, SPLITS

_CODES = MissingCodes()
_KINSHIP_COLUMNS = {  # KING, plink2 and their like; compared as `find_columns` does
    "id_1": "iid1 id1 sample1 sampleid1 ind1 indv1 individual1 samplea i is",
    "id_2": "iid2 id2 sample2 sampleid2 ind2 indv2 individual2 sampleb j js",
    "kinship": "kinship phi kin kinshipcoefficient relatednessphi king",
    "ibd_share": "pihat propibd relatednessajk rab relatedness",
}
_UNITS = {"kinship": 1, "ibd_share": 0.5}  # the kinship that a 1 stands for
_FAMILY_COLUMNS = {"family_1": "fid1 famid1 fid", "family_2": "fid2 famid2 fid"}
_KINSHIP_ADVICE = (
    "A kinship table has a row a pair, with two id columns and a kinship column: KING, plink2 "
    "--make-king-table, plink --genome, PC-Relate. A table of relatives without kinship is read "
    "with a column KINSHIP of 0.25 added; of a GCTA relationship matrix (.grm) or a square matrix "
    "write the pairs as such a table."
)


def read_kinship(
    path: str | Path, kinship_min: float, samples: pd.Series | None = None
) -> pd.DataFrame:
    """Read pairs of relatives (id_1, id_2) from a table with two id columns and a kinship column.

    Understands KING and plink2 `--make-king-table` headers (IID1/ID1, IID2/ID2, KINSHIP), the
    PI_HAT of plink --genome and PropIBD of KING, which are twice the kinship, and any table whose
    columns carry such names; of two, the second counts where the first is missing. A pair without
    a kinship is no pair. Where an id is none of `samples` [S] and FID_IID is, it is that.

    Raises:
        InputError: columns that are missing, a kinship that is no number, or above 1; no pair with
            a kinship; a sample id that several families have in the table.
    """
    key = "split.kinship_table"
    opened = TextTable(path, key, wanted=lambda names: len(_kinship_columns(names, path)) >= 3)
    chosen = _kinship_columns(opened.columns, path)
    missing = [name for name in ("id_1", "id_2") if name not in chosen]
    if not {"kinship", "ibd_share"} & set(chosen):
        missing.append("kinship")
    if missing:
        wanted = " and ".join(
            "/".join(_KINSHIP_COLUMNS[name].upper().split()[:2]) for name in missing
        )
        raise InputError(
            f"{key}: {path}: no column {wanted}; found {examples(opened.columns, 12)}. "
            f"{_KINSHIP_ADVICE}"
        )
    units = {chosen[name]: unit for name, unit in _UNITS.items() if name in chosen}
    families = {
        name: find_columns(opened.columns, aliases, path)[0]
        for name, aliases in _FAMILY_COLUMNS.items()
        if samples is not None and find_columns(opened.columns, aliases, path)
    }
    known = set() if samples is None else set(samples)
    members = pd.DataFrame({"id": [], "family": []}, dtype=object)
    related, n_pairs, without = [], 0, 0
    ids = [chosen["id_1"], chosen["id_2"]]
    for table in opened.chunks(dict.fromkeys([*ids, *units, *families.values()])):
        kinship = _kinship_of(table, units, f"{key}: {path}")
        n_pairs += len(table)
        without += int(kinship.isna().sum())
        table = table[kinship >= kinship_min]
        pair = pd.DataFrame({"id_1": table[ids[0]], "id_2": table[ids[1]]})
        for name, family in families.items():
            own = name.replace("family", "id")
            joined = table[family] + "_" + pair[own]
            pair[own] = pair[own].mask(~pair[own].isin(known) & joined.isin(known), joined)
            member = pd.DataFrame({"id": pair[own], "family": table[family]})
            told = member["id"].isin(known) & says_family(member["family"], table[chosen[own]])
            members = pd.concat([members, member[told]]).drop_duplicates()
        related.append(pair)
    _require_one_family(members, f"{key}: {path}")
    if n_pairs and without == n_pairs:
        raise InputError(
            f"{key}: {path}: none of its {n_pairs:,} pairs has a kinship ({examples(units)}): that does "
            "not say that nobody is related. Make the table again, or leave it out"
        )
    print(f"{path}: {n_pairs:,} pairs, {sum(map(len, related)):,} of them related")
    if "kinship" not in chosen:
        print(
            f"{path}: {chosen['ibd_share']} is twice the kinship; half of it is compared with "
            "split.kinship_min"
        )
    if without:
        print(f"{path}: {without:,} pairs have no kinship and count as unrelated")
    none = pd.DataFrame({"id_1": [], "id_2": []}, dtype=str)
    return pd.concat([none, *related], ignore_index=True)


def _kinship_of(table: pd.DataFrame, units: dict[str, float], place: str) -> pd.Series:
    """The kinship of pairs [N] by the first column that has it, NaN where none does.

    units: the columns of str, and the kinship that a 1 of each stands for.
    """
    kinship = pd.Series(np.nan, index=table.index)
    for column, unit in units.items():
        values = table.loc[kinship.isna(), column]
        unknown = pd.to_numeric(values, errors="coerce").isna().to_numpy()
        unknown[unknown] = _CODES.is_missing(values[unknown])
        values = values[~unknown]
        found = numbers_of(values, place, "kinship") * unit
        _require_kinship(found, values, place)
        kinship[found.index] = found
    return kinship


def _require_one_family(members: pd.DataFrame, place: str) -> None:
    """Raise InputError for a sample id of several families; members: each id and family once."""
    several = members[members["id"].duplicated(keep=False)]
    if len(several):
        name = several["id"].iloc[0]
        families = several.loc[several["id"] == name, "family"]
        raise InputError(
            f"{place}: {name} is a sample id, and the table has people of that IID in the families "
            f"{examples(families)}: leave those out who are not of the cohort"
        )


def _kinship_columns(names, path) -> dict[str, str]:
    """Our name -> the file's column, of those there are."""
    found = {name: find_columns(names, each, path) for name, each in _KINSHIP_COLUMNS.items()}
    return {name: columns[0] for name, columns in found.items() if columns}


def _require_kinship(kinship: pd.Series, found: pd.Series, place: str) -> None:
    """Raise InputError for a kinship above 1, which nobody has: a person's with oneself is 0.5."""
    wrong = np.flatnonzero(kinship.to_numpy() > 1)
    if len(wrong):
        raise InputError(
            f"{place}, line {kinship.index[wrong[0]]}: {found.name} {found.iloc[wrong[0]]!r} is above "
            "1; a kinship is 0.25 for parents and children and 0.5 for twins (no per cent)"
        )


def _require_known(pairs: pd.DataFrame, samples: pd.Series, path) -> None:
    """Raise InputError when the ids of a table of relatives are not the cohort's; log how many
    pairs are.

    A table may name people who are not in the cohort, but nobody who is, under another id.
    """
    known = (pairs["id_1"].isin(samples) & pairs["id_2"].isin(samples)).sum()
    print(f"{path}: {known:,} of {len(pairs):,} pairs of relatives are among the people")
    ids = pd.concat([pairs["id_1"], pairs["id_2"]])
    near = near_ids(ids, samples)
    if near is not None and known and near.n < 0.05 * ids[~ids.isin(samples)].nunique():
        near = None  # of many other people, a few have such ids by chance
    if len(pairs) and (near is not None or not known):
        how_many = (
            f"{len(pairs) - known:,} of its {len(pairs):,}"
            if known
            else f"none of its {len(pairs):,}"
        )
        are = "are not" if known else "is"
        other = pairs[~(pairs["id_1"].isin(samples) & pairs["id_2"].isin(samples))].iloc[0]
        raise InputError(
            f"split.kinship_table: {path}: {how_many} pairs of relatives (such as "
            f"{other['id_1']} and {other['id_2']}) {are} among the people (such as "
            f"{examples(samples, 2)})"
            + (f": of the ids, {near}" if near else "")
            + ". Write the ids as in the genotype files."
        )


def kinship_line(
    pairs: pd.DataFrame | None, samples: pd.Series, kinship_min: float
) -> pd.DataFrame:
    """What of a table of relatives is used, as a line of the check page; none without a table.

    pairs: of `read_kinship`; samples: ids of all genotyped people.
    """
    # of `people_checks.Check`, which is not loaded here: an edit of the check would split people again
    columns = ["name", "found", "level", "advice"]
    if pairs is None:
        return pd.DataFrame(columns=columns)
    known = pairs["id_1"].isin(samples) & pairs["id_2"].isin(samples)
    named = pd.unique(pd.concat([pairs["id_1"], pairs["id_2"]]))
    absent = int((~pd.Series(named, dtype=object).isin(samples)).sum())
    found = (
        f"{len(pairs):,} pairs of relatives (kinship of at least {kinship_min:g}), {known.sum():,} of them "
        f"among the genotyped people; of the {len(named):,} people named, {absent:,} are not genotyped here"
    )
    return pd.DataFrame([["kinship table", found, "ok", ""]], columns=columns)


def relative_groups(
    ids: np.ndarray,
    family: np.ndarray,
    pairs: pd.DataFrame | None,
    parents: pd.DataFrame | None = None,
) -> np.ndarray:
    """Number the groups of relatives [S]: people linked by family, kinship or parents.

    Args:
        ids: [S] str, sample ids.
        family: [S] str; "", 0 and codes for "none" stand for no family.
        pairs: columns id_1, id_2, or None; ids that are not in the cohort are ignored.
        parents: columns father and mother [S], or None. A parent who is not in the cohort links
            the children.
    """
    index = {person: i for i, person in enumerate(ids)}
    links = _links_of_names(pd.Series(family), {})
    if parents is not None:
        # one number for a parent, father of one and mother of another by mistake
        known = dict(index)
        for name in ("father", "mother"):
            links += _links_of_names(parents[name], known)
    if pairs is not None:
        known = pairs[pairs["id_1"].isin(index) & pairs["id_2"].isin(index)]
        links += [(index[a], index[b]) for a, b in zip(known["id_1"], known["id_2"], strict=True)]
    rows, columns = np.array(links, dtype=int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(ids), len(ids)))
    return connected_components(graph, directed=False)[1]


def _links_of_names(names: pd.Series, first: dict[str, int]) -> list[tuple[int, int]]:
    """Links of the rows [S] of the same name with the first that has it, which `first` holds."""
    rows = np.flatnonzero(~_CODES.is_nobody(names))
    named = names.to_numpy()[rows]
    return [(first.setdefault(name, i), i) for name, i in zip(named, rows.tolist(), strict=True)]


def groups_of(people: pd.DataFrame, pairs: pd.DataFrame | None) -> np.ndarray:
    """The groups of relatives of a table of people, those left out of the study among them:
    who is not used may still be what two others have in common."""
    parents = people[["father", "mother"]] if {"father", "mother"} <= set(people) else None
    return relative_groups(people["sample"].to_numpy(), people["family"], pairs, parents)


def _is_child(people: pd.DataFrame) -> np.ndarray:
    """Whether a parent is named, bool [S]."""
    named = [~_CODES.is_nobody(people[name]) for name in ("father", "mother") if name in people]
    return np.any([np.zeros(len(people), bool), *named], axis=0)


def own_ancestors(ids: np.ndarray, parents: pd.DataFrame) -> np.ndarray:
    """Sample ids of people whom a pedigree makes their own ancestors.

    ids: [S] str; parents: columns father and mother [S].
    """
    index = pd.Series(np.arange(len(ids)), index=ids)
    children = np.tile(np.arange(len(ids)), 2)
    found = pd.concat([parents["father"], parents["mother"]]).map(index)
    known = found.notna().to_numpy()
    rows, columns = children[known], found[known].to_numpy(int)
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(ids), len(ids)))
    component = connected_components(graph, connection="strong")[1]
    in_cycle = np.bincount(component)[component] > 1
    in_cycle[rows[rows == columns]] = True
    return np.asarray(ids)[in_cycle]


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
    relatives: float,
    kinship_min: float,
    seed: int,
) -> pd.DataFrame:
    """Write the table of the people who are used, with a column split; return the `kinship_line`.

    Args:
        people_path: TSV with sample, label, family and excluded (`joining.write_join`).
        kinship_path: table of relatives, or None.
        out_path: TSV to write; people left out of the study are not in it.
        training_share: of the training people who are used, in (0, 1]; the others are left
            out of the study, with their relatives. Who validates and who is held out does not
            depend on it.
        relatives: share of the families of whom all but one are set aside; see `set_aside`.
        Others: see `split_people` and `read_kinship`.
    """
    people = pd.read_csv(people_path, sep="\t", dtype=str, keep_default_na=False)
    used = people[people["excluded"] == ""].drop(columns="excluded").reset_index(drop=True)
    pairs = (
        None if kinship_path is None else read_kinship(kinship_path, kinship_min, people["sample"])
    )
    if pairs is not None:
        _require_known(pairs, people["sample"], kinship_path)
    groups = groups_of(people, pairs)[(people["excluded"] == "").to_numpy()]
    groups = np.unique(groups, return_inverse=True)[1]
    labels = used["label"].to_numpy()
    aside = set_aside_relatives(groups, _is_child(used), share=relatives, seed=seed)
    split = np.where(aside.relative, RELATIVES, SPLITS[0]).astype(object)
    split[aside.other] = split_people(
        labels[aside.other],
        groups[aside.other],
        validation=validation,
        holdout=holdout,
        seed=seed,
    )
    used = used.drop(columns="split", errors="ignore")  # a column of the user's of that name
    used.insert(2, "split", split)
    print(f"{len(used):,} people, {groups.max() + 1:,} when relatives count as one:")
    print(used.groupby("split").size().to_string())
    if training_share < 1:
        train = np.flatnonzero(split == "train")
        kept = keep_share(labels[train], groups[train], share=training_share, seed=seed)
        theirs = aside.relative & ~np.isin(groups, groups[train[kept]])
        used = used.drop(index=[*train[~kept], *np.flatnonzero(theirs)])
        print(f"training people: {kept.sum():,} kept (split.training_share {training_share:g})")
    used.to_csv(out_path, sep="\t", index=False)
    return kinship_line(pairs, people["sample"], kinship_min)
