"""The training loop: against a plain loop, resuming, averaging, choosing weights."""

import csv
import logging
import math
import os
import platform
import subprocess
import sys
import time
from itertools import chain

import pytest
import torch
from regressions import N_ROWS, SETTING, X, Y, loss_fn, make_model, validate, weights

from syncohort.code_digest import PACKAGE
from syncohort.errors import InputError
from syncohort.training import loop as training
from syncohort.training.devices import autocast, resolve_device
from syncohort.training.loop import ema_decay_at, fit, learning_rate_factor
from syncohort.training.settings import Workplace


def test_learning_rate_warms_up_and_follows_a_cosine():
    factors = [learning_rate_factor(step, 10, 110) for step in range(110)]
    assert factors[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert factors[10] == 1 and factors[60] == pytest.approx(0.5)
    assert factors[10:] == pytest.approx([math.cos(math.pi * i / 200) ** 2 for i in range(100)])
    assert learning_rate_factor(0, 100, 50) == 1 / 5  # a tenth of a short run


def test_fit_is_adamw_with_that_learning_rate_and_clipping():
    """Full batches, so that the order of rows does not matter: against a plain loop."""

    def plain_loss(model, rows, generator):
        return (model(X[rows]) - Y[rows]).square().mean()

    model, reference = make_model(), make_model()
    setting = {"weight_decay": 0.1, "clip_norm": 0.5, "warmup_steps": 2, "precision": "float32"}
    fit(model, plain_loss, N_ROWS, epochs=30, batch_size=64, learning_rate=0.05, seed=0, **setting)

    optimiser = torch.optim.AdamW(reference.parameters(), weight_decay=0.1)
    for step in range(30):
        for group in optimiser.param_groups:
            group["lr"] = 0.05 * learning_rate_factor(step, 2, 30)
        optimiser.zero_grad()
        plain_loss(reference, torch.arange(N_ROWS), None).backward()
        gradients = torch.cat([each.grad.ravel() for each in reference.parameters()])
        shrink = min(1.0, 0.5 / (gradients.norm().item() + 1e-6))
        for each in reference.parameters():
            each.grad *= shrink
        optimiser.step()
    torch.testing.assert_close(weights(model), weights(reference), atol=1e-5, rtol=1e-4)


def test_every_epoch_shows_every_row_once_in_another_order():
    seen = []

    def spy(model, rows, generator):
        seen.append(rows.tolist())
        return loss_fn(model, rows, generator)

    result = fit(make_model(), spy, N_ROWS, **SETTING)
    epochs = [list(chain(*seen[i : i + 4])) for i in range(0, 16, 4)]
    assert all(sorted(order) == list(range(N_ROWS)) for order in epochs)
    assert len({tuple(order) for order in epochs}) == 4
    assert result.examples_seen == 4 * N_ROWS


def test_ema_is_the_weighted_mean_of_all_steps():
    decay, trajectory = 0.9, []

    def spy(model, rows, generator):
        trajectory.append(weights(model).double())
        return loss_fn(model, rows, generator)

    averaged, last = make_model(), make_model()
    fit(averaged, spy, N_ROWS, **SETTING, ema_decay=decay)
    fit(last, loss_fn, N_ROWS, **SETTING)  # the same steps without an average
    trajectory.append(weights(last).double())
    decays = [ema_decay_at(step, decay) for step in range(1, 17)]
    assert decays[0] == 2 / 11 and decays[-1] == 17 / 26
    shares = [math.prod(decays)]  # of the initial weights
    shares += [(1 - decays[i]) * math.prod(decays[i + 1 :]) for i in range(16)]
    expected = sum(share * each for share, each in zip(shares, trajectory, strict=True))
    torch.testing.assert_close(weights(averaged).double(), expected, atol=1e-6, rtol=1e-5)
    assert ema_decay_at(10**6, decay) == decay


class Killed(Exception):
    pass


def killed_at(step):
    """loss_fn that dies before the given step of this process."""
    steps = iter(range(step))

    def dying(model, rows, generator):
        if next(steps, None) is None:
            raise Killed
        return loss_fn(model, rows, generator)

    return dying


@pytest.mark.parametrize("ema_decay", [None, 0.9])
@pytest.mark.parametrize("deaths", [[1], [4], [7, 2], [15]])
def test_a_killed_run_ends_with_the_very_same_weights(tmp_path, ema_decay, deaths):
    """Killed in mid-epoch, at the end of one, twice, and before the last step; with dropout."""
    options = SETTING | {"validate": validate, "ema_decay": ema_decay}
    whole = make_model(dropout=0.3)
    expected = fit(whole, loss_fn, N_ROWS, **options)

    options |= {"state_path": tmp_path / "state.pt", "checkpoint_seconds": 0}
    for death in deaths:
        torch.manual_seed(death)  # the surroundings of a new process differ
        with pytest.raises(Killed):
            fit(make_model(dropout=0.3), killed_at(death), N_ROWS, **options)
    resumed = make_model(dropout=0.3)
    log_path = tmp_path / "log.tsv"
    found = fit(resumed, loss_fn, N_ROWS, **options, log_path=log_path)
    assert found.resumed_at_step == sum(deaths)
    assert torch.equal(weights(resumed), weights(whole))
    for row, other in zip(found.history, expected.history, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}
    with open(log_path) as file:
        assert [row["epoch"] for row in csv.DictReader(file, delimiter="\t")] == list("1234")


def test_a_finished_state_is_not_trained_further(tmp_path):
    options = SETTING | {"state_path": tmp_path / "state.pt", "checkpoint_seconds": 0}
    first, second = make_model(), make_model()
    fit(first, loss_fn, N_ROWS, **options)
    result = fit(second, killed_at(0), N_ROWS, **options)
    assert torch.equal(weights(first), weights(second))
    assert len(result.history) == 4


@pytest.mark.parametrize("change", [{"learning_rate": 0.02}, {"fingerprint": "other rows"}])
def test_a_state_of_another_run_is_ignored_and_the_log_says_so(tmp_path, caplog, change):
    options = SETTING | {"state_path": tmp_path / "state.pt", "checkpoint_seconds": 0}
    with pytest.raises(Killed):
        fit(make_model(), killed_at(5), N_ROWS, **options)
    with caplog.at_level(logging.WARNING):
        result = fit(make_model(), loss_fn, N_ROWS, **(options | change))
    assert result.resumed_at_step == 0
    assert "of another configuration or of other data, starting anew" in caplog.text


def test_an_unreadable_state_is_ignored_and_the_log_says_so(tmp_path, caplog):
    path = tmp_path / "state.pt"
    path.write_bytes(b"PK\x03\x04 half a file")
    result = fit(make_model(), loss_fn, N_ROWS, **SETTING, state_path=path)
    assert result.resumed_at_step == 0
    assert "unreadable training state, starting anew" in caplog.text


def scripted(losses):
    """validate() that returns these losses and remembers the weights it saw."""
    losses, seen = iter(losses), []

    def run(model):
        assert not model.training
        seen.append(weights(model))
        return {"loss": next(losses), "extra": len(seen)}

    return run, seen


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_the_weights_of_the_best_validation_are_kept(ema_decay):
    run, seen = scripted([3.0, 1.0, 2.0, 1.5])
    model = make_model()
    result = fit(model, loss_fn, N_ROWS, **SETTING, validate=run, ema_decay=ema_decay)
    assert (result.best_epoch, result.best_loss) == (2, 1.0)
    assert torch.equal(weights(model), seen[1])
    assert not torch.equal(seen[1], seen[3])


def test_patience_counts_validations_since_the_best():
    run, seen = scripted([3.0, 1.0, 2.0, 1.5, 1.2, 0.1])
    setting = SETTING | {"epochs": 20}
    result = fit(make_model(), loss_fn, N_ROWS, **setting, validate=run, patience=3)
    assert len(seen) == 5 and result.stopped_early and result.best_epoch == 2


def test_validation_is_due_every_so_many_epochs_and_at_the_end(tmp_path):
    run, _ = scripted([3.0, 2.0, 1.0])
    path = tmp_path / "log" / "losses.tsv"
    setting = SETTING | {"epochs": 5}
    fit(make_model(), loss_fn, N_ROWS, **setting, validate=run, validate_every=2, log_path=path)
    with open(path) as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["validation_loss"] for row in rows] == ["", "3.0", "", "2.0", "1.0"]
    assert [row["extra"] for row in rows] == ["", "1", "", "2", "3"]
    assert [int(row["examples_seen"]) for row in rows] == [50, 100, 150, 200, 250]
    assert all(row["device"] == "cpu" and float(row["train_loss"]) > 0 for row in rows)


