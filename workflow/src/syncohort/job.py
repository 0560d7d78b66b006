"""A rule's log and its errors: the one module that knows Snakemake."""

import glob
import logging
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from syncohort import __version__
from syncohort.errors import InputError
from syncohort.files import private_folder, remove_private_folder
from syncohort.slurm import end_of, own_job

RUN = "SYNCOHORT_RUN"  # environment variable: which run of Snakemake a job belongs to
RUN_IS = ", run "
WRONG = "What is wrong:"  # the line above a message
IDLE_GPU = "A GPU STANDS IDLE"  # said in a log
NOT_AGAIN = "Not tried again"
FOR_GOOD = "Trying again changes nothing: mend this, then start the run again."
_NO_MEMORY = "Out of memory"


@contextmanager
def job(snakemake) -> Iterator[None]:
    """Run a rule's work with all its output in the rule's log.

    A problem the user can fix is logged as its message alone, and so is a lack of memory; anything
    else with its traceback. Either way the job fails. When Snakemake tries it again in the same
    run, the log of the try before stays, as LOG.1 and so on; after a problem that trying again
    cannot mend the job fails at once.
    """
    path = Path(snakemake.log[0])
    before = _tries_before(path)
    with open(path, "w") as log, _kept(path, len(before) + 1):
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(log.fileno(), 1)  # child processes and libraries written in C write there too
        os.dup2(log.fileno(), 2)
        logging.basicConfig(format="%(message)s", stream=sys.stderr)
        logging.getLogger("syncohort").setLevel(logging.INFO)
        _limit_threads(snakemake.threads)
        where = f", job {own_job()} of SLURM" if own_job() else ""
        print(
            f"{snakemake.rule} {dict(snakemake.wildcards.items())}: syncohort {__version__}, "
            f"Python {platform.python_version()}, {snakemake.threads} thread(s), "
            f"{time.strftime('%Y-%m-%d %H:%M:%S')}{where}{RUN_IS}{os.environ.get(RUN, '')}",
            flush=True,
        )
        if before:
            _report_last(before)
        started = time.monotonic()
        try:
            with _own_temporary_folder(path):
                yield
        except InputError as error:
            print(f"\n{WRONG}\n{error}\n\n{FOR_GOOD}", file=sys.stderr, flush=True)
            sys.exit(1)
        except (MemoryError, RuntimeError) as error:
            if not _is_lack_of_memory(error):
                raise
            print(f"\n{WRONG}\n{_memory_message(error, snakemake)}", file=sys.stderr, flush=True)
            sys.exit(1)
        print(f"done in {time.monotonic() - started:.1f} s", flush=True)


def _tries_before(log: Path) -> list[Path]:
    """The logs of earlier tries in the same run, LOG.1, LOG.2, ...; those of other runs are
    deleted."""
    found = list(log.parent.glob(f"{glob.escape(log.name)}.[0-9]*"))
    tries = sorted(found, key=lambda file: int(file.suffix[1:]))
    run = os.environ.get(RUN)
    if run and tries and _first_line(tries[-1]).endswith(f"{RUN_IS}{run}"):
        return tries
    for file in tries:
        file.unlink()
    return []


@contextmanager
def _kept(log: Path, number: int) -> Iterator[None]:
    """A second name LOG.number for a log, for Snakemake deletes logs when it tries a job again;
    given up when all goes well."""
    name = log.with_name(f"{log.name}.{number}")
    with suppress(OSError):  # a file system without links
        os.link(log, name)
    yield
    name.unlink(missing_ok=True)


def _first_line(path: Path) -> str:
    with open(path, errors="replace") as file:
        return file.readline().rstrip("\n")


def _report_last(tries: list[Path]) -> None:
    """Say how the last of these tries ended; end here if it ended for good."""
    end = tries[-1].read_text(errors="replace").rstrip()
    if end.endswith(FOR_GOOD):
        cause = next(file for file in tries if FOR_GOOD in file.read_text(errors="replace"))
        print(f"\n{WRONG}\n{NOT_AGAIN}: the problem is in {cause}\n\n{FOR_GOOD}", flush=True)
        sys.exit(1)
    if not any(sign in end for sign in (_NO_MEMORY, "Traceback")):
        job = re.search(r", job (\S+) of SLURM", end.partition("\n")[0])
        how = job and end_of(job[1])
        how = (
            how or "ended without a word, as jobs do that are killed for their memory or their time"
        )
        print(f"\nThe try before ({tries[-1]}): {how}.\n", flush=True)


def _is_lack_of_memory(error: Exception) -> bool:
    """Whether Python, numpy or torch could not have memory, of the processor or of a GPU."""
    text = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(sign in text for sign in signs)


def _memory_message(error: Exception, snakemake) -> str:
    text = str(error).strip().split("\n")[0]
    if "cuda" in text.lower():
        return (
            f"{_NO_MEMORY} of the GPU: {text}\nUse a GPU with more memory, a smaller batch_size or "
            "a smaller network."
        )
    asked = snakemake.resources.get("mem_mb", "no")
    return (
        f"{_NO_MEMORY}: the job asked for {asked} MB. {text}\nWhere the profile has retries it is "
        "tried again with more. Set compute.memory_mb to more than that, on a machine that has it."
    )


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
