"""How far a network sees along a chromosome: layers from base pairs.

A group of blocks sees one group to each side by the first map, and 2^i more by layer i: with L
layers 2^L groups to each side.
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd

SEEING_SHARE = 0.9  # of the groups, which see as far as is asked for


def sight_kb(blocks: pd.DataFrame, group_blocks: int, layers: int) -> float:
    """How far nine groups of ten see at least, to the nearer side, in thousand base pairs.

    blocks: of one chromosome, with start_bp and end_bp; infinite where all groups see an end of
    the chromosome to both sides.
    """
    start = blocks["start_bp"].to_numpy()[::group_blocks]
    end = blocks["end_bp"].to_numpy()[group_blocks - 1 :: group_blocks]
    end = np.append(end, blocks["end_bp"].iloc[-1])[: len(start)]
    reach = 2**layers
    if reach >= len(start):
        return np.inf
    seen = np.concatenate([start[:-reach] - start[reach:], end[:-reach] - end[reach:]])
    return float(np.quantile(-seen, 1 - SEEING_SHARE)) / 1000


def layers_for(blocks: list[pd.DataFrame], group_blocks: int, wanted_kb: float) -> int:
    """The fewest layers with which all chromosomes are seen as far as is asked for, see `sight_kb`.

    blocks: of each chromosome of the network.
    """
    layers = 1
    while min(sight_kb(each, group_blocks, layers) for each in blocks) < wanted_kb:
        layers += 1
    return layers


def expected_layers(denoiser: dict, n_blocks: int, span_kb: float) -> int:
    """About how many layers a sight takes, where blocks are evenly spread over so much."""
    groups = denoiser["sight_kb"] / span_kb * n_blocks / denoiser["group_blocks"]
    most = n_blocks / denoiser["group_blocks"]
    return max(1, math.ceil(math.log2(max(1, min(groups, most)))))


def with_layers(denoiser: dict, block_paths: list[str | Path]) -> dict:
    """The section of a denoiser as a network takes it: `sight_kb` as layers.

    block_paths: tables of the chromosomes' blocks; only read where there is a sight.
    """
    options = {name: value for name, value in denoiser.items() if name != "sight_kb"}
    if denoiser.get("sight_kb"):
        wanted = denoiser["sight_kb"]
        columns = ["start_bp", "end_bp"]
        blocks = [pd.read_csv(path, sep="\t", usecols=columns) for path in block_paths]
        options["layers"] = layers_for(blocks, denoiser["group_blocks"], wanted)
    return options
