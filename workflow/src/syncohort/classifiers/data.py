"""What every kind of classifier is fitted to, and what its validation people judge by.

Axes: V variants, S people, C classes.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ClassifierData:
    """Training people and the validation people who choose.

    classes [C] str, sorted; dosages int8 [S, V], -1 missing; target [S]: index of each
    person's class; validation_dosages, validation_target: the same of validation people.
    """

    classes: np.ndarray
    dosages: np.ndarray
    target: np.ndarray
    validation_dosages: np.ndarray
    validation_target: np.ndarray


def cross_entropy(logits: np.ndarray, target: np.ndarray) -> float:
    """Mean over people of -log probability of their class, from logits [S, C]."""
    own = logits[np.arange(len(target)), target]
    return float(np.mean(np.logaddexp.reduce(logits, axis=1) - own))
