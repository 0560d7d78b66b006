"""Faults under a study that runs: every kind of file between the steps damaged, kills, two runs.

What each job of the tiny study was given is known, so that a job is run again on damaged files in
a process of its own, without Snakemake. The processes are forks of one that has only imported what
scripts import: a fork of this one, whose libraries have threads, may wait for ever.
"""

import ast
import contextlib
import itertools
import multiprocessing
import os
import pickle
import re
import runpy
import shutil
import signal
import subprocess
import time
from multiprocessing import forkserver
from pathlib import Path

import pytest
import torch
from clones import clone, snakemake, start_snakemake
from conftest import REPOSITORY

from syncohort.training.state import StateFile

pytestmark = pytest.mark.slow

RESULTS = Path("results/tiny")
# Read by people, or by no job of this study.
ENDS = {
    "check_cohort/check.html",
    "check_cohort/estimates.tsv",
    "examine_cohort/variants.tsv",
    "tabulate_paper/paper.html",
    "write_report/metrics.html",
    "write_report/report.html",
}
DETAILS = (".people.tsv", ".blocks.tsv")  # numbers by person or block beside a job's table


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    """The system's temporary folder of all runs here."""
    folder = tmp_path_factory.mktemp("system")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def study(finished_study, tmp_path_factory, temporary) -> Path:
    """A clone in which the tiny study has run to the end."""
    folder = shutil.copytree(finished_study, tmp_path_factory.mktemp("clone") / "clone")
    shutil.copytree(folder / RESULTS, folder / "pristine")
    return folder


@pytest.fixture(scope="module")
def all_jobs(study) -> list:
    """What the script of each job was given: Snakemake writes it into the script's first lines."""
    scripts = [file.read_text() for file in (study / ".snakemake/scripts").glob("*.py")]
    given = [re.search(r"pickle\.loads\((b.*?)\);\s*from snakemake", text) for text in scripts]
    return [pickle.loads(ast.literal_eval(each[1])) for each in given]


@pytest.fixture(scope="module")
def jobs(study, all_jobs) -> dict:
    """A job of each rule; the server of forks has the imports of their scripts."""
    names = {
        node.module
        for script in (study / "workflow/scripts").glob("*.py")
        for node in ast.parse(script.read_text()).body
        if isinstance(node, ast.ImportFrom)
    }
    FORKS.set_forkserver_preload(sorted(names))
    with pytest.MonkeyPatch.context() as patch:  # the server does not know our search path
        patch.setenv("PYTHONPATH", str(REPOSITORY / "workflow/src"))
        forkserver.ensure_running()
    return {job.rule: job for job in sorted(all_jobs, key=lambda job: list(job.output))}


FORKS = multiprocessing.get_context("forkserver")


def run_script(study: Path, job) -> None:
    os.chdir(study)
    runpy.run_path(f"workflow/scripts/{job.rule}.py", init_globals={"snakemake": job})


def run_again(study: Path, job) -> tuple[int, str]:
    """Run a job's script in a process of its own; its exit code and its log."""
    process = FORKS.Process(target=run_script, args=(study, job))
    process.start()
    process.join(120)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode, (study / job.log[0]).read_text()


def restore(study: Path, *files: str | Path) -> None:
    """Put files of the results back as they were, with their checksums."""
    for file in files:
        name = Path(file).relative_to(RESULTS)
        for own in (name, f"checksums/{name}.sha256"):
            shutil.copy2(study / "pristine" / own, study / RESULTS / own)


def made(files) -> list[str]:
    """Those of a job's files that lie in the results."""
    return [str(file) for file in files if Path(file).is_relative_to(RESULTS)]


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size * 2 // 3)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def replace_by_another(file: Path) -> None:
    """Put a file of the same kind there: of another chromosome, generator or rule."""
    alike = (other for other in file.parent.glob(f"*{file.suffix}") if other != file)
    broader = (other for other in file.parents[1].rglob(f"*{file.suffix}") if other != file)
    other = next(alike, None) or next(broader, None)
    if other is None or other.read_bytes() == file.read_bytes():
        file.write_bytes(file.read_bytes() + b"\n")
    else:
        shutil.copy(other, file)


