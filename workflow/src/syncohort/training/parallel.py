"""Training of one network by several processes of one machine, each with a GPU of its own.

Every process holds the whole network, takes its part of each batch, and averages its gradients
with the others' before each optimiser step, which keeps their weights the same to the last bit.
Only the first process validates and writes.

The processes are torch.distributed's, and its sum over processes is called once a step. Its
wrapper DistributedDataParallel is not used: after its first step it sums in another order, so
that a resumed training would end with other weights than an uninterrupted one.

They find each other through a file of a folder that only this user can open, and are connected by
the loopback interface alone. What comes from a socket is numbers, never a pickle.
"""

import contextlib
import json
import logging
import multiprocessing
import os
import pickle
import shutil
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path

import torch
import torch.distributed as dist

from syncohort.errors import InputError
from syncohort.training.devices import resolve_device

LONGEST_WAIT = timedelta(minutes=30)  # of one process for another, which works or is stuck
_STORE, _RESULT, _FAILURE = "store", "result.pickle", "failure.json"  # files of the folder


@dataclass(frozen=True)
class Team:
    """The processes of a training: `size` of them, of which this one has number `rank`."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that validates and writes."""
        return self.rank == 0

    @property
    def stream(self) -> tuple[int, ...]:
        """Keys of this process's random streams; the first draws what a single one would."""
        return () if self.is_first else (self.rank,)

    def part(self, batch: torch.Tensor) -> tuple[torch.Tensor, float]:
        """This process's rows of a batch [n], and their share of it.

        Where there are fewer rows than processes, the last ones get a row that counts nothing.
        """
        rows = batch.tensor_split(self.size)[self.rank]
        return (rows, len(rows) / len(batch)) if len(rows) else (batch[:1], 0.0)

    def average(self, parameters, loss: torch.Tensor, share: float) -> torch.Tensor:
        """Make the gradients those of the whole batch; return the mean loss of the whole batch.

        parameters: with the gradients of this process's part; loss: its mean loss, a scalar;
        share: see `part`.
        """
        if self.size == 1:
            return loss
        gradients = [each.grad for each in parameters if each.grad is not None]
        parts = [*gradients, loss]
        total = torch.cat([each.flatten() for each in parts]).mul_(share)
        dist.all_reduce(total)
        *averaged, loss = total.split([each.numel() for each in parts])
        for gradient, each in zip(gradients, averaged, strict=True):
            gradient.copy_(each.view_as(gradient))
        return loss.view(())

    def gather(self, value) -> list:
        """The value that each process gives, by rank; they wait for each other.

        value: what JSON knows; tuples come back as lists.
        """
        if self.size == 1:
            return [value]
        return [json.loads(text) for text in self._gather_texts(json.dumps(value).encode())]

    def _gather_texts(self, text: bytes) -> list[bytes]:
        """The bytes of each process, sent as tensors of the length of the longest."""
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        length = torch.tensor([len(text)], device=device)
        lengths = [torch.zeros_like(length) for _ in range(self.size)]
        dist.all_gather(lengths, length)
        mine = torch.zeros(int(max(lengths)), dtype=torch.uint8, device=device)
        mine[: len(text)] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        texts = [torch.zeros_like(mine) for _ in range(self.size)]
        dist.all_gather(texts, mine)
        return [
            each[:end].cpu().numpy().tobytes() for each, end in zip(texts, lengths, strict=True)
        ]


ALONE = Team()  # the team of a training by a single process


