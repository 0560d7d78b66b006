"""Rare variants of real and of synthetic people beside the common haplotypes around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from syncohort.cohort_store import CohortStore, common_people
from syncohort.evaluation.tidy import check_same_variants, people_in
from syncohort.synthesis.local_haplotypes import blocks_of, haplotypes_around, held_at_once
from syncohort.synthesis.rare_variants import carrier_weights, is_ref_rarer

SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class RareBlock:
    """A block of common SNPs and rare variants in it, of groups of people by name.

    part: slice of the rare variants; around: name -> haplotypes around the block, uint64 [R, 3];
    carry: name -> who carries the rarer allele, float32 [v, R], see `carrier_weights`.
    """

    part: slice
    around: dict[str, np.ndarray]
    carry: dict[str, np.ndarray]


@dataclass(frozen=True)
class RareChromosome:
    """One chromosome: common SNPs and rare variants of real and of synthetic people.

    real, synthetic: the cohorts that are modelled and drawn; rare, drawn: the same people with their
    rare variants. Raises InputError where they do not hold the same variants and people.
    """

    real: CohortStore
    rare: CohortStore
    synthetic: CohortStore
    drawn: CohortStore

    def __post_init__(self):
        check_same_variants(self.real, self.synthetic)
        check_same_variants(self.rare, self.drawn)
        common_people([self.real, self.rare])
        common_people([self.synthetic, self.drawn])

    @cached_property
    def minor_is_ref(self) -> np.ndarray:
        """Whether REF is the rarer allele of the rare variants, bool [V]."""
        return is_ref_rarer(self.rare, people_in(self.rare, "train"))

    def blocks(self, groups: dict[str, np.ndarray]) -> Iterator[RareBlock]:
        """Walk along the chromosome, over blocks that hold rare variants, many of them in pieces.

        groups: name -> indices of real people; the synthetic people are one more, `SYNTHETIC`.
        """
        walks = [haplotypes_around(self.real, people) for people in groups.values()]
        walks.append(haplotypes_around(self.synthetic))
        names = [*groups, SYNTHETIC]
        stores = [*((self.rare, people) for people in groups.values()), (self.drawn, slice(None))]
        parts = blocks_of(self.real.variants, self.rare.variants)
        n_people = max(len(self.rare.people), len(self.drawn.people))
        for part, *around in zip(parts, *walks, strict=True):
            haplotypes = dict(zip(names, around, strict=True))
            for some in held_at_once(part, n_people):
                rarer = self.minor_is_ref[some]
                carry = [carrier_weights(store, some, people, rarer) for store, people in stores]
                yield RareBlock(some, haplotypes, dict(zip(names, carry, strict=True)))