DAMAGES = {"cut": cut, "flipped": flip, "emptied": empty, "another's": replace_by_another}


# --- files between the steps


def test_every_file_of_the_results_has_its_checksum_and_a_reader(study, all_jobs):
    written = {str(file) for job in all_jobs for file in job.output}
    read = {file for job in all_jobs for file in made(job.input)}
    for file in written:
        name = Path(file).relative_to(RESULTS)
        assert (study / RESULTS / f"checksums/{name}.sha256").stat().st_size > 64, name
    assert read <= written
    unread = {str(Path(file).relative_to(RESULTS)) for file in written - read}
    assert {n for n in unread if not n.endswith(DETAILS) and "embed_people/" not in n} <= ENDS
    command = "find checksums -type f -exec cat {} + | sha256sum --check --quiet --strict"
    assert subprocess.run(command, shell=True, cwd=study / RESULTS, check=False).returncode == 0


def test_no_job_reads_a_damaged_file(study, jobs):
    """One check reads all of them, so each file has one kind of damage, and each kind many files."""
    n_files, kinds = 0, itertools.cycle(DAMAGES.values())
    for rule, job in jobs.items():
        files = sorted(set(made(job.input)))  # a bit that is flipped twice is whole again
        if not files:
            continue
        for file, damage in zip(files, kinds, strict=False):
            damage(study / file)
        code, log = run_again(study, job)
        restore(study, *files, *job.output)
        assert code == 1 and "Traceback" not in log and "delete it and run again" in log, rule
        unnamed = [file for file in files if f"{file} (" not in log]
        assert not unnamed, (rule, unnamed)
        n_files += len(files)
    assert len(jobs) > 40 and n_files > 90


def test_a_job_on_whole_files_writes_what_it_wrote(study, jobs):
    for rule in ("split_people", "encode_people", "draw_alleles", "export_vcf", "export_pgen"):
        code, log = run_again(study, jobs[rule])
        assert code == 0, log
        for file in jobs[rule].output:
            name = Path(file).relative_to(RESULTS)
            assert (study / file).read_bytes() == (study / "pristine" / name).read_bytes(), file
        restore(study, *jobs[rule].output)


def test_a_run_over_damaged_files_names_them_and_makes_them_anew(study):
    table, picture = RESULTS / "tabulate_paper/paper.tsv", RESULTS / "plot_pca/small.png"
    rows = (study / table).read_text().splitlines(keepends=True)
    (study / table).write_text("".join(rows[:-1]))
    empty(study / picture)
    result = snakemake(study)
    said = result.stdout + result.stderr
    assert result.returncode == 1 and "delete it and run again" in said, said[-5000:]
    for file in (table, picture):
        assert f"{file} (" in said
        (study / file).unlink()
    result = snakemake(study)
    assert result.returncode == 0, result.stdout + result.stderr
    assert differing(study / RESULTS, study / "pristine") == []


# Folders with run times in their files.
TIMED = ("tabulate_costs/", "write_report/", "tabulate_paper/", "plot_training/", "logs/")
TIMED += ("benchmarks/", "state/", "checksums/")


def differing(folder: Path, reference: Path) -> list[str]:
    """The files of a results folder that are not those of another one, but for run times."""
    names = [str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()]
    own = [name for name in names if not name.startswith(TIMED) and "/.snakemake" not in name]
    own = [name for name in own if not name.endswith("losses.tsv")]
    return [n for n in own if (folder / n).read_bytes() != (reference / n).read_bytes()]


