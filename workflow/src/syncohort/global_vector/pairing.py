"""Which two haplotypes make a person, where a network draws haplotypes one by one.

The two haplotypes of a real person are alike in ancestry, more than the label says: where people descend
from several populations, and where a label, such as cases, is of several. Drawn second haplotypes change
places between people of a label until people's haplotypes are as alike. No haplotype is changed.

Axes: P people, G gene blocks, K channels, D = G K of all chromosomes, A axes, C labels.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from syncohort.files import load_arrays, save_arrays
from syncohort.genotypes import People
from syncohort.seeds import child_seed

SWEEPS = 1_000  # in which everybody is offered one exchange
PAIRINGS = 8  # times that training people are paired with others
_KIND = "syncohort pairing 1"
_PARTNERS_KIND = "syncohort partners 1"


@dataclass(frozen=True, eq=False)
class Pairing:
    """How alike the two haplotypes of a person are along axes of their latents.

    class_names: C labels, or one name for all people where labels are values; axes: [D, A] float32;
    correlation: [C, A], of a person's haplotypes within the label; variance: [C, A], of haplotypes.
    """

    class_names: np.ndarray
    axes: np.ndarray
    correlation: np.ndarray
    variance: np.ndarray

    def mates(self, latents: np.ndarray, people: People, seed: int) -> np.ndarray:
        """Whose second haplotype each of P people gets, [P].

        latents: float32 [2 P, G, K], both haplotypes of a person in turn; people: whose they are. Only people of one label and sex
        exchange haplotypes, so that labels keep theirs, and men their one X.

        Along each axis the haplotypes a and b of a person are taken as normal with correlation r. Of all
        ways to pair those that were drawn one has a chance in proportion to the product over people of
        exp(sum_k r_k / (1 - r_k^2) a_k b_k / variance_k) (DeGroot & Goel 1980, Estimation of the correlation
        coefficient from a broken random sample).
        """
        scores = (latents.reshape(2 * len(people), -1) @ self.axes).reshape(len(people), 2, -1)
        names = np.full(len(people), "") if people.has_values else people.label.astype(str)
        found = np.arange(len(people))
        for group, (name, sex) in enumerate(sorted(set(zip(names, people.sex, strict=True)))):
            own = np.flatnonzero((names == name) & (people.sex == sex))
            if self.correlation[self._place(name)].any():
                found[own] = own[self._paired(scores[own], name, child_seed(seed, group))]
        return found

    def partners(self, scores: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
        """For each person another one, as alike as the haplotypes of a person are, [S] places.

        scores: [S, 2, A], of first and second haplotypes along the axes; labels: [S] str, their classes, each of
        two people or more. The second haplotype of another one is paired with the first of each, as in `mates`, but never a
        person's own two.
        """
        found = np.arange(len(labels))
        for group, name in enumerate(np.unique(labels)):
            own = np.flatnonzero(labels == name)
            found[own] = own[self._paired(scores[own], name, child_seed(seed, group), others=True)]
        return found

    def _place(self, name: str) -> int:
        return list(self.class_names).index(name)

    def _paired(self, scores: np.ndarray, name: str, seed: int, others: bool = False) -> np.ndarray:
        """Whose second haplotype each of n people of one class gets, [n]; others: never their own."""
        r, variance = self.correlation[self._place(name)], self.variance[self._place(name)]
        pull = r / (1 - r**2) / variance
        return _exchange(scores[:, 0] * pull, scores[:, 1], seed, others)

    def save(self, path: str | Path) -> None:
        """Write it to one .npz file."""
        save_arrays(path, _KIND, {each.name: getattr(self, each.name) for each in fields(self)})

    @staticmethod
    def load(path: str | Path) -> "Pairing":
        """Read what `save` wrote. Raises InputError for another file."""
        return Pairing(**load_arrays(path, _KIND))


@dataclass(frozen=True, eq=False)
class Partners:
    """Some training people, and for each of them others as alike as the two haplotypes of a person are.

    sample_id: [S] str; partner: int64 [PAIRINGS, S], places among these people.
    """

    sample_id: np.ndarray
    partner: np.ndarray

    def save(self, path: str | Path) -> None:
        """Write them to one .npz file."""
        save_arrays(path, _PARTNERS_KIND, vars(self))

    @staticmethod
    def load(path: str | Path) -> "Partners":
        """Read what `save` wrote. Raises InputError for another file."""
        return Partners(**load_arrays(path, _PARTNERS_KIND))


def _exchange(first: np.ndarray, second: np.ndarray, seed: int, others: bool = False) -> np.ndarray:
    """Whose second haplotype each of n people gets, [n], by Metropolis steps in which two people exchange theirs.

    first: [n, A], scores of first haplotypes, times the pull of each axis; second: [n, A], of second ones; others: nobody
    gets their own.
    """
    random = np.random.default_rng(seed)
    n_people, half = len(first), len(first) // 2
    mates = random.permutation(n_people)
    if others:
        around = mates
        mates = np.empty_like(around)
        mates[around] = np.roll(around, 1)
    for _ in range(SWEEPS):
        order = random.permutation(n_people)
        one, other = order[:half], order[half : 2 * half]
        gain = ((first[one] - first[other]) * (second[mates[other]] - second[mates[one]])).sum(1)
        accepted = np.log(random.random(half)) < gain
        if others:
            accepted &= (mates[other] != one) & (mates[one] != other)
        one, other = one[accepted], other[accepted]
        mates[one], mates[other] = mates[other], mates[one]
    return mates
