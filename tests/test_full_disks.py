"""Real disks that are full, without inodes or read-only: small ones in memory, mounted for a test."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from cohorts import people_of, store_of
from conftest import REPOSITORY
from forks import told
from matplotlib.figure import Figure

from syncohort.figures.style import save
from syncohort.files import all_or_nothing, save_arrays, write_rows
from syncohort.formats.pgen import write_pgen
from syncohort.formats.plink import write_plink
from syncohort.formats.vcf import VcfSource
from syncohort.formats.vcf_writing import write_vcf
from syncohort.job import temporary_files_in
from syncohort.report.html import write_page
from syncohort.training.state import StateFile
from syncohort.training.tensor_file import write_tensors


def mount(folder: Path, options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no program mount here")
    if done.returncode:
        pytest.skip(f"a disk in memory cannot be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path):
    """A function that mounts a disk with options of tmpfs; it is gone after the test."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def make(options: str) -> Path:
        mount(folder, options)
        return folder

    yield make
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


def noise(n_variants=600, n_people=300) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 2, (n_variants, n_people, 2))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    people = people_of(["a"] * 300)
    return store_of(tmp_path_factory.mktemp("cohort") / "1.zarr.zip", noise(), people)


def read_unpacked(path, cohort):
    """Read a VCF without blocks, a copy of which goes to the temporary folder."""
    source = path.parent.parent / "g.vcf"
    write_vcf(cohort, source.with_suffix(".vcf.gz"))
    subprocess.run(["gzip", "-df", f"{source}.gz"], check=True)
    with all_or_nothing(path), temporary_files_in(path.parent / "temporary"):
        (path.parent / "temporary").mkdir()
        list(VcfSource(str(source)).chunks("1"))


def draw(path, _):
    figure = Figure(figsize=(40, 40))
    figure.add_subplot().imshow(np.random.default_rng(0).random((2_000, 2_000)))
    save(figure, path.with_suffix(".png"))


def write_state(path, _):
    StateFile(path, "digest", 0).save({"weights": torch.rand(99_999)})


WRITERS = {
    "latents": lambda path, _: write_rows(path, (99_999, 1), iter([np.ones((99_999, 1))])),
    "arrays": lambda path, _: save_arrays(path, "test", {"a": np.random.random(99_999)}),
    "store": lambda path, _: store_of(path, noise(), people_of(["a"] * 300)),
    "weights": lambda path, _: write_tensors(path, "{}", {"a": torch.rand(99_999)}),
    "state of a training": write_state,
    "VCF": lambda path, cohort: write_vcf(cohort, path.with_suffix(".vcf.gz")),
    "PLINK": lambda path, cohort: write_plink([cohort], path),
    "PGEN": lambda path, cohort: write_pgen([cohort], path),
    "picture": draw,
    "page": lambda path, _: write_page(path, "title", ["words " * 99_999]),
    "temporary copy": read_unpacked,
}


@pytest.mark.parametrize("room", ["32k", "48k"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_named_with_the_file_by_every_writer(disk, cohort, name, room):
    path = disk(f"size={room}") / "out"
    code, words = told(WRITERS[name], path, cohort)
    assert code == 0, words  # no SIGBUS, no traceback
    assert "no space left: " in words and f"{path}" in words and "GB are free" in words
    left = [file for file in path.parent.rglob("*") if file.is_file()]
    assert name == "temporary copy" or not left


JOB = """
import sys
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, {package!r})
import pandas as pd
from syncohort.job import job
settings = SimpleNamespace(
    log=["logs/step.log"], threads=1, rule="step", wildcards={{}}, input=[], output=["table.tsv"],
)
with job(settings):
    pd.DataFrame({{"a": range({rows})}}).to_csv("table.tsv", sep="\\t")
"""


def run_job(folder: Path, rows: int) -> subprocess.CompletedProcess:
    code = JOB.format(package=str(REPOSITORY / "workflow/src"), rows=rows)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("rows", [50_000, 5])
def test_a_job_says_that_the_disk_is_full_in_its_log_or_beside_it(disk, rows):
    folder = disk("size=128k")
    (folder / "logs").mkdir()
    if rows == 5:  # what is there already leaves no room for anything, the log included
        (folder / "logs/step.log").touch()
        with open(folder / "other", "wb", buffering=0) as other, pytest.raises(OSError) as error:
            other.writelines(b"x" * 512 for _ in range(10_000))
        assert error.value.errno == errno.ENOSPC
    done = run_job(folder, rows)
    assert done.returncode == 1
    said = (folder / "logs/step.log").read_text() + done.stderr
    assert "no space left: " in said and "table.tsv" in said and "GB are free" in said
    assert "Traceback" not in said


def test_a_disk_without_inodes_is_named_as_such(disk):
    folder = disk("size=1m,nr_inodes=40")
    for number in range(36):
        (folder / str(number)).touch()

    def fill():
        for number in range(9):
            with all_or_nothing(folder / f"table{number}.tsv") as (partial,):
                partial.write_text("x")

    code, words = told(fill)
    assert code == 0 and "no space left: " in words and "no free inodes" in words


def test_a_disk_that_is_read_only_is_named(disk):
    folder = disk("size=1m")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    with pytest.raises(OSError, match=str(folder)) as error:
        write_rows(folder / "a.npy", (1, 1), [np.ones((1, 1))])
    assert error.value.errno == errno.EROFS
    assert not os.listdir(folder)
