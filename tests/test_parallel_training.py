"""Training by several processes: the weights of one, resuming, one end for all."""

import contextlib
import csv
import ipaddress
import math
import os
import pickle
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import torch
from clones import change_study, clone, snakemake
from conftest import REPOSITORY
from regressions import N_ROWS, SETTING, X, Y, loss_fn, make_model, validate, weights

from syncohort.config.study import parse_config
from syncohort.errors import InputError
from syncohort.training.devices import n_training_processes
from syncohort.training.loop import fit
from syncohort.training.parallel import Team, run_together

SETTING = SETTING | {"precision": "float32"}
CASES = {
    "plain": {},
    "one row left over": {"batch_size": 7, "clip_norm": 0.1},
    "averaged": {"ema_decay": 0.9, "weight_decay": 0.1},
}


def together(function, *args, **options):
    return run_together(function, *args, processes=2, device="cpu", **options)


def plain_loss(model, rows, generator):
    return (model(X[rows]) - Y[rows]).square().mean()


def trained(loss, team=None, dropout=0.0, **options):
    """Weights and result of a training."""
    model = make_model(dropout)
    options = SETTING | options | ({} if team is None else {"team": team})
    result = fit(model, loss, N_ROWS, **options)
    return weights(model), result


def by_first_only(team):
    """validate() that only the first process may call; its third loss is the lowest."""
    losses = iter([3.0, 2.0, 1.0, 4.0, 5.0])

    def run(model):
        assert team.is_first
        return {"loss": next(losses)}

    return run


def drawn(team=None):
    """A random number for each step: of the generator, and of the one that dropout uses."""
    draws = ([], [])

    def spy(model, rows, generator):
        draws[0].append(torch.rand(1, generator=generator))
        draws[1].append(torch.rand(1))
        return plain_loss(model, rows, generator)

    trained(spy, team)
    return [torch.cat(each) for each in draws]


def several_trainings(folder, *, device, team):
    """What each process finds, by the name of the training."""
    found = {name: trained(plain_loss, team, **options) for name, options in CASES.items()}
    for name in ("random", "random again"):
        found[name] = trained(loss_fn, team, dropout=0.3)
    files = {"log_path": folder / "log.tsv", "state_path": folder / "state.pt"}
    stopping = {"epochs": 9, "patience": 2, "validate": by_first_only(team)}
    found["stopped"] = trained(plain_loss, team, **files, **stopping, checkpoint_seconds=0)
    found["draws"] = drawn(team)
    if not team.is_first:
        files["state_path"] = folder / "nothing.pt"
    with pytest.raises(InputError) as caught:
        trained(plain_loss, team, **files, **stopping)
    found["problem"] = str(caught.value)
    torch.save(found, folder.with_name(f"found{team.rank}"))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    together(several_trainings, folder)
    files = (folder.with_name(f"found{rank}") for rank in (0, 1))
    return folder, *(torch.load(file, weights_only=False) for file in files)


