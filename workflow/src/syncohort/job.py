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
from syncohort.checksums import Checksums, FilesAtRest, results_folder, verify_given
from syncohort.errors import InputError
from syncohort.files import name_full_disk, private_folder, remove_private_folder
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
    with open(path, "w") as log, _kept(path, len(before) + 1), _open_terminal() as terminal:
        os.dup2(log.fileno(), 1)  # child processes and libraries written in C write there too
        os.dup2(log.fileno(), 2)
        logging.basicConfig(format="%(message)s", stream=sys.stderr)
        logging.getLogger("syncohort").setLevel(logging.INFO)
        _limit_threads(snakemake.threads)
        where = f", job {own_job()} of SLURM" if own_job() else ""
        _say(
            f"{snakemake.rule} {dict(snakemake.wildcards.items())}: syncohort {__version__}, "
            f"Python {platform.python_version()}, {snakemake.threads} thread(s), "
            f"{time.strftime('%Y-%m-%d %H:%M:%S')}{where}{RUN_IS}{os.environ.get(RUN, '')}",
            terminal,
        )
        if before:
            _report_last(before)
        started = time.monotonic()
        try:
            with (
                _room_on_disk(snakemake, path),
                temporary_files_in(private_folder(path)),
                _sound_files(snakemake, path),
            ):
                yield
        except InputError as error:
            _say(f"\n{WRONG}\n{error}\n\n{FOR_GOOD}", terminal)
            sys.exit(1)
        except (MemoryError, RuntimeError) as error:
            if not _is_lack_of_memory(error):
                raise
            _say(f"\n{WRONG}\n{_memory_message(error, snakemake)}", terminal)
            sys.exit(1)
        _say(f"done in {time.monotonic() - started:.1f} s", terminal)


@contextmanager
def _open_terminal() -> Iterator[int]:
    """Where standard error goes before it goes to the log."""
    sys.stdout.flush()
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        yield terminal
    finally:
        os.close(terminal)


def _say(text: str, terminal: int) -> None:
    """Write to the log, or to the terminal where the disk has no room for a log."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        os.write(terminal, f"{text}\n".encode())


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
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Temporary files, which hold genotypes of people, go to a private folder instead of one that
    all users share; it is removed at the end or, after a kill, by the next try."""
    shared = tempfile.tempdir
    tempfile.tempdir = str(folder.absolute())
    try:
        yield
    finally:
        tempfile.tempdir = shared
        remove_private_folder(folder)


@contextmanager
def _room_on_disk(snakemake, log: Path) -> Iterator[None]:
    """Name a full disk with the file that has no room there, whatever failed of it."""
    try:
        yield
    except Exception as error:
        name_full_disk(error, Path(*_files(snakemake, "output")[:1] or [log]))
        raise


@contextmanager
def _sound_files(snakemake, log: Path) -> Iterator[None]:
    """Read nothing that was damaged since its rule wrote it, nor what changes meanwhile."""
    inputs, outputs = _files(snakemake, "input"), _files(snakemake, "output")
    checksums = Checksums(results_folder(log))
    at_rest = FilesAtRest(inputs)
    checksums.begin(outputs)
    checksums.verify(inputs)
    for words in verify_given(checksums.foreign(inputs)):
        print(words, flush=True)
    yield
    at_rest.require_unchanged()
    checksums.record(outputs, inputs)


def _files(snakemake, kind: str) -> list[str]:
    return list(getattr(snakemake, kind, []))


def _limit_threads(threads: int) -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    os.environ["NUMBA_NUM_THREADS"] = str(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
