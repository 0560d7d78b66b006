"""Kinship, pairwise distances, and k-NN precision and recall."""

import subprocess
from shutil import which

import numpy as np
import pandas as pd
import pytest
from cohorts import people_of, row_of, store_of, value_of

from syncohort.evaluation.fidelity.coverage import compare_coverage, within_reach
from syncohort.evaluation.fidelity.relatedness import (
    allele_distance,
    compare_relatedness,
    kinship,
)
from syncohort.evaluation.pair_counts import PairCounts, Planes
from syncohort.formats.plink import write_plink

FREQUENCY = np.random.default_rng(0).uniform(0.1, 0.9, 3_000)


def strangers(n, *, seed) -> np.ndarray:
    """Calls [V, n, 2] of unrelated people."""
    rng = np.random.default_rng(seed)
    return (rng.random((len(FREQUENCY), n, 2)) < FREQUENCY[:, None, None]).astype(np.int8)


def child_of(parents, *, seed) -> np.ndarray:
    """Calls [V, 1, 2] of a child of two people [V, 2, 2] (unlinked variants)."""
    rng = np.random.default_rng(seed)
    pick = rng.integers(2, size=(len(FREQUENCY), 2))
    return np.take_along_axis(parents, pick[:, :, None], axis=2)[:, :, 0][:, None]


def dosages_of(calls) -> np.ndarray:
    dosages = calls.sum(axis=2)
    dosages[(calls < 0).any(axis=2)] = -1
    return dosages.T.astype(np.int8)


# -------------------------------------------------------------------- kinship


def test_kinship_of_known_relatives():
    """Copies 1/2, parent and child and full siblings 1/4, strangers 0, +- 3 standard errors."""
    calls = strangers(6, seed=3)
    children = [child_of(calls[:, :2], seed=seed) for seed in (2, 3)]
    calls = np.concatenate([calls, *children, calls[:, [5]]], axis=1)
    found = kinship(PairCounts.within(dosages_of(calls)))
    np.testing.assert_allclose(found, found.T)
    expected = {(0, 6): 0.25, (1, 7): 0.25, (6, 7): 0.25, (0, 1): 0, (2, 3): 0, (5, 8): 0.5}
    for (i, j), value in expected.items():
        assert found[i, j] == pytest.approx(value, abs=0.05), (i, j)


@pytest.mark.parametrize("missing", [(0.0, 0.0), (0.2, 0.0), (0.2, 0.2)])
@pytest.mark.parametrize("n_variants", [64, 200])
def test_counts_equal_plain_counting(missing, n_variants):
    """Whole words and parts of them, chunks with and without missing calls, more rows than a tile."""
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 3, (n, n_variants)).astype(np.int8) for n in (70, 5))
    for rows, share in zip((a, b), missing, strict=True):
        rows[rng.random(rows.shape) < share] = -1
    same, across = (PairCounts(70, n, dosages=True) for n in (70, 5))
    for part in (slice(0, 100), slice(100, None)):
        planes = [Planes.of(np.asfortranarray(rows[:, part]), dosages=True) for rows in (a, b)]
        same.add(planes[0], planes[0])
        across.add(*planes)
    for counts, others in ((same, a), (across, b)):
        both = (a[:, None] >= 0) & (others >= 0)  # [A, B, V]
        apart = np.abs(a[:, None].astype(int) - others) * both
        np.testing.assert_array_equal(counts.alleles, apart.sum(axis=2))
        np.testing.assert_array_equal(counts.opposite, (apart == 2).sum(axis=2))
        np.testing.assert_array_equal(counts.compared() + 0 * apart[..., 0], both.sum(axis=2))
        for own, rows in zip(counts.own(), (a[:, None], others[None]), strict=True):
            for plane, least in zip(own, (1, 2), strict=True):
                expected = ((rows >= least) & both).sum(axis=2)
                np.testing.assert_array_equal(plane + 0 * expected, expected)


def test_distance_per_allele():
    dosages = np.array([[0, 1, 2, -1], [2, 1, 1, 0], [-1, -1, -1, 0]], np.int8)
    found = allele_distance(PairCounts.within(dosages))
    assert found[0, 1] == 3 / 6 and found[0, 0] == 0 and np.isnan(found[0, 2])