LIMITS = {"leak": 0.6}


def leaking(losses, leaks):
    """validate() with these losses and leaks; remembers the weights it saw."""
    values, seen = iter(zip(losses, leaks, strict=True)), []

    def run(model):
        seen.append(weights(model))
        return dict(zip(("loss", "leak"), next(values), strict=True))

    return run, seen


def test_weights_beyond_a_limit_are_not_kept_and_end_the_run(caplog):
    run, seen = leaking([3.0, 2.0, 1.0, 0.5], [0.5, 0.6, 0.61, 0.5])
    model = make_model()
    with caplog.at_level(logging.INFO):
        result = fit(model, loss_fn, N_ROWS, **SETTING, validate=run, limits=LIMITS)
    assert len(seen) == 3 and result.stopped_early
    assert (result.best_epoch, result.best_loss) == (2, 2.0)
    assert torch.equal(weights(model), seen[1])
    assert "stopped: leak 0.610 (limit 0.6) in epoch 3" in caplog.text


def test_weights_that_exceed_a_limit_least_are_kept_when_none_are_within_it(caplog):
    run, seen = leaking([3.0, 2.0, 1.0, 0.5], [0.8, 0.7, 0.75, 0.9])
    model = make_model()
    result = fit(model, loss_fn, N_ROWS, **SETTING, validate=run, limits=LIMITS)
    assert len(seen) == 4 and (result.best_epoch, result.best_loss) == (2, 2.0)
    assert torch.equal(weights(model), seen[1])
    assert "no epoch was within the limits, epoch 2 is kept: leak 0.700 (limit 0.6)" in caplog.text


