"""The pinned environment: complete, the same everywhere, and what runs here."""

import re
from importlib.metadata import version

from conftest import REPOSITORY

ENVS = REPOSITORY / "envs"


def pins(text: str) -> dict[str, str]:
    found = re.findall(r"^(?: *- )?([A-Za-z0-9._-]+)==(\S+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): pinned for name, pinned in found}


def test_every_direct_requirement_is_pinned():
    locked = pins((ENVS / "requirements.lock").read_text() + (ENVS / "torch.lock").read_text())
    lines = [line.split("#")[0].strip() for line in (ENVS / "requirements.in").open()]
    direct = {re.sub(r"[-_.]+", "-", line).lower() for line in lines if line}
    assert direct <= set(locked)


def test_conda_gets_the_same_pins():
    locked = pins((ENVS / "requirements.lock").read_text() + (ENVS / "torch.lock").read_text())
    conda = pins((ENVS / "syncohort.yaml").read_text())
    added_later = re.search(r"pandas-plink==(\S+)", (ENVS / "syncohort.post-deploy.sh").read_text())
    assert conda | {"pandas-plink": added_later[1]} == locked


def test_the_tests_run_on_the_pins():
    locked = pins((ENVS / "requirements.lock").read_text())
    assert {name: version(name) for name in locked} == locked


def test_the_container_is_made_of_the_same_lists():
    text = (ENVS / "syncohort.def").read_text()
    files = dict(re.findall(r"^    envs/(\S+) (\S+)$", text, flags=re.MULTILINE))
    assert set(files) == {"torch.lock", "requirements.lock"}
    installed = re.findall(r"^    pip install .*-r (\S+)$", text, flags=re.MULTILINE)
    assert installed == [files["torch.lock"], files["requirements.lock"]]
    assert "--no-deps -r /opt/syncohort/requirements.lock" in text and not pins(text)
    python = re.search(r"^From: python:(3\.\d+)", text, flags=re.MULTILINE)[1]
    assert f"- python={python}\n" in (ENVS / "syncohort.yaml").read_text()
