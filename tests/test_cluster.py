"""`snakemake --profile slurm` on a real SLURM cluster of one node, and what goes wrong on clusters.

The tests go on from each other, in the order they stand here: starting anew costs minutes.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from clones import change_study, clone, snakemake
from slurm_cluster import Cluster, why_not

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
    "evaluation": {
        "mosaic_curve": [],
        "calibration": {"independent": {"kind": "independent"}},
        "classifiers": ["logistic"],
    },
}
STATE = "results/tiny/state/small.pt"
CHECKPOINT = "results/tiny/train_diffusion/small/checkpoint.safetensors"
OF_A_GPU = {"train_diffusion", "sample_latents", "train_classifiers", "attack_white_box"} | {
    "embed_bottleneck"
}


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
