"""Files appear only when complete; neither failures nor killed jobs leave anything behind."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from cohorts import people_of, store_of
from conftest import REPOSITORY

from syncohort.errors import InputError
from syncohort.files import RowFile, all_or_nothing, write_rows

WRITE_A_PART_AND_DIE = """
import os, signal, sys
from syncohort.files import all_or_nothing
with all_or_nothing(sys.argv[1]) as (partial,):
    partial.write_text("the first lines")
    os.kill(os.getpid(), signal.SIGKILL)
"""
WRITE_A_VARIANT_AND_DIE = """
import os, signal, sys
import numpy as np
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants
people = People.unlabelled(["a", "b"])
variants = Variants("1", [5], ["."], [["A", "C"]])
with CohortWriter(sys.argv[1], people) as writer:
    writer.append(variants, np.zeros((1, 2, 2), np.int8), False)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def run_until_killed(program: str, path) -> None:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "workflow/src")}
    command = [sys.executable, "-c", program, str(path)]
    ended = subprocess.run(command, env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL


def names(folder) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_failing_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("old")
    with pytest.raises(RuntimeError), all_or_nothing(path) as (partial,):
        partial.write_text("new")
        raise RuntimeError
    assert path.read_text() == "old" and names(tmp_path) == ["table.tsv"]


def test_files_made_together_appear_together(tmp_path):
    paths = [tmp_path / "made" / name for name in ("a.bed", "a.bim")]
    with all_or_nothing(*paths) as (bed, bim):
        assert [bed.name, bim.name] == ["a.bed", "a.bim"]
        bed.write_text("1")
        bim.write_text("2")
        assert not any(path.exists() for path in paths)
    assert [path.read_text() for path in paths] == ["1", "2"]
    assert names(tmp_path / "made") == ["a.bed", "a.bim"]


def test_no_file_appears_when_one_of_them_was_not_written(tmp_path):
    with (
        pytest.raises(FileNotFoundError),
        all_or_nothing(tmp_path / "a.bed", tmp_path / "a.bim") as (bed, _),
    ):
        bed.write_text("1")
    assert names(tmp_path) == []


def test_the_next_start_removes_what_a_killed_job_left(tmp_path):
    path = tmp_path / "state.pt"
    run_until_killed(WRITE_A_PART_AND_DIE, path)
    assert not path.exists() and names(tmp_path) == [".partial-state.pt"]
    with all_or_nothing(path) as (partial,):
        assert names(partial.parent) == [".lock"]
        partial.write_text("whole")
    assert path.read_text() == "whole" and names(tmp_path) == ["state.pt"]


def test_the_next_start_removes_a_cohort_half_written(tmp_path):
    path = tmp_path / "chr1.zarr.zip"
    run_until_killed(WRITE_A_VARIANT_AND_DIE, path)
    assert not path.exists() and names(tmp_path)
    calls = np.ones((4, 3, 2), np.int8)
    store = store_of(path, calls, people_of(["x", "y", "y"]))
    np.testing.assert_array_equal(store.read(), calls)
    assert names(tmp_path) == ["chr1.zarr.zip"]


def test_rows_are_written_part_by_part(tmp_path):
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    write_rows(tmp_path / "latents.npy", rows.shape, iter([rows[:1], rows[1:]]))
    np.testing.assert_array_equal(np.load(tmp_path / "latents.npy"), rows)


def test_rows_that_were_cut_short_are_named(tmp_path):
    path = tmp_path / "latents.npy"
    write_rows(path, (40, 3), iter([np.ones((40, 3), np.float32)]))
    assert RowFile(path).shape == (40, 3)
    content = path.read_bytes()
    for n_bytes in (0, 5, 60, 130, len(content) - 1):
        path.write_bytes(content[:n_bytes])
        with pytest.raises(InputError, match=f"{path}: not a whole array of rows"):
            RowFile(path)
    with pytest.raises(InputError, match="not a whole array of rows"):
        RowFile(tmp_path / "none.npy")


def test_too_few_rows_are_an_error_and_no_file(tmp_path):
    with pytest.raises(ValueError, match="1 rows written of 4"):
        write_rows(tmp_path / "latents.npy", (4, 3), iter([np.zeros((1, 3))]))
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["<f4", "<f2"])
def test_rows_and_columns_of_a_file_are_those_of_the_array(tmp_path, kind):
    rows = np.random.default_rng(0).standard_normal((30, 7, 3)).astype(kind)
    write_rows(tmp_path / "rows.npy", rows.shape, iter([rows[:4], rows[4:]]), kind)
    file = RowFile(tmp_path / "rows.npy")
    assert len(file) == 30 and file.shape == rows.shape
    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), rows)
    for some in (slice(None), slice(2, 9), slice(3, 3), np.array([5, 29, 0, 5])):
        for columns in (slice(None), slice(2, 5)):
            found = file.read(some, columns)
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, rows[some][:, columns].astype(np.float32))


def test_a_file_of_rows_that_is_cut_short_is_refused(tmp_path):
    write_rows(tmp_path / "rows.npy", (9, 2), [np.zeros((9, 2))])
    whole = (tmp_path / "rows.npy").read_bytes()
    (tmp_path / "rows.npy").write_bytes(whole[:-3])
    with pytest.raises(InputError, match=r"rows.npy: 197 bytes, not the 200 of an array \(9, 2\)"):
        RowFile(tmp_path / "rows.npy")
