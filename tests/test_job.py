"""A job's log: one cause, once; what a second try keeps, and that memory ran out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncohort.code_digest import PACKAGE
from syncohort.failed_jobs import failures, on_processors
from syncohort.slurm import forgets_too_soon

HEAD = """
import os, sys
import numpy as np
from pathlib import Path
from types import SimpleNamespace
from syncohort.errors import InputError
from syncohort.job import job
settings = SimpleNamespace(
    log=[sys.argv[1]], threads=1, rule="fit", wildcards={}, resources={"mem_mb": 1234}
)
with job(settings):
    Path(sys.argv[1] + "-worked").open("a").write("x")
"""
WRONG = "    raise InputError('people.tsv, line 3: no such label')\n"
KILLED = "    os.kill(os.getpid(), 9)\n"
CRASH = "    raise KeyError('oops')\n"
FILLS = {
    "numpy": "    np.ones((1 << 50,), dtype=np.int8)\n",
    "torch": "    import torch; torch.ones(1 << 50, dtype=torch.int8)\n",
    "python": "    bytearray(1 << 60)\n",
}


def attempt(log: Path, body: str, run: str) -> int:
    """Run a job's script as a try of a run of Snakemake, which deletes the log; its exit code."""
    log.unlink(missing_ok=True)
    env = os.environ | {"PYTHONPATH": str(PACKAGE.parent), "SYNCOHORT_RUN": run}
    return subprocess.run([sys.executable, "-c", HEAD + body, str(log)], env=env).returncode  # noqa: PLW1510


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if not file.name.endswith("-worked"))


def test_a_problem_of_the_user_is_found_once(tmp_path):
    log = tmp_path / "fit.log"
    assert [attempt(log, WRONG, "a") for _ in range(3)] == [1, 1, 1]
    assert (tmp_path / "fit.log-worked").read_text() == "x"
    assert (tmp_path / "fit.log.1").read_text().count("no such label") == 1
    assert "no such label" not in log.read_text()
    assert f"the problem is in {tmp_path}/fit.log.1" in log.read_text()


def test_another_run_looks_again_and_forgets_the_tries_before(tmp_path):
    log = tmp_path / "fit.log"
    assert [attempt(log, WRONG, "a"), attempt(log, WRONG, "a"), attempt(log, "", "b")] == [1, 1, 0]
    assert names(tmp_path) == ["fit.log"] and "done in" in log.read_text()


def test_the_log_of_the_first_try_stays(tmp_path):
    log = tmp_path / "fit.log"
    assert attempt(log, CRASH, "a") == 1
    assert attempt(log, KILLED, "a") == -9
    assert attempt(log, "", "a") == 0
    assert names(tmp_path) == ["fit.log", "fit.log.1", "fit.log.2"]
    assert "KeyError" in (tmp_path / "fit.log.1").read_text()
    assert "without a word" not in (tmp_path / "fit.log.2").read_text()
    assert "fit.log.2): ended without a word" in log.read_text() and "done in" in log.read_text()


@pytest.mark.parametrize("what", FILLS)
def test_out_of_memory_says_so(tmp_path, what):
    log = tmp_path / "fit.log"
    assert attempt(log, FILLS[what], "a") == 1
    text = log.read_text()
    assert "Out of memory: the job asked for 1234 MB" in text and "compute.memory_mb" in text
    assert "Traceback" not in text
    assert attempt(log, "", "a") == 0 and "without a word" not in log.read_text()


def test_a_run_says_of_each_failed_job_why_once_and_what_to_read(tmp_path):
    bodies = {
        "wrong": WRONG,
        "killed": KILLED,
        "crash": CRASH,
        "memory": FILLS["numpy"],
        "well": "",
    }
    for name, body in bodies.items():
        (tmp_path / name).mkdir()
        for _ in range(1 if name == "well" else 3):
            attempt(tmp_path / name / "fit.log", body, "a")
    attempt(tmp_path / "wrong" / "old.log", CRASH, "b")  # of another run
    told = failures(tmp_path, "a")
    assert told.count("no such label") == 1 and f"read: {tmp_path}/wrong/fit.log.1" in told
    assert told.count("Out of memory: the job asked for 1234 MB") == 1
    assert told.count("KeyError: 'oops'") == 1
    assert told.count("ended without a word") == 1
    assert told.count("\n  read: ") == 4 and "well" not in told and "old.log" not in told
    assert failures(tmp_path / "well", "a") == ""


LONG = "    raise InputError('\\n'.join(f'line {k}' for k in range(100)))\n"


def test_of_a_long_message_the_beginning_is_shown(tmp_path):
    attempt(tmp_path / "fit.log", LONG, "a")
    told = failures(tmp_path, "a")
    assert "  line 0\n" in told and "line 60" not in told and told.endswith("(60 more lines)")
    assert f"read: {tmp_path}/fit.log\n" in told


GIVEN = """
    import torch
    from syncohort.training.devices import resolve_device
    os.environ["CUDA_VISIBLE_DEVICES"] = "{gpu}"
    torch.cuda.is_available = lambda: False
    resolve_device("auto"), resolve_device("auto")
"""


