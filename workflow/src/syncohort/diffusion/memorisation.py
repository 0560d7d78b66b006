"""What training adds to how well a network's losses tell its training rows from others.

A network tells them apart before it has learned anything: the label means, the scale and the
Gaussian prior are fitted to the training rows, and the more positions a row has, the more
certain its mean loss. Both say nothing about training. So losses are compared with those that the
untrained network gave for the same rows and noise, and on stretches of the genome of one length, so
that a limit means the same for a region and for a genome (docs/methods.md 1.3).

Axes: R rows, M stretches, G gene blocks.
"""

from itertools import pairwise
from math import sqrt
from statistics import NormalDist

import numpy as np

STRETCH_BLOCKS = 2_048  # about the 1,517 blocks on which the limit was chosen


def stretches(n_blocks: int) -> list[slice]:
    """Stretches of the blocks, as few and as equal as can be, of at most STRETCH_BLOCKS."""
    edges = np.linspace(0, n_blocks, -(-n_blocks // STRETCH_BLOCKS) + 1).round().astype(int)
    return [slice(int(start), int(stop)) for start, stop in pairwise(edges)]


def separation(losses: np.ndarray, is_member: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """By how many standard deviations the losses of training rows are lower, in each stretch, [M].

    losses: [R, M]; is_member: bool [R], the training rows; labels: [R], within which rows are
    compared: differences of means are averaged with the weight of a label's other rows, standard
    deviations are pooled within labels and sides. 0 where there is nothing to compare.
    """
    gap, squares = np.zeros(losses.shape[1]), np.zeros(losses.shape[1])
    weights = freedom = 0
    for label in np.unique(labels):
        sides = [losses[(labels == label) & (is_member == side)] for side in (True, False)]
        if not all(map(len, sides)):
            continue
        means = [side.mean(axis=0) for side in sides]
        gap += len(sides[1]) * (means[1] - means[0])
        weights += len(sides[1])
        for side, mean in zip(sides, means, strict=True):
            squares += np.square(side - mean).sum(axis=0)
            freedom += len(side) - 1
    spread = np.sqrt(squares / max(freedom, 1))
    return np.divide(gap, spread * weights, out=np.zeros_like(gap), where=spread * weights > 0)


def added_auc(trained: np.ndarray, untrained: np.ndarray) -> float:
    """The AUC of what training adds in a stretch; 0.5: nothing.

    trained, untrained: `separation` [M] of the same rows. Independent evidence adds up in squares
    of d, and two normal scores d standard deviations apart have the AUC Phi(d / sqrt 2) (Green and
    Swets 1966). What is subtracted is what was there before.
    """
    squares = np.square(np.maximum(trained, 0)) - np.square(np.maximum(untrained, 0))
    return NormalDist().cdf(sqrt(max(float(squares.mean()), 0) / 2))
