"""Variants too rare to be modelled, drawn given the common haplotypes around them.

Let d(x, t) be the SNPs, of the 192 around a variant, at which a synthetic haplotype x and a
training haplotype t differ, and 3 more where their labels do; d_m(x) the m-th smallest of them, with
m the fewest carriers a variant may have. x carries the rarer allele of the variant with
probability in proportion to

    p(x) = sum_(t carries) w(x, t) / sum_t w(x, t),   w(x, t) = exp(-max(d(x, t) - d_m(x), 0)),

the kernel regression of Nadaraya (1964) and Watson (1964) with a width for each x: all of the m
nearest training haplotypes count alike, so that none is more than 1 / m of p(x), not even one
that x is a copy of. The p(x) of a variant are brought to a sum, the carriers to expect: those that the
training people's frequencies by label give the synthetic people, times Gamma(c, 1 / c) where
c training haplotypes carry the allele, for a population's frequency is not known better from c
carriers. Then every haplotype and variant is drawn by itself: a training person's rare alleles come
together on a synthetic haplotype only where they do so in several training people, and counts
are those of another cohort of the population, not the training people's.

Axes: v rare variants of a block, T training and R synthetic haplotypes, C carriers.
"""

from pathlib import Path

import numpy as np

from syncohort.bits import compiled, inlined, popcount
from syncohort.cohort_store import CohortStore, common_people
from syncohort.dosages import called_sums
from syncohort.errors import InputError
from syncohort.formats.shared_sites import settle_calls
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import PLOIDY, Variants, from_rows, site_slices, variants_at_once
from syncohort.seeds import contig_seed
from syncohort.synthesis.local_haplotypes import (
    SNPS_AROUND,
    blocks_of,
    haplotypes_around,
    held_at_once,
)

_OTHER_LABEL = 3  # SNPs that a difference of labels counts as
_LARGEST = SNPS_AROUND + _OTHER_LABEL
# More rows than these are sampled: time grows in proportion to the people.
_MOST_TRAINING_ROWS = 4_096
_MOST_CARRIERS = 512
_DECAY = np.exp(-np.arange(_LARGEST + 1.0))


def draw_rare(
    real: CohortStore,
    rare: CohortStore,
    synthetic: CohortStore,
    path: str | Path,
    *,
    carriers_min: int,
    seed: int,
) -> None:
    """Write the rare variants of one autosome of a synthetic cohort.

    Args:
        real, synthetic: phased cohorts with the same variants, those that are modelled.
        rare: the same people as `real` with their rare variants, phased or not: of an unphased
            heterozygote either haplotype counts as half a carrier.
        path: dataset to write.
        carriers_min: m of above, haplotypes.

    Raises:
        InputError: the stores do not fit together, or have no phase.
    """
    people = common_people([real, rare])
    if not (real.phased and synthetic.phased):
        raise InputError(
            f"{synthetic.path}: rare variants are drawn on haplotypes, and these are not phased"
        )
    rng = np.random.default_rng(contig_seed(seed, real.contig))
    train = np.flatnonzero(people.split == "train")
    labels = _Labels(people.label[train], synthetic.people.label)
    known = np.arange(PLOIDY * len(train))
    if len(known) > _MOST_TRAINING_ROWS:
        known = np.sort(rng.choice(known, _MOST_TRAINING_ROWS, replace=False))
    walks = haplotypes_around(real, train), haplotypes_around(synthetic)
    parts, minor_is_ref = blocks_of(real.variants, rare.variants), is_ref_rarer(rare, train)
    with CohortWriter(path, synthetic.people) as writer:
        for part, trained, drawn in zip(parts, *walks, strict=True):
            if part.start == part.stop:
                continue
            block = _Block(trained, drawn, labels, known, carriers_min)
            for some in held_at_once(part, max(len(people), len(synthetic.people))):
                rarer = minor_is_ref[some]
                rows = np.empty((len(drawn), len(rarer)), dtype=np.int8)
                for place, weights in enumerate(carrier_weights(rare, some, train, rarer)):
                    chance = block.chances(weights, rng)
                    rows[:, place] = rng.random(len(drawn)) < chance
                rows ^= rarer.astype(np.int8)
                writer.append(rare.variants[some], from_rows(rows, "haplotype"), True)


def is_ref_rarer(store: CohortStore, people: np.ndarray) -> np.ndarray:
    """Whether REF is the rarer allele of each variant among some people, bool [V]."""
    found = []
    for _, calls in store.variant_chunks(people):
        alt, called = called_sums(calls.reshape(len(calls), -1), axis=1)
        found.append(2 * alt > called)
    return np.concatenate(found)


def carrier_weights(store: CohortStore, part: slice, people, minor_is_ref) -> np.ndarray:
    """Which haplotypes carry the rarer allele of each variant of a slice, float32 [v, R].

    1 for a carrier, and 0.5 for both haplotypes of an unphased heterozygote. people: slice, mask or
    indices; minor_is_ref: bool [v], whether it is REF.
    """
    calls, phased = store.read(part, people), store.read_phasing(part, people)
    carries = calls == np.where(minor_is_ref, 0, 1)[:, None, None]
    weights = carries.astype(np.float32)
    weights[~phased & (carries.sum(axis=2) == 1)] = 0.5
    return weights.reshape(len(calls), -1)