@pytest.mark.parametrize("gpu", ["0", ""])
def test_a_gpu_that_is_given_and_not_used_is_named_in_the_log_and_at_the_end(tmp_path, gpu):
    log = tmp_path / "fit.log"
    assert attempt(log, GIVEN.format(gpu=gpu), "a") == 0
    assert log.read_text().count("A GPU STANDS IDLE") == bool(gpu)
    told = on_processors(tmp_path, "a")
    assert told == (f"A GPU STANDS IDLE in 1 job(s):\n  fit {{}}: {log}" if gpu else "")
    assert on_processors(tmp_path, "b") == ""


SCONTROL = """#!/bin/sh
echo "JobId=$5 JobState={state} TimeLimit=00:10:00 MinMemoryNode=1G StdOut={output} "
"""


def put_program(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize(
    "state, output, said",
    [
        ("OUT_OF_MEMORY", "", "out of memory: SLURM ended job 7, for it had asked for 1,024 MB"),
        ("FAILED", "slurmstepd: error: exceeded memory limit (2 > 1)", "out of memory"),
        ("FAILED", "", "ended without a word"),
        (
            "TIMEOUT",
            "",
            "SLURM ended it for its time (job 7, 00:10:00): raise compute.training_hours",
        ),
        ("CANCELLED", "", "it was cancelled (job 7)"),
    ],
)
def test_slurm_is_asked_how_a_killed_job_ended(tmp_path, monkeypatch, state, output, said):
    (tmp_path / "out.log").write_text(output)
    put_program(
        tmp_path / "bin/scontrol", SCONTROL.format(state=state, output=tmp_path / "out.log")
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    log = tmp_path / "logs" / "fit.log"
    log.parent.mkdir()
    attempt(log, KILLED, "a")
    assert said in failures(log.parent, "a")
    attempt(log, "", "a")
    assert f"fit.log.1): {said}" in log.read_text()
    assert failures(log.parent, "a") == ""


SAID = """[Sat Nov 28 08:36:45 2026]
Error in rule fit:
    message: SLURM-job '7' failed, SLURM status is: 'FAILED'.
    jobid: 0
    input: a.zip
    log: {logs}/fit.log, {slurm}/7.log (check log file(s) for error details)
    external_jobid: 7
Error in rule draw:
    message: SLURM sbatch failed.
    jobid: 1
    log: {logs}/draw.log (check log file(s) for error details)
Shutting down, this might take some time.
"""


@pytest.mark.parametrize("before", ["no log", "an empty log", "a log of another run"])
def test_a_job_that_is_killed_before_its_first_line_is_named(tmp_path, monkeypatch, before):
    """Seen where a job was out of memory while it imported its libraries."""
    (tmp_path / "out.log").write_text(
        "error: StepId=7.0 exceeded memory limit (581689344 > 576716800), being killed"
    )
    put_program(
        tmp_path / "bin/scontrol", SCONTROL.format(state="FAILED", output=tmp_path / "out.log")
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    logs = tmp_path / "logs"
    logs.mkdir()
    if before == "an empty log":
        (logs / "fit.log").touch()
    elif before == "a log of another run":
        attempt(logs / "fit.log", CRASH, "b")
    run_log = tmp_path / "snakemake.log"
    first_try = SAID.replace("7", "6").format(logs=logs, slurm=tmp_path)
    run_log.write_text(first_try + SAID.format(logs=logs, slurm=tmp_path))
    told = failures(logs, "a", [str(run_log)])
    assert told.count("read: ") == 1  # of its tries the last
    assert told.startswith(f"fit\n  read: {tmp_path}/7.log\n  out of memory: SLURM ended job 7")
    assert "draw" not in told and "oops" not in told
    attempt(logs / "fit.log", CRASH, "a")  # a try that came to say something
    told = failures(logs, "a", [str(run_log)])
    assert told.count("read: ") == 1 and "oops" in told


@pytest.mark.parametrize(
    "seconds, command, refused",
    [
        (120, "squeue", True),
        (300, "squeue", False),
        (120, "sacct", False),
        ("n/a", "squeue", False),
    ],
)
def test_a_cluster_that_forgets_finished_jobs_too_soon(
    tmp_path, monkeypatch, seconds, command, refused
):
    put_program(tmp_path / "bin/scontrol", f"#!/bin/sh\necho 'MinJobAge    = {seconds} sec'\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    said = forgets_too_soon(command)
    assert bool(said) == refused
    if refused:
        assert "after 120 s (MinJobAge)" in said and "slurm-status-command: sacct" in said


def test_snakemake_shows_the_cause_once(tmp_path):
    (tmp_path / "script.py").write_text(
        "from syncohort.errors import InputError\nfrom syncohort.job import job\n"
        "with job(snakemake):\n    raise InputError('no such label')\n"
    )
    (tmp_path / "Snakefile").write_text(
        f"import os, sys\nsys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        "os.environ.setdefault('SYNCOHORT_RUN', str(os.getpid()))\n"
        "from syncohort.failed_jobs import failures, on_processors\n"
        "onerror: print(failures('logs'))\n"
        "rule fit:\n    output: 'out.txt'\n    log: 'logs/fit.log'\n    script: 'script.py'\n"
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--retries", "2"]
    env = {name: value for name, value in os.environ.items() if name != "SYNCOHORT_RUN"}
    result = subprocess.run(
        [*command, "-d", str(tmp_path), "-s", str(tmp_path / "Snakefile")],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    said = result.stdout + result.stderr
    assert result.returncode == 1
    assert said.count("no such label") == 1, said
    assert "read: logs/fit.log.1" in said
