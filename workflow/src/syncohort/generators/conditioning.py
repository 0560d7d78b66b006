"""What a generator is conditioned on for a row: its class, or its place among the values of a trait.

A class is a whole number 0..C - 1, int64. A value of a continuous trait is a position among C
anchors, float32 in 0..C - 1; what is learned for the anchors is mixed for the values between
them, which is the piecewise linear encoding of Gorishniy et al. 2022 (On Embeddings for Numerical
Features). C itself means "no label", where a table has a row for it.

A network of one chromosome is told more of a row, its global vector: `Told` holds both.

Axes: N rows, C classes or anchors, A numbers of a global vector.
"""

from dataclasses import dataclass

import numpy as np
import torch

from syncohort.errors import InputError

ANCHOR_SHARES = np.linspace(0.02, 0.98, 8)


def fit_anchors(values: np.ndarray) -> np.ndarray:
    """Anchors [C] float64, rising: quantiles 0.02..0.98 of the training values [N].

    Values that many share give fewer anchors. Raises InputError when all are the same.
    """
    anchors = np.unique(np.quantile(values, ANCHOR_SHARES))
    if len(anchors) < 2:
        raise InputError(
            f"the label values of the training people are all about {anchors[0]:g}; nothing can "
            "be learned of them. Choose another labels.label_column, or leave labels.cuts out."
        )
    return anchors


def positions(values: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Positions [N] float32 of values [N] among the anchors [C]; beyond them, the nearest one.

    Raises InputError for a value that is no number.
    """
    if not np.isfinite(values).all():
        raise InputError(
            f"{(~np.isfinite(values)).sum():,} of {len(values):,} people have no label value; the "
            "generator was trained on values (labels.cuts), draw the people again"
        )
    return np.interp(values, anchors, np.arange(len(anchors))).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Told:
    """What rows are conditioned on beside their label: both arrays, or both tensors.

    labels: [N], as everywhere; scores: [N, A] float32, their global vectors. It is indexed, split
    and moved as labels alone are.
    """

    labels: np.ndarray | torch.Tensor
    scores: np.ndarray | torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows) -> "Told":
        return Told(self.labels[rows], self.scores[rows])

    def split(self, size: int) -> list["Told"]:
        """At most `size` rows at a time."""
        parts = zip(self.labels.split(size), self.scores.split(size), strict=True)
        return [Told(*part) for part in parts]


def labels_of(conditions):
    """The labels [N] of conditions, which may be labels alone."""
    return conditions.labels if isinstance(conditions, Told) else conditions


def scores_of(conditions):
    """The global vectors [N, A] of conditions, None where they are labels alone."""
    return conditions.scores if isinstance(conditions, Told) else None


def with_labels(conditions, labels):
    """The conditions with other labels."""
    return Told(labels, conditions.scores) if isinstance(conditions, Told) else labels


def on_device(conditions, device):
    """Conditions, arrays, as tensors on a device."""
    if isinstance(conditions, Told):
        return Told(*(torch.from_numpy(each).to(device) for each in _parts(conditions)))
    return torch.from_numpy(conditions).to(device)


def _parts(told: Told) -> tuple:
    return told.labels, told.scores


def conditions_of(rows) -> tuple[np.ndarray | None, np.ndarray]:
    """The anchors [C] of the training rows' values, None without values, and what all rows are
    conditioned on, [N]; rows: `rows.LatentRows`."""
    if rows.values is None:
        return None, rows.labels
    anchors = fit_anchors(rows.values[~rows.is_validation])
    return anchors, positions(rows.values, anchors)


def mix(table, labels):
    """Rows of `table` [C or C + 1, ...] for labels [N], both tensors: [N, ...].

    int64 labels pick a row; floating-point ones are mixed of the two rows beside them, in
    proportion. At whole numbers both give the very same.
    """
    if not labels.is_floating_point():
        return table[labels]
    last = len(table) - 1
    below = labels.floor().long().clamp(max=last)
    share = (labels - below).view(-1, *[1] * (table.dim() - 1)).to(table.dtype)
    return torch.lerp(table[below], table[(below + 1).clamp(max=last)], share)
