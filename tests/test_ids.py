"""Ids of tables that differ from the genotype files' in how they are written: the cause is named."""

import numpy as np
import pandas as pd
import pytest

from syncohort.cohort.ids import near_ids
from syncohort.cohort.labels import join_labels, require_id_column
from syncohort.cohort.people_checks import label_checks
from syncohort.cohort.splits import groups_of, split_table
from syncohort.errors import InputError

DIFFERENCES = [
    ("{n}", "{n:03d}", "leading zeros"),
    ("S{n:03d}", "S{n}", "leading zeros"),
    ("{n}.0", "{n}", "how numbers are written"),
    ("{n}e5", "{n}00000", "how numbers are written"),
    ("P{n}", "p{n}", "capital and small letters"),
    ("'p{n}'", "p{n}", "quotes"),
    ("p {n}", "p_{n}", "blanks, dashes"),
    ("p-{n}", "p.{n}", "blanks, dashes"),
    ("f{n}_p{n}", "p{n}", "a family id"),
    ("p{n}", "0_p{n}", "a family id"),
    ("x_y{n}", "x_y{n}_x_y{n}", "a family id"),
    ("p{n}", "/data/p{n}.sorted.bam", ""),
    ("p{n}", "/data/p{n}.bam", "folders and endings"),
    ("Ame\u0301lie{n}", "Am\u00e9lie{n}", "how accents"),
    ("P-{n:03d}", "p{n}", "capitals, marks and leading zeros"),
    ("HG{n}", "NA{n}", ""),
    ('{{"s":"HG{n}"}}', "HG{n}", "the JSON of Hail's keys"),
]


def ids_of(pattern) -> list[str]:
    return [pattern.format(n=n) for n in range(1, 7)]


def join(folder, table_ids, samples, heading="id"):
    rows = [f"{name}\t{'ab'[i % 2]}\n" for i, name in enumerate(table_ids)]
    return join_table(folder, f"{heading}\tpop\n" + "".join(rows), samples)


def join_table(folder, text, samples, id_column=None):
    """samples: sample ids, or a table of people."""
    (folder / "t.tsv").write_text(text)
    people = samples if isinstance(samples, pd.DataFrame) else pd.DataFrame({"sample": samples})
    return join_labels(
        people,
        np.zeros(len(people)),
        table=str(folder / "t.tsv"),
        id_column=id_column,
        label_column="pop",
        family_column=None,
        missing=[],
        minimum_people=1,
        rare="stop",
        person_missing_max=0.1,
    )


@pytest.mark.parametrize(("ours", "theirs", "cause"), DIFFERENCES)
def test_the_message_names_what_differs(tmp_path, ours, theirs, cause):
    joined = join(tmp_path, ids_of(ours), ids_of(theirs))
    (problem,) = [each for each in joined.problems if "is among the 6 genotyped" in each]
    if cause:
        assert f"6 would be but for {cause}" in problem
        assert repr(ids_of(ours)[0]) in problem
    else:
        assert "set labels.id_column or rewrite the ids" in problem


def test_some_ids_that_differ_are_shown(tmp_path):
    joined = join(tmp_path, ["1", "2", "3", "4", "x"], ["01", "2", "3", "04", "y"])
    assert joined.problems == []
    lines = {check.name: check for check in label_checks(joined)}
    line = lines["lines of the label table without genotypes"]
    assert line.level == "look"
    assert line.found == "3, not used; 2 would be but for leading zeros ('1' and '01')"


def test_samples_that_become_equal_explain_nothing():
    assert near_ids(["p1"], ["P1", "pP1", "p1x"]).sample == "P1"
    assert near_ids(["p1"], ["P1", "P01", "P001"]).cause == "capital and small letters"
    assert near_ids(["001"], ["1", "01"]) is None
    assert near_ids(["1"], ["1", "01"]) is None


def test_a_first_line_of_data_is_no_heading(tmp_path):
    joined = join(tmp_path, ["b"], ["a", "b"], heading="a")
    assert "the first line is no heading: it holds 'a'" in joined.problems[0]