def test_a_damaged_state_of_a_training_starts_it_anew(study, jobs):
    job = jobs["train_diffusion"]
    state = study / job.params.state
    StateFile(state, "of another configuration", 0).save({"weights": torch.ones(9_999)})
    flip(state)
    code, log = run_again(study, job)
    assert code == 0, log
    assert "unreadable training state, starting anew" in log
    name = Path(job.output.checkpoint).relative_to(RESULTS)
    assert (study / RESULTS / name).read_bytes() == (study / "pristine" / name).read_bytes()
    restore(study, *job.output)


@pytest.mark.parametrize("damage", ["cut", "emptied"])
@pytest.mark.parametrize("rule", ["tabulate_costs", "write_report"])
def test_a_damaged_record_of_run_times_is_named(study, jobs, rule, damage):
    records = (study / RESULTS / "benchmarks/train_diffusion").rglob("*.tsv")
    file = next(records).relative_to(study)
    (study / file).write_text("" if damage == "emptied" else "s\th:m:s\tmax_rss\n")
    code, log = run_again(study, jobs[rule])
    shutil.copy(study / "pristine" / file.relative_to(RESULTS), study / file)
    restore(study, *jobs[rule].output)
    assert code == 1 and "Traceback" not in log and f"{file}: not a whole record" in log


# --- kills

RELEASE = RESULTS / "release/small"
PART = [  # without what is measured
    str(RELEASE / name)
    for name in ("vcf/21.vcf.gz", "vcf/22.vcf.gz", "plink/synthetic.bed", "pgen/synthetic.pgen")
]


def wait_for_job(logs: Path, process) -> None:
    """Wait until a job of a rule has begun."""
    end = time.monotonic() + 900
    while not list(logs.rglob("*.log")):
        assert process.poll() is None and time.monotonic() < end, f"no log came in {logs}"
        time.sleep(0.02)


def kill_all(process) -> None:
    """End Snakemake and its jobs, or what is left of them."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(study, tmp_path, temporary):
    folder = clone(tmp_path / "killed")
    for rule in ("import_chromosome", "train_diffusion", "export_pgen"):
        run = start_snakemake(folder, *PART)
        try:
            wait_for_job(folder / RESULTS / "logs" / rule, run)
            if rule == "export_pgen":  # Snakemake alone: its jobs live on
                run.kill()
                run.wait()
                snakemake(folder, "--unlock")
                result = snakemake(folder, *PART)
                said = result.stdout + result.stderr
                assert result.returncode == 0 or "another process is writing it" in said, said
        finally:
            kill_all(run)
        assert snakemake(folder, "--unlock").returncode == 0
    result = snakemake(folder, *PART)
    assert result.returncode == 0, result.stdout + result.stderr
    assert differing(folder / RESULTS, study / "pristine") == []
    assert not list((folder / RESULTS).rglob(".partial*"))
    folders = (temporary, study / "system")
    left = [file for each in folders for file in each.rglob("*") if file.is_file()]
    # Snakemake's own, and those of its scheduler's solver, which hold which jobs may run together
    own = ("snakemake", "-pulp.")
    assert not [file for file in left if not any(name in str(file) for name in own)], left


# --- two runs


def test_two_runs_on_one_results_folder_end_with_the_same_bytes(study, tmp_path):
    one, two = (clone(tmp_path / name) for name in ("one", "two"))
    shutil.copytree(study / "pristine", one / RESULTS)
    (two / "results").mkdir()
    (two / RESULTS).symlink_to(one / RESULTS)
    options = [str(RESULTS / "release/small/vcf/21.vcf.gz"), "--rerun-triggers", "mtime"]
    forced = [*options, "--forcerun", "decode_cohort"]
    runs = [start_snakemake(each, *forced) for each in (one, two)]
    codes = [run.wait(900) for run in runs]
    if any(codes):  # one of them found the other, said so and ended
        result = snakemake(one, *options)
        assert result.returncode == 0, result.stdout + result.stderr
    assert differing(one / RESULTS, study / "pristine") == []
