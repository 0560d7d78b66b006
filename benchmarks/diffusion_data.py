"""Simulated latents for the diffusion benchmark: one array, and a file for each person.

Axes: N rows, G gene blocks, K channels.
"""

from pathlib import Path

import numpy as np
import torch
from sizes import Size

N_CHANNELS = 8
PLAIN_BATCH = 16  # of the paper


def prepare(folder: Path, size: Size) -> None:
    """Write latents.npy float32 [N, G, K], labels.npy int64 [N] and person_<i>.pt."""
    own = size.diffusion
    n_rows = max(own.plain_batches * PLAIN_BATCH, 128)
    rng = np.random.default_rng(1)
    latents = rng.standard_normal((n_rows, own.n_blocks, N_CHANNELS)).astype(np.float32)
    labels = rng.integers(own.n_classes, size=n_rows)
    np.save(folder / "latents.npy", latents)
    np.save(folder / "labels.npy", labels)
    for i, (row, label) in enumerate(zip(latents, labels, strict=True)):
        torch.save((torch.from_numpy(row.copy()), int(label)), folder / f"person_{i:05d}.pt")