def split(folder, kinship, samples):
    people = {"sample": samples, "label": "a", "family": "", "excluded": ""}
    pd.DataFrame(people).to_csv(folder / "p.tsv", sep="\t", index=False)
    (folder / "k.txt").write_text(kinship)
    shares = {
        "validation": 0.2,
        "holdout": 0.2,
        "training_share": 1,
        "relatives": 0,
        "kinship_min": 0.1,
    }
    split_table(folder / "p.tsv", folder / "k.txt", folder / "out.tsv", **shares, seed=1)
    return pd.read_csv(folder / "out.tsv", sep="\t", dtype=str).set_index("sample")["split"]


def test_pairs_whose_ids_are_written_otherwise_stop(tmp_path):
    samples = [f"p{i}" for i in range(12)]
    with pytest.raises(InputError, match=r"1 of its 2 pairs .*capital and small letters \('P3'"):
        split(tmp_path, "ID1 ID2 KINSHIP\np1 p2 0.25\nP3 p4 0.25\n", samples)
    with pytest.raises(InputError, match="none of its 1 pairs"):
        split(tmp_path, "ID1 ID2 KINSHIP\nx1 x2 0.25\n", samples)
    split(tmp_path, "ID1 ID2 KINSHIP\np1 p2 0.25\nx1 x2 0.25\n", samples)  # of a larger table


def test_ids_that_plink_joined_are_found_by_both_parts(tmp_path):
    samples = [f"f{i}_{j}" for i in range(6) for j in (1, 2)]
    rows = "".join(f"f{i}\t1\tf{(i + 1) % 6}\t2\t0.25\n" for i in range(0, 6, 2))
    found = split(tmp_path, "#FID1\tIID1\tFID2\tIID2\tKINSHIP\n" + rows, samples)
    for i in range(0, 6, 2):
        assert found[f"f{i}_1"] == found[f"f{i + 1}_2"]


def test_labels_go_by_family_and_person_where_the_genotypes_do(tmp_path):
    samples = ["f1_1", "f1_2", "f2_1", "f2_2"]
    rows = [sample.replace("_", "\t") for sample in samples[::-1]]
    joined = join(tmp_path, rows, samples, heading="#FID\tIID")
    assert joined.people["label"].tolist() == ["b", "a", "b", "a"]
    assert (joined.problems, joined.n_unmatched, joined.near_ids) == ([], 0, "")
    joined = join(tmp_path, ["1\t1_1", "1\tx"], ["1_1", "1_1_1"], heading="FID\tIID")
    assert joined.people["label"].tolist() == ["a", ""]  # the IID of somebody stays it


@pytest.mark.parametrize("quote", ["", '"'])
def test_row_numbers_are_not_taken_for_ids(tmp_path, quote):
    samples = [str(i) for i in range(1, 21)]
    people = pd.DataFrame({"id": samples, "pop": ["a", "b"] * 10}).sample(frac=1, random_state=1)
    people.index = range(1, 21)
    text = people.to_csv(quoting=2 if quote else 0)  # as R and as pandas write it
    (problem,) = join_table(tmp_path, text, samples).problems
    assert "both column" in problem and "column 'id' hold 20 ids" in problem
    assert "labels.id_column" in problem
    joined = join_table(tmp_path, text, samples, id_column="id")
    assert joined.problems == [] and joined.people["label"].tolist() == ["a", "b"] * 10
    table = pd.read_csv(tmp_path / "t.tsv", dtype=str)
    assert require_id_column(table, "id", samples, "t.tsv") == "id"
    with pytest.raises(InputError, match=r"t\.tsv: both column 'Unnamed: 0' and column 'id'"):
        require_id_column(table, None, samples, "t.tsv")


