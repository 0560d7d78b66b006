"""A rule's log and its errors: the one module that knows Snakemake."""

import logging
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncohort import __version__
from syncohort.errors import InputError
from syncohort.files import private_folder, remove_private_folder


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
            with _own_temporary_folder(Path(snakemake.log[0])):
                yield
        except InputError as error:
            print(f"\n{error}", file=sys.stderr, flush=True)
            sys.exit(1)
        print(f"done in {time.monotonic() - started:.1f} s", flush=True)


@contextmanager
def _own_temporary_folder(log: Path) -> Iterator[None]:
    """Temporary files, which hold genotypes of people, go beside the log instead of a folder that
    all users share: after a kill, the next try of the job removes them."""
    shared, folder = tempfile.tempdir, private_folder(log)
    tempfile.tempdir = str(folder.absolute())
    try:
        yield
    finally:
        tempfile.tempdir = shared
        remove_private_folder(folder)


def _limit_threads(threads: int) -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    os.environ["NUMBA_NUM_THREADS"] = str(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
