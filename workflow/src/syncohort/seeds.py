"""One seed in, any number of independent seeds out."""

import hashlib
from pathlib import Path

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
    return _hashed(4, seed, *stage)


def keyed_seed(seed: int, key_file: str | Path) -> int:
    """The 128-bit seed of what may be released, and of who is trained on.

    The seed of the configuration is published. Whoever knew all seeds could compute the random
    numbers, and with them read training people's values off the synthetic ones: the key of the
    cohort, which follows from its genotypes and labels (`joining.write_key`), goes into the seed.
    """
    return _hashed(16, seed, Path(key_file).read_text().strip())


def contig_seed(seed: int, contig: str) -> int:
    """A seed of its own for each chromosome, with as many bits as a keyed one, for numpy alone."""
    return _hashed(16, seed, contig)


def _hashed(n_bytes: int, *parts) -> int:
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:n_bytes], "little")