@pytest.mark.parametrize(
    "heading", ["FID\tIID", "IID\tplate", "id\tfamily", "id\tfather", "id\tsame"]
)
def test_other_columns_may_hold_ids_where_these_are_no_guess(tmp_path, heading):
    samples = [str(i) for i in range(1, 7)]
    others = {"father": ["1"] * 6, "same": samples}.get(heading.split("\t")[1], samples[::-1])
    rows = [f"{name}\t{other}" for name, other in zip(samples, others, strict=True)]
    joined = join(tmp_path, rows, samples, heading=heading)
    assert joined.problems == []
    table = pd.DataFrame({"sample": samples, "family": samples[::-1]})  # of a .fam
    assert require_id_column(table, None, samples, "people.tsv") == "sample"


def test_the_same_iid_of_another_family_is_another_person(tmp_path):
    people = pd.DataFrame({"sample": ["1", "2", "3"], "family": ["f1", "f2", "0"]})
    rows = [f"f{i}\t{k}" for i in (2, 1, 3) for k in (1, 2)]
    joined = join(tmp_path, [*rows, "f9\t3"], people, heading="FID\tIID")
    # by turns a and b: f1 1 is on line 3, f2 2 on line 2
    assert joined.problems == []
    assert joined.people["label"].tolist() == ["a", "b", "a"]
    assert (joined.n_unmatched, joined.n_other_families) == (4, 0)


def test_a_line_of_the_same_family_is_the_persons_even_if_it_is_called_as_the_person(tmp_path):
    people = pd.DataFrame({"sample": ["1", "2"], "family": ["1", "2"]})
    joined = join(tmp_path, ["3\t1", "1\t1", "2\t2", "1\t2"], people, heading="FID\tIID")
    assert joined.problems == [] and joined.n_unmatched == 2
    assert joined.people["label"].tolist() == ["b", "a"]


@pytest.mark.parametrize(
    ("families", "n"), [(["g1", "g2"], 2), (["f1", "2"], 0), (["0", "NA"], 0), (["1", "f1"], 1)]
)
def test_people_of_another_family_in_the_label_table_are_counted(tmp_path, families, n):
    people = pd.DataFrame({"sample": ["1", "2"], "family": ["f1", "f2"]})
    rows = [f"{family}\t{i + 1}" for i, family in enumerate(families)]
    joined = join(tmp_path, rows, people, heading="FID\tIID")
    assert joined.people["label"].tolist() == ["a", "b"] and joined.n_other_families == n
    looks = [check.found for check in label_checks(joined) if check.level == "look"]
    assert len(looks) == (n > 0)
    assert all(found.startswith(f"{n} people have another FID there") for found in looks)


PED = "FID\tIID\tPAT\tMAT\tpop\n"


def parents_of(folder, rows, people, heading=PED):
    """The father and mother of everybody whom the genotype files name."""
    joined = join_table(folder, heading + "".join(f"{row}\n" for row in rows), people)
    assert joined.problems == []
    columns = joined.people[["sample", "father", "mother"]].to_numpy().tolist()
    return {sample: (father, mother) for sample, father, mother in columns}


TRIOS = [f"f{i}\t{n}\t{parents}\t{'ab'[i % 2]}" for i in (1, 2)
         for n, parents in ((1, "0\t0"), (2, "0\t0"), (3, "1\t2"))]  # fmt: skip


@pytest.mark.parametrize("heading", [PED, PED.replace("FID", "Family ID").replace("IID", "id")])
@pytest.mark.parametrize("told", [True, False])
def test_parents_of_a_table_are_of_the_childs_family(tmp_path, heading, told):
    samples = [f"f{i}_{n}" for i in (2, 1) for n in (1, 2, 3)]
    people = pd.DataFrame({"sample": samples})
    if told:  # as of a .fam
        people["family"] = people["sample"].str[:2]
    if heading == PED:
        found = parents_of(tmp_path, TRIOS, people)
    else:
        text = heading + "".join(f"{row}\n" for row in TRIOS)
        joined = join_table(tmp_path, text, people, id_column="id")
        assert joined.problems == []
        found = {s: (f, m) for s, f, m in joined.people[["sample", "father", "mother"]].to_numpy()}
    for i in (1, 2):
        assert found[f"f{i}_3"] == (f"f{i}_1", f"f{i}_2") and found[f"f{i}_1"] == ("", "")


