"""Stretches of homozygosity and shared haplotypes: by hand, by their law, and cheats."""

import numpy as np
import pytest
from cohorts import linked_calls, people_of, row_of, store_of, unlink

from syncohort.evaluation.fidelity.haplotypes import (
    length_ratio_row,
    matching_haplotypes,
    mean_stretch_bp,
    summarise_haplotypes,
)

SPLITS = ["train"] * 20 + ["holdout"] * 60


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    labels = ["x", "y"] * 40
    folder = tmp_path_factory.mktemp("haplotypes")
    return store_of(folder / "r.zip", linked_calls(300, labels, seed=1), people_of(labels, SPLITS))


def test_stretches_by_hand():
    """Positions 0 to 100, differences at 20 and 60: lengths 20, 40, 40; none: 100."""
    position_bp = np.array([0, 10, 20, 60, 100])
    differs = np.array([[0, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=bool).T
    expected = [(400 + 1600 + 1600) / 100, 100, (100 + 100 + 1600 + 1600) / 100]
    np.testing.assert_allclose(mean_stretch_bp(differs, position_bp), expected)
    assert not differs[0, 0]  # the input is left alone
    assert np.isnan(mean_stretch_bp(differs[:1], position_bp[:1])).all()


def test_stretches_equal_looking_around_random_places():
    rng = np.random.default_rng(0)
    position_bp = np.sort(rng.choice(100_000, 200, replace=False))
    differs = rng.random((200, 1)) < 0.1
    ends = np.r_[position_bp[0], position_bp[differs[:, 0]], position_bp[-1]]
    place = rng.uniform(position_bp[0], position_bp[-1], 200_000)
    after = np.searchsorted(ends, place)
    looked = (ends[after] - ends[after - 1]).mean()
    assert mean_stretch_bp(differs, position_bp)[0] == pytest.approx(looked, rel=0.01)


def test_differences_at_random_make_stretches_of_twice_their_mean_distance():
    """A place falls into long stretches more often: 2 / rate for a Poisson process."""
    rng = np.random.default_rng(0)
    differs = rng.random((20_000, 40)) < 0.01
    found = mean_stretch_bp(differs, 10 * np.arange(20_000))
    assert found.mean() == pytest.approx(2 * 10 / 0.01, rel=0.05)


def test_people_of_one_kind_match_and_unlinked_ones_do_not(tmp_path, real):
    labels = ["x", "y"] * 60
    like = linked_calls(300, labels, seed=2)
    values = {}
    for name, calls in (("like", like), ("unlinked", unlink(like, labels, seed=3))):
        store = store_of(tmp_path / f"{name}.zip", calls, people_of(labels))
        pairs = matching_haplotypes(real, store, seed=0)
        assert pairs.groupby(["source", "label"]).size().tolist() == [100] * 4
        values[name] = row_of(summarise_haplotypes(pairs, seed=0), "haplotype_match_length")
    assert values["like"]["low"] < 1 < values["like"]["high"]
    assert values["unlinked"]["high"] < 0.75


def test_copies_of_few_people_match_too_long(tmp_path, real):
    labels = ["x", "y"] * 40
    few = linked_calls(300, labels, seed=2)[:, np.arange(80) % 6]
    store = store_of(tmp_path / "few.zip", few, people_of(labels))
    rows = summarise_haplotypes(matching_haplotypes(real, store, seed=0), seed=0)
    assert rows[0]["low"] > 1.5


def test_pairs_are_of_two_people_and_one_label(tmp_path):
    """Each person has two equal haplotypes that differ from everybody else's at every place,
    so that a pair within a person, and no other, would share the whole chromosome."""
    rng = np.random.default_rng(0)
    haplotypes = rng.integers(0, 2, (200, 12))
    calls = np.stack([haplotypes, haplotypes], axis=2)
    people = people_of(["x"] * 12, ["holdout"] * 12)
    real = store_of(tmp_path / "r.zip", calls, people)
    pairs = matching_haplotypes(real, real, seed=0)
    assert pairs["shared_bp"].max() < 50_000 < real.variants.position_bp[-1]


def test_unphased_cohorts_and_points_have_no_matches(tmp_path, real):
    labels = ["x", "y"] * 40
    unphased = store_of(
        tmp_path / "u.zip", linked_calls(300, labels, seed=2), people_of(labels), phased=False
    )
    pairs = matching_haplotypes(real, unphased, seed=0)
    rows = summarise_haplotypes(pairs, seed=0)
    assert pairs.empty and np.isnan(rows[0]["value"]) and "phased" in rows[0]["note"]


def test_labels_count_alike_in_the_ratio(real):
    """Twice as long in x, half as long in y: 1.25 whatever their numbers of people."""
    pairs = matching_haplotypes(real, real, seed=0)
    pairs["shared_bp"] = 100.0
    synthetic = pairs["source"] == "synthetic"
    pairs.loc[synthetic & (pairs["label"] == "x"), "shared_bp"] = 200.0
    pairs.loc[synthetic & (pairs["label"] == "y"), "shared_bp"] = 50.0
    pairs = pairs.drop(pairs[synthetic & (pairs["label"] == "x")].index[:70])
    row = length_ratio_row("m", pairs, "shared_bp", seed=0)
    assert (row["value"], row["low"], row["high"]) == (1.25, 1.25, 1.25)
    assert row["note"] == "0.125 kb, holdout 0.1 kb"
