"""Fixtures that every test file may use."""

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

# threads that spin while they wait make t-SNE ten times slower on a shared processor
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# a run starts a hundred processes, which would compile the package each
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

REPOSITORY = Path(__file__).resolve().parents[1]
WAITS = "test_cluster.py"  # for jobs of a cluster


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of open real genotypes, or a skip that says what is missing."""
    folder = Path(os.environ.get("SYNCOHORT_TEST_DATA", REPOSITORY / "../shared/data")).resolve()
    if not (folder / "kg3").is_dir():
        pytest.skip(f"no real genotypes at {folder}; set SYNCOHORT_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory) -> Path:
    """A clone in which the tiny study has run to the end, once for all workers: to be copied.

    The scripts that Snakemake started are kept, and temporary files went to its folder `system`.
    """
    from clones import clone, start_snakemake

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, finished = shared / "finished-study", shared / "finished-study.done"
    with open(shared / "finished-study.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker whose run failed
            (clone(folder) / "system").mkdir()
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("TMPDIR", str(folder / "system"))
                run = start_snakemake(folder, "--skip-script-cleanup")
            assert run.wait(1800) == 0, (folder / "run.log").read_text()
            finished.touch()
    return folder


@pytest.fixture(autouse=True)
def same_threads() -> Iterator[None]:
    """Each test finds as many threads as a fresh process has: sums are rounded by their number."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of fast tests first, of slow ones those with the most; before all the file that waits.

    Jobs of a cluster wait most of their time, so that the other files should run beside them. A
    file stays together, in its own order.
    """
    slow = Counter(item.path.name for item in items if item.get_closest_marker("slow"))
    fast = [item for item in items if not slow[item.path.name]]
    others = [item for item in items if slow[item.path.name]]
    others.sort(key=lambda item: (-slow[item.path.name], item.path.name))
    items[:] = sorted(fast + others, key=lambda item: item.path.name != WAITS)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their length: each worker collects the same names, whatever they hold."""
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) else None
