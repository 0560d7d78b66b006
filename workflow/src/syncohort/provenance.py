"""Which code, seed and log belong to a job."""

import ast
import hashlib
import logging
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from syncohort import __version__
from syncohort.errors import InputError

PACKAGE = Path(__file__).parent


def stage_seed(seed: int, *stage: str) -> int:
    """A seed of its own for each named stage, from the one seed of the configuration."""
    text = "/".join([str(seed), *map(str, stage)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


@cache
def code_digest(script: str | Path) -> str:
    """Digest of a script and of every package module it imports, directly or not.

    Given to Snakemake as a parameter, it reruns a rule when code that the rule really runs
    changes. Syntax trees are compared: comments, docstrings, layout, file dates and the
    place of the clone do not matter.
    """
    files = [Path(script), *sorted(_imported_files(Path(script)))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + _tree_digest(file))
    return digest.hexdigest()[:16]


@cache
def _imported_files(file: Path) -> frozenset[Path]:
    found, queue = set(), [file]
    while queue:
        for name in _imported_names(queue.pop()):
            module = _module_file(name)
            if module is not None and module not in found:
                found.add(module)
                queue.append(module)
    return frozenset(found)


@cache
def _imported_names(file: Path) -> tuple[str, ...]:
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import x`: x may be a module or something inside the package
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.split(".")[0] == PACKAGE.name)


def _module_file(name: str) -> Path | None:
    base = PACKAGE.joinpath(*name.split(".")[1:])
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if file.is_file():
            return file
    return None


@cache
def _tree_digest(file: Path) -> bytes:
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            node.body = body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).digest()


def _is_docstring(node) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@contextmanager
def job(snakemake) -> Iterator[None]:
    """Run a rule's work with all its output in the rule's log.

    A problem the user can fix is logged as its message alone; anything else with its
    traceback. Either way the job fails.
    """
    with open(snakemake.log[0], "w") as log:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(log.fileno(), 1)  # child processes and libraries written in C write there too
        os.dup2(log.fileno(), 2)
        logging.basicConfig(format="%(message)s", stream=sys.stderr)
        logging.getLogger("syncohort").setLevel(logging.INFO)
        _limit_threads(snakemake.threads)
        print(
            f"{snakemake.rule} {dict(snakemake.wildcards.items())}: syncohort {__version__}, "
            f"Python {platform.python_version()}, {snakemake.threads} thread(s), "
            f"{time.strftime('%Y-%m-%d %H:%M:%S')}",
            flush=True,
        )
        started = time.monotonic()
        try:
            yield
        except InputError as error:
            print(f"\n{error}", file=sys.stderr, flush=True)
            sys.exit(1)
        print(f"done in {time.monotonic() - started:.1f} s", flush=True)


def _limit_threads(threads: int) -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    os.environ["NUMBA_NUM_THREADS"] = str(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
