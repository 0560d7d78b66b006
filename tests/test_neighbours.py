"""Distances by counting bits against plain double loops, and who the nearest are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncohort.evaluation.privacy.neighbours import (
    METRICS,
    nearest_neighbours,
    nearest_of,
    pairwise_distances,
)


def rows_of(n, n_variants, *, seed, top=1, missing=0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, top + 1, (n, n_variants)).astype(np.int8)
    rows[rng.random(rows.shape) < missing] = -1
    return rows


def plain_distance(x, y, metric) -> float:
    """One pair, variant by variant, where both have a call."""
    both = [(int(a), int(b)) for a, b in zip(x, y, strict=True) if a >= 0 and b >= 0]
    if metric == "hamming":
        return sum(a != b for a, b in both) / len(both)
    if metric == "l1":
        return sum(abs(a - b) for a, b in both) / len(both)
    if metric == "l2":
        return (sum((a - b) ** 2 for a, b in both) / len(both)) ** 0.5
    squares = sum(a * a for a, _ in both) * sum(b * b for _, b in both)
    return 1 - sum(a * b for a, b in both) / squares**0.5 if squares else 1.0


@settings(max_examples=40, deadline=None)
@given(
    metric=st.sampled_from(METRICS),
    missing=st.tuples(*[st.sampled_from([0.0, 0.2])] * 2),
    seed=st.integers(0, 99),
    at_once=st.integers(1, 40),
)
def test_distances_equal_a_double_loop(metric, missing, seed, at_once):
    top = 1 if metric == "hamming" else 2
    a = rows_of(4, 30, seed=seed, top=top, missing=missing[0])
    b = rows_of(5, 30, seed=seed + 1_000, top=top, missing=missing[1])
    found = pairwise_distances(a, b, metric, variants_at_once=at_once)
    expected = [[plain_distance(x, y, metric) for y in b] for x in a]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_a_copy_is_at_distance_zero_exactly(metric):
    a = rows_of(6, 5_000, seed=0, missing=0.01)
    distances = pairwise_distances(a, a, metric)
    assert (distances.diagonal() == 0).all()
    assert (distances[~np.eye(6, dtype=bool)] > 0.01).all()


def test_rows_without_a_common_call_are_infinitely_far():
    a = np.array([[0, 1, -1, -1]], np.int8)
    b = np.array([[-1, -1, 0, 1], [0, 1, 1, 1]], np.int8)
    for metric in ("hamming", "l1", "l2"):
        np.testing.assert_array_equal(pairwise_distances(a, b, metric), [[np.inf, 0]])


def test_self_is_left_out_by_index_and_a_double_is_not():
    rows = rows_of(5, 200, seed=3)
    rows[4] = rows[1]
    found = nearest_neighbours(rows, rows, k=2, self_index=np.arange(5), rows_at_once=2)
    assert found.index[1, 0] == 4 and found.index[4, 0] == 1
    assert found.distance[1, 0] == found.distance[4, 0] == 0
    assert (found.distance[[0, 2, 3]] > 0).all()
    assert (np.diff(found.distance, axis=1) >= 0).all()


def test_rows_can_be_themselves_in_part():
    distances = np.array([[0.0, 0.5, 0.7], [0.0, 0.2, 0.4]], np.float32)
    found = nearest_of(distances, 2, self_index=np.array([0, -1]))
    assert found.index.tolist() == [[1, 2], [0, 1]]


def test_ties_go_to_the_lower_index():
    distances = np.array([[0.3, 0.1, 0.1, 0.1, 0.3]], np.float32)
    for k in (1, 2, 3, 4):
        assert nearest_of(distances, k).index.tolist() == [[1, 2, 3, 0][:k]]


def test_chunks_do_not_matter():
    a, b = rows_of(30, 300, seed=1, missing=0.02), rows_of(40, 300, seed=2)
    whole = nearest_neighbours(a, b, "l1", k=3)
    parts = nearest_neighbours(a, b, "l1", k=3, rows_at_once=7, variants_at_once=11)
    np.testing.assert_array_equal(whole.index, parts.index)
    np.testing.assert_allclose(whole.distance, parts.distance, rtol=1e-6)


def test_nearest_agree_with_scikit_learn():
    neighbors = pytest.importorskip("sklearn.neighbors")
    a, b = rows_of(50, 400, seed=4, top=2), rows_of(60, 400, seed=5, top=2)
    theirs = {"hamming": "hamming", "l1": "manhattan", "l2": "euclidean", "cosine": "cosine"}
    for metric, name in theirs.items():
        first, second = (np.minimum(x, 1) if metric == "hamming" else x for x in (a, b))
        model = neighbors.NearestNeighbors(n_neighbors=1, metric=name, algorithm="brute")
        expected, _ = model.fit(second.astype(float)).kneighbors(first.astype(float))
        scale = {"l1": 400, "l2": 20}.get(metric, 1)
        found = nearest_neighbours(first, second, metric).distance
        np.testing.assert_allclose(found, expected / scale, atol=1e-6)


def test_bad_requests_are_refused():
    rows = rows_of(3, 10, seed=0)
    with pytest.raises(ValueError, match="metric must be one of"):
        pairwise_distances(rows, rows, "manhattan")
    with pytest.raises(ValueError, match="3 nearest rows asked of 3"):
        nearest_neighbours(rows, rows, k=3, self_index=np.arange(3))
