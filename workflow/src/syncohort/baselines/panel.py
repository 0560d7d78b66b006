"""The training people a baseline draws from, by label.

Axes: V variants, T training people, S synthetic people, P = 2 ploidy, C classes (labels).
"""

from dataclasses import dataclass

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError, examples
from syncohort.genotypes import People
from syncohort.packed_calls import PackedCalls, masks_of


@dataclass(frozen=True, eq=False)
class Panel:
    """Training people and the synthetic people to be drawn from them.

    train: [T] indices of the training people in the real cohort; train_class: [T] and
    drawn_class: [S], both in 0..C - 1; train_sex: [T] and drawn_sex: [S], see `ploidy`.
    """

    train: np.ndarray
    train_class: np.ndarray
    drawn_class: np.ndarray
    train_sex: np.ndarray
    drawn_sex: np.ndarray

    @staticmethod
    def of(store: CohortStore, people: People) -> "Panel":
        """The training people of a real cohort beside the synthetic people to draw.

        Raises InputError for labels that no training person carries.
        """
        train = np.flatnonzero(store.people.split == "train")
        names, train_class = np.unique(store.people.label[train].astype(str), return_inverse=True)
        unknown = sorted(set(people.label.astype(str)) - set(names))
        if unknown:
            raise InputError(
                f"people are asked for labels nobody in training carries: {examples(unknown)}; "
                f"the labels are {examples(names, limit=30)}"
            )
        drawn_class = np.searchsorted(names, people.label.astype(str))
        return Panel(train, train_class, drawn_class, store.people.sex[train], people.sex)

    @property
    def sizes(self) -> np.ndarray:
        """Training people of each class, [C]."""
        return np.bincount(self.train_class)

    def frequencies(self, calls: np.ndarray) -> np.ndarray:
        """ALT frequency float32 [V, C] of calls int8 [V, T, P], missing alleles left out.

        A class without a call of a variant gets everybody's frequency, and 0 if nobody has one.
        """
        counts = PackedCalls.of(calls).count(masks_of(self.train_class, len(self.sizes)))
        alt, called = counts.alt, counts.alleles
        pooled = alt.sum(axis=1) / np.maximum(called.sum(axis=1), 1)
        own = alt / np.maximum(called, 1)
        return np.where(called > 0, own, pooled[:, None]).astype(np.float32)

    def pick(self, classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A random training person of each of the classes [N]: indices [N] in 0..T - 1."""
        return pick_like(self.train_class, classes, rng)

    def pick_people(self, rng: np.random.Generator) -> np.ndarray:
        """A random training person of the class of each drawn one, and the sex where there is one:
        indices [S]."""
        # sexes are 0 to 2
        known = 3 * self.train_class + self.train_sex
        wanted = 3 * self.drawn_class + self.drawn_sex
        alone = ~np.isin(wanted, known)
        found = pick_like(known, np.where(alone, known[0], wanted), rng)
        if alone.any():
            found[alone] = self.pick(self.drawn_class[alone], rng)
        return found


def pick_like(known: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices [N] of random ones of `known` [T] that are as `wanted` [N]; there is one at least."""
    by_class, sizes = np.argsort(known, kind="stable"), np.bincount(known)
    start = np.cumsum(sizes) - sizes
    return by_class[start[wanted] + rng.integers(sizes[wanted])]
