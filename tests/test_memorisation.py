"""The limit on membership inference in training: what training adds, at any width."""

import logging

import numpy as np
import pytest
from latent_cohorts import train_diffusion

from syncohort.auc import auc_within_labels
from syncohort.diffusion.memorisation import added_auc, separation, stretches
from syncohort.diffusion.model import load_generator
from syncohort.evaluation.privacy.white_box import beyond_limit_row

LOCAL = {"kind": "local", "group_blocks": 8, "width": 16, "layers": 1, "context": 0}
RECIPE = {"denoiser": LOCAL, "schedule": "cosine", "n_steps": 100, "seed": 3, "device": "cpu"}
RECIPE |= {"epochs": 2, "batch_size": 32, "prior_factors": 0, "warmup_steps": 0}


def train(folder, n_blocks: int, **options):
    """Train on 80 rows of 8 labels, whose means are fitted to ten rows each, and validate on 40."""
    rng = np.random.default_rng(1)
    labels = np.arange(120) % 8
    latents = rng.standard_normal((8, n_blocks, 2))[labels] + rng.standard_normal(
        (120, n_blocks, 2)
    )
    np.save(folder / "latents.npy", latents.astype(np.float32))
    return train_diffusion(
        [folder / "latents.npy"],
        [np.ones((n_blocks, 2), dtype=bool)],
        labels,
        np.arange(120) >= 80,
        list("abcdefgh"),
        **RECIPE | options,
        checkpoint_path=folder / "g",
    )


@pytest.mark.parametrize("n_blocks", [60, 2_500])
def test_a_network_that_learns_nothing_is_within_the_limit(tmp_path, n_blocks):
    """The means of its labels alone tell the training rows from others, the better the wider."""
    result = train(tmp_path, n_blocks, learning_rate=1e-12, membership_max=0.62)
    assert not result.stopped_early
    for row in result.history:
        assert row["membership_auc"] > (0.62 if n_blocks == 60 else 0.99)
        assert row["membership_added"] < 0.52
    assert beyond_limit_row(load_generator(tmp_path / "g"))["value"] == 0


@pytest.mark.parametrize("n_blocks", [60, 2_500])
def test_a_network_that_remembers_is_stopped(tmp_path, n_blocks, caplog):
    options = {"learning_rate": 2e-2, "epochs": 12, "membership_max": 0.62}
    with caplog.at_level(logging.INFO):
        result = train(tmp_path, n_blocks, **options)
    assert result.history[-1]["membership_added"] > 0.62
    kept = result.history[result.best_epoch - 1]["membership_added"]
    row = beyond_limit_row(load_generator(tmp_path / "g"))
    if kept <= 0.62:
        assert result.stopped_early and "stopped: membership_added" in caplog.text
        assert row["value"] == 0
    else:  # no epoch was within: not silently
        assert "no epoch was within the limits" in caplog.text
        assert row["value"] == pytest.approx(kept - 0.62)


def losses_of(n_blocks: int, before: float, added: float, rng):
    """Losses in each stretch of rows whose members are lower by so much a block, in sds of a row
    of 2,000 blocks."""
    is_member, labels = np.arange(30_000) % 3 > 0, np.arange(30_000) % 5
    sizes = np.array([some.stop - some.start for some in stretches(n_blocks)])
    noise = rng.standard_normal((30_000, len(sizes))) / np.sqrt(sizes / 2_000)
    level = labels[:, None] + noise - before * is_member[:, None]
    return level, level - added * is_member[:, None], is_member, labels


@pytest.mark.parametrize("before", [0.0, 1.5])
def test_the_same_memory_a_block_gives_the_same_figure_at_every_width(before):
    rng = np.random.default_rng(0)
    found = []
    for n_blocks in (2_000, 26_000):
        *losses, is_member, labels = losses_of(n_blocks, before, 0.6, rng)
        untrained, trained = (separation(each, is_member, labels) for each in losses)
        found.append(added_auc(trained, untrained))
        assert added_auc(untrained, untrained) == 0.5
    assert found[0] == pytest.approx(found[1], abs=0.03)
    assert (found[0] > 0.62) and (before > 0 or found[0] == pytest.approx(0.664, abs=0.02))


def test_without_anything_before_it_is_the_auc_itself():
    """Of normal losses, and within labels: Phi(d / sqrt 2)."""
    rng = np.random.default_rng(0)
    _, losses, is_member, labels = losses_of(1_000, 0.0, 0.5, rng)
    expected = auc_within_labels(-losses[:, 0], is_member, labels)
    found = added_auc(separation(losses, is_member, labels), np.zeros(1))
    assert found == pytest.approx(expected, abs=0.01)


def test_stretches_are_equal_and_cover_all_blocks():
    for n_blocks in (1, 2_048, 2_049, 26_624):
        parts = stretches(n_blocks)
        sizes = [part.stop - part.start for part in parts]
        assert sum(sizes) == n_blocks and max(sizes) <= 2_048 and max(sizes) - min(sizes) <= 1
        assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]


def test_labels_with_one_side_alone_tell_nothing():
    losses = np.arange(6, dtype=float)[:, None]
    assert separation(losses, np.array([True] * 3 + [False] * 3), np.repeat([0, 1], 3)) == 0
