"""Who of a simulated cohort has which haplotype of a chromosome, and how children come by theirs.

Axes: V variants, v of a piece, S people, H haplotypes (rows 2 i and 2 i + 1 belong to person i).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import tskit

from syncohort.genotypes import CHUNK_VARIANTS, PLOIDY, Variants, slices
from syncohort.ploidy import ABSENT, FEMALE, MALE, second_of_men

X = "X"


@dataclass(frozen=True)
class Inheritance:
    """Everybody's haplotypes at the sites of a chromosome, read a few sites at a time.

    trees: of the founders; meioses: of the children's parents (see `meioses`); order: [H] of
    founders, then children; absent: bool [H], haplotypes that nobody has.
    """

    contig: str
    trees: tskit.TreeSequence
    meioses: list[tuple]
    order: np.ndarray
    absent: np.ndarray

    @staticmethod
    def of(
        contig: str,
        trees: tskit.TreeSequence,
        people: pd.DataFrame,
        rate: float,
        rng: np.random.Generator,
    ) -> "Inheritance":
        """Draw what the children inherit.

        people: of `demo.demo_people`; rate: of crossovers per bp, where there are any.
        """
        drawn = meioses(people, trees.sequence_length, rate, rng, is_x=contig == X)
        # founders come first in the simulation, children after them: back to the order of people
        is_child = np.repeat((people["father"] != "").to_numpy(), PLOIDY)
        order = np.empty(len(is_child), dtype=np.int64)
        order[np.flatnonzero(~is_child)] = np.arange((~is_child).sum())
        order[np.flatnonzero(is_child)] = np.arange((~is_child).sum(), len(is_child))
        sex = np.where(people["sex"] == "male", MALE, FEMALE)
        absent = second_of_men(sex, PLOIDY) & (contig == X)
        return Inheritance(contig, trees, drawn, order, absent)

    def _rows(self, sites: np.ndarray) -> Iterator[np.ndarray]:
        """Alleles int8 [H] of everybody at these sites, in the order given."""
        variant = tskit.Variant(self.trees)
        copied = gametes(self.meioses, self.trees.sites_position[sites])
        for site, gamete in zip(sites, copied, strict=True):
            variant.decode(site)
            founders = variant.genotypes.astype(np.int8)
            row = np.concatenate([founders, founders[gamete]])[self.order]
            row[self.absent] = ABSENT
            yield row

    def sites_of(self, maf_min: float) -> np.ndarray:
        """Indices of the sites with at least this MAF among all haplotypes."""
        n_haplotypes = np.count_nonzero(~self.absent)
        fewest = max(1, np.ceil(maf_min * n_haplotypes))
        everywhere = np.arange(self.trees.num_sites)
        derived = np.array(
            [
                np.count_nonzero(row > 0)
                for part in slices(len(everywhere), CHUNK_VARIANTS)
                for row in self._rows(everywhere[part])
            ],
            dtype=np.int64,
        )
        return np.flatnonzero(np.minimum(derived, n_haplotypes - derived) >= fewest)

    def pieces(self, sites: np.ndarray) -> Iterator[tuple[Variants, np.ndarray]]:
        """Variants and haplotypes int8 [v, H] of these sites, rising, some at a time."""
        for part in slices(len(sites), CHUNK_VARIANTS):
            chosen = [self.trees.site(site) for site in sites[part]]
            positions = [int(site.position) + 1 for site in chosen]
            alleles = [(s.ancestral_state, s.mutations[0].derived_state) for s in chosen]
            ids = [f"sim{self.contig}_{position}" for position in positions]
            haplotypes = np.stack(list(self._rows(sites[part])))
            yield Variants(self.contig, positions, ids, alleles), haplotypes


def meioses(
    people: pd.DataFrame, length_bp: float, rate: float, rng: np.random.Generator, *, is_x=False
) -> list[tuple]:
    """Of each child haplotype: the parent among the founders, its crossovers [bp], its first strand.

    Mendelian transmission: a fair start, then crossovers as a Poisson process of `rate` per
    bp (Haldane's map). A father's one X goes to his daughters as it is; what stands second for a
    son, who has none of it, is not used.
    """
    is_founder = (people["father"] == "").to_numpy()
    founder_index = dict(zip(people["sample"][is_founder], range(is_founder.sum()), strict=True))
    drawn = []
    for child in people.loc[~is_founder].itertuples():
        parents = [child.father, child.mother]
        if is_x and child.sex == "male":
            parents.reverse()
        for parent in parents:
            if is_x and parent == child.father:
                drawn.append((founder_index[parent], np.empty(0), 0))
                continue
            crossovers = np.sort(rng.uniform(0, length_bp, rng.poisson(rate * length_bp)))
            drawn.append((founder_index[parent], crossovers, rng.integers(2)))
    return drawn


def gametes(meioses: list[tuple], positions: np.ndarray) -> np.ndarray:
    """Which founder haplotype each child haplotype copies at positions [V]: int [V, 2 x children]."""
    copied = np.empty((len(positions), len(meioses)), dtype=np.int64)
    for column, (parent, crossovers, first) in enumerate(meioses):
        strand = (first + np.searchsorted(crossovers, positions)) % 2
        copied[:, column] = PLOIDY * parent + strand
    return copied
