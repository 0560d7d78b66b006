"""How large a network is and how long it is trained, where the configuration leaves it to the data.

One rule, anchored at what was measured on 4,000 training rows: a map of one place (width x width)
has as many weights per row as there, a batch is the same share of the rows, as many rows are seen and
there are as many steps, or more, and the weight decay counts as much beside a row (docs/methods.md). What
a network then weighs follows from the number of its places.
"""

from pathlib import Path

import numpy as np

from syncohort.diffusion.settings import DiffusionSettings, DiffusionTraining
from syncohort.diffusion.sight import with_layers

WEIGHTS_PER_ROW = 2.3  # of the map of a place
WIDTHS = (16, 192)
BATCHES_PER_EPOCH = 32
BATCH_SIZES = (32, 512)
STEPS = 1_250  # at least
ROWS_SEEN = 160_000  # at least
EPOCHS = (4, 100)
DECAY_ROWS = 2_000  # what a weight decay of 1 is worth
MOST_DECAY = 3.0


def width_for(n_rows: int) -> int:
    """Channels of a group for so many training rows, a multiple of 8."""
    return int(np.clip(8 * round(np.sqrt(WEIGHTS_PER_ROW * n_rows) / 8), *WIDTHS))


def batch_size_for(n_rows: int) -> int:
    """Rows of a step, a power of 2."""
    wanted = np.log2(max(1, n_rows / BATCHES_PER_EPOCH))
    return int(np.clip(2 ** round(wanted), *BATCH_SIZES))


def epochs_for(n_rows: int, batch_size: int) -> int:
    """Passes over so many training rows in batches of this size."""
    return int(np.clip(round(max(STEPS * batch_size, ROWS_SEEN) / n_rows), *EPOCHS))


def weight_decay_for(n_rows: int) -> float:
    """Weight decay of AdamW with so many training rows: few rows say little, and what they say is kept small."""
    return min(DECAY_ROWS / max(n_rows, 1), MOST_DECAY)


def sized_denoiser(denoiser: dict, n_rows: int) -> dict:
    """The section of a denoiser with a width; n_rows: of training."""
    if "width" not in denoiser or denoiser["width"] is not None:
        return denoiser
    return denoiser | {"width": width_for(n_rows)}


def sized_training(training: dict, n_rows: int, networks: int = 1) -> dict:
    """The section `training` with a batch size, epochs and a weight decay.

    n_rows: of training; networks: that are averaged. Epochs, patience and batches of the section are those of each of them, and of
    a batch each gets its own part: all together have so many times as much.
    """
    batch_size = training["batch_size"] or batch_size_for(n_rows)
    epochs = training["epochs"] or epochs_for(n_rows, batch_size)
    decay = training["weight_decay"]
    if decay is None:
        decay = weight_decay_for(n_rows)
    return training | {
        "batch_size": networks * batch_size,
        "epochs": networks * epochs,
        "patience": networks * training["patience"],
        "weight_decay": decay,
    }


def sized_recipe(
    generator: dict, n_rows: int, block_paths: list[str | Path]
) -> tuple[dict, DiffusionSettings, DiffusionTraining]:
    """What `train_diffusion` takes of a generator: its denoiser, its process and its training.

    generator: its sections denoiser, diffusion and training; n_rows: of training; block_paths: tables of the
    chromosomes' gene blocks.
    """
    denoiser = generator["denoiser"]
    training = sized_training(generator["training"], n_rows, denoiser.get("networks", 1))
    return (
        with_layers(sized_denoiser(denoiser, n_rows), block_paths),
        DiffusionSettings(**generator["diffusion"]),
        DiffusionTraining(**training),
    )
