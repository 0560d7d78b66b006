"""How long are the stretches of a released haplotype that some training haplotype has, allele by allele?

Relatives share long stretches, identical by descent, and so does a copier that joins pieces of training haplotypes, however
far whole genomes are. `copies` looks at everybody in fixed windows of SNPs; here a stretch may begin anywhere, and
its length is genetic. The control are people that nothing was trained on.

Haplotypes are kept sorted by their alleles from the present variant backwards, and beside each stands since when
it is equal to the one before it: the longest match of a haplotype that ends here is with a training haplotype next to it,
above or below. Time goes with haplotypes times variants, and a chunk of variants is held.
Source: Durbin 2014, algorithm 2 (positional Burrows-Wheeler transform).

Axes: V variants, R rows (haplotypes), A of them asked about, the others training rows; N people.
"""

import numpy as np
import pandas as pd

from syncohort.bits import compiled
from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import ALL, REAL, Group
from syncohort.evaluation.intervals import percentile_interval, redrawn_means
from syncohort.evaluation.privacy.membership import sample_index
from syncohort.evaluation.privacy.parties import VARIANTS_AT_ONCE
from syncohort.evaluation.tidy import metric_row, tidy, withhold_small
from syncohort.formats.genetic_map import GeneticMap
from syncohort.genotypes import slices, to_rows
from syncohort.seeds import child_seed

LONGEST, SHARED = "longest_segment", "shared_segments"
# Shorter stretches are shared by many whose last common forebear is long dead. On a chromosome too short for them
# a fifth of it counts.
LEAST_CM, LEAST_SHARE = 2.0, 0.2
_TRAINING, _RELEASED, _REAL, _INTERVAL = range(4)  # random streams


