"""Hamming distances of all pairs of rows and the nearest, three ways.

Axes: A, B rows, V variants.
"""

from pathlib import Path

import numpy as np
from sizes import Size
from sklearn.neighbors import NearestNeighbors
from timing import Stopwatch, Timed

from syncohort.evaluation.privacy.neighbours import nearest_neighbours


def prepare(folder: Path, size: Size) -> None:
    """Write a.npy and b.npy, int8 [A, V] and [B, V] of 0 and 1."""
    own = size.neighbours
    rng = np.random.default_rng(3)
    frequency = rng.beta(0.6, 1.4, own.n_variants)
    for name in "ab":
        rows = np.empty((own.n_rows, own.n_variants), np.int8)
        for row in rows:
            row[:] = rng.random(own.n_variants) < frequency
        np.save(folder / f"{name}.npy", rows)


def read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    return np.load(folder / "a.npy"), np.load(folder / "b.npy")


def loop_nearest(a: np.ndarray, b: np.ndarray) -> list[tuple[float, int]]:
    """Distance and index of the nearest row of b for each row of a, pair by pair in Python."""
    partners = [row.tolist() for row in b]
    found = []
    for row in a.tolist():
        distances = []
        for partner in partners:
            differing = 0
            for x, y in zip(row, partner, strict=True):
                if x != y:
                    differing += 1
            distances.append(differing / len(row))
        nearest = min(range(len(distances)), key=distances.__getitem__)
        found.append((distances[nearest], nearest))
    return found


def sklearn_nearest(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same by scikit-learn: distances and indices [A, 1]."""
    model = NearestNeighbors(n_neighbors=1, algorithm="brute", metric="hamming").fit(b)
    return model.kneighbors(a)


def by_sklearn(folder: Path, size: Size) -> Timed:
    """Some rows of a against all of b."""
    a, b = read(folder)
    part = a[: size.neighbours.sklearn_rows]
    with Stopwatch() as watch:
        sklearn_nearest(part, b)
    return Timed(len(part) * len(b), watch.seconds)


def by_loop(folder: Path, size: Size) -> Timed:
    """A few pairs."""
    own = size.neighbours
    a, b = read(folder)
    with Stopwatch() as watch:
        loop_nearest(a[: own.loop_rows], b[: own.loop_partners])
    return Timed(own.loop_rows * own.loop_partners, watch.seconds)


def by_bits(folder: Path, size: Size) -> Timed:
    """All rows of a against all of b."""
    a, b = read(folder)
    with Stopwatch() as watch:
        nearest_neighbours(a, b)
    return Timed(len(a) * len(b), watch.seconds)
