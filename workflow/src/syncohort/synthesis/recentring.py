"""What centring could not do while few rows of a label were drawn together, done to all of them.

`diffusion.centring` brings the rows of a batch towards their label's mean, by rows drawn / (rows
drawn + training rows). A wide genome has few rows in a batch, so that the part that is subtracted
would shrink with the width. The rest is subtracted from all drawn rows, whatever the batches were:
together it is what one batch of everybody would have had.

Axes: R drawn rows, C classes or anchors, G positions of the latents, K channels, D = G K.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open

from syncohort.generators.rows import batch_rows
from syncohort.genotypes import People, rows_per_person


@dataclass(frozen=True, eq=False)
class Recentring:
    """Subtracts from latents what their label's are still off by.

    center: [C, G, K], the labels' training means; shares: [R, C] of each row in the classes or
    anchors; weights: [C, R], the ridge regression of latents on shares, less what batches have had.
    """

    center: np.ndarray
    shares: np.ndarray
    weights: np.ndarray

    @staticmethod
    def of(
        center: np.ndarray, shares: np.ndarray, label_rows: list[float], drawn_together: int
    ) -> "Recentring | None":
        """None where everybody was drawn together; label_rows: training rows of each class, [C]."""
        missing = 1 - drawn_together / len(shares)
        if missing <= 0:
            return None
        drawn = shares.T @ shares
        weights = missing * np.linalg.solve(drawn + np.diag(label_rows), shares.T)
        return Recentring(center, shares.astype(np.float32), weights.astype(np.float32))

    def shift(self, parts: Iterator[tuple[slice, np.ndarray]], positions: slice) -> np.ndarray:
        """What is subtracted for each class, [C, g, K], of all rows' latents at some positions.

        parts: rows, and their latents [r, g, K].
        """
        center = self.center[:, positions]
        flat = -(self.weights @ self.shares) @ center.reshape(len(center), -1)
        for rows, latents in parts:
            flat += self.weights[:, rows] @ latents.reshape(len(latents), -1)
        return flat.reshape(center.shape)

    def apply(self, latents: np.ndarray, rows: slice, shift: np.ndarray) -> np.ndarray:
        """Latents [r, g, K] of rows without their shift."""
        flat = self.shares[rows] @ shift.reshape(len(shift), -1)
        return latents - flat.reshape(latents.shape)


def recentring_of(checkpoint: str | Path, people: People, mode: str) -> Recentring | None:
    """What the latents of these people still need, drawn in batches from a diffusion model.

    checkpoint: of a model with labels' means, drawn with `centred` and without guidance.
    """
    from syncohort.generators.conditioning import positions

    with safe_open(checkpoint, framework="np") as file:
        config = json.loads(file.metadata()["config"])
        center, n_values = file.get_tensor("center"), file.get_tensor("mask").size
    if config.get("anchors"):
        place = positions(people.value, config["anchors"])
    else:
        index = {name: i for i, name in enumerate(config["class_names"])}
        place = np.array([index[label] for label in people.label.astype(str)], dtype=float)
    shares = np.maximum(1 - np.abs(place[:, None] - np.arange(len(center))), 0)
    each = rows_per_person(mode)
    rows = np.repeat(shares, each, axis=0)
    return Recentring.of(center, rows, config["label_rows"], batch_rows(n_values))
