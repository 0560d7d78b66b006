"""A copy of the clone, and Snakemake in it."""

import compileall
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from conftest import REPOSITORY
from warm_python import run_snakemake

PARTS = ("Snakefile", "workflow", "config", "envs", "profiles", "resources", "slurm")


def clone(folder: Path) -> Path:
    """Copy what a clone holds, without results; and compiled code, which Python takes if it is new."""
    folder.mkdir(parents=True, exist_ok=True)
    compileall.compile_dir(REPOSITORY / "workflow/src", quiet=1)
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part)
        else:
            shutil.copy(source, folder)
    shutil.copy(REPOSITORY / "tests/studies/tiny.yaml", folder / "tiny.yaml")
    return folder


def _options(options: tuple[str, ...], study: str) -> list[str]:
    # the study last: its option takes all words that follow
    return [*options, "--cores", "2", "--configfile", study]


def snakemake(folder: Path, *options: str, study: str = "tiny.yaml") -> subprocess.CompletedProcess:
    """Run Snakemake in a clone, as a fork (`warm_python`); the caller looks at the return code."""
    return run_snakemake(_options(options, study), folder)


def start_snakemake(folder: Path, *options: str, study: str = "tiny.yaml") -> subprocess.Popen:
    """Start Snakemake in a clone, with its jobs a group of processes; its words go to run.log."""
    command = [sys.executable, "-m", "snakemake", *_options(options, study)]
    with open(folder / "run.log", "w") as words:
        return subprocess.Popen(
            command, cwd=folder, stdout=words, stderr=words, start_new_session=True
        )


def planned_rules(folder: Path, *options: str, study: str = "tiny.yaml") -> set[str]:
    """The rules a dry run says it would run, `all` apart."""
    result = snakemake(folder, "--dry-run", *options, study=study)
    assert result.returncode == 0, result.stdout + result.stderr
    text = result.stdout + result.stderr
    if "Nothing to be done" in text:
        return set()
    table = text.split("Job stats:")[1].split("\ntotal")[0]
    return set(re.findall(r"^(\w+) +\d+$", table, flags=re.MULTILINE)) - {"all"}


def job_texts(shown: str) -> list[tuple[str, str]]:
    """Name of the rule, and what a dry run says of the job; jobs of groups are indented."""
    found = re.findall(r"^( *)(?:local)?rule (\w+):\n((?:\1    .*\n)*)", shown, re.MULTILINE)
    return [(name, text) for _, name, text in found]


def change_study(folder: Path, **changes) -> str:
    """Write a copy of the tiny study with some sections updated; return its name."""
    study = yaml.safe_load((folder / "tiny.yaml").read_text())
    for section, values in changes.items():
        old = study.get(section)
        study[section] = old | values if isinstance(old, dict) else values
    if study.get("input", {}).get("kind", "demo") != "demo":
        study.pop("demo", None)
    (folder / "changed.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    return "changed.yaml"


def planned_jobs(folder: Path, *options: str, study: str = "tiny.yaml") -> list[tuple[str, dict]]:
    """The jobs a dry run says it would run: name of the rule, and wildcards."""
    result = snakemake(folder, "--dry-run", *options, study=study)
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = []
    for name, text in job_texts(result.stdout):
        wildcards = re.search(r"^ +wildcards: (.*)$", text, re.MULTILINE)
        pairs = wildcards[1].split(", ") if wildcards else []
        jobs.append((name, dict(pair.split("=", 1) for pair in pairs)))
    return jobs