def run_together(function: Callable, *args, processes: int, device: str, **options):
    """Return what `function(*args, device=device, **options)` returns, done by several processes.

    processes: how many (see `devices.n_training_processes`); one is this process itself.
    Several are new ones, each of which calls the function with `team` as well, its `Team`; the
    result is the first one's. function: of a module; it, its arguments and its result can be
    pickled. device: as in `resolve_device`; "cuda" is another GPU for each process.

    When one fails, all end. They also end with the process that started them, however that ends.

    Raises the InputError that one of them raised, and RuntimeError for any other failure.
    """
    if processes == 1:
        return function(*args, device=device, **options)
    backend = "nccl" if resolve_device(device).type == "cuda" else "gloo"
    level = logging.getLogger("syncohort").getEffectiveLevel()
    call = (function, args, {**options, "device": device})
    spawn = multiprocessing.get_context("spawn")
    # of this user alone; not in a job's folder, which may be on a network's disk without locks
    folder = Path(tempfile.mkdtemp(prefix="syncohort-", dir=os.environ.get("TMPDIR", "/tmp")))
    members = [
        spawn.Process(
            target=_work,
            args=(Team(rank, processes), folder, backend, level, call),
            daemon=True,
        )
        for rank in range(processes)
    ]
    try:
        with _script_out_of_sight():
            for member in members:
                member.start()
        codes = _wait_for(members)
        _raise_failure(codes, folder)
        return pickle.loads((folder / _RESULT).read_bytes())
    finally:
        for member in members:
            if member.is_alive():
                member.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _script_out_of_sight():
    """New processes run the script that starts them once more, unless it has no file."""
    main = sys.modules["__main__"]
    file = main.__dict__.pop("__file__", None)
    try:
        yield
    finally:
        if file is not None:
            main.__file__ = file


def _wait_for(members: list) -> list[int | None]:
    """Exit codes once all processes are done or one has failed; None: still running."""
    running = {member.sentinel: member for member in members}
    while running:
        for sentinel in wait(list(running)):
            member = running.pop(sentinel)
            member.join()
            if member.exitcode != 0:
                return [each.exitcode for each in members]
    return [each.exitcode for each in members]


def _raise_failure(codes: list[int | None], folder: Path) -> None:
    """Raise what the processes failed of, if they did."""
    problems = []
    for rank, code in enumerate(codes):
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            problems.append(f"process {rank} of {len(codes)} was ended by signal {name}")
    if (folder / _FAILURE).exists():
        is_input_error, text = json.loads((folder / _FAILURE).read_text())
        if is_input_error:
            raise InputError(text)
        problems.append(text)
    if any(codes):
        raise RuntimeError("\n".join(problems) or f"exit codes of the processes: {codes}")


def _work(team: Team, folder: Path, backend: str, level: int, call: tuple) -> None:
    """What a new process does."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    logging.basicConfig(format="%(message)s")
    logging.getLogger("syncohort").setLevel(level if team.is_first else logging.CRITICAL)
    function, args, options = call
    try:
        _stay_on_loopback()
        store = dist.FileStore(str(folder / _STORE), team.size)
        if backend == "nccl":
            torch.cuda.set_device(team.rank)
        dist.init_process_group(
            backend, store=store, rank=team.rank, world_size=team.size, timeout=LONGEST_WAIT
        )
        result = function(*args, team=team, **options)
        if team.is_first:
            (folder / _RESULT).write_bytes(pickle.dumps(result))
        team.gather(None)
        sys.stdout.flush()
        sys.stderr.flush()
        # everything is written and said: taking the connections apart in order may abort, as
        # gloo's threads end when they like
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        _report(error, team, folder)
        os._exit(1)  # at once: an orderly end could wait for the other processes


def _stay_on_loopback() -> None:
    """Let gloo and NCCL listen where no other machine reaches them."""
    loopback = next((name for _, name in socket.if_nameindex() if name in ("lo", "lo0")), None)
    if loopback is None:
        raise InputError(
            "this machine has no loopback network interface (lo), by which the processes of a "
            "training are connected; set compute.gpus: 1"
        )
    os.environ["GLOO_SOCKET_IFNAME"] = loopback
    os.environ["NCCL_SOCKET_IFNAME"] = f"={loopback}"  # exactly it, not all that begin so
    os.environ["NCCL_RAS_ENABLE"] = "0"  # a service of NCCL's that listens as well
    os.environ.pop("NCCL_COMM_ID", None)  # an address that NCCL would listen on instead


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _report(error: BaseException, team: Team, folder: Path) -> None:
    """Leave the failure for the parent, unless another process, whose failure caused it, has."""
    is_input_error = isinstance(error, InputError)
    trace = f"process {team.rank} of {team.size} failed:\n{traceback.format_exc()}"
    own = folder / f"{_FAILURE}.{team.rank}"
    own.write_text(json.dumps((is_input_error, str(error) if is_input_error else trace)))
    with contextlib.suppress(FileExistsError):
        os.link(own, folder / _FAILURE)  # at once and whole, or not at all
