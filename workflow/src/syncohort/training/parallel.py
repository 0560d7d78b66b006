"""Training of one network by several processes of one machine, each with a GPU of its own.

Every process holds the whole network, takes its part of each batch, and averages its gradients
with the others' before each optimiser step, which keeps their weights the same to the last bit.
Only the first process validates and writes.

The processes are torch.distributed's, and its sum over processes is called once a step. Its
wrapper DistributedDataParallel is not used: after its first step it sums in another order, so
that a resumed training would end with other weights than an uninterrupted one.
"""

import json
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import wait

import torch
import torch.distributed as dist

from syncohort.errors import InputError
from syncohort.training.devices import resolve_device

HOST = "127.0.0.1"
LONGEST_WAIT = timedelta(minutes=30)  # of one process for another, which works or is stuck
_RESULT, _FAILURE = "result", "failure"  # keys of the store


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
        """The value that each process gives, by rank; they wait for each other."""
        values = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value)
        return values


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
    store = dist.TCPStore(HOST, 0, is_master=True, wait_for_workers=False)  # 0: any free port
    backend = "nccl" if resolve_device(device).type == "cuda" else "gloo"
    level = logging.getLogger("syncohort").getEffectiveLevel()
    call = (function, args, {**options, "device": device})
    spawn = multiprocessing.get_context("spawn")
    members = [
        spawn.Process(
            target=_work,
            args=(Team(rank, processes), store.port, backend, level, call),
            daemon=True,
        )
        for rank in range(processes)
    ]
    try:
        with _script_out_of_sight():
            for member in members:
                member.start()
        codes = _wait_for(members)
    finally:
        for member in members:
            if member.is_alive():
                member.kill()
    _raise_failure(codes, store)
    return pickle.loads(store.get(_RESULT))


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


def _raise_failure(codes: list[int | None], store: dist.TCPStore) -> None:
    """Raise what the processes failed of, if they did."""
    problems = []
    for rank, code in enumerate(codes):
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            problems.append(f"process {rank} of {len(codes)} was ended by signal {name}")
    if store.check([_FAILURE]):
        is_input_error, text = json.loads(store.get(_FAILURE))
        if is_input_error:
            raise InputError(text)
        problems.append(text)
    if any(codes):
        raise RuntimeError("\n".join(problems) or f"exit codes of the processes: {codes}")


def _work(team: Team, port: int, backend: str, level: int, call: tuple) -> None:
    """What a new process does."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    logging.basicConfig(format="%(message)s")
    logging.getLogger("syncohort").setLevel(level if team.is_first else logging.CRITICAL)
    store = dist.TCPStore(HOST, port, is_master=False)
    function, args, options = call
    try:
        if backend == "nccl":
            torch.cuda.set_device(team.rank)
        dist.init_process_group(
            backend, store=store, rank=team.rank, world_size=team.size, timeout=LONGEST_WAIT
        )
        result = function(*args, team=team, **options)
        if team.is_first:
            store.set(_RESULT, pickle.dumps(result))
        team.gather(None)
        dist.destroy_process_group()
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        _report(error, team, store)
        os._exit(1)  # at once: an orderly end could wait for the other processes


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _report(error: BaseException, team: Team, store: dist.TCPStore) -> None:
    """Leave the failure for the parent, unless another process, whose failure caused it, has."""
    is_input_error = isinstance(error, InputError)
    trace = f"process {team.rank} of {team.size} failed:\n{traceback.format_exc()}"
    failure = (is_input_error, str(error) if is_input_error else trace)
    store.compare_set(_FAILURE, "", json.dumps(failure))
