"""Splitting people: proportions within labels, relatives together."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncohort.cohort.labels import join_labels
from syncohort.cohort.pedigree_checks import relatives_checks
from syncohort.cohort.people import read_people
from syncohort.cohort.splits import (
    keep_share,
    kinship_line,
    own_ancestors,
    read_kinship,
    relative_groups,
    split_people,
    split_table,
)
from syncohort.errors import InputError
from syncohort.formats.people_files import read_fam

OPTIONS = {
    "validation": 0.1,
    "holdout": 0.1,
    "training_share": 1.0,
    "relatives": 0.0,
    "kinship_min": 0.1,
    "seed": 0,
}


def split(labels, groups=None, **options):
    labels = np.asarray(labels, dtype=object)
    groups = np.arange(len(labels)) if groups is None else np.asarray(groups)
    return split_people(
        labels, groups, **({"validation": 0.1, "holdout": 0.2, "seed": 0} | options)
    )


def test_unrelated_people_are_divided_exactly_within_each_label():
    sides = split(["a"] * 100 + ["b"] * 30)
    for label, size in (("a", 100), ("b", 30)):
        part = sides[:100] if label == "a" else sides[100:]
        assert np.sum(part == "validation") == size * 0.1
        assert np.sum(part == "holdout") == size * 0.2


def test_the_seed_decides_who():
    labels = ["a"] * 200
    assert (split(labels) == split(labels)).all()
    assert (split(labels) != split(labels, seed=1)).any()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 4), min_size=30, max_size=60))
def test_relatives_stay_together_and_every_label_is_everywhere(seed, family_sizes):
    groups = np.repeat(np.arange(len(family_sizes)), family_sizes)
    labels = np.random.default_rng(seed).choice(["a", "b"], size=len(groups))
    sides = split(labels, groups, seed=seed)
    assert all(len(set(sides[groups == group])) == 1 for group in groups)
    for label in ("a", "b"):
        assert set(sides[labels == label]) == {"train", "validation", "holdout"}
        share = np.mean(sides[labels == label] == "holdout")
        assert abs(share - 0.2) < 0.15


def test_a_label_that_is_one_family_cannot_be_split():
    with pytest.raises(InputError, match="b: no .* people"):
        split(["a"] * 50 + ["b"] * 5, [*range(50), *[99] * 5])


def test_groups_join_families_and_kinship_transitively():
    ids = np.array(list("abcdef"))
    family = np.array(["F", "F", "", "", "G", ""])
    pairs = pd.DataFrame({"id_1": ["b", "x"], "id_2": ["c", "d"]})
    groups = relative_groups(ids, family, pairs)
    assert groups[0] == groups[1] == groups[2]
    assert len(set(groups)) == 4


def test_kinship_tables_of_plink2_and_king(tmp_path):
    (tmp_path / "king.tsv").write_text("#IID1\tIID2\tNSNP\tKINSHIP\na\tb\t9\t0.25\na\tc\t9\t0.01\n")
    (tmp_path / "king.csv").write_text("FID1,ID1,FID2,ID2,Kinship\n1,a,2,b,0.1\n")
    for name, threshold in (("king.tsv", 0.0884), ("king.csv", 0.05)):
        pairs = read_kinship(tmp_path / name, threshold)
        assert pairs.to_numpy().tolist() == [["a", "b"]]
    (tmp_path / "bad.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(
        InputError, match="no column IID1/ID1 and IID2/ID2 and KINSHIP/PHI; found a, b"
    ):
        read_kinship(tmp_path / "bad.tsv", 0.1)


@pytest.mark.parametrize(
    ("text", "least"),
    [
        (" FID1  IID1  FID2  IID2 RT EZ Z0 Z1 Z2 PI_HAT\n f1 a f2 b UN NA 0 1 0 0.5\n", 0.25),
        ("FID1\tID1\tFID2\tID2\tIBD1Seg\tPropIBD\tInfType\nf\ta\tg\tb\t.5\t0.5\tFS\n", 0.25),
        ("FID\tID1\tID2\tZ0\tPhi\tKinship\tError\nf\ta\tb\t0\t0.0\t0.25\t0\n", 0.25),
        ("ID1,ID2,kin,k0,k2,nsnp\na,b,0.25,0,0,9\n", 0.25),
        ("INDV1\tINDV2\tRELATEDNESS_PHI\na\tb\t0.25\n", 0.25),
        ("INDV1\tINDV2\tRELATEDNESS_AJK\na\tb\t0.5\n", 0.25),
        ("#sample_a\tsample_b\trelatedness\tibs0\na\tb\t0.5\t1\n", 0.25),
        ("sample1 sample2 kinship_coefficient degree\na b 0.25 1\n", 0.25),
        ("i\tj\tphi\na\tb\t0.25\n", 0.25),
    ],
)
def test_every_program_is_read_in_units_of_kinship(tmp_path, text, least):
    (tmp_path / "k").write_text(text)
    assert read_kinship(tmp_path / "k", least).to_numpy().tolist() == [["a", "b"]]
    assert read_kinship(tmp_path / "k", least + 0.01).empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ID1 ID2 KINSHIP\na b 25\n", "line 2: KINSHIP '25' is above 1"),
        ("ID1;ID2;KINSHIP\na;b;0,25\n", "'0,25' is not a number. Numbers are written with a dec"),
        ("1\t1\t1000\t1.01\n2\t1\t1000\t0.5\n", "the first line holds numbers"),
        ("ID1 ID2 degree\na b 1\n", "no column KINSHIP/PHI; .* with a column KINSHIP of 0.25"),
        ("a\tb\n.5\t.2\n.2\t.5\n", "a square matrix write the pairs"),
        ("ID1 ID2 KINSHIP\na b NA\nc d nan\n", "none of its 2 pairs has a kinship .KINSHIP."),
    ],
)
def test_tables_without_pairs_or_kinship(tmp_path, text, message):
    (tmp_path / "k").write_text(text)
    with pytest.raises(InputError, match=message):
        read_kinship(tmp_path / "k", 0.1)


def test_a_missing_kinship_is_half_the_share_beside_it(tmp_path):
    rows = "a b NA 0.5\nc d 0.3 0\ne f 0.01 0.9\ng h NA NA\ni j -9 0.1\n"
    (tmp_path / "k").write_text(f"ID1 ID2 KINSHIP PI_HAT\n{rows}")
    pairs = read_kinship(tmp_path / "k", 0.2)
    assert pairs.to_numpy().tolist() == [["a", "b"], ["c", "d"]]
    (tmp_path / "k").write_text("ID1 ID2 KINSHIP\n")
    assert read_kinship(tmp_path / "k", 0.2).empty  # nobody is related


def test_people_left_out_are_not_in_the_table(tmp_path):
    people = pd.DataFrame(
        {"sample": [f"p{i}" for i in range(40)], "label": "a", "family": "", "missing": "0"}
    )
    people["excluded"] = ["no label"] * 4 + [""] * 36
    people["split"] = "a column of the user's"
    people.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
    split_table(tmp_path / "people.tsv", None, tmp_path / "out.tsv", **OPTIONS)
    out = pd.read_csv(tmp_path / "out.tsv", sep="\t")
    assert out["sample"].tolist() == people["sample"].tolist()[4:]
    assert out["split"].value_counts().to_dict() == {"train": 28, "validation": 4, "holdout": 4}


def test_relatives_the_cohort_does_not_know_stop_the_run(tmp_path):
    people = pd.DataFrame(
        {"sample": [f"p{i}" for i in range(40)], "label": "a", "family": "0", "excluded": ""}
    )
    people.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
    king = tmp_path / "king.tsv"
    king.write_text("#IID1\tIID2\tKINSHIP\n0_p1\t0_p2\t0.25\n")
    with pytest.raises(InputError, match="none of its 1 pairs of relatives .such as 0_p1 and 0_p2"):
        split_table(tmp_path / "people.tsv", king, tmp_path / "out.tsv", **OPTIONS)
    king.write_text("#IID1\tIID2\tKINSHIP\np1\tp2\t0.25\n")
    line = split_table(tmp_path / "people.tsv", king, tmp_path / "out.tsv", **OPTIONS)
    assert line[["name", "level"]].to_numpy().tolist() == [["kinship table", "ok"]]
    split = pd.read_csv(tmp_path / "out.tsv", sep="\t").set_index("sample")["split"]
    assert split["p1"] == split["p2"]  # while family 0 is nobody's family


def test_pairs_of_a_kinship_table_that_are_used_are_counted(tmp_path):
    (tmp_path / "k").write_text(
        "ID1 ID2 KINSHIP\np1 p2 0.25\np1 x1 0.2\nx1 x2 0.25\np3 p4 0.01\np2 p5 0.25\n"
    )
    samples = pd.Series([f"p{i}" for i in range(9)])
    pairs = read_kinship(tmp_path / "k", 0.1, samples)
    (line,) = kinship_line(pairs, samples, 0.1).to_dict("records")
    assert line["found"] == (
        "4 pairs of relatives (kinship of at least 0.1), 2 of them among the genotyped people; of the "
        "5 people named, 2 are not genotyped here"
    )
    none = kinship_line(None, samples, 0.1)
    assert none.empty and list(none) == list(line)


def test_a_share_is_kept_exactly_within_each_label():
    labels = np.repeat(["a", "b", "c"], [200, 60, 4])
    kept = keep_share(labels, np.arange(len(labels)), share=0.05, seed=0)
    assert [kept[labels == label].sum() for label in "abc"] == [10, 3, 1]
    other = keep_share(labels, np.arange(len(labels)), share=0.05, seed=1)
    assert (kept != other).any()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 5), min_size=20, max_size=60))
def test_families_are_kept_or_left_as_a_whole(seed, family_sizes):
    groups = np.repeat(np.arange(len(family_sizes)), family_sizes)
    labels = np.random.default_rng(seed).choice(["a", "b"], size=len(groups))
    kept = keep_share(labels, groups, share=0.3, seed=seed)
    assert all(len(set(kept[groups == group])) == 1 for group in groups)
    for label in ("a", "b"):
        own = labels == label
        assert 1 <= kept[own].sum() <= max(np.round(0.3 * own.sum()), 5)


def test_a_label_of_one_large_family_keeps_it():
    labels = np.array(["a"] * 20 + ["b"] * 4, dtype=object)
    groups = np.array([*range(20), *[99] * 4])
    assert keep_share(labels, groups, share=0.1, seed=0)[20:].all()


def test_few_training_people_leave_those_who_test_as_they_are(tmp_path):
    people = pd.DataFrame({"sample": [f"p{i}" for i in range(400)], "family": "", "excluded": ""})
    people["label"] = np.resize(["a", "b"], 400)
    people.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
    for share, name in ((1.0, "all"), (0.05, "few")):
        options = OPTIONS | {"training_share": share}
        split_table(tmp_path / "people.tsv", None, tmp_path / name, **options)
    everybody, few = (read_people(tmp_path / name) for name in ("all", "few"))
    for split in ("validation", "holdout"):
        assert set(few.id[few.split == split]) == set(everybody.id[everybody.split == split])
    trained = everybody.id[everybody.split == "train"]
    assert set(few.id[few.split == "train"]) < set(trained)
    assert (few.split == "train").sum() == 16  # 5 % of the 160 of each label


# --- pedigrees


def parents_of(**of) -> pd.DataFrame:
    """father and mother of people a to h; of: child="father mother", . for none."""
    named = [of.get(person, ". .").replace(".", "").split(" ") for person in "abcdefgh"]
    return pd.DataFrame(named, columns=["father", "mother"])


def grouped(parents, family=None, pairs=None) -> list[set]:
    ids = np.array(list("abcdefgh"))
    family = pd.Series([""] * 8 if family is None else family)
    groups = relative_groups(ids, family, pairs, parents)
    sets = [set(ids[groups == group]) for group in np.unique(groups)]
    return [each for each in sets if len(each) > 1]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ({"c": "a b", "d": "a b"}, ["abcd"]),  # a family
        ({"c": "a ."}, ["ac"]),
        ({"c": "x y", "d": "x y"}, ["cd"]),  # full siblings of parents without genotypes
        ({"c": "x y", "d": "z y"}, ["cd"]),  # half siblings by the mother
        ({"c": "x .", "d": ". x"}, ["cd"]),  # a parent written in the wrong column
        ({"c": "a .", "d": "c .", "e": "d ."}, ["acde"]),  # four generations
        ({"c": "x .", "d": "y .", "e": "0 NA", "f": "0 -9"}, []),  # missing codes are nobody
        ({"a": "b .", "b": "a ."}, ["ab"]),  # a circle
        ({"a": "a ."}, []),
    ],
)
def test_parents_link_people(of, expected):
    assert grouped(parents_of(**of)) == [set(each) for each in expected]


def test_families_pairs_and_parents_join():
    pairs = pd.DataFrame({"id_1": ["d"], "id_2": ["e"]})
    found = grouped(parents_of(c="a b"), ["", "", "", "F", "", "", "n/a", "n/a"], pairs)
    assert found == [set("abc"), set("de")]
    found = grouped(parents_of(c="a b"), ["", "", "F", "F", "", "", "", ""], pairs)
    assert found == [set("abcde")]


def test_people_who_are_their_own_ancestors():
    ids = np.array(list("abcdefgh"))
    assert own_ancestors(ids, parents_of(c="a b", d="c .")).size == 0
    assert own_ancestors(ids, parents_of(a="b .", b=". c", c="a .", d="a .")).tolist() == list(
        "abc"
    )
    assert own_ancestors(ids, parents_of(a=". a")).tolist() == ["a"]


def cohort_of_a_pedigree(folder):
    """200 people: 20 couples, each with five children of another family id, and 60 alone; the
    fathers of the last ten couples are left out of the study."""
    rows = []
    for couple in range(20):
        rows += [(f"F{couple}", f"f{couple}", "0", "0"), (f"F{couple}", f"m{couple}", "0", "0")]
        rows += [
            (f"K{couple}", f"k{couple}_{child}", f"f{couple}", f"m{couple}") for child in range(5)
        ]
    rows += [(f"A{i}", f"a{i}", "0", "0") for i in range(60)]
    lines = [f"{' '.join(row)} {1 + i % 2} {1 + i % 2}\n" for i, row in enumerate(rows)]
    (folder / "x.fam").write_text("".join(lines))
    return read_fam(folder / "x.fam")


def test_children_of_another_family_id_stay_with_their_parents(tmp_path):
    people = cohort_of_a_pedigree(tmp_path)
    people = people.assign(label="a", excluded="")
    absent = people["sample"].isin([f"f{couple}" for couple in range(10, 20)])
    people.loc[absent, "excluded"] = "no label"
    people.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
    split_table(tmp_path / "people.tsv", None, tmp_path / "out.tsv", **OPTIONS)
    split = pd.read_csv(tmp_path / "out.tsv", sep="\t").set_index("sample")["split"]
    assert len(split) == 190
    for couple in range(20):
        family = [f"m{couple}", *(f"k{couple}_{child}" for child in range(5))]
        assert len(set(split[family])) == 1
    assert set(split) == {"train", "validation", "holdout"}


def join(people, **options):
    defaults = {
        "table": None,
        "id_column": None,
        "label_column": "phenotype",
        "family_column": None,
        "missing": [],
        "minimum_people": 1,
        "rare": "stop",
        "person_missing_max": 0.1,
    }
    return join_labels(people, np.zeros(len(people)), **defaults | options)


def test_the_check_page_counts_the_pedigree(tmp_path):
    joined = join(cohort_of_a_pedigree(tmp_path).assign(phenotype="1", sex=""))
    people = joined.people
    (check,) = relatives_checks(joined, kinship=False)
    assert check.level == "ok"
    assert "20 families of two or more, the largest of 7" in check.found
    assert "100 people with a father or mother named" in check.found
    people.loc[people["sample"] == "f3", "father"] = "k3_0"
    *_, pedigree = relatives_checks(joined, kinship=False)
    assert (pedigree.level, pedigree.found) == (
        "look",
        "2 people are their own ancestors: f3, k3_0",
    )
    people["family"] = "one"
    assert relatives_checks(joined, kinship=False)[0].level == "look"
    alone = join(pd.DataFrame({"sample": ["a", "b"], "phenotype": "1"}))
    assert relatives_checks(alone, kinship=False)[0].found == "nothing says who is related"


def test_parents_come_from_the_label_table_too(tmp_path):
    (tmp_path / "t.csv").write_text(
        "id,pop,Father ID,maternal_id\na,x,0,n/a\nb,x,a,\nc,x,a,z\nd,x,,z\n"
    )
    files = pd.DataFrame({"sample": list("abcd"), "mother": ["", "m", "", ""]})
    people = join(files, table=str(tmp_path / "t.csv"), label_column="pop").people
    assert people["father"].tolist() == ["", "a", "a", ""]
    assert people["mother"].tolist() == ["", "m", "z", "z"]


@pytest.mark.parametrize(
    "code", ["0", "00", "0.0", "-1", "999", "X", "x", "NA", ".", "-09", "\u20139"]
)
def test_names_that_stand_for_nobody_are_no_parents(tmp_path, code):
    rows = [f"p{i}\tA\t{code}\t{code}\n" for i in range(6)]
    (tmp_path / "t.tsv").write_text("id\tpop\tfather\tmother\n" + "".join(rows))
    files = pd.DataFrame({"sample": [f"p{i}" for i in range(6)]})
    joined = join(files, table=str(tmp_path / "t.tsv"), label_column="pop")
    assert (joined.people[["father", "mother"]] == "").all(axis=None)
    shown = {check.name: check.found for check in relatives_checks(joined, kinship=False)}
    if code in ("-1", "999", "X", "x"):
        assert (
            shown["parents who are nobody"] == f"father and mother of the same people: {code} (6)"
        )
    (tmp_path / "x.fam").write_text("".join(f"f{i} p{i} {code} {code} 1 -9\n" for i in range(6)))
    people = join(read_fam(tmp_path / "x.fam").assign(phenotype="a")).people
    assert (people[["father", "mother"]] == "").all(axis=None)


def test_codes_that_several_people_share_are_shown(tmp_path):
    text = "id\tpop\tfam\tdad\na\tA\tF1\tz\nb\tA\tX\t999\nc\tA\tX\t999\nd\tA\tF1\tz\n"
    (tmp_path / "t.tsv").write_text(text)
    files = pd.DataFrame({"sample": list("abcd")})
    joined = join(files, table=str(tmp_path / "t.tsv"), label_column="pop", family_column="fam")
    shown = {check.name: check.found for check in relatives_checks(joined, kinship=False)}
    assert shown["parents or families that look like a code"] == "X (2), 999 (2)"


def test_a_pedigree_that_cannot_be_is_shown():
    files = pd.DataFrame(
        {
            "sample": list("abcdef"),
            "father": ["", "a", "", "", "a", "D"],
            "mother": ["", "", "", "a", "c", ""],
            "sex": ["2", "1", "1", "2", "1", "1"],
            "phenotype": "x",
        }
    )
    shown = {each.name: each.found for each in relatives_checks(join(files), kinship=False)}
    assert shown["pedigree"] == (
        "1 names are a father and a mother: a; 1 people are a mother and male: c"
    )
    assert "capital and small letters ('D' and 'd')" in shown["parents without genotypes"]


def test_pid_is_a_father_only_beside_mid(tmp_path):
    files = pd.DataFrame({"sample": list("abc")})
    for heading, expected in (("pid\tmid", ["", "a", ""]), ("pid\tage", ["", "", ""])):
        (tmp_path / "t.tsv").write_text(f"id\tpop\t{heading}\na\tx\t0\t0\nb\tx\ta\t0\nc\tx\t0\tb\n")
        people = join(files, table=str(tmp_path / "t.tsv"), label_column="pop").people
        assert people["father"].tolist() == expected
