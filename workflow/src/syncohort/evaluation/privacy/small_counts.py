"""Is what very few training people carry in the release, more often than chance brings it there?

Disclosure control counts as small what fewer than 5 or 10 people have in common. Looked at are alleles,
haplotypes (windows of 64 SNPs) and labels (combinations, where several columns make the label).

People nobody was trained on carry rare alleles and haplotypes of training people too, and they are the
measure of what chance gives. They also carry rare haplotypes that no training person has, about as many as
there are haplotypes with one carrier (Good 1953); copies of training people carry none. So of a
person's rare haplotypes the share is taken that training people carry.

Axes: V variants, N people of a group, R rows (haplotypes or people), W windows.
"""

from dataclasses import dataclass, field

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.dosages import share
from syncohort.evaluation.groups import HOLDOUT, Group
from syncohort.evaluation.intervals import percentile_interval, redrawn_means
from syncohort.evaluation.privacy.frequency_attack import AlleleCounts
from syncohort.evaluation.privacy.windows import pack_rows
from syncohort.evaluation.tidy import metric_row, ratio
from syncohort.genotypes import PLOIDY, rows_per_person, slices, to_rows, variants_at_once

LIMITS = (5, 10)  # training people: fewer are a small count
NUMBER, ALLELES, HAPLOTYPES = "small_counts", "rare_alleles", "rare_haplotypes"
LABELS = "labels"
_KINDS = {ALLELES: "alleles", HAPLOTYPES: "haplotypes"}
_WINDOW_SNPS = 64  # a word of `windows.pack_rows`
_COMPARED = ("synthetic", HOLDOUT)
_SEEN_BY_NOBODY = 3  # 95 % limit of a number that was 0 (Hanley & Lippman-Hand 1983)


@dataclass
class _Tally:
    """What of one kind is carried by fewer than a limit of training people, but by one at least.

    small: number of it; shown: number of it that synthetic people have; carried: group -> [N], how
    often a person has any; novel: the same of what no training person has.
    """

    small: int = 0
    shown: int = 0
    carried: dict = field(default_factory=dict)
    novel: dict = field(default_factory=dict)

    def add(self, small: int, shown: int, carried: dict, novel: dict | None = None) -> None:
        """Add some more of it; see the fields."""
        self.small += small
        self.shown += shown
        for sums, parts in ((self.carried, carried), (self.novel, novel or {})):
            for name, part in parts.items():
                sums[name] = sums.get(name, 0) + part