def test_kinship_agrees_with_plink2(tmp_path):
    """To 5 digits (plink prints 6), with missing calls."""
    if not which("plink2"):
        pytest.skip("plink2 is not installed")
    calls = strangers(10, seed=1)
    calls = np.concatenate([calls, child_of(calls[:, :2], seed=2)], axis=1)
    calls[np.random.default_rng(3).random(calls.shape[:2]) < 0.03] = -1
    write_plink([store_of(tmp_path / "c.zip", calls, people_of(["x"] * 11))], tmp_path / "c")
    command = ["plink2", "--bfile", "c", "--make-king-table", "--out", "c"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    theirs = pd.read_csv(tmp_path / "c.kin0", sep="\t")
    found = kinship(PairCounts.within(dosages_of(calls)))
    first, second = (theirs[name].str[1:].astype(int) for name in ("IID1", "IID2"))
    assert len(theirs) == 55
    np.testing.assert_allclose(found[first, second], theirs["KINSHIP"], atol=2e-6)


# ----------------------------------------------------- comparison of two cohorts


def compared(synthetic, holdout) -> list[dict]:
    labels = [np.array(["x"] * part.shape[1], dtype=object) for part in (synthetic, holdout)]
    return compare_relatedness(
        dosages_of(synthetic), labels[0], dosages_of(holdout), labels[1], seed=0
    )


def test_validation_people_pass():
    rows = compared(strangers(60, seed=1), strangers(40, seed=2))
    assert value_of(rows, "kinship_pairs") == 1  # nobody is related in either
    assert value_of(rows, "pairwise_distance") < 0.3


def test_copies_are_relatives():
    """60 people who are copies of 30: 30 pairs of 1,770, the holdout has none of 780."""
    people = strangers(30, seed=1)
    row = row_of(
        compared(np.concatenate([people, people], axis=1), strangers(40, seed=2)), "kinship_pairs"
    )
    expected = (30 / 1770 * 780 + 0.5) / 0.5
    assert row["value"] == pytest.approx(expected)
    assert 1 < row["low"] < row["value"] < row["high"]
    assert row["note"] == "0.0169 of 1,770 pairs, holdout 0.0000"


def test_people_too_alike_have_short_distances():
    """Each variant drawn from few founders: distances shrink by one in so many."""
    founders = strangers(3, seed=1).reshape(len(FREQUENCY), 6)
    pick = np.random.default_rng(0).integers(6, size=(len(FREQUENCY), 120))
    alike = np.take_along_axis(founders, pick, axis=1).reshape(len(FREQUENCY), 60, 2)
    rows = compared(alike, strangers(40, seed=2))
    assert value_of(rows, "pairwise_distance") > 3


def test_pairs_are_within_labels_and_small_labels_are_left_out():
    """The same people twice, but under two labels: no pair, no relatives."""
    people = dosages_of(strangers(12, seed=1))
    labels = np.array(["x"] * 12 + ["y"] * 12 + ["z"] * 4, dtype=object)
    others = dosages_of(strangers(28, seed=2))
    rows = compare_relatedness(
        np.concatenate([people, people, people[:4]]), labels, others, labels, seed=0
    )
    assert value_of(rows, "kinship_pairs") == 1
    assert row_of(rows, "kinship_pairs")["note"].startswith("0.0000 of 132 pairs")
    rows = compare_relatedness(people[:4], labels[:4], people[:4], labels[:4], seed=0)
    assert all(np.isnan(row["value"]) and row["note"].startswith("too few") for row in rows)


# ------------------------------------------------------------------- coverage


def test_reach_on_a_line():
    """Others at 0, 1, 2, 10; the second nearest of each is 2, 1, 2, 9 away."""
    others = np.array([[0.0], [1.0], [2.0], [10.0]])
    points = np.array([[-2.0], [-2.1], [4.0], [19.0], [19.1], [1.0]])
    assert within_reach(points, others, 2).tolist() == [True, False, True, True, False, True]


def test_precision_and_recall_of_cheats():
    """Like people: high both. Collapse onto one group: precision stays, recall halves.
    Spread far out: recall stays, precision falls."""
    rng = np.random.default_rng(0)
    centre = np.repeat([[0.0, 0.0], [30.0, 0.0]], 100, axis=0)
    holdout, like = centre + rng.normal(size=(2, 200, 2))
    collapsed = like[:100]
    spread = like + rng.normal(size=like.shape) * 20

    def both(synthetic):
        rows = compare_coverage(synthetic, holdout, seed=0)
        return [value_of(rows, name) for name in ("knn_precision", "knn_recall")]

    assert min(both(like)) > 0.9
    precision, recall = both(collapsed)
    assert precision > 0.9 and recall == pytest.approx(0.5, abs=0.06)
    precision, recall = both(spread)
    assert precision < 0.4 < recall
    row = row_of(compare_coverage(like, holdout, seed=0), "knn_precision")
    assert row["low"] <= row["value"] <= row["high"] and row["note"] == "200 people each"


def test_a_handful_of_people_have_no_neighbours():
    rows = compare_coverage(np.zeros((5, 2)), np.zeros((50, 2)), seed=0)
    assert all(np.isnan(row["value"]) and row["note"] == "too few: 5 people" for row in rows)
