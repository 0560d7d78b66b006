"""Splitting people: proportions within labels, relatives together."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncohort.cohort.people import read_people
from syncohort.cohort.splits import (
    keep_share,
    read_kinship,
    relative_groups,
    split_people,
    split_table,
)
from syncohort.errors import InputError

OPTIONS = {
    "validation": 0.1,
    "holdout": 0.1,
    "training_share": 1.0,
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
    with pytest.raises(InputError, match="no column iid1 or id1; found a, b"):
        read_kinship(tmp_path / "bad.tsv", 0.1)


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
    split_table(tmp_path / "people.tsv", king, tmp_path / "out.tsv", **OPTIONS)
    split = pd.read_csv(tmp_path / "out.tsv", sep="\t").set_index("sample")["split"]
    assert split["p1"] == split["p2"]  # while family 0 is nobody's family


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