def test_weights_within_the_limits_come_before_those_with_a_lower_loss():
    run, seen = leaking([1.0, 3.0, 2.0, 9.0], [0.8, 0.6, 0.5, 0.7])
    result = fit(make_model(), loss_fn, N_ROWS, **SETTING, validate=run, limits=LIMITS)
    assert len(seen) == 4 and (result.best_epoch, result.best_loss) == (3, 2.0)


@pytest.mark.parametrize("leaks", [[0.5, 0.5, 0.7, 0.5], [0.7, 0.8, 0.9, 0.9]])
@pytest.mark.parametrize("death", [5, 9, 11])
def test_limits_survive_a_kill(tmp_path, leaks, death):
    losses = [4.0, 3.0, 2.0, 1.0]

    def fresh():
        """The same values for the same epoch, whichever process asks."""
        calls = iter(range(4))
        return lambda model: {"loss": losses[i := next(calls)], "leak": leaks[i]}

    whole, resumed, options = make_model(), make_model(), SETTING | {"limits": LIMITS}
    expected = fit(whole, loss_fn, N_ROWS, **options, validate=fresh())
    options |= {"state_path": tmp_path / "state.pt", "checkpoint_seconds": 0}
    validations = fresh()
    with pytest.raises(Killed):
        fit(make_model(), killed_at(death), N_ROWS, **options, validate=validations)
    found = fit(resumed, loss_fn, N_ROWS, **options, validate=validations)
    assert (found.best_epoch, found.stopped_early) == (expected.best_epoch, expected.stopped_early)
    assert len(found.history) == len(expected.history)
    assert torch.equal(weights(resumed), weights(whole))