class _Labels:
    """Labels of the haplotypes: train [T] and drawn [R], as numbers."""

    def __init__(self, train: np.ndarray, drawn: np.ndarray):
        both = np.concatenate([train, drawn]).astype(str)
        codes = np.repeat(np.unique(both, return_inverse=True)[1], PLOIDY).astype(np.int64)
        self.train, self.drawn = codes[: PLOIDY * len(train)], codes[PLOIDY * len(train) :]
        sizes = (np.bincount(each, minlength=codes.max() + 1) for each in (self.train, self.drawn))
        trained, wanted = sizes
        self._copies = np.where(trained > 0, wanted / np.maximum(trained, 1), 0)[self.train]

    def expected(self, weights: np.ndarray) -> float:
        """Carriers among the synthetic haplotypes at the frequencies of the labels; weights [T]."""
        return float(self._copies @ weights)


class _Block:
    """The synthetic haplotypes [R, 3] around a block beside the training ones [T, 3].

    known: indices of the training haplotypes that are compared with.
    """

    def __init__(self, trained, drawn, labels: _Labels, known: np.ndarray, n_nearest: int):
        self._trained, self._drawn, self._labels = trained, drawn, labels
        self._floor = np.empty(len(drawn), dtype=np.int64)  # d_m [R]
        self._total = np.empty(len(drawn))  # [R]
        _sum_weights(
            drawn,
            labels.drawn,
            trained[known],
            labels.train[known],
            n_nearest,
            _DECAY,
            self._floor,
            self._total,
        )

    def chances(self, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The chance [R] to carry an allele; weights [T]: of its training carriers."""
        carriers = float(weights.sum())
        expected = self._labels.expected(weights) * rng.gamma(carriers) / carriers
        return scaled(self.regression(weights, rng), expected)

    def regression(self, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """p(x) of the synthetic haplotypes [R], before they are brought to a sum."""
        carriers = np.flatnonzero(weights)
        if len(carriers) > _MOST_CARRIERS:
            carriers = rng.choice(carriers, _MOST_CARRIERS, replace=False)
        sums = np.empty(len(self._drawn))
        _sum_carriers(
            self._drawn,
            self._labels.drawn,
            self._trained[carriers],
            self._labels.train[carriers],
            weights[carriers],
            self._floor,
            _DECAY,
            sums,
        )
        return sums / self._total


def scaled(chance: np.ndarray, expected: float) -> np.ndarray:
    """Chances [R] in proportion to those given, none above 1, whose sum is `expected`.

    Where fewer have any chance than are expected, all of them have 1.
    """
    chance = chance.copy()
    certain = np.zeros(len(chance), dtype=bool)
    while True:
        free = chance[~certain].sum()
        if free <= 0:
            return chance
        chance[~certain] *= max(expected - certain.sum(), 0) / free
        over = chance > 1
        if not over.any():
            return chance
        chance[over] = 1
        certain |= over


@inlined
def distance_of(one, other):
    """SNPs at which two haplotypes [3] differ."""
    n = 0
    for word in range(len(one)):
        n += popcount(one[word] ^ other[word])
    return n


@compiled
def _sum_weights(drawn, drawn_label, trained, train_label, n_nearest, decay, floor, total):
    """Write d_m and the sum of w over training haplotypes, of each synthetic one."""
    counts = np.empty(len(decay), dtype=np.int64)
    for row in range(len(drawn)):
        counts[:] = 0
        for other in range(len(trained)):
            further = 0 if drawn_label[row] == train_label[other] else _OTHER_LABEL
            counts[distance_of(drawn[row], trained[other]) + further] += 1
        least, near = 0, counts[0]
        while near < n_nearest and least < len(decay) - 1:
            least += 1
            near += counts[least]
        floor[row] = least
        total[row] = near
        for distance in range(least + 1, len(decay)):
            total[row] += counts[distance] * decay[distance - least]


@compiled
def _sum_carriers(drawn, drawn_label, carriers, label, weights, floor, decay, sums):
    """Write the sum of w over the carriers of an allele, of each synthetic haplotype."""
    for row in range(len(drawn)):
        sums[row] = 0
        for other in range(len(carriers)):
            further = 0 if drawn_label[row] == label[other] else _OTHER_LABEL
            distance = distance_of(drawn[row], carriers[other]) + further
            sums[row] += weights[other] * decay[max(distance - floor[row], 0)]


def join_rare(common: CohortStore, rare: CohortStore, path: str | Path) -> None:
    """Write one chromosome of a synthetic cohort with its rare variants between the others.

    Where a haplotype has two ALT alleles of a site, the commoner stays: see `settle_calls`.
    """
    people = common_people([common, rare])
    stores = (common, rare)
    positions = np.concatenate([store.variants.position_bp for store in stores])
    order = np.argsort(positions, kind="stable")
    variants = Variants.merged([store.variants for store in stores], order)
    with CohortWriter(path, people) as writer:
        writer.n_settled = common.n_settled
        for part in site_slices(variants, variants_at_once(len(people))):
            calls = np.empty((part.stop - part.start, len(people), PLOIDY), dtype=np.int8)
            phased = np.empty(calls.shape[:2], dtype=bool)
            first = 0
            for store in stores:
                own = order[part] - first
                here = (own >= 0) & (own < len(store.variants))
                first += len(store.variants)
                if here.any():
                    span = slice(int(own[here][0]), int(own[here][-1]) + 1)
                    calls[here], phased[here] = store.read(span), store.read_phasing(span)
            writer.n_settled += settle_calls(calls, variants[part], phased=common.phased)
            writer.append(variants[part], calls, phased)
