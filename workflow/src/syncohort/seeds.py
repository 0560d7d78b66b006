"""One seed in, any number of independent seeds out."""

import hashlib

import numpy as np


def child_seed(seed: int, *keys: int) -> int:
    """Return the 63-bit seed of a sub-stream, e.g. `child_seed(seed, epoch)`.

    Streams of different keys are independent (numpy's SeedSequence), so that work done
    in another order, in pieces or after a restart draws the same numbers.
    """
    state = np.random.SeedSequence([seed, *keys]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def stage_seed(seed: int, *stage: str) -> int:
    """A seed of its own for each named stage, from the one seed of the configuration."""
    text = "/".join([str(seed), *map(str, stage)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
