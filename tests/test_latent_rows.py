"""Whose the rows of latents are: what the file says, and that it is checked."""

import dataclasses

import numpy as np
import pytest

from syncohort.errors import InputError
from syncohort.generators.rows import EncodedPeople, LatentRows, read_rows_and_positions
from syncohort.genotypes import People

MASK = np.array([[True, True], [True, False]])
HAPLOID = np.array([False, True])


def people(values=None) -> People:
    split = ["train", "holdout", "validation", "train"]
    return People(["p1", "p2", "p3", "p4"], ["b", "c", "a", "b"], split, values)


def test_rows_are_those_of_everybody_but_the_holdout():
    rows = LatentRows.of(people(), "haplotype")
    assert rows.sample_id.tolist() == ["p1", "p1", "p3", "p3", "p4", "p4"]
    assert rows.haplotype.tolist() == [0, 1] * 3
    assert [rows.class_names[label] for label in rows.labels] == list("bbaabb")
    assert rows.class_names == ["a", "b"]  # c is the holdout's alone
    assert rows.is_validation.tolist() == [False, False, True, True, False, False]
    assert rows.values is None


@pytest.mark.parametrize("values", [None, [1.5, 2.0, np.nan, 1 / 3]])
def test_a_file_gives_back_what_was_written(tmp_path, values):
    rows = LatentRows.of(people(values), "genotype")
    rows.save(tmp_path / "a.npz", MASK, HAPLOID)
    found, mask, haploid = read_rows_and_positions(tmp_path / "a.npz")
    found.require_same(rows, "the same")
    np.testing.assert_array_equal(mask, MASK)
    np.testing.assert_array_equal(haploid, HAPLOID)
    for field in dataclasses.fields(LatentRows):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(rows, field.name))
    rows.save(tmp_path / "b.npz", MASK, HAPLOID)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_latents_of_another_split_are_refused_with_the_row(tmp_path):
    LatentRows.of(people(), "haplotype").save(tmp_path / "21.npz", MASK, HAPLOID)

    def read(present, mode="haplotype"):
        return EncodedPeople.read(["21.npy"], [tmp_path / "21.npz"], present, mode)

    assert read(people()).masks[0].tolist() == MASK.tolist()
    swapped = people()
    swapped = dataclasses.replace(swapped, split=swapped.split[[2, 1, 0, 3]])
    message = r"row 1 is p1 \(haplotype 0, b, train\) here, p1 \(haplotype 0, b, validation\) there"
    with pytest.raises(InputError, match=message):
        read(swapped)
    with pytest.raises(InputError, match="6 rows here, 3 there"):
        read(people(), "genotype")
    with pytest.raises(
        InputError, match=r"\(haplotype 0, b, train\) here, p1 \(haplotype 0, b, value 1, train\)"
    ):
        read(people([1.0, 2.0, 3.0, 4.0]))


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="differ in length: .*'labels': 3"):
        LatentRows(["p1", "p2"], [0, 0], [0, 0, 0], ["a"], [False, False])
