"""Latents of all chromosomes as one array, and the scale on which they are diffused.

Axes: N rows, G gene blocks of all chromosomes, K channels, C classes (or anchors of values, see
`conditioning`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from syncohort.errors import InputError
from syncohort.files import RowFile
from syncohort.generators.conditioning import mix
from syncohort.genotypes import slices

SCALINGS = ("global", "unit")
ROWS_AT_ONCE = 1_024
VALUES_AT_ONCE = 1 << 25  # 128 MB, of which a few are held


def rows_at_once(n_values: int) -> int:
    """So many rows of so many values are held at once."""
    return max(1, min(ROWS_AT_ONCE, VALUES_AT_ONCE // n_values))


class LatentFiles:
    """The chromosomes' latents side by side along G, read from disk when they are asked for.

    paths: .npy files [N, G_c, K]; masks: bool [G_c, K] for each. Indexing with rows,
    a slice or whole numbers [n], gives latents float32 [n, G, K]. `mask`: bool [G, K];
    `n_bytes`: of all latents, in memory.

    Raises ValueError when a file, its mask and the other files do not agree, and when a
    padded position is not 0.
    """

    def __init__(self, paths: list, masks: list[np.ndarray]):
        self.mask = np.concatenate(masks)
        self._files = [RowFile(path) for path in paths]
        for path, file, own_mask in zip(paths, self._files, masks, strict=True):
            if file.shape != (len(self), *own_mask.shape):
                raise ValueError(
                    f"{path}: latents are {file.shape}, expected {(len(self), *own_mask.shape)}"
                )
            for part in slices(len(file), rows_at_once(own_mask.size)):
                if file.read(part)[:, ~own_mask].any():
                    raise ValueError(f"{path}: latents at padded positions are not 0")

    def __len__(self) -> int:
        return len(self._files[0])

    @property
    def n_bytes(self) -> int:
        return len(self) * self.mask.size * np.dtype(np.float32).itemsize

    def read(self, rows: np.ndarray, blocks: slice) -> np.ndarray:
        """Latents [n, g, K] of rows and a slice of the blocks, where there is one file."""
        (file,) = self._files
        return file.read(rows, blocks)

    def __getitem__(self, rows) -> np.ndarray:
        n_rows, start = len(np.arange(len(self))[rows]), 0
        found = np.empty((n_rows, *self.mask.shape), dtype=np.float32)
        for file in self._files:
            stop = start + file.shape[1]
            found[:, start:stop] = file.read(rows)
            start = stop
        return found


def read_latents(paths: list, masks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All of `LatentFiles` in memory: latents float32 [N, G, K] and mask bool [G, K]."""
    files = LatentFiles(paths, masks)
    return files[:], files.mask


@dataclass(frozen=True, eq=False)
class Normalisation:
    """x_0 = (latents - center of the row's label) / scale.

    center: [C, G, K] float32, 0 at padded positions; scale: [G, K] float32, 1 there.
    """

    center: np.ndarray
    scale: np.ndarray

    def apply(self, latents: np.ndarray, labels: np.ndarray) -> None:
        """Turn latents [N, G, K] of labels [N] into x_0, in place."""
        for some in slices(len(latents), rows_at_once(self.scale.size)):
            part = latents[some]
            part -= _centers(self.center, labels[some])
            part /= self.scale

    def centred(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Latents [N, G, K] of labels [N] less their centers, on their own scale."""
        return latents - _centers(self.center, labels)

    def undo(self, x0: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Turn x_0 [N, G, K] of labels [N] back into latents."""
        return x0 * self.scale + _centers(self.center, labels)


def _centers(center: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Centers [n, G, K] of labels [n]."""
    return mix(torch.from_numpy(center), torch.from_numpy(labels)).numpy()


def fit_normalisation(
    latents: np.ndarray | LatentFiles,
    labels: np.ndarray,
    mask: np.ndarray,
    *,
    n_classes: int,
    residual_from_class_mean: bool,
    scaling: str,
    rows: np.ndarray | None = None,
    one_copy: np.ndarray | None = None,
    is_second: np.ndarray | None = None,
) -> Normalisation:
    """Fit center and scale on latents [N, G, K] of labels [N], classes or positions.

    residual_from_class_mean: the center is the class mean, or, for positions, what least squares
    give the anchors; else 0. scaling: "global", one
    scale that makes the mean square of x_0 over real positions 1 (variances keep their
    ratios); "unit": one for each PC. rows: those to fit on, the training rows; None: all.
    one_copy: bool [G], positions that are not fitted to the rows of is_second, bool [N]; see
    `rows.EncodedPeople`. A few rows are read at a time.

    Raises InputError for an unknown scaling or latents without any variation.
    """
    if scaling not in SCALINGS:
        raise InputError(f"scaling {scaling!r} is unknown; use one of {', '.join(SCALINGS)}")
    rows = np.arange(len(latents)) if rows is None else rows
    shape = (n_classes, *mask.shape)
    center, square = _moments(shape, latents, labels, rows, residual_from_class_mean)
    if one_copy is not None and one_copy.any():
        first = rows[~is_second[rows]]
        found = _moments(shape, latents, labels, first, residual_from_class_mean)
        center[:, one_copy], square[one_copy] = found[0][:, one_copy], found[1][one_copy]
    if scaling == "global":
        square = np.full(mask.shape, square[mask].mean())
    if not square[mask].any():
        raise InputError("the latents do not vary within labels; there is nothing to learn")
    scale = np.where(mask & (square > 0), np.sqrt(square), 1).astype(np.float32)
    return Normalisation(center, scale)


def _moments(
    shape: tuple, latents, labels: np.ndarray, rows: np.ndarray, residual_from_class_mean: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Centers of a shape [C, G, K], 0 unless they are class means, and mean squares about them."""
    center, square = np.zeros(shape, dtype=np.float32), np.zeros(shape[1:])
    if residual_from_class_mean:
        means = _anchor_means if labels.dtype.kind == "f" else _class_means
        means(center, latents, labels, rows)
    for part, own in _parts(latents, labels, rows):
        square += np.square(part - _centers(center, own)).sum(axis=0, dtype=np.float64)
    return center, square / len(rows)


def _class_means(center: np.ndarray, latents, labels: np.ndarray, rows: np.ndarray) -> None:
    """Write the means [C, G, K] of the rows of each class; 0 for a class without rows."""
    for label in np.unique(labels[rows]):
        members = rows[labels[rows] == label]
        parts = _parts(latents, labels, members)
        center[label] = sum(part.sum(axis=0, dtype=np.float64) for part, _ in parts) / len(members)


def _anchor_means(center: np.ndarray, latents, labels: np.ndarray, rows: np.ndarray) -> None:
    """Write the anchors' values [C, G, K] whose mixtures are nearest to the rows (least squares)."""
    n_anchors = len(center)
    products = np.zeros((n_anchors, n_anchors))
    sums = np.zeros((n_anchors, center[0].size))
    for part, own in _parts(latents, labels, rows):
        shares = mix(torch.eye(n_anchors), torch.from_numpy(own)).numpy()  # [n, C]
        products += shares.T.astype(np.float64) @ shares
        sums += shares.T @ part.reshape(len(part), -1)
    center[:] = np.linalg.lstsq(products, sums)[0].reshape(center.shape)


def _parts(latents, labels: np.ndarray, rows: np.ndarray) -> Iterator[tuple]:
    """Latents and labels of these rows, some at a time."""
    n_values = int(np.prod(latents[rows[:1]].shape))
    for some in slices(len(rows), rows_at_once(max(n_values, 1))):
        yield latents[rows[some]], labels[rows[some]]
