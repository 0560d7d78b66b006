"""Snakemake and its scripts as forks of one process that has imported what they share.

A run of the workflow starts a hundred processes, and most of them take longer to import libraries
than to work. The package itself is never imported here: each fork reads that of its clone. What
has to be seen of real processes, such as kills, is tested with `clones.start_snakemake`.
"""

import ast
import atexit
import contextlib
import gc
import importlib
import os
import pickle
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace

PACKAGE = Path(__file__).resolve().parents[1] / "workflow/src"
# Their threads are counted when they are imported, which a job does after it has said how many.
LATE = ("umap", "numba")
LARGEST = 1 << 17  # bytes of a request


def run_snakemake(options: list[str], folder: Path) -> subprocess.CompletedProcess:
    """`python -m snakemake` in a folder, with what it said."""
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as wrong:
        arguments = ["-m", "snakemake", *options]
        program = _Program(_server(), arguments, folder, os.environ, said, wrong)
        code = program.wait(timeout=1800)
        for file in (said, wrong):
            file.seek(0)
        return subprocess.CompletedProcess(options, code, said.read(), wrong.read())


class _Program:
    """A program that was started, with those methods of `subprocess.Popen` that Snakemake calls."""

    def __init__(self, address, arguments, folder, environment, stdout, stderr):
        request = pickle.dumps((address, arguments, str(folder), dict(environment)))
        assert len(request) < LARGEST
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.connect(address)
        socket.send_fds(self._line, [request], [stdout.fileno(), stderr.fileno()])
        self.pid = int(self._line.recv(99))

    def wait(self, timeout: float | None = None) -> int:
        with self._line:
            self._line.settimeout(timeout)
            return int(self._line.recv(99) or -signal.SIGKILL)

    def kill(self) -> None:
        self._line.shutdown(socket.SHUT_WR)

    terminate = kill


@cache
def _server() -> str:
    """Start the process that forks; its address. It ends with this process."""
    address = os.path.join(tempfile.mkdtemp(prefix="warm-python-"), "socket")
    end, _ = ours = os.pipe()
    command = [sys.executable, __file__, address, str(end)]
    process = subprocess.Popen(command, pass_fds=[end], stdout=subprocess.PIPE)
    os.close(end)
    assert process.stdout.readline() == b"ready\n"
    atexit.register(process.wait)  # after the end below is closed
    atexit.register(os.close, ours[1])
    return address


# --- in the process that forks


def _serve(address: str, end: int):
    """Fork for every request; returns in the forks, with the request."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(64)
        for name in _libraries():
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        gc.freeze()  # what is here already is no garbage, and forks need not look at it
        print("ready", flush=True)
        while end not in select.select([listener, end], [], [])[0]:
            line, _ = listener.accept()
            with line:
                if os.fork() == 0:
                    return _start(line)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
    os.unlink(address)
    os.rmdir(os.path.dirname(address))
    sys.exit()


def _libraries() -> list[str]:
    """Snakemake, and what the package imports of others."""
    names = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                # what comes from a package may be a module
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    others = {name for name in names if name.split(".")[0] not in ("syncohort", *LATE)}
    return ["snakemake.cli", *sorted(others)]


def _start(line: socket.socket):
    """Start what is asked for in one more fork, and tell who asks how it ends."""
    message, files, *_ = socket.recv_fds(line, LARGEST, 2)
    pid = os.fork()
    if pid == 0:
        for number, file in enumerate(files, start=1):
            os.dup2(file, number)
            os.close(file)
        return pickle.loads(message)
    line.send(str(pid).encode())
    ended = os.pidfd_open(pid)
    if ended not in select.select([line, ended], [], [])[0]:  # who asked is gone
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(OSError):
        line.send(str(code).encode())
    os._exit(0)


# --- in the forks


def _run(address: str, arguments: list[str], folder: str, environment: dict) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    if arguments[0] == "-m":
        _start_scripts_here(address)
        sys.path[0] = folder
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(arguments[0])
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def _start_scripts_here(address: str) -> None:
    """Let Snakemake start its Python scripts as forks, with the environment it gives them."""
    import snakemake.shell  # noqa: F401

    def start(command, env, **options):
        words = shlex.split(command)
        if words[-2] != sys.executable:
            return subprocess.Popen(command, env=env, **options)
        return _Program(address, words[-1:], os.getcwd(), env, sys.__stdout__, sys.__stderr__)

    sys.modules["snakemake.shell"].sp = SimpleNamespace(**(vars(subprocess) | {"Popen": start}))


if __name__ == "__main__":
    _run(*_serve(sys.argv[1], int(sys.argv[2])))
