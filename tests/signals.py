"""People whose label can be learned from their genotypes."""

import numpy as np


def people_with_signal(n_people, n_variants, *, seed, effect=0.5, classes=("a", "b")):
    """Dosages [S, V] and labels; half of the variants differ in frequency between labels."""
    rng = np.random.default_rng(seed)
    labels = np.array(classes)[np.arange(n_people) % len(classes)]
    shift = np.random.default_rng(0).normal(size=(len(classes), n_variants)) * effect
    shift[:, n_variants // 2 :] = 0
    frequency = np.clip(0.5 + shift[np.arange(n_people) % len(classes)], 0.05, 0.95)
    return rng.binomial(2, frequency).astype(np.int8), labels


def shuffle_labels(labels, *, seed):
    """Half of the people of each of two labels get the other: nothing is left of the truth."""
    rng = np.random.default_rng(seed)
    shuffled = labels.copy()
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        shuffled[rng.permutation(own)] = np.resize(np.unique(labels), len(own))
    return shuffled
