"""Bootstrap intervals: against the normal theory of a mean, and how sure their bounds are."""

import tracemalloc

import numpy as np
import pytest

from syncohort.evaluation import intervals
from syncohort.evaluation.intervals import DRAWS, bootstrap, percentile_interval, times_drawn


def test_the_interval_of_a_mean_is_that_of_normal_theory():
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    draws = bootstrap(lambda i: values[i].mean(), len(values), rng=rng)
    low, high = percentile_interval(draws)
    assert len(draws) == DRAWS
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_several_sizes_are_redrawn_apart():
    rng = np.random.default_rng(1)
    draws = bootstrap(lambda i, j: [len(i), len(j), i.max(), j.max()], 5, 90, rng=rng)
    assert (draws[:, :2] == [5, 90]).all()
    assert draws[:, 2].max() == 4 and draws[:, 3].max() == 89


def test_bounds_are_known_to_less_than_a_tenth_of_a_standard_error():
    """The Monte-Carlo error that the number of draws is chosen by."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=100)
    bounds = [percentile_interval(times_drawn(100, rng) @ values / 100)[0] for _ in range(200)]
    assert np.std(bounds) / (values.std() / 10) == pytest.approx(0.085, rel=0.25)


def test_means_of_redraws_are_the_same_in_pieces_and_do_not_hold_them_all(monkeypatch):
    values = np.random.default_rng(0).standard_normal(60)
    whole = times_drawn(60, np.random.default_rng(1)) @ values / 60
    monkeypatch.setattr(intervals, "_HELD", 60 * 7)
    np.testing.assert_allclose(intervals.redrawn_means(values, np.random.default_rng(1)), whole)
    tracemalloc.start()
    intervals.redrawn_means(np.zeros(4_000), np.random.default_rng(1))
    assert tracemalloc.get_traced_memory()[1] < 1e6  # all redraws are 32 MB
    tracemalloc.stop()
