"""Do rare alleles of a release tell who was in training?

Three attacks on membership, by somebody who knows a person's haplotypes and rare alleles:
rare alleles: the sum over a person's rare alleles of the logarithm of their frequency among synthetic
people over that among validation people. rare haplotypes: how near the haplotype around each is to
the nearest synthetic haplotype that carries it. rare combinations: how often two rare alleles that
follow each other on a haplotype are on one synthetic haplotype, too. Each is asked of training
people and of holdout people, as the other attacks of `measure` are.

Axes: V rare variants, v of a block, R rows (two haplotypes a person), 3 words.
"""

import numpy as np

from syncohort.bits import compiled
from syncohort.evaluation.groups import Group
from syncohort.evaluation.privacy.membership import membership_rows, sample_index, targets_of
from syncohort.evaluation.rare_chromosome import SYNTHETIC, RareBlock, RareChromosome
from syncohort.evaluation.tidy import people_in
from syncohort.genotypes import PLOIDY
from syncohort.synthesis.local_haplotypes import SNPS_AROUND
from syncohort.synthesis.rare_variants import distance_of

RARE_ATTACKS = ALLELES, HAPLOTYPES, COMBINATIONS = (
    "rare alleles",
    "rare haplotypes",
    "rare combinations",
)
_BLOCKS_BACK = 8  # how far apart two alleles that are looked at together may be
_TARGETS, _REFERENCE = "targets", "reference"


def rare_membership_rows(
    chromosomes: list[RareChromosome],
    *,
    minimum_people: int,
    max_people: int,
    seed: int,
    is_validation: bool = False,
) -> list[dict]:
    """`membership_rows` of the three attacks, all chromosomes together.

    max_people: so many training people at most are asked about. is_validation: the synthetic people are
        the validation people, of whom then every other one stands for the reference.
    """
    people = chromosomes[0].real.people
    store = chromosomes[0].real
    members = sample_index(people_in(store, "train"), max_people, seed)
    index = np.concatenate([members, people_in(store, "holdout")])
    reference = people_in(store, "validation")
    shown = slice(None)
    if is_validation:
        reference, shown = reference[1::2], slice(0, None, 2)
    scores = _Scores(PLOIDY * len(index), shown)
    for chromosome in chromosomes:
        scores.begin()
        groups = {_TARGETS: index, _REFERENCE: reference}
        for block in chromosome.blocks(groups):
            scores.add(block)
    targets = targets_of(people, index)
    options = {"minimum_people": minimum_people, "seed": seed}
    return [
        row
        for method, found in scores.of_people().items()
        for row in membership_rows(Group(method=method), found, targets, **options)
    ]


class _Scores:
    """Sums of the attacks over the rare alleles of each row [R].

    shown: the synthetic people whose frequencies are looked at.
    """

    def __init__(self, n_rows: int, shown: slice):
        self._shown = shown
        self._sums = {name: np.zeros(n_rows) for name in RARE_ATTACKS}
        self._numbers = {name: np.zeros(n_rows) for name in (HAPLOTYPES, COMBINATIONS)}
        self.begin()

    def begin(self) -> None:
        """Begin a chromosome."""
        n_rows = len(self._sums[ALLELES])
        self._last = np.full(n_rows, -1)  # rare variant that each row carried last
        self._recent: list[dict[int, np.ndarray]] = []  # of the last blocks: variant -> carriers

    def add(self, block: RareBlock) -> None:
        """Take the next block."""
        ours, reference = block.carry[SYNTHETIC], block.carry[_REFERENCE]
        of_people = ours.reshape(len(ours), -1, PLOIDY)[:, self._shown]  # [v, S, 2]
        shown = of_people.reshape(len(ours), -1)
        ratio = np.log(_frequency(shown) / _frequency(reference))  # [v]
        carry = block.carry[_TARGETS]
        self._sums[ALLELES] += ratio @ carry
        self._recent = [*self._recent[-_BLOCKS_BACK:], {}]
        for place in range(len(carry)):
            rows, carriers = np.flatnonzero(carry[place]), np.flatnonzero(ours[place])
            nearest = np.full(len(rows), SNPS_AROUND)
            around = block.around
            _nearest(around[_TARGETS][rows], around[SYNTHETIC][carriers], nearest)
            self._sums[HAPLOTYPES][rows] -= nearest
            self._numbers[HAPLOTYPES][rows] += 1
            self._add_combinations(block.part.start + place, rows, carriers)

    def _add_combinations(self, variant: int, rows: np.ndarray, carriers: np.ndarray) -> None:
        """Look at a variant beside the one that each of its rows carried before it."""
        for last in np.unique(self._last[rows]):
            known = next((block[last] for block in self._recent if last in block), None)
            if known is not None:
                own = rows[self._last[rows] == last]
                self._sums[COMBINATIONS][own] += np.isin(carriers, known).any()
                self._numbers[COMBINATIONS][own] += 1
        self._last[rows] = variant
        self._recent[-1][variant] = carriers

    def of_people(self) -> dict[str, np.ndarray]:
        """Attack -> scores of people [N], NaN where a person has nothing to look at."""
        sums = {name: _by_person(each) for name, each in self._sums.items()}
        for name, number in self._numbers.items():
            number = _by_person(number)
            sums[name] = np.where(number > 0, sums[name] / np.maximum(number, 1), np.nan)
        return sums


def _by_person(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, PLOIDY).sum(axis=1)


def _frequency(carry: np.ndarray) -> np.ndarray:
    """Frequency [v] of alleles that rows carry [v, R], half an allele added."""
    return (carry.sum(axis=1) + 0.5) / (carry.shape[1] + 1)


@compiled
def _nearest(rows, carriers, nearest):
    """Lower `nearest` [R] to the distance of the nearest of some haplotypes."""
    for row in range(len(rows)):
        for other in range(len(carriers)):
            nearest[row] = min(nearest[row], distance_of(rows[row], carriers[other]))