@pytest.mark.parametrize("case", CASES)
def test_two_processes_give_the_weights_and_losses_of_one(found, case):
    expected, alone = trained(plain_loss, **CASES[case])
    ours, result = found[1][case]
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-5)
    losses = [[row["train_loss"] for row in each.history] for each in (result, alone)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_all_processes_end_with_the_very_same_weights_and_twice_the_same(found):
    _, first, second = found
    assert first.keys() == second.keys()
    for name in set(first) - {"draws", "problem"}:
        assert torch.equal(first[name][0], second[name][0]), name
    assert torch.equal(first["random"][0], first["random again"][0])


def test_the_first_process_draws_the_numbers_of_a_single_one_and_the_second_others(found):
    for alone, first, second in zip(drawn(), found[1]["draws"], found[2]["draws"], strict=True):
        assert torch.equal(first, alone)
        assert len(set(torch.cat([first, second]).tolist())) == 2 * len(alone)


def test_the_first_process_validates_writes_and_stops_all(found):
    folder, first, second = found
    for _, result in (first["stopped"], second["stopped"]):
        assert (result.best_epoch, result.best_loss) == (3, 1.0)
        assert result.stopped_early and len(result.history) == 5
    with open(folder / "log.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["epoch"] for row in rows] == list("12345")
    assert {row["device"] for row in rows} == {"2 x cpu"}
    assert sorted(file.name for file in folder.iterdir()) == [
        "log.tsv",
        "state.pt",
        "state.pt.lock",
    ]


def test_processes_that_read_different_states_do_not_train(found):
    told = "different states, of optimiser steps 20, 0; start the job again"
    assert all(told in each["problem"] for each in found[1:])


def test_parts_make_up_the_batch():
    for n_rows in range(1, 9):
        batch = torch.arange(n_rows)
        parts = [Team(rank, 3).part(batch) for rank in range(3)]
        assert sum(share for _, share in parts) == pytest.approx(1)
        assert torch.cat([rows for rows, share in parts if share]).tolist() == batch.tolist()
        assert all(len(rows) for rows, _ in parts)


# --- ends


def dying(after_steps, end, team):
    """loss_fn by which the second process ends after so many steps."""
    steps = iter(range(after_steps))

    def run(model, rows, generator):
        if team.rank == 1 and next(steps, None) is None:
            return end(model, rows)
        return loss_fn(model, rows, generator)

    return run


def killed(model, rows):
    os.kill(os.getpid(), signal.SIGKILL)


def broken(model, rows):
    raise KeyError("no such thing")


def infinite(model, rows):
    return model(X[rows]).mean() * math.inf


def training_that_ends(end, state_path=None, *, device, team):
    options = {"state_path": state_path, "checkpoint_seconds": 0, "ema_decay": 0.9}
    return trained(dying(6, end, team), team, dropout=0.3, **options, validate=validate)


def resumed_and_whole(state_path, *, device, team):
    options = {"dropout": 0.3, "ema_decay": 0.9, "validate": validate}
    return (
        trained(loss_fn, team, state_path=state_path, **options),
        trained(loss_fn, team, **options),
    )


def test_a_killed_process_ends_all_and_the_next_run_ends_with_the_very_same_weights(tmp_path):
    with pytest.raises(RuntimeError, match="process 1 of 2 was ended by signal SIGKILL"):
        together(training_that_ends, killed, tmp_path / "state.pt")
    (resumed, result), (whole, expected) = together(resumed_and_whole, tmp_path / "state.pt")
    # the kill may come while the first process still writes its last state
    assert result.resumed_at_step in (5, 6) and torch.equal(resumed, whole)
    for row, other in zip(result.history, expected.history, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}


def test_an_error_of_one_process_ends_all_and_is_told_once():
    with pytest.raises(RuntimeError) as caught:
        together(training_that_ends, broken)
    text = str(caught.value)
    assert text.startswith("process 1 of 2 failed:") and text.count("Traceback") == 1
    assert "KeyError: 'no such thing'" in text


def test_a_loss_that_diverges_in_one_process_stops_with_the_advice():
    with pytest.raises(InputError, match="training loss became .* in epoch 2; lower the learning"):
        together(training_that_ends, infinite)


SCRIPT = """
# like a script of Snakemake: with a file, and without a guard against being imported
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it in the background
sys.path[:0] = {path}
from test_parallel_training import together, waiting
together(waiting, sys.argv[1])
"""


def waiting(folder, *, device, team):
    Path(folder, str(team.rank)).write_text(str(os.getpid()))
    Path(folder, str(team.rank)).rename(Path(folder, f"pid{team.rank}"))
    if not team.is_first:
        time.sleep(600)
    team.gather(None)  # in vain


def is_running(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_job(tmp_path, number):
    script = tmp_path / "script.py"
    path = [str(REPOSITORY / "tests"), str(REPOSITORY / "workflow/src")]
    script.write_text(SCRIPT.format(path=path))
    files = [tmp_path / "pid0", tmp_path / "pid1"]
    job = subprocess.Popen([sys.executable, script, tmp_path], stderr=subprocess.DEVNULL)
    try:
        until(lambda: all(file.exists() for file in files) or job.poll() is not None)
        pids = [int(file.read_text()) for file in files]
        job.send_signal(number)
        assert job.wait(300) != 0
        until(lambda: not any(map(is_running, pids)))
    finally:
        job.kill()


def until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


# --- who can reach them


def values_of(*, device, team):
    own = {"rank": team.rank, "text": "ä" * team.rank * 9, "none": None, "third": 1 / 3}
    return team.gather(own | {"infinite": -math.inf}), team.gather(None)


def test_the_processes_give_each_other_values():
    (first, second), nothing = together(values_of)
    assert first == {"rank": 0, "text": "", "none": None, "third": 1 / 3, "infinite": -math.inf}
    assert second == first | {"rank": 1, "text": "ä" * 9} and nothing == [None, None]
    assert Team().gather({"a": (1, 2)}) == [{"a": (1, 2)}]


def slow_training(folder, *, device, team):
    """A training that waits in its sixth step until the file `go` is there."""
    steps = iter(range(6))

    def run(model, rows, generator):
        if next(steps, None) is None and not (folder / "go").exists():
            Path(folder, f"pid{team.rank}").write_text(str(os.getpid()))
            until(lambda: (folder / "go").exists())
        return loss_fn(model, rows, generator)

    return trained(run, team, dropout=0.3)[0]


def undisturbed(*, device, team):
    return trained(loss_fn, team, dropout=0.3)[0]


RUBBISH = (b"", b"\x00" * 4096, b"\xff" * 4096, pickle.dumps(OSError("x")), os.urandom(100_000))


@pytest.fixture(scope="module")
def visited(tmp_path_factory):
    """Sockets of a running training, after a stranger has sent rubbish to them, and its end."""
    folder = tmp_path_factory.mktemp("visited")
    with ThreadPoolExecutor(1) as pool:
        end = pool.submit(together, slow_training, folder)
        try:
            files = [folder / "pid0", folder / "pid1"]
            until(lambda: all(file.exists() for file in files) or end.done())
            pids = [os.getpid(), *(int(file.read_text()) for file in files)]
            sockets = [each for pid in pids for each in psutil.Process(pid).net_connections("inet")]
            for address in (each.laddr for each in sockets if each.status == "LISTEN"):
                for rubbish in RUBBISH:
                    visit(address, rubbish)
        finally:
            (folder / "go").touch()
        return sockets, end.result()


def visit(address, rubbish):
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=5) as stranger:
        stranger.sendall(rubbish)


def test_nothing_of_a_training_listens_where_another_machine_reaches_it(visited):
    sockets, _ = visited
    assert any(each.status == "LISTEN" for each in sockets)
    for each in sockets:
        for address in filter(None, (each.laddr, each.raddr)):
            assert ipaddress.ip_address(address.ip).is_loopback, each


def test_a_stranger_who_connects_changes_nothing(visited):
    assert torch.equal(visited[1], together(undisturbed))


def test_the_folder_of_the_rendezvous_is_the_users_own_and_goes(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    modes = []
    made = tempfile.mkdtemp

    def spy(*args, **options):
        folder = made(*args, **options)
        modes.append(stat.S_IMODE(os.stat(folder).st_mode))
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", spy)
    together(values_of)
    assert modes == [0o700] and not list(tmp_path.iterdir())


# --- how many


def test_there_are_as_many_processes_as_gpus_asked_for_and_found(monkeypatch, caplog):
    assert n_training_processes("cpu", 4) == 1
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    found = [n_training_processes(device, 2) for device in ("auto", "cuda", "cpu")]
    assert found == [2, 2, 1] and not caplog.text
    assert [n_training_processes("auto", gpus) for gpus in (0, 1, 4)] == [1, 1, 2]
    assert "4 GPUs were asked for; the job sees and uses 2" in caplog.text
    assert parse_config({"compute": {"gpus": 4}}).compute.gpus == 4


def requests_of_jobs(folder: Path, study: str) -> dict[str, str]:
    """What a job of each rule asks SLURM for, by a dry run."""
    result = snakemake(folder, "--profile", "slurm", "--dry-run", study=study)
    asks = dict(re.findall(r"rule (\w+):(?:\n    .*)*?\n    resources: (.*)", result.stdout))
    assert "train_diffusion" in asks, result.stdout + result.stderr
    return asks


@pytest.mark.slow
def test_a_training_asks_for_its_gpus_on_one_machine_and_other_jobs_for_one(tmp_path):
    folder = clone(tmp_path / "clone")
    study = change_study(folder, compute={"gpus": 4, "threads": 3, "memory_mb": 800})
    for name in (  # what the requests for memory look at
        *(f"encode_people/gene_pca/{chrom}.npy" for chrom in (21, 22)),
        *(f"fit_gene_pca/gene_pca/{chrom}.npz" for chrom in (21, 22)),
        "train_diffusion/small/all/checkpoint.safetensors",
        "draw_labels/people.tsv",
        "check_cohort/estimates.tsv",
    ):
        file = folder / "results/tiny" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    asks = requests_of_jobs(folder, study)
    assert {"gpu=4", "nodes=1", "mem_mb=3200"} <= set(asks["train_diffusion"].split(", "))
    assert {"gpu=1", "mem_mb=800"} <= set(asks["sample_latents"].split(", "))
    on_processors = change_study(folder, compute={"device": "cpu"})
    found = requests_of_jobs(folder, on_processors)
    assert all(re.search(r"\bgpu=[1-9]", each) is None for each in found.values())