def measure_segments(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    genetic_maps: list[GeneticMap],
    *,
    cohort: str,
    generator: str,
    minimum_people: int,
    max_people: int,
    seed: int,
    is_validation: bool = False,
) -> pd.DataFrame:
    """Tidy table of the stretches that a phased release shares with training haplotypes.

    The stores and maps are one per chromosome, in the same order.
    max_people: most training and released people, and twice the most real ones, who are compared.
    is_validation: the released people are the validation people; the real ones are holdout people alone.

    longest_segment: longest stretch of either haplotype of a person that is in a training haplotype [cM], mean over people.
    shared_segments: share of people's haplotypes in stretches of LEAST_CM and more (LEAST_SHARE of the longest chromosome
    where that is less) that are in one. Part "real": the
    same of people that nothing was trained on. Fewer than `minimum_people` of either: NaN.
    """
    split = real_stores[0].people.split
    others = ("holdout",) if is_validation else ("holdout", "validation")
    everyone = np.ones(len(synthetic_stores[0].people), dtype=bool)
    training, real, released = (
        sample_index(np.flatnonzero(own), limit, child_seed(seed, stream))
        for own, limit, stream in (
            (split == "train", max_people, _TRAINING),
            (np.isin(split, others), max_people // 2, _REAL),
            (everyone, max_people, _RELEASED),
        )
    )
    fewest = min(map(len, (training, real, released)))
    if fewest < minimum_people:
        names = ((metric, Group(part=part)) for metric in (LONGEST, SHARED) for part in ("", REAL))
        rows = [metric_row(*name, np.nan) for name in names]
        return tidy(
            withhold_small(rows, fewest, minimum_people), cohort=cohort, generator=generator
        )
    cM = [of.cM(s.variants.position_bp) for s, of in zip(real_stores, genetic_maps, strict=True)]
    least = min(LEAST_CM, LEAST_SHARE * max(map(np.ptp, cM)))
    longest, shared = _of_people(real_stores, synthetic_stores, cM, least, training, real, released)
    rng = np.random.default_rng(child_seed(seed, _INTERVAL))
    rows = []
    for metric, values, words in (
        (LONGEST, longest, ""),
        (SHARED, shared, f"of {least:.3g} cM and more; "),
    ):
        for group, own in ((ALL, values[len(real) :]), (Group(part=REAL), values[: len(real)])):
            note = f"{words}{len(own):,} people, {len(training):,} training people"
            interval = percentile_interval(redrawn_means(own, rng))
            rows.append(metric_row(metric, group, own.mean(), *interval, note=note))
    return tidy(rows, cohort=cohort, generator=generator)


def _of_people(real_stores, synthetic_stores, cM, least_cM, training, real, released):
    """Longest stretch [cM] and share in long ones of real people and then released ones, [N] each.

    cM: genetic positions [V] of each chromosome. training, real, released: indices of these people.
    """
    n_asked = 2 * (len(real) + len(released))
    longest, total = np.zeros(n_asked), np.zeros(n_asked)
    for store, other, own in zip(real_stores, synthetic_stores, cM, strict=True):
        walk = SegmentWalk(n_asked, 2 * len(training), own, least_cM)
        for variants in slices(len(own), VARIANTS_AT_ONCE):
            rows = [
                to_rows(each.read(variants, some), "haplotype")
                for each, some in ((store, real), (other, released), (store, training))
            ]
            commoner = np.mean(rows[-1] == 1, axis=0) > 0.5 * np.mean(rows[-1] >= 0, axis=0)
            joined = np.concatenate(rows)
            walk.add(np.where(joined < 0, commoner, joined).astype(np.uint8))
        longest = np.maximum(longest, walk.longest)
        total += walk.total
    share = total / max(sum(map(np.ptp, cM)), 1e-300)
    return longest.reshape(-1, 2).max(axis=1), share.reshape(-1, 2).mean(axis=1)


class SegmentWalk:
    """A walk along a chromosome over rows, of which the last are training rows.

    longest: [A] cM, longest stretch of each row asked about that a training row has. total: [A] cM, in such
    stretches of `least_cM` and more.
    """

    def __init__(self, n_asked: int, n_training: int, cM: np.ndarray, least_cM: float):
        """cM: [V], genetic positions of all variants, not decreasing."""
        n_rows = n_asked + n_training
        self._cM, self._least, self._next = cM, least_cM, 0
        self._order = np.arange(n_rows, dtype=np.int32)
        self._since = np.zeros(n_rows, np.int32)
        self._covered = np.full(n_asked, -np.inf)
        self.longest, self.total = np.zeros(n_asked), np.zeros(n_asked)

    def add(self, rows: np.ndarray) -> None:
        """Walk over the next variants; rows: alleles uint8 [R, v], 0 or 1."""
        places = (self._order, self._since)
        found = (self._covered, self.longest, self.total)
        alleles = np.ascontiguousarray(rows.T)
        _walk(alleles, self._cM, self._next, self._least, *places, *found)
        self._next += len(alleles)


@compiled
def _walk(alleles, cM, first, least, order, since, covered, longest, total):
    """`SegmentWalk.add` of alleles [v, R]; order and since [R] and what is found [A] change in place."""
    n_rows, n_asked = len(order), len(covered)
    of_one = np.empty((2, n_rows), np.int32)
    above = np.empty(n_rows, np.int32)
    for place in range(len(alleles)):
        here = first + place
        _sort(alleles[place], here, order, since, of_one)
        nearest = here + 1
        for i in range(n_rows):
            above[i] = max(nearest, since[i])
            nearest = above[i] if order[i] < n_asked else 0
        nearest = here + 1
        for i in range(n_rows - 1, -1, -1):
            row = order[i]
            if row >= n_asked:
                nearest = since[i]
                continue
            start = min(above[i], nearest)
            nearest = max(nearest, since[i])
            if start > here:
                continue
            length = cM[here] - cM[start]
            longest[row] = max(longest[row], length)
            if length >= least:
                total[row] += cM[here] - max(cM[start], covered[row])
                covered[row] = cM[here]


@compiled
def _sort(allele, here, order, since, of_one):
    """Sort the rows by their alleles up to `here`, stably, zeros first; and since when each is as the one before."""
    zeros = ones = 0
    with_zero = with_one = here + 1
    for i in range(len(order)):
        row = order[i]
        with_zero = max(with_zero, since[i])
        with_one = max(with_one, since[i])
        if allele[row]:
            of_one[0, ones], of_one[1, ones] = row, with_one
            with_one = 0
            ones += 1
        else:
            order[zeros], since[zeros] = row, with_zero
            with_zero = 0
            zeros += 1
    order[zeros:] = of_one[0, :ones]
    since[zeros:] = of_one[1, :ones]
