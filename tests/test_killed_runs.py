"""A run of Snakemake that was killed: results without a record are made again, jobs are seen."""

import os
import subprocess
import sys
import time

import pytest

from syncohort.code_digest import PACKAGE
from syncohort.errors import InputError
from syncohort.killed_runs import Runs, _record

SNAKEFILE = f"""
import sys
sys.path.insert(0, {str(PACKAGE.parent)!r})
from syncohort.killed_runs import Runs
RUNS = Runs(".snakemake", "results/toy")
if workflow.is_main_process:
    RUNS.mark_doubtful()
onstart: RUNS.begin("a")
onsuccess: RUNS.end("a")
rule all:
    input: "results/toy/one.txt", "results/toy/two.txt"
rule write:
    output: "results/toy/{{name}}.txt"
    params: setting=config.get("setting", 1)
    shell: "echo {{params.setting}} > {{output}}"
"""


def snakemake(folder, *options) -> str:
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--rerun-incomplete", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_what_a_killed_run_left_without_a_record_is_made_again(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    before = time.time()
    snakemake(tmp_path)
    assert not list((tmp_path / ".snakemake/syncohort_runs").iterdir())
    # as an orphan leaves it: the result is there, the record and the marker are not
    _record(tmp_path / ".snakemake/metadata", "results/toy/one.txt").unlink()
    other = ("-n", "--config", "setting=2", "--until", "write")
    assert "name=one" not in snakemake(tmp_path, *other)  # Snakemake alone does not see it
    note = tmp_path / ".snakemake/syncohort_runs/killed"
    note.write_text("results/toy")
    os.utime(note, (before, before))
    planned = snakemake(tmp_path, "-n")
    assert "name=one" in planned and "name=two" not in planned
    assert "name=one" in snakemake(tmp_path)
    assert not note.exists() and "Nothing to be done" in snakemake(tmp_path, "-n")


def test_results_of_a_run_that_lives_are_left_alone(tmp_path):
    runs = Runs(tmp_path / ".snakemake", str(tmp_path / "results"))
    (tmp_path / "results").mkdir()
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    runs.begin("a")
    (tmp_path / "results/one.txt").touch()
    lock = tmp_path / ".snakemake/locks/0.output.lock"
    lock.touch()
    assert runs.mark_doubtful() == []
    lock.unlink()
    assert runs.mark_doubtful() == [str(tmp_path / "results/one.txt")]
    runs.end("a")
    assert runs.mark_doubtful() == []


@pytest.mark.parametrize("where, stops", [("{folder}", True), ("/elsewhere", False)])
def test_jobs_that_run_on_stop_the_next_run(tmp_path, monkeypatch, where, stops):
    program = tmp_path / "squeue"
    place = where.format(folder=tmp_path)
    program.write_text(f"#!/bin/sh\necho '12|{place}|rule_train_diffusion_wildcards_small'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    runs = Runs(tmp_path / ".snakemake", "results/toy")
    runs.begin("a")  # nothing was killed: whatever runs is of another study
    if stops:
        with pytest.raises(InputError, match=r"12 \(train_diffusion_wildcards_small\).*scancel"):
            runs.begin("b")
    else:
        runs.begin("b")


def test_long_names_are_recorded_in_folders(tmp_path):
    record = _record(tmp_path, "results/" + "x" * 300)
    assert all(len(part) <= 255 for part in record.parts) and record.parent.name.startswith("@")


HASHING = f"""
import sys
sys.path.insert(0, {str(PACKAGE.parent)!r})
from syncohort.formats.contents import hash_once
import snakemake.io
read = []
digest = snakemake.io.hashlib.file_digest
def counted(file, algorithm):
    read.append(file.name)
    return digest(file, algorithm)
snakemake.io.hashlib.file_digest = counted
if config.get("once"):
    hash_once()
onsuccess: print("READ", sum("large" in name for name in read))
rule split:
    input: "large.txt"
    output: *(f"part{{i}}.txt" for i in range(9))
    shell: "for i in 0 1 2 3 4 5 6 7 8; do cp {{input}} part$i.txt; done"
"""


@pytest.mark.slow
def test_an_input_is_read_once_for_all_outputs_and_its_content_still_decides(tmp_path):
    (tmp_path / "Snakefile").write_text(HASHING)
    large = tmp_path / "large.txt"
    large.write_text("a")
    assert "READ 9" in snakemake(tmp_path)
    for content in "bc":
        large.write_text(content)
        said = snakemake(tmp_path, "--config", "once=1")
        assert "READ 2\n" in said, said  # once to compare, once for the records
    large.touch()
    assert "Nothing to be done" in snakemake(tmp_path, "-n", "--config", "once=1")