@pytest.mark.parametrize(
    ("rows", "samples", "expected"),
    [
        # IIDs that do not repeat, and sample ids that are both
        (["f1\t1\t2\t0\ta", "f1\t2\t0\t0\tb"], ["f1_1", "f1_2"], "f1_2"),
        # the father has no line in the table
        (["f1\t1\t2\t0\ta", "f2\t9\t0\t0\tb"], ["f1_1", "f1_2", "f2_9"], "f1_2"),
        (["f1\t1\t2\t0\ta", "f2\t9\t0\t0\tb"], ["1", "2", "9"], "2"),
        # one of that id alone, of another family
        (["f1\t1\t7\t0\ta", "f2\t7\t0\t0\tb"], ["1", "7"], "7"),
        # fathers who are not genotyped are one within a family
        (["f1\t1\t8\t0\ta", "f1\t2\t8\t0\ta", "f2\t8\t0\t0\tb"], ["1", "2"], "f2_8"),
        (["f1\t1\t8\t0\ta", "f1\t8\t0\t0\ta", "f2\t8\t0\t0\tb"], ["1"], "f1_8"),
        (["f1\t1\t8\t0\ta", "f1\t2\t8\t0\ta"], ["1", "2"], "f1_8"),
        (["1\t1\t8\t0\ta", "2\t2\t8\t0\ta"], ["1", "2"], "8"),
        # a name that is both parents of somebody is nobody's in any family
        (["f1\t1\t99\t0\ta", "f1\t2\t99\t99\ta", "f2\t3\t99\t0\ta"], ["1", "2", "3"], ""),
    ],
)
def test_a_father_of_a_table_is_looked_for_in_the_family_first(tmp_path, rows, samples, expected):
    found = parents_of(tmp_path, rows, samples)
    assert found[samples[0]][0] == expected


def test_two_columns_of_fathers_are_not_father_and_mother(tmp_path):
    rows = ["f1\t1\t2\t2\ta", "f1\t2\t0\t0\tb", "f1\t3\tx5\tx5\tb", "f1\t4\tx5\tx5\tb"]
    heading = PED.replace("MAT", "father")
    found = parents_of(tmp_path, rows, [f"f1_{n}" for n in (1, 2, 3, 4)], heading)
    assert [found[f"f1_{n}"][0] for n in (1, 2, 3, 4)] == ["f1_2", "", "f1_x5", "f1_x5"]


def test_families_of_one_father_name_are_not_related(tmp_path):
    rows = [f"f{i}\t{n}\t1\t2\t{'ab'[n % 2]}" for i in range(3) for n in (3, 4)]
    samples = [row.replace("\t", "_", 1).split("\t")[0] for row in rows]
    joined = join_table(tmp_path, PED + "".join(f"{row}\n" for row in rows), samples)
    assert groups_of(joined.people, None).tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("people", [["1", "2", "3"], {"sample": ["1", "2", "3"], "family": "0"}])
def test_ids_that_repeat_over_families_without_a_family_of_the_files_stop(tmp_path, people):
    people = pd.DataFrame(people if isinstance(people, dict) else {"sample": people})
    (problem,) = join_table(tmp_path, PED + "\n".join(TRIOS) + "\n", people).problems
    assert (
        "these ids stand on more than one line: 1, 2, 3; they repeat over families (FID)" in problem
    )
    assert "FID_IID" in problem


def test_pairs_of_an_iid_of_several_families_stop(tmp_path):
    samples = [f"{i}" for i in range(1, 13)]
    heading, row = "FID1\tIID1\tFID2\tIID2\tKINSHIP\n", "{0}\t1\t{0}\t2\t0.25\n"
    split(tmp_path, heading + row.format("f") + row.format("f"), samples)
    split(tmp_path, heading + row.format("f") + row.format("0"), samples)
    with pytest.raises(InputError, match="1 is a sample id, and .* in the families f, g"):
        split(tmp_path, heading + row.format("f") + row.format("g"), samples)