def small_count_rows(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    training: list[AlleleCounts],
    mode: str,
    seed: int,
) -> list[dict]:
    """Metric rows of small counts, everybody looked at.

    training: alleles of the training people, one per store.
    mode: "haplotype" or "genotype", where multi-SNP genotypes stand in the place of haplotypes.

    All are by `carriers`, the limit below which a number of training people is small. rare_alleles:
    such alleles that a person has. rare_haplotypes: of a person's haplotypes with fewer carriers, none included,
    the share with one at least. The part "holdout" is the same of holdout people; labels count as
    they do there. small_counts: how many different alleles, haplotypes and labels (`method`) with so few
    carriers are in the release.
    """
    rng = np.random.default_rng(seed)
    tallies = {(kind, limit): _Tally() for kind in _KINDS for limit in LIMITS}
    salt = rng.integers(1, 2**63, size=PLOIDY, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    for real, synthetic, counts in zip(real_stores, synthetic_stores, training, strict=True):
        at_once = variants_at_once(max(len(real.people), len(synthetic.people)))
        whole = max(1, at_once // _WINDOW_SNPS) * _WINDOW_SNPS
        for variants in slices(len(real.variants), whole):
            calls = _calls(real, synthetic, variants)
            frequency = counts.frequency[variants]
            _add_alleles(tallies, calls, frequency)
            _add_haplotypes(tallies, calls, frequency, mode, salt)
    labels = _labels(real_stores[0], synthetic_stores[0])
    rows = [
        row
        for (kind, limit), tally in tallies.items()
        for row in _tally_rows(kind, f"{limit}", tally, labels, rng)
    ]
    return rows + label_rows(labels)


def _calls(real: CohortStore, synthetic: CohortStore, variants: slice) -> dict[str, np.ndarray]:
    """Calls int8 [v, N, 2] of training, holdout and synthetic people."""
    of_real = real.read(variants)
    split = real.people.split
    return {
        "train": of_real[:, split == "train"],
        HOLDOUT: of_real[:, split == "holdout"],
        "synthetic": synthetic.read(variants),
    }


def _labels(real: CohortStore, synthetic: CohortStore) -> dict[str, np.ndarray]:
    """Labels [N] of training, holdout and synthetic people."""
    people = real.people
    return {
        "train": people.label[people.split == "train"].astype(str),
        HOLDOUT: people.label[people.split == "holdout"].astype(str),
        "synthetic": synthetic.people.label.astype(str),
    }


def _add_alleles(tallies, calls: dict[str, np.ndarray], frequency: np.ndarray) -> None:
    """Count the rarer alleles of some variants; frequency: of ALT among training people, [v]."""
    rarer = (frequency <= 0.5).astype(np.int8)[:, None]  # ALT or REF
    carriers = _carry(calls["train"], rarer).sum(axis=1)
    rare = np.flatnonzero((carriers > 0) & (carriers < max(LIMITS)))
    carry = {name: _carry(calls[name][rare], rarer[rare]) for name in _COMPARED}
    for limit in LIMITS:
        small = carriers[rare] < limit
        carried = {name: part[small].sum(axis=0) for name, part in carry.items()}
        shown = carry["synthetic"][small].any(axis=1)
        tallies[ALLELES, limit].add(int(small.sum()), int(shown.sum()), carried)


def _carry(calls: np.ndarray, allele: np.ndarray) -> np.ndarray:
    """Who has an allele [v, 1] of calls int8 [v, N, 2], bool [v, N]."""
    return (calls[..., 0] == allele) | (calls[..., 1] == allele)


def _add_haplotypes(tallies, calls, frequency: np.ndarray, mode: str, salt: np.ndarray) -> None:
    """Count the haplotypes of some windows.

    salt: uint64 [2], which makes one number of the planes of a window in genotype mode.
    """
    each = rows_per_person(mode)
    ploidy = PLOIDY // each
    words = {}  # [R, W]
    for name, part in calls.items():
        planes = pack_rows(to_rows(part, mode), frequency, ploidy)
        words[name] = (planes * salt[:ploidy]).sum(axis=2, dtype=np.uint64)
    for window in range(words["train"].shape[1]):
        own = {name: part[:, window].reshape(-1, each) for name, part in words.items()}
        known, carriers = _carriers(own["train"])
        places = {name: _places(known, own[name]) for name in _COMPARED}
        novel = {name: (place < 0).sum(axis=1) for name, place in places.items()}
        for limit in LIMITS:
            is_small = np.append(carriers < limit, False)  # the last: of nobody in training
            small = {name: is_small[place] for name, place in places.items()}
            tallies[HAPLOTYPES, limit].add(
                int(is_small.sum()),
                len(np.unique(places["synthetic"][small["synthetic"]])),
                {name: part.sum(axis=1) for name, part in small.items()},
                novel,
            )


def _carriers(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different values of rows [N, rows a person], in order, and how many people have each."""
    first, last = rows[:, 0], rows[:, -1]
    return np.unique(np.concatenate([first, last[last != first]]), return_counts=True)


def _places(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where values are in `known`, which is in order; -1 for those that are not."""
    place = np.searchsorted(known, values).clip(max=len(known) - 1)
    return np.where(known[place] == values, place, -1)


def _tally_rows(kind: str, carriers: str, tally: _Tally, labels: dict, rng) -> list[dict]:
    rows = []
    for name, part in (("synthetic", ""), (HOLDOUT, HOLDOUT)):
        weights = matched_weights(labels[name], labels[HOLDOUT], labels["synthetic"])
        of = tally.carried[name] + tally.novel[name] if tally.novel else np.ones(len(weights))
        sums = np.stack([weights * tally.carried[name], weights * of], axis=1)  # [N, 2]
        carried, whole = sums.sum(axis=0)
        low, high = percentile_interval(share(*redrawn_means(sums, rng).T))
        high = max(high, ratio(_SEEN_BY_NOBODY, whole))
        group = Group(part=part, carriers=carriers)
        note = "" if whole else "nobody has a rare haplotype"
        rows.append(metric_row(kind, group, ratio(carried, whole), low, high, note))
    group = Group(method=_KINDS[kind], carriers=carriers)
    return [*rows, metric_row(NUMBER, group, tally.shown, note=f"of {tally.small:,}")]


def matched_weights(labels: np.ndarray, *sides: np.ndarray) -> np.ndarray:
    """Weights [N] of mean 1 that make labels [N] as frequent as in the first of `sides`.

    Labels that one of the sides has not get 0; all of them where the sides share none.
    """
    names, places = np.unique(labels, return_inverse=True)
    counts = [(side[:, None] == names).sum(axis=0) for side in (*sides, labels)]
    wanted = np.where(np.min(counts, axis=0) > 0, counts[0], 0)
    return (wanted / counts[-1])[places] * len(labels) / max(wanted.sum(), 1)


def label_rows(labels: dict[str, np.ndarray]) -> list[dict]:
    """Metric rows: the number of labels with few training people that the release has.

    labels: of "train", "holdout" and "synthetic" people, [N].
    """
    names, carriers = np.unique(labels["train"], return_counts=True)
    rows = []
    for limit in LIMITS:
        small = names[carriers < limit]
        ours, holdout = (np.isin(small, labels[name]).sum() for name in ("synthetic", HOLDOUT))
        note = f"of {len(small):,}; holdout people have {holdout:,} of them"
        rows.append(metric_row(NUMBER, Group(method=LABELS, carriers=f"{limit}"), ours, note=note))
    return rows
