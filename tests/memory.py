"""How much memory a script takes, which runs as a program of its own."""

import subprocess
import sys

import pytest
from conftest import REPOSITORY

_TELL = """
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) / 1024)
"""


def peak_mb(script: str, *arguments) -> float:
    """Peak memory of a script [MiB]; a skip where the kernel keeps no account of it.

    Writing "5" to /proc/self/clear_refs forgets the peak so far.
    """
    if sys.platform != "linux":
        pytest.skip("the kernel's account of memory is Linux's")
    result = subprocess.run(
        [sys.executable, "-c", script + _TELL, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(REPOSITORY / "workflow/src"), "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    return float(result.stdout.splitlines()[-1])
