"""`snakemake --profile slurm` on a real SLURM cluster of one node, and what goes wrong on clusters.

The tests go on from each other, in the order they stand here: starting anew costs minutes.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from clones import change_study, clone, snakemake
from slurm_cluster import Cluster, wait_for, why_not

from syncohort.files import lock_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(why_not() is not None, reason=f"no SLURM cluster here: {why_not()}"),
]
EPOCHS = 150
STUDY = {
    "generators": {
        "small": {
            "denoiser": {"kind": "mlp", "widths": [64, 32]},
            "diffusion": {"n_steps": 20},
            "training": {
                "epochs": EPOCHS,
                "batch_size": 32,
                "patience": EPOCHS,
                "membership_max": 1.0,
            },
            "sampling": {"steps": 5},
        }
    },
    "synthesis": {"shards": 1},
    # each of these costs jobs of the cluster: validation people are compared with all the same
    "evaluation": {"calibration": {}},
    "release": {"export": ["vcf"]},
}
STATE = "results/tiny/state/small.all.pt"
CHECKPOINT = "results/tiny/train_diffusion/small/all/checkpoint.safetensors"
OF_A_GPU = {
    "train_diffusion",
    "pretrain_diffusion",
    "fit_rescaling",
    "sample_latents",
    "refine_latents",
    "train_classifiers",
    "attack_white_box",
} | {"embed_bottleneck"}


@pytest.fixture(scope="module")
def cluster():
    try:
        running = Cluster().__enter__()
    except (OSError, subprocess.CalledProcessError) as error:  # a container without devices
        pytest.skip(f"no cluster can be started here: {error}")
    yield running
    running.__exit__()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A clone whose cohort was imported here, and whose trainings save themselves all the time."""
    made = clone(tmp_path_factory.mktemp("clone"))
    settings = made / "workflow/src/syncohort/training/settings.py"
    text = settings.read_text()
    assert "checkpoint_seconds: float = 600.0" in text
    settings.write_text(
        text.replace("checkpoint_seconds: float = 600.0", "checkpoint_seconds: float = 0.2")
    )
    study = yaml.safe_load((made / "tiny.yaml").read_text())
    for section, values in STUDY.items():
        study[section] = values if section == "generators" else study.get(section, {}) | values
    (made / "tiny.yaml").write_text(yaml.safe_dump(study))
    stores = [f"results/tiny/import_chromosome/{chrom}.zarr.zip" for chrom in ("21", "22")]
    done = snakemake(made, *stores)
    assert done.returncode == 0, done.stderr
    return made


STARTED: list[subprocess.Popen] = []


@pytest.fixture(autouse=True)
def end_what_was_started():
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def start(folder: Path, *options: str, study: str = "tiny.yaml") -> subprocess.Popen:
    """Start `snakemake --profile slurm` in a clone."""
    command = [sys.executable, "-m", "snakemake", "--profile", "slurm", *options]
    command += ["--slurm-init-seconds-before-status-checks", "2", "--configfile", study]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"USER": "root"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    STARTED.append(process)
    return process


def finish(process: subprocess.Popen, seconds: float = 1500) -> str:
    """Wait for a run to end; what it said."""
    try:
        return process.communicate(timeout=seconds)[0]
    finally:
        process.kill()


def test_what_the_user_can_mend_fails_once_and_is_said_once(cluster, folder):
    (folder / "relatives.tsv").write_text("someone\tsomebody\nA\tB\n")
    study = change_study(folder, split={"kinship_table": "relatives.tsv"})
    process = start(folder, "--retries", "1", study=study)
    said = finish(process)
    assert process.returncode == 1
    assert len(cluster.jobs_of("people.*")) == 2
    assert said.count("relatives.tsv: ") == 1, said
    assert "  read: results/tiny/logs/split_people.log.1" in said
    log = (folder / "results/tiny/logs/split_people.log").read_text()
    assert "Not tried again: the problem is in results/tiny/logs/split_people.log.1" in log


def test_a_refused_submission_says_what_sbatch_said_and_no_older_log(cluster, folder):
    process = start(folder, "--retries", "0", "--default-resources", "slurm_partition=nowhere")
    said = finish(process)
    assert process.returncode == 1
    assert "nvalid partition" in said, said
    assert "relatives.tsv" not in said and "Jobs that failed" not in said


