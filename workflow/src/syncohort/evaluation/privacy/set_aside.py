"""Does a release give away the relatives of its training people?

Parents, siblings and children share long stretches with a training person, and so with whatever repeats that
person. Those whom the split has set aside (`cohort.set_aside`) are attacked as the training people are; the
control are holdout people, who are nobody's relatives.

Axes: V variants, R rows (haplotypes or people), N people.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import Group
from syncohort.evaluation.pair_counts import PairCounts, Planes
from syncohort.evaluation.privacy.frequency_attack import AlleleCounts
from syncohort.evaluation.privacy.membership import (
    METRIC,
    Targets,
    membership_rows,
    targets_of,
)
from syncohort.evaluation.privacy.neighbours import distances_of
from syncohort.evaluation.privacy.parties import Party, party_of, walk
from syncohort.evaluation.privacy.windows import WindowSums, pack_rows
from syncohort.evaluation.tidy import metric_row
from syncohort.genotypes import PLOIDY, RELATIVES, People, rows_per_person, to_rows
from syncohort.seeds import child_seed

METHOD = "relatives set aside"
_ATTACKED, _OTHERS = (RELATIVES, "holdout"), ("synthetic", "reference")


def set_aside_rows(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    parties: dict[str, Party],
    training: list[AlleleCounts],
    mode: str,
    *,
    max_people: int,
    minimum_people: int,
    seed: int,
) -> list[dict]:
    """Metric rows of membership_auc and membership_tpr of relatives against holdout people.

    parties: those of `choose_parties`, of whom holdout, reference and synthetic people are used.
    training: alleles of the training people, one per store.
    max_people: most relatives, drawn at random beyond it.

    Method "relatives set aside": distance to the nearest synthetic row; of `window_snps`: in each window,
    less the distance to the nearest reference row. Nobody set aside: no rows. Fewer relatives than
    `minimum_people`: NaN, and the note says so.
    """
    people = real_stores[0].people
    index = np.flatnonzero(people.split == RELATIVES)
    if not len(index):
        return []
    if len(index) < minimum_people:
        note = f"too few: {len(index)} relatives set aside"
        return [metric_row(METRIC, Group(method=METHOD), np.nan, note=note)]
    relatives = party_of(people, index, max_people, child_seed(seed, 0), real=True)
    parties = {RELATIVES: relatives} | {name: parties[name] for name in ("holdout", *_OTHERS)}
    targets = _targets(people, parties)
    scores = _scores(real_stores, synthetic_stores, parties, training, mode)
    rows = []
    for stream, (group, score) in enumerate(scores, start=1):
        by_person = score.reshape(len(targets), -1).sum(axis=1)
        options = {"minimum_people": minimum_people, "seed": child_seed(seed, stream)}
        found = membership_rows(group, by_person, targets, **options)
        rows += [
            row | {"note": f"{len(relatives.index):,} relatives, {row['note']}"}
            for row in found
            if not (row["label"] or row["label_size"])
        ]
    return rows


def _targets(people: People, parties: dict[str, Party]) -> Targets:
    index = np.concatenate([parties[name].index for name in _ATTACKED])
    return replace(targets_of(people, index), member=people.split[index] == RELATIVES)


def _scores(real_stores, synthetic_stores, parties, training, mode) -> Iterator[tuple]:
    """Group and score [R] of each attack, higher for suspected relatives."""
    each = rows_per_person(mode)
    alleles = PLOIDY // each  # of a row at a variant
    size = {name: each * len(party.index) for name, party in parties.items()}
    n_attacked = sum(size[name] for name in _ATTACKED)
    is_dosage = mode == "genotype"
    counts = PairCounts(n_attacked, size["synthetic"], dosages=is_dosage)
    windows = {name: WindowSums(n_attacked) for name in _OTHERS}
    stores = zip(real_stores, synthetic_stores, training, strict=True)
    for real, synthetic, of_training in stores:
        for variants, calls in walk(real, synthetic, parties):
            rows = {name: to_rows(part, mode) for name, part in calls.items()}
            attacked = np.concatenate([rows[name] for name in _ATTACKED])
            common = of_training.frequency[variants]
            packed = pack_rows(attacked, common, alleles)
            for name, sums in windows.items():
                sums.add(packed, pack_rows(rows[name], common, alleles))
            counts.add(*(Planes.of(r, dosages=is_dosage) for r in (attacked, rows["synthetic"])))
    yield Group(method=METHOD), -distances_of(counts, "hamming").min(axis=1)
    near, others = (windows[name].nearest() for name in _OTHERS)
    for length, distance in near.items():
        yield Group(method=METHOD, window_snps=f"{length}"), others[length] - distance
