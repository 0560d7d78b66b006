"""Who has which label, or why a person is left out."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from syncohort.cohort.ids import near_ids
from syncohort.cohort.value_bins import value_bins
from syncohort.errors import InputError, examples
from syncohort.formats.columns import HOW_NUMBERS, bare, find_columns, is_odd_number
from syncohort.formats.missing_codes import MissingCodes, number_of
from syncohort.formats.people_files import PERSON_COLUMNS, parent_ids, phenotype_problem
from syncohort.formats.tables import read_table

# What a people table says about a person; other columns of the label table follow.
PEOPLE_COLUMNS = (
    "sample",
    "label",
    "family",
    "father",
    "mother",
    "missing",
    "excluded",
    "value",
    "sex_code",  # see `ploidy`
)
# How label tables name the columns of parents.
PARENTS = {
    "father": "father fatherid fatheriid pat patid paternalid paternal dad",
    "mother": "mother motherid motheriid mat matid maternalid maternal mum mom",
}
# How they name that of families which tell people of one id apart.
_FAMILY = "fid familyid famid pedigreeid"
# What a spreadsheet that opens the release would compute instead of showing it.
_FORMULA = r"[=@].*|[-+].*[(|!].*"
# Only where both stand: pid alone is as often the id of a patient.
_LINKAGE = {"father": " pid", "mother": " mid"}


@dataclass(frozen=True)
class LabelJoin:
    """people: one row per genotyped person with `PEOPLE_COLUMNS`; problems: what stops the run;
    n_unmatched: rows of the label table without genotypes; codes: values read as no label, and
    suspicious: values kept as labels that look like a code for none, with their counts; relatives:
    the same for names of parents and families, nobody: names of parents that stand for nobody,
    with how many people they are father and mother of; near_ids: how ids without genotypes may be
    genotyped people's, "" if they are not; n_comments: lines of the table that begin with #;
    n_other_families: people who are of another family (FID) in the genotype files."""

    people: pd.DataFrame
    problems: list[str]
    n_unmatched: int
    codes: dict[str, int] = field(default_factory=dict)
    suspicious: dict[str, int] = field(default_factory=dict)
    relatives: dict[str, int] = field(default_factory=dict)
    nobody: dict[str, int] = field(default_factory=dict)
    near_ids: str = ""
    n_comments: int = 0
    n_other_families: int = 0


def join_labels(
    file_people: pd.DataFrame,
    missing_share: np.ndarray,
    *,
    table: str | None,
    id_column: str | None,
    label_column: str | list[str],
    family_column: str | None,
    missing: list[str],
    minimum_people: int,
    rare: str,
    person_missing_max: float,
    cuts: list[float] | None = None,
) -> LabelJoin:
    """Give every genotyped person a label, or the reason why the person is left out.

    Args:
        file_people: what the genotype files say, column sample and any others.
        missing_share: [S] share of missing calls.
        table: label table (TSV/CSV); None takes the columns of `file_people`.
        Others: see the sections `labels`, `filters` and `split` of the configuration.
    """
    if table is None:
        source, name, id_column = file_people, "the genotype files", "sample"
    else:
        source, name = read_label_table(table, label_column), str(table)
    is_guess, id_column = id_column is None, id_column or id_column_of(source)
    columns = [label_column] if isinstance(label_column, str) else label_column
    sample_ids = set(file_people["sample"])
    no_heading = sample_ids.intersection(source.columns) if table is not None else ()
    problems = [
        f"{name}: the first line is no heading: it holds {each!r}, the id of a genotyped person; put a "
        "line with the names of the columns above it"
        for each in sorted(no_heading)[:1]
    ]
    if is_guess and not problems:
        others = source.drop(columns=[*columns, family_column], errors="ignore")
        problems += id_guess_problems(others, source[id_column], sample_ids, name)
    problems += [
        f"{name}: no column {column!r} ({key}); found {', '.join(source.columns)}"
        for key, column in (
            ("labels.id_column", id_column),
            *(("labels.label_column", column) for column in columns),
            ("split.family_column", family_column),
        )
        if not problems and column is not None and column not in source.columns
    ]
    people = pd.DataFrame({"sample": file_people["sample"], "label": "", "family": ""})
    people["father"] = people["mother"] = ""
    people["missing"] = missing_share
    people["excluded"] = people["value"] = ""
    if table is None and not problems:
        problems = [
            f"{name}: column {column!r} {problem}; PLINK takes numbers or words for a phenotype"
            for column in columns
            if column not in PERSON_COLUMNS
            and (problem := phenotype_problem(source[column])) is not None
        ]
    if problems:
        return LabelJoin(people, problems, 0)

    codes = MissingCodes(missing)
    own_family = None if table is None else _family_column(source, id_column, family_column)
    ids, n_other_families = _sample_ids(source, id_column, own_family, file_people)
    is_known = ids.isin(sample_ids)
    used, near = source[is_known], near_ids(ids[~is_known], people["sample"])
    repeated = ids[is_known]
    repeated = repeated[repeated.duplicated()].unique()
    if len(repeated):
        told = own_family is not None and source[own_family][ids.isin(repeated)].nunique() > 1
        problems.append(
            f"{name}: these ids stand on more than one line: {examples(repeated)}; "
            + (
                f"they repeat over families ({own_family}), which the genotype files do not tell: name "
                "the samples FID_IID there, or keep the lines of the genotyped people alone"
                if told and _repeat_over_families(source, id_column, own_family)
                else "keep one line each"
            )
        )
    if used.empty:
        problems.append(
            f"{name}: none of its {len(ids):,} ids in column {id_column!r} (such as {examples(ids, 3)}) "
            f"is among the {len(people):,} genotyped people (such as {examples(people['sample'], 3)})"
            + (f": {near}. Rewrite" if near else "; set labels.id_column or rewrite")
            + " the ids"
        )
    if own_family is not None:
        named = _with_parents_of_families(source, ids, id_column, own_family, sample_ids, codes)
        used = named[is_known]
    used = used.assign(_id=ids[is_known]).drop_duplicates("_id").set_index("_id")
    joined = used.reindex(people["sample"]).reset_index(drop=True)
    people["label"] = _joined_labels(joined[columns], codes)
    torn = _torn_labels(joined[columns], people["label"])
    if len(torn):
        problems.append(
            f"{name}: labels joined by '/' that come of different values: {examples(torn)}; write "
            "the values without '/'"
        )
    formulas = people.loc[people["label"].str.fullmatch(_FORMULA), "label"].unique()
    if len(formulas):
        problems.append(
            f"{name}: labels that a spreadsheet takes for formulas, and may run: "
            f"{examples(map(repr, formulas))}; rename them, or add them to labels.missing"
        )
    if cuts:
        values = pd.to_numeric(people["label"], errors="coerce").to_numpy(np.float64)
        wrong = people.loc[(people["label"] != "") & ~np.isfinite(values), "label"].unique()
        if len(wrong):
            problems.append(
                f"{name}: labels.cuts makes column {columns[0]!r} a number, which these values are "
                f"not: {examples(wrong)}; "
                + (
                    HOW_NUMBERS
                    if any(map(is_odd_number, wrong))
                    else "add them to labels.missing, or leave labels.cuts out"
                )
            )
        known = values[np.isfinite(values)]
        if len(known) and len(np.unique(np.searchsorted(cuts, known, side="right"))) == 1:
            problems.append(
                f"{name}: labels.cuts {', '.join(f'{cut:g}' for cut in cuts)} divide nobody: the values "
                f"of column {columns[0]!r} are {known.min():g} to {known.max():g}"
            )
        people["value"] = people["label"].where(np.isfinite(values), "")
        people["label"] = value_bins(values, cuts)
    if family_column:
        family = joined[family_column].str.strip().fillna("")
        people["family"] = family.mask(codes.is_nobody(family), "").to_numpy()
    people[list(PARENTS)], nobody = _parents(joined, file_people, codes)
    extra = [c for c in joined.columns if c not in (id_column, *PEOPLE_COLUMNS)]
    people = pd.concat([people, joined[extra].fillna("")], axis=1)

    people.loc[people["missing"] > person_missing_max, "excluded"] = "too many missing calls"
    people.loc[people["label"] == "", "excluded"] = "no label"
    people.loc[joined[columns[0]].isna(), "excluded"] = "not in the label table"
    counts = people.loc[people["excluded"] == "", "label"].value_counts()
    few = counts[counts < minimum_people].sort_index()
    if rare == "drop":
        people.loc[people["label"].isin(few.index) & (people["excluded"] == ""), "excluded"] = (
            "rare label"
        )
        counts = counts.drop(few.index)
    elif len(few):
        shown = examples([f"{label} ({count})" for label, count in few.items()])
        problems.append(
            f"these labels have fewer than {minimum_people} people (labels.minimum_people): {shown}; "
            + _advice_on_few(counts, few)
        )
    if counts.empty and not used.empty:
        problems.append("nobody with a usable label is left")
    return LabelJoin(
        people,
        problems,
        int((~is_known).sum()),
        *_code_counts(joined[columns], codes),
        relatives=_relatives_like_codes(people, codes),
        nobody=nobody,
        near_ids="" if near is None or used.empty else str(near),
        n_comments=source.attrs.get("n_comments", 0),
        n_other_families=n_other_families,
    )


def _advice_on_few(counts: pd.Series, few: pd.Series) -> str:
    """What to do about labels of few people; counts: of all labels, few: of these."""
    if len(few) == len(counts) and all(number_of(label) is not None for label in counts.index):
        return "a label that is a number needs bins: labels.cuts"
    if len(few) == len(counts) and counts.mean() < 2:
        return "hardly two people have the same: is this the column of the labels?"
    return "leave them out with `labels: {rare: drop}`, or merge them with others"


def _joined_labels(columns: pd.DataFrame, codes: MissingCodes) -> pd.Series:
    """Labels [S] from their columns, joined by "/"; "" where one of them is missing."""
    parts = [columns[name].fillna("").str.strip() for name in columns]
    parts = [part.mask(codes.is_missing(part), "") for part in parts]
    known = np.all([part != "" for part in parts], axis=0)
    return parts[0].str.cat(parts[1:], sep="/").where(known, "")


def _torn_labels(columns: pd.DataFrame, labels: pd.Series) -> np.ndarray:
    """Joined labels that come of different values, for a value may hold a "/" itself."""
    values = columns.apply(lambda column: column.str.strip())[labels != ""].drop_duplicates()
    joined = labels[values.index]
    return joined[joined.duplicated()].unique()


def _code_counts(columns: pd.DataFrame, codes: MissingCodes) -> tuple[dict, dict]:
    """How often values of columns were read as no label, and values that look so were kept."""
    taken, kept = {}, {}
    for name in columns:
        values = columns[name].dropna().str.strip()
        missing = values[codes.is_missing(values) & (values != "").to_numpy()]
        for counts, found in ((taken, missing.value_counts()), (kept, codes.suspicious(values))):
            for value, count in found.items():
                counts[value] = counts.get(value, 0) + int(count)
    return taken, kept


def _parents(joined: pd.DataFrame, file_people: pd.DataFrame, codes: MissingCodes):
    """Columns father and mother [S]: of the label table, else of the genotype files; "" for none.

    Nobody is father and mother of one person: a name that is, and no sample id, stands for none
    everywhere. Returns these names, too, with how many people they are both parents of.
    """
    columns = {}
    for parent in PARENTS:
        known = pd.Series("", index=file_people.index)
        for table in (joined, file_people):
            for column in _parent_columns(table, parent):
                named = table[column].fillna("").astype(str).str.strip()
                known = known.where(known != "", named.mask(codes.is_nobody(named), ""))
        columns[parent] = known
    parents = pd.DataFrame(columns)
    same = (parents["father"] == parents["mother"]) & (parents["father"] != "")
    both = parents.loc[same & ~parents["father"].isin(set(file_people["sample"])), "father"]
    counts = {name: int(count) for name, count in both.value_counts().items()}
    return parents.mask(parents.isin(set(both)), ""), counts


def _parent_columns(table: pd.DataFrame, parent: str) -> list[str]:
    """The columns of a table that name the fathers, or the mothers."""
    linkage = {"pid", "mid"} <= {str(name).lower() for name in table.columns}
    aliases = PARENTS[parent] + _LINKAGE[parent] * linkage
    return find_columns(table.columns, aliases, "the label table")


def _with_parents_of_families(
    source: pd.DataFrame,
    ids: pd.Series,
    id_column: str,
    family_column: str,
    samples: set[str],
    codes: MissingCodes,
) -> pd.DataFrame:
    """A label table with parents by their sample ids: of the child's family first; see `parent_ids`.

    ids: sample ids of its people [N]. A parent who is not in the table may be FID_IID, or else IID,
    in the genotype files. A name that is father and mother of one person, or looks like a code, is
    nobody's, or may be, and stays.
    """
    person, family = source[id_column].str.strip(), source[family_column].str.strip()
    unknown = ~ids.isin(samples) & says_family(family, person)
    ids = ids.where(~unknown, family + "_" + person)
    raw, parent_of = {}, {}
    for parent in PARENTS:
        for column in _parent_columns(source, parent):
            named = source[column].str.strip()
            raw[column] = named.mask(codes.is_nobody(named), "")
            parent_of[column] = parent
    members, resolved = set(family + "\t" + person), {}
    for column, named in raw.items():
        found = parent_ids(named, family, person, ids)
        elsewhere = ~(family + "\t" + named).isin(members) & (named != "")
        joined = family + "_" + named
        by_both = elsewhere & joined.isin(samples)
        by_person = elsewhere & ~by_both & ~named.isin(set(person)) & named.isin(samples)
        found = found.mask(by_both, joined).mask(by_person, named)
        others = [raw[each] for each in raw if parent_of[each] != parent_of[column]]
        nobody = {name for other in others for name in named[named == other]}
        nobody.update(codes.suspicious(named))
        is_nobody = named.isin(nobody) & ~found.isin(set(ids) | samples)
        resolved[column] = found.mask(is_nobody, named)
    return source.assign(**resolved)


def _relatives_like_codes(people: pd.DataFrame, codes: MissingCodes) -> dict[str, int]:
    """Names of families and parents that several people share and that look like a code for none."""
    found = {}
    for column in ("family", *PARENTS):
        named = people.loc[people[column] != "", column]
        for name, count in codes.suspicious(named).items():
            if count > 1 and name not in set(people["sample"]):
                found[name] = max(found.get(name, 0), count)
    return found


def _family_column(source: pd.DataFrame, id_column: str, given: str | None) -> str | None:
    """The column of family ids that a table's person ids are within: FID or its like, or `given`
    where ids repeat over its families, else None."""
    for name in find_columns(source.columns, _FAMILY, "the label table"):
        if name != id_column:
            return name
    if given in (None, id_column) or not _repeat_over_families(source, id_column, given):
        return None
    return given


def _repeat_over_families(source: pd.DataFrame, id_column: str, family_column: str) -> bool:
    """Whether people of several families have the same id in a table."""
    pairs = source[[id_column, family_column]].apply(lambda column: column.str.strip())
    return bool(pairs.drop_duplicates()[id_column].duplicated().any())


def _sample_ids(
    source: pd.DataFrame, id_column: str, family_column: str | None, file_people: pd.DataFrame
) -> tuple[pd.Series, int]:
    """The ids of a table [N], and how many people are of another family there than in the files.

    family_column: see `_family_column`.

    They are IIDs, and FID_IID where that is somebody's and IID is nobody's: PLINK files whose IIDs
    repeat over families are read with such ids, and programs that write VCF join them. In a table
    whose IIDs repeat over families, the IID of another family is another person's.
    """
    ids = source[id_column].str.strip()
    if family_column is None:
        return ids, 0
    sample_ids, own = set(file_people["sample"]), source[family_column].str.strip()
    both = own + "_" + ids
    repeat = _repeat_over_families(source, id_column, family_column)
    ids = ids.mask(~ids.isin(sample_ids) & both.isin(sample_ids), both)
    if "family" not in file_people:
        return ids, 0
    theirs = ids.map(file_people.set_index("sample")["family"]).fillna("")
    differ = says_family(own, source[id_column]) & says_family(theirs, ids) & (own != theirs)
    if repeat:
        same = own == theirs
        return ids.mask(differ | (~same & ids.isin(ids[same])), both), 0
    return ids, int(differ.sum()) if bare(family_column) in _FAMILY.split() else 0


def says_family(family: pd.Series, person: pd.Series) -> pd.Series:
    """Whether a FID says more than the IID: not where it is that, or a code for none; [N]."""
    return ~MissingCodes().is_nobody(family) & (family != person.str.strip())


def id_column_of(source: pd.DataFrame) -> str:
    """The column of sample ids where none is named: the first, but IID where FID stands too."""
    named = {str(column).lower(): column for column in source.columns}
    return named["iid"] if {"fid", "iid"} <= named.keys() else source.columns[0]


def id_guess_problems(
    source: pd.DataFrame,
    guess: pd.Series,
    sample_ids: set[str],
    name: str,
    key: str = "labels.id_column",
) -> list[str]:
    """Why a guessed column of sample ids may be another one: that holds as many of them.

    R and pandas write row numbers into the first column, and numbers may be sample ids, too.
    source: the columns that it may be, of the table called `name`; key: of the configuration, which says it.
    """
    known = sample_ids.intersection(guess.str.strip())
    if not known or guess.name.lower() == "iid":
        return []
    alike = [
        column
        for column in source.columns
        if column.lower() not in ("fid", "family")
        and len(sample_ids.intersection(source[column].str.strip())) >= len(known)
        and (source[column].str.strip() != guess.str.strip()).any()
    ]
    return [
        f"{name}: both column {guess.name!r} and column {each!r} hold {len(known):,} ids of genotyped "
        f"people; say in {key} which one is right (R and pandas put row numbers into the "
        "first column)"
        for each in alike[:1]
    ]


def require_id_column(
    table: pd.DataFrame, given: str | None, sample_ids, name: str, key: str = "labels.id_column"
) -> str:
    """The column of sample ids: given, or else guessed. Raises InputError for a doubtful guess."""
    if given is not None:
        return given
    guess = id_column_of(table)
    for problem in id_guess_problems(table, table[guess], set(sample_ids), name, key):
        raise InputError(problem)
    return guess


def read_label_table(path: str, label_column: str | list[str] = ()) -> pd.DataFrame:
    """A table of str with a heading, which names the columns of the labels; see `formats.tables`."""
    wanted = {label_column} if isinstance(label_column, str) else set(label_column)
    table = read_table(
        path, "labels.table", wanted=(lambda names: wanted <= set(names)) if wanted else None
    )
    return table.reset_index(drop=True)