def test_a_state_with_other_limits_is_ignored(tmp_path):
    options = SETTING | {"state_path": tmp_path / "state.pt", "checkpoint_seconds": 0}
    with pytest.raises(Killed):
        fit(make_model(), killed_at(5), N_ROWS, **options, limits=LIMITS)
    assert fit(make_model(), loss_fn, N_ROWS, **options).resumed_at_step == 0


def test_long_epochs_say_how_far_they_are(caplog, monkeypatch):
    monkeypatch.setattr(training, "PROGRESS_SECONDS", 0.0)
    with caplog.at_level(logging.INFO):
        fit(make_model(), loss_fn, N_ROWS, **SETTING)
    lines = [each for each in caplog.messages if each.startswith("epoch 2 of 4")]
    assert [line.split(": ")[1].split(",")[0] for line in lines[:4]] == [
        f"{batch} of 4 batches" for batch in range(1, 5)
    ]
    assert all(" left" in line for line in lines) and "train" in lines[4]


def test_a_diverging_run_stops_with_advice():
    def infinite(model, rows, generator):
        return loss_fn(model, rows, generator) * math.inf

    with pytest.raises(InputError, match="training loss became .* in epoch 1; lower the learning"):
        fit(make_model(), infinite, N_ROWS, **SETTING)


def test_the_callers_randomness_is_left_alone():
    torch.manual_seed(9)
    state = torch.random.get_rng_state()
    fit(make_model(dropout=0.5), loss_fn, N_ROWS, **SETTING)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_devices_and_precisions(monkeypatch):
    assert resolve_device("cpu").type == "cpu"
    with pytest.raises(InputError, match="'tpu' is unknown; use one of auto, cpu, cuda"):
        resolve_device("tpu")
    with pytest.raises(InputError, match="'half' is unknown; use one of auto, float32"):
        autocast(torch.device("cpu"), "half")
    x = torch.ones(2, 2)
    for able in (False, True):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: {"avx512_bf16": able})
        automatic = torch.bfloat16 if able else torch.float32
        for precision, expected in [("auto", automatic), ("bfloat16", torch.bfloat16)]:
            with autocast(torch.device("cpu"), precision):
                assert (x @ x).dtype == expected


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_named():
    with pytest.raises(InputError, match='device "cuda" was asked for, but torch finds no'):
        resolve_device("cuda")
    assert resolve_device("auto").type == "cpu"


TRAINS_ON = """
import sys, time
from pathlib import Path
from syncohort.training.state import StateFile
StateFile(Path(sys.argv[1]), "digest", 0).lock()
Path(sys.argv[1] + ".begun").touch()
time.sleep(600)
"""


def test_a_training_does_not_start_beside_its_living_orphan(tmp_path):
    """Whoever holds the state is named; when it ends, however it ends, the next one trains."""
    options = SETTING | {"state_path": tmp_path / "state.pt", "checkpoint_seconds": 0}
    orphan = subprocess.Popen(
        [sys.executable, "-c", TRAINS_ON, str(options["state_path"])],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent), "SLURM_JOB_ID": "77"},
    )
    try:
        end = time.monotonic() + 60
        while not (tmp_path / "state.pt.begun").exists() and time.monotonic() < end:
            time.sleep(0.05)
        place = f"process {orphan.pid} on {platform.node()}, job 77 of SLURM"
        with pytest.raises(InputError, match=f"running already: {place}"):
            fit(make_model(), loss_fn, N_ROWS, **options)
    finally:
        orphan.kill()
        orphan.wait()
    fit(make_model(), loss_fn, N_ROWS, **options)
    assert str(os.getpid()) in (tmp_path / "state.pt.lock").read_text()
    Workplace(result_path=tmp_path / "x", state_path=options["state_path"]).clear_state()
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt.begun"]
