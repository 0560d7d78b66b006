"""A job's log: one cause, once; what a second try keeps, and that memory ran out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncohort.code_digest import PACKAGE

HEAD = """
import os, sys, torch
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
    "torch": "    torch.ones(1 << 50, dtype=torch.int8)\n",
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
    assert "fit.log.2) ended without a word" in log.read_text() and "done in" in log.read_text()


@pytest.mark.parametrize("what", FILLS)
def test_out_of_memory_says_so(tmp_path, what):
    log = tmp_path / "fit.log"
    assert attempt(log, FILLS[what], "a") == 1
    text = log.read_text()
    assert "Out of memory: the job asked for 1234 MB" in text and "compute.memory_mb" in text
    assert "Traceback" not in text
    assert attempt(log, "", "a") == 0 and "without a word" not in log.read_text()


def test_snakemake_shows_the_cause_once(tmp_path):
    (tmp_path / "script.py").write_text(
        "from syncohort.errors import InputError\nfrom syncohort.job import job\n"
        "with job(snakemake):\n    raise InputError('no such label')\n"
    )
    (tmp_path / "Snakefile").write_text(
        f"import os, sys\nsys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        "os.environ.setdefault('SYNCOHORT_RUN', str(os.getpid()))\n"
        "rule fit:\n    output: 'out.txt'\n    log: 'logs/fit.log'\n    script: 'script.py'\n"
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--retries", "2"]
    env = {name: value for name, value in os.environ.items() if name != "SYNCOHORT_RUN"}
    result = subprocess.run(
        [*command, "--show-failed-logs", "-d", str(tmp_path), "-s", str(tmp_path / "Snakefile")],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    said = result.stdout + result.stderr
    assert result.returncode == 1
    assert said.count("no such label") == 1, said
    assert "the problem is in logs/fit.log.1" in said
