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
_KIND = "syncohort pairing 1"


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
            place = list(self.class_names).index(name)
            r = self.correlation[place]
            if r.any():
                pull = r / (1 - r**2) / self.variance[place]
                first, second = scores[own, 0] * pull, scores[own, 1]
                found[own] = own[_exchange(first, second, child_seed(seed, group))]
        return found

    def save(self, path: str | Path) -> None:
        """Write it to one .npz file."""
        save_arrays(path, _KIND, {each.name: getattr(self, each.name) for each in fields(self)})

    @staticmethod
    def load(path: str | Path) -> "Pairing":
        """Read what `save` wrote. Raises InputError for another file."""
        return Pairing(**load_arrays(path, _KIND))


def _exchange(first: np.ndarray, second: np.ndarray, seed: int) -> np.ndarray:
    """Whose second haplotype each of n people gets, [n], by Metropolis steps in which two people exchange theirs.

    first: [n, A], scores of first haplotypes, times the pull of each axis; second: [n, A], of second ones.
    """
    random = np.random.default_rng(seed)
    n_people, half = len(first), len(first) // 2
    mates = random.permutation(n_people)
    for _ in range(SWEEPS):
        order = random.permutation(n_people)
        one, other = order[:half], order[half : 2 * half]
        gain = ((first[one] - first[other]) * (second[mates[other]] - second[mates[one]])).sum(1)
        accepted = np.log(random.random(half)) < gain
        one, other = one[accepted], other[accepted]
        mates[one], mates[other] = mates[other], mates[one]
    return mates