def training_process(folder: Path, *others: str) -> str:
    """The process that trains, once it has saved its state; others: those that did before."""
    state = folder / STATE

    def found():
        try:
            pid = re.match(r"process (\d+) on", lock_of(state).read_text())
        except OSError:
            return None
        return pid[1] if pid and pid[1] not in others and state.exists() else None

    return wait_for(found, 300)


def test_the_study_runs_and_its_training_survives_being_killed_twice(cluster, folder):
    process = start(folder)
    job = cluster.running("train_diffusion")
    first = training_process(folder)
    os.kill(int(first), signal.SIGKILL)
    second = wait_for(
        lambda: next(
            (j for j in cluster.jobs_of("train_diffusion") if j["JobId"] != job["JobId"]), None
        ),
        120,
    )
    training_process(folder, first)
    cluster.ask("scancel", second["JobId"])
    said = finish(process)
    assert process.returncode == 0, said
    states = [each["JobState"] for each in cluster.jobs_of("train_diffusion")]
    assert states == ["FAILED", "CANCELLED", "COMPLETED"]
    assert (folder / "results/tiny/write_report/report.html").exists()


def test_every_step_went_through_the_cluster_and_asked_for_what_it_needs(cluster, folder):
    done = [job for job in cluster.jobs() if job["JobState"] == "COMPLETED"]
    numbers = {job["JobId"] for job in done}
    here = {"simulate_chromosome", "import_chromosome"}
    here |= {"require_usable_cohort", "require_possible_plans"}
    logs = folder / "results/tiny/logs"
    for file in logs.rglob("*.log"):
        if file.is_file() and file.relative_to(logs).parts[0].partition(".")[0] not in here:
            number = re.search(r", job (\d+) of SLURM", file.read_text())
            assert number and number[1] in numbers, file
    for job in done:
        uses_gpu = any(f"rule_{rule}" in job["Comment"] for rule in OF_A_GPU)
        assert (job.get("TresPerJob") == "gres:gpu:1") == uses_gpu, job
    used = cluster.used_mb()
    asked = {job["JobId"]: float(job["MinMemoryNode"].removesuffix("M")) for job in done}
    assert len(set(used) & set(asked)) > 10
    over = {number: (used[number], asked[number]) for number in set(used) & set(asked)}
    assert all(most <= limit for most, limit in over.values()), over


def test_the_killed_training_ends_with_the_bytes_of_one_that_was_not(cluster, folder):
    killed = (folder / CHECKPOINT).read_bytes()
    done = snakemake(folder, CHECKPOINT, "--force")
    assert done.returncode == 0, done.stderr
    assert (folder / CHECKPOINT).read_bytes() == killed


def test_out_of_memory_is_said_with_the_figure(cluster, folder):
    options = ("--force", "--retries", "0", "--set-resources", "fit_embedding:mem_mb=550")
    process = start(folder, "results/tiny/fit_embedding/embedding.npz", *options)
    said = finish(process)
    assert process.returncode == 1
    number = cluster.jobs_of("fit_embedding")[-1]["JobId"]
    assert f"out of memory: SLURM ended job {number}, for it had asked for 550 MB" in said, said


def test_jobs_of_a_killed_snakemake_are_not_started_twice(cluster, folder):
    before = len(cluster.jobs_of("train_diffusion"))
    killed = start(folder, CHECKPOINT, "--force")
    wait_for(lambda: len(cluster.jobs_of("train_diffusion")) > before, 120)
    training_process(folder)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert snakemake(folder, "--unlock").returncode == 0
    again = start(folder, CHECKPOINT, "--force")
    said = finish(again)
    number = cluster.jobs_of("train_diffusion")[-1]["JobId"]
    assert again.returncode == 1 and f"{number} (train_diffusion_wildcards_small_all)" in said, said
    assert len(cluster.jobs_of("train_diffusion")) == before + 1
    cluster.ask("scancel", number)
    wait_for(lambda: not cluster.ask("squeue", "--noheader"))
    assert snakemake(folder, "--unlock").returncode == 0
    assert "train_diffusion" in snakemake(folder, CHECKPOINT, "--dry-run").stdout
