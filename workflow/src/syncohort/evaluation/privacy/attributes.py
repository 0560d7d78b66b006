"""Can what is not known of a person be told from what is known, better for training people?

The attacker knows a person's alleles everywhere but in one place, finds the nearest
synthetic row by what is known, and reads what is hidden off it. Hidden is, in turn: stretches of 100 kb, the nearest
row found by the SNPs on both sides; the last chromosome; the label.
What is told of holdout people the same way follows from the population, and is no leak.

Success is the share of the rarer alleles a person carries that are told right: commoner alleles are guessed
right without knowing anything.

Axes: V variants, N attacked people, A their rows (haplotypes or people), B synthetic rows.
"""

from dataclasses import dataclass, field

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.dosages import share
from syncohort.evaluation.groups import Group
from syncohort.evaluation.privacy.frequency_attack import AlleleCounts
from syncohort.evaluation.privacy.gains import gain_row
from syncohort.evaluation.privacy.membership import Targets
from syncohort.evaluation.privacy.neighbours import nearest_of, pairwise_distances
from syncohort.evaluation.tidy import MAF_BINS, maf_bin
from syncohort.genotypes import PLOIDY, rows_per_person, to_rows

GAIN = "attribute_gain"
REGION_BP = 100_000
REGIONS = 40  # hidden in turn, over all chromosomes
FLANK_SNPS = 256  # known on each side of a hidden region
REGION, CHROMOSOME, LABEL = "hidden 100 kb", "hidden chromosome", "hidden label"


@dataclass
class Told:
    """Rarer alleles of attacked people: carried, and of these told right; by bin of MAF.

    Both are bin -> [N]; "" is all bins together.
    """

    n_people: int
    ploidy: int  # alleles a call of a row has
    right: dict = field(default_factory=dict)
    carried: dict = field(default_factory=dict)

    def add(self, truth: np.ndarray, told: np.ndarray, frequency: np.ndarray) -> None:
        """Count the alleles of rows int8 [A, v] against what they were told to be [A, v].

        frequency: of ALT among training people, [v]. A person's rows stand together; calls that
        are missing on either side do not count.
        """
        known = (truth >= 0) & (told >= 0)
        swapped = frequency > 0.5
        truth, told = (np.where(swapped, self.ploidy - rows, rows) for rows in (truth, told))
        carried = np.where(known, truth, 0)
        right = np.where(known, np.minimum(truth, told), 0)
        bins = maf_bin(frequency)
        for name in ("", *np.unique(bins[bins != ""])):
            own = slice(None) if name == "" else bins == name
            for sums, alleles in ((self.right, right), (self.carried, carried)):
                of_people = alleles[:, own].sum(axis=1).reshape(self.n_people, -1).sum(axis=1)
                sums[name] = sums.get(name, 0) + of_people

    def rows(self, method: str, targets: Targets, **options) -> list[dict]:
        """Metric rows of the gain: all rarer alleles, and by bin of MAF, bins without enough
        people who carry any left out."""
        rows = [
            gain_row(
                GAIN,
                Group(method=method, maf_bin=name),
                share(self.right[name], self.carried[name]),
                targets,
                **options,
            )
            for name in ("", *MAF_BINS)
            if name in self.carried
        ]
        return [row for row in rows if not row["maf_bin"] or np.isfinite(row["value"])]


def region_rows(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    attacked: np.ndarray,
    synthetic: np.ndarray,
    targets: Targets,
    training: list[AlleleCounts],
    mode: str,
    *,
    minimum_people: int,
    seed: int,
) -> list[dict]:
    """Metric rows of attribute_gain where 100 kb are hidden, method "hidden 100 kb".

    attacked: [N] indices of the real people who are `targets`.
    synthetic: indices of synthetic people.
    training: alleles of the training people, one per store.
    mode: "haplotype" or "genotype".

    REGIONS are drawn at random SNPs, the same for every generator of a seed.
    """
    told = Told(len(targets), PLOIDY // rows_per_person(mode))
    for store, (start, stop) in _regions(
        [store.variants.position_bp for store in real_stores], seed
    ):
        known = slice(max(start - FLANK_SNPS, 0), stop + FLANK_SNPS)
        ours = to_rows(real_stores[store].read(known, attacked), mode)
        theirs = to_rows(synthetic_stores[store].read(known, synthetic), mode)
        hidden = np.zeros(ours.shape[1], bool)
        hidden[start - known.start : stop - known.start] = True
        flanks = ours[:, ~hidden], theirs[:, ~hidden]
        # of dosages the mean absolute difference
        nearest = nearest_of(
            pairwise_distances(*flanks, "hamming" if mode == "haplotype" else "l1")
        )
        copied = theirs[nearest.index[:, 0]][:, hidden]
        told.add(ours[:, hidden], copied, training[store].frequency[start:stop])
    return told.rows(REGION, targets, minimum_people=minimum_people, seed=seed)


def _regions(positions: list[np.ndarray], seed: int):
    """Stores and the variants [start, stop) of REGIONS regions, in order."""
    rng = np.random.default_rng(seed)
    ends = np.cumsum([len(each) for each in positions])
    for drawn in np.sort(rng.integers(ends[-1], size=REGIONS)):
        store = int(np.searchsorted(ends, drawn, side="right"))
        bp = positions[store]
        centre = int(bp[drawn - ends[store] + len(bp)])
        limits = centre - REGION_BP // 2, centre + REGION_BP // 2
        start, stop = (int(place) for place in np.searchsorted(bp, limits))
        if stop - start < len(bp):  # something of the chromosome is known
            yield store, (start, stop)


def label_row(nearest_label: np.ndarray, targets: Targets, **options) -> dict:
    """Metric row of attribute_gain where the label is hidden, method "hidden label".

    nearest_label: [A] label of the synthetic row nearest to each row of `targets`, a person's
    rows together.
    """
    each = len(nearest_label) // max(len(targets), 1)
    right = (nearest_label.reshape(-1, each) == targets.label[:, None]).mean(axis=1)
    return gain_row(GAIN, Group(method=LABEL), right, targets, **options)
