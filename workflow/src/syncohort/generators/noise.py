"""Noise that belongs to rows, whatever batch they are drawn in."""

import torch

from syncohort.seeds import child_seed

NOISE_ROWS = 32


class RowNoise:
    """Noise that belongs to rows: row i of a cohort gets the same noise in any batch.

    Rows are seeded in blocks of NOISE_ROWS, aligned to the row index within the cohort.
    Calling the object returns the next standard normal [N, G, K] for rows first_row,
    first_row + 1, ..., 0 at padded positions.

    seed: int; first_row: index of the first row; n_rows: N; mask: bool [G, K], its device
    is the noise's. Numbers differ between kinds of device.
    """

    def __init__(self, seed: int, first_row: int, n_rows: int, mask):
        blocks = range(first_row // NOISE_ROWS, -(-(first_row + n_rows) // NOISE_ROWS))
        self._generators = [
            torch.Generator(mask.device).manual_seed(child_seed(seed, block)) for block in blocks
        ]
        self._mask = mask
        start = first_row - blocks.start * NOISE_ROWS
        self._rows = slice(start, start + n_rows)

    def __call__(self):
        shape = (NOISE_ROWS, *self._mask.shape)
        device = self._mask.device
        blocks = [torch.randn(shape, generator=each, device=device) for each in self._generators]
        return torch.cat(blocks)[self._rows] * self._mask
