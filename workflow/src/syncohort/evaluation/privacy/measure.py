"""Does a synthetic cohort leak who was in the real one?

Every question is asked of training people and, as the measure of what chance gives, of holdout
people, whom the generator never saw. Distances are between alleles of all chromosomes; a row is
a haplotype or, in genotype mode, a person. Cohorts of more than `max_people` people a group are
sampled for distances, which hides copies in proportion; whole copies, copied windows and the
attack on frequencies always use everybody.

Two more attacks ask for what else can be found out: attribute_gain (`attributes`), of what is hidden of a person, and
linkability_gain (`profiles`), whether two profiles are of one person. What few training people
carry is counted by `small_counts`.

The attacks on membership ("membership_auc", "membership_tpr", `membership_rows`) come by these doors, and
by one more in `white_box`:
distance: near a synthetic row. windows: near one in each window of SNPs (`windows`), and window
ratio: nearer than to the reference. profile: near one by a few SNPs (`profiles`). child's haplotype: a child of the person is near one (`relatives`). relatives set aside: a
relative of the person is near one (`set_aside`). density ratio: nearer to synthetic rows than to other real
people, the reference (DOMIAS; van Breugel et al. 2023, eq. 2, with the distances to the
nearest in place of two densities). frequency: alleles nearer to the synthetic frequencies of
the label than to the reference's (Homer et al. 2008, eq. 1).
The reference are validation people, and for frequencies also the holdout people, each
compared with the others. When the synthetic cohort is itself the validation people
(the calibration row "validation"), half of its people stand for the synthetic, half for the reference.

Axes: V variants, R rows, N people, A and B rows of two groups.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore, common_people
from syncohort.evaluation.groups import ALL, HAPLOTYPES, HOLDOUT, Group
from syncohort.evaluation.pair_counts import PairCounts, Planes
from syncohort.evaluation.privacy.attributes import CHROMOSOME, REGION, Told, label_row, region_rows
from syncohort.evaluation.privacy.copies import (
    copied_rows,
    copy_label_rows,
    copy_rows,
    find_copies,
)
from syncohort.evaluation.privacy.frequency_attack import (
    add_frequency_scores,
    count_alleles,
    label_counts,
)
from syncohort.evaluation.privacy.membership import (
    ATTACKS,
    WINDOW_RATIO,
    WINDOWS,
    Targets,
    membership_rows,
    score_column,
    targets_of,
)
from syncohort.evaluation.privacy.near_copies import near_rows, nearness
from syncohort.evaluation.privacy.neighbours import distances_of, nearest_of
from syncohort.evaluation.privacy.parties import Party, choose_parties, walk
from syncohort.evaluation.privacy.profiles import profile_rows
from syncohort.evaluation.privacy.record_distances import (
    adversarial_rows,
    closest_rows,
    data_copying_row,
)
from syncohort.evaluation.privacy.relatives import relative_rows
from syncohort.evaluation.privacy.set_aside import set_aside_rows
from syncohort.evaluation.privacy.small_counts import small_count_rows
from syncohort.evaluation.privacy.windows import WindowSums, pack_rows
from syncohort.evaluation.tidy import check_same_variants, metric_row, tidy
from syncohort.genotypes import PLOIDY, rows_per_person, to_rows
from syncohort.seeds import child_seed

REFERENCE_NEIGHBOURS = 5
ATTACKED = ("train", "holdout")  # parties, in the order of the scores

_ROW_PAIRS = (  # whose distances to whom
    ("synthetic", "train"),
    ("synthetic", "holdout"),
    ("synthetic", "synthetic"),
    ("train", "train"),
    ("train", "reference"),
    ("holdout", "holdout"),
    ("holdout", "train"),
    ("holdout", "reference"),
)

_PEOPLE_PAIRS = (("synthetic", "train"), ("holdout", "train"))
_NEAR_PAIRS = (*_PEOPLE_PAIRS, ("reference", "train"))
_PEOPLE, _BOOTSTRAP, _HASH, _MEMBERSHIP, _INFERENCE, _COUNTS, _RELATIVES, _ASIDE = range(
    8
)  # streams


@dataclass(frozen=True)
class Privacy:
    """metrics: tidy table. people: one row per attacked person: person, label, member (True
    for training people) and the attacks' scores (distance, density_ratio, frequency, windows_64, ...:
    higher for suspected members).
    """

    metrics: pd.DataFrame
    people: pd.DataFrame


@dataclass(frozen=True)
class _Distances:
    """rows: (group, group) -> Hamming [A, B]; people: metric -> (group, group) -> [A, B];
    frequency: group -> score [R] of the attack on frequencies, NaN where it has no opinion;
    windows: "synthetic", "reference" -> length -> sums over windows of the distance to the nearest
    of them, [R]; told: what of the last chromosome is told by the others, None where it is the only one.
    """

    rows: dict
    people: dict
    frequency: dict
    windows: dict
    told: Told | None


def measure_privacy(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    *,
    cohort: str,
    generator: str,
    mode: str,
    minimum_people: int,
    max_people: int,
    seed: int,
    is_validation: bool = False,
) -> Privacy:
    """Every measure of privacy but the white-box attack.

    The stores are one per chromosome, in the same order; mode: "haplotype" or "genotype".
    Metrics with fewer than `minimum_people` people on a side are NaN and say so.
    max_people: most training and synthetic people, and twice the most holdout and reference
    people, whose distances are taken. is_validation: the synthetic people
    are the validation people.

    aa_truth, aa_syn (against "holdout", "train"): share of real, or synthetic, rows whose
    nearest row of the other kind is farther than that of their own; groups of equal size with
    equal labels, the mean of several subsamples, ties half. Both 0.5 when alike; aa_truth
    above: synthetic rows are far from real ones; aa_syn above: too like one another.
    privacy_loss: (aa_truth + aa_syn) / 2 of the holdout less that of training people;
    positive = memorised (Yale et al. 2020, eq. 1 and 2).
    closest_record_ratio (by method, a distance): median distance of synthetic records to the
    nearest training record over that of holdout people. closest_record_tail: share of
    synthetic people nearer to a training person than all but 1 % of real people are (`tail_rows`).
    neighbour_distance_ratio: median of nearest over second nearest training row.
    copied_people: people with a row that is wholly a training row; near_copies: see `near_rows`;
    both beside what real people show, part "real".
    identical_share, window_copies: share of rows, and of windows of consecutive SNPs, that are
    verbatim in a training row; windows of several lengths, and the shortest of which holdout
    people share at most 10 %. data_copying: z-score, below -3 when synthetic rows are
    nearer to training rows than holdout rows are (C_T, Meehan et al. 2020, section 3; labels
    as cells). The part "holdout" is the same of holdout people. membership_auc: see above.
    """
    common_people(synthetic_stores)
    for real, synthetic in zip(real_stores, synthetic_stores, strict=True):
        check_same_variants(real, synthetic)
    groups = choose_parties(
        common_people(real_stores),
        synthetic_stores[0].people,
        max_people,
        is_validation,
        child_seed(seed, _PEOPLE),
    )
    few = {name: len(group.index) for name, group in groups.items() if len(group.index) < 2}
    smallest = min(len(groups[name].index) for name in ("train", "holdout", "synthetic"))
    if few or smallest < minimum_people:
        return _withheld(min([smallest, *few.values()]), cohort, generator)
    each = rows_per_person(mode)
    training = [
        count_alleles(store, {"train": store.people.split == "train"})["train"]
        for store in real_stores
    ]
    distances = _measure_distances(real_stores, synthetic_stores, groups, training, mode)
    rng = np.random.default_rng(child_seed(seed, _BOOTSTRAP))
    labels = {name: group.label for name, group in groups.items()}
    metrics = adversarial_rows(distances.rows, labels, each, minimum_people, rng)
    metrics += closest_rows(distances.rows, distances.people, labels, each, minimum_people, rng)
    copies = find_copies(real_stores, synthetic_stores, mode, child_seed(seed, _HASH))
    metrics += copied_rows(copies) + _near_rows(distances) + copy_rows(copies, rng)
    metrics.append(data_copying_row(distances.rows, labels, each))
    everybody = {"synthetic": synthetic_stores[0].people.label}
    everybody["holdout"] = real_stores[0].people.label[groups["holdout"].members]
    metrics += copy_label_rows(copies, everybody, rng)
    metrics += small_count_rows(
        real_stores, synthetic_stores, training, mode, child_seed(seed, _COUNTS)
    )
    attacked = np.concatenate([groups[name].index for name in ATTACKED])
    targets = targets_of(real_stores[0].people, attacked)
    scores = _attack_scores(distances)
    for index, (attack, values) in enumerate(scores.items()):
        options = {"minimum_people": minimum_people, "seed": child_seed(seed, _MEMBERSHIP, index)}
        by_person = values.reshape(len(targets), each).sum(axis=1)
        metrics += membership_rows(attack, by_person, targets, **options)
        if each > 1 and not attack.window_snps:
            group = attack._replace(rows=HAPLOTYPES)
            metrics += membership_rows(group, values, targets, **options)[:1]
    options = {"minimum_people": minimum_people, "seed": child_seed(seed, _ASIDE)}
    metrics += set_aside_rows(
        real_stores, synthetic_stores, groups, training, mode, max_people=max_people, **options
    )
    attackers = (real_stores, synthetic_stores, attacked, groups["synthetic"].index, targets)
    if mode == "haplotype":
        options = {"minimum_people": minimum_people, "seed": child_seed(seed, _RELATIVES)}
        metrics += relative_rows(*attackers, **options)
    options = {"minimum_people": minimum_people, "seed": child_seed(seed, _INFERENCE)}
    metrics += profile_rows(*attackers, training, **options)
    metrics += region_rows(*attackers, training, mode, **options)
    if distances.told:
        metrics += distances.told.rows(CHROMOSOME, targets, **options)
    if len(targets.label_size) > 1:
        metrics.append(label_row(_nearest_labels(distances, groups, each), targets, **options))
    return Privacy(
        tidy(metrics, cohort=cohort, generator=generator), _people_table(targets, scores, each)
    )


def _nearest_labels(distances: _Distances, groups: dict[str, Party], each: int) -> np.ndarray:
    """Label of the synthetic row nearest to each attacked row, [R]."""
    labels = np.repeat(groups["synthetic"].label, each)
    nearest = [distances.rows["synthetic", name].argmin(axis=0) for name in ATTACKED]
    return labels[np.concatenate(nearest)]


def _near_rows(distances: _Distances) -> list[dict]:
    near = {pair[0]: nearness(of) for pair, of in distances.people["l1"].items()}
    return near_rows(near["synthetic"], np.concatenate([near["holdout"], near["reference"]]))


def _withheld(people: int, cohort: str, generator: str) -> Privacy:
    against = Group(against=HOLDOUT)
    names = [("aa_truth", against), ("aa_syn", against), ("privacy_loss", ALL)]
    names += [("closest_record_ratio", Group(method="hamming")), ("identical_share", ALL)]
    names += [(name, ALL) for name in ("copied_people", "near_copies")]
    names += [("window_copies", ALL), ("data_copying", ALL)]
    names += [("membership_auc", Group(method=attack)) for attack in ATTACKS]
    names += [("attribute_gain", Group(method=REGION)), ("linkability_gain", ALL)]
    note = f"too few: {people} people"
    rows = [metric_row(metric, group, np.nan, note=note) for metric, group in names]
    nobody = Targets(*np.empty((3, 0), dtype=object), {})
    return Privacy(tidy(rows, cohort=cohort, generator=generator), _people_table(nobody, {}, 1))


def _measure_distances(real_stores, synthetic_stores, groups, training, mode) -> _Distances:
    """All that needs the genotypes of the chosen people, in one pass along the chromosomes."""
    each = rows_per_person(mode)
    alleles = PLOIDY // each  # of a row at a variant
    size = {name: len(group.index) for name, group in groups.items()}
    n_attacked = sum(size[name] for name in ATTACKED)
    of_rows = {
        (a, b): PairCounts(size[a] * each, size[b] * each, dosages=mode == "genotype")
        for a, b in _ROW_PAIRS
    }
    of_people = {
        pair: PairCounts(*(size[name] for name in pair), dosages=True, own=pair in _PEOPLE_PAIRS)
        for pair in _NEAR_PAIRS
    }
    frequency = {name: np.zeros(size[name] * each) for name in ATTACKED}
    windows = {name: WindowSums(n_attacked * each) for name in ("synthetic", "reference")}
    told = None
    for place, (real, synthetic) in enumerate(zip(real_stores, synthetic_stores, strict=True)):
        if 0 < place == len(real_stores) - 1:
            told = Told(n_attacked, alleles)
            pairs = (distances_of(of_rows["synthetic", name], "hamming") for name in ATTACKED)
            nearest = np.concatenate([pair.argmin(axis=0) for pair in pairs])
        counts = label_counts(real, synthetic, groups)
        for variants, calls in walk(real, synthetic, groups):
            rows = {name: to_rows(part, mode) for name, part in calls.items()}
            attacked = np.concatenate([rows[name] for name in ATTACKED])
            common = training[place].frequency[variants]
            packed = pack_rows(attacked, common, alleles)
            for name, sums in windows.items():
                sums.add(packed, pack_rows(rows[name], common, alleles))
            if told:
                told.add(attacked, rows["synthetic"][nearest], common)
            once = {name: to_rows(calls[name], mode, once=True) for name in ATTACKED}
            add_frequency_scores(frequency, once, groups, counts, variants, each)
            people = {
                name: Planes.of(to_rows(calls[name], "genotype"), dosages=True) for name in groups
            }
            _add(of_people, people)
            if mode == "haplotype":
                people = {name: Planes.of(part, dosages=False) for name, part in rows.items()}
            _add(of_rows, people)
    return _Distances(
        {pair: distances_of(counts, "hamming") / alleles for pair, counts in of_rows.items()},
        {
            "l1": {pair: distances_of(counts, "l1") for pair, counts in of_people.items()},
            **{
                metric: {pair: distances_of(of_people[pair], metric) for pair in _PEOPLE_PAIRS}
                for metric in ("l2", "cosine")
            },
        },
        frequency,
        {name: sums.nearest() for name, sums in windows.items()},
        told,
    )


def _add(counts: dict, planes: dict[str, Planes]) -> None:
    for (a, b), each in counts.items():
        each.add(planes[a], planes[b])


def _attack_scores(distances: _Distances) -> dict[Group, np.ndarray]:
    """Attack -> score [R] of the training and holdout rows."""
    to_synthetic = np.concatenate(
        [distances.rows["synthetic", name].min(axis=0) for name in ATTACKED]
    )
    to_reference = []
    for name in ATTACKED:
        rows = distances.rows[name, "reference"]
        k = min(REFERENCE_NEIGHBOURS, rows.shape[1])
        to_reference.append(nearest_of(rows, k).distance.mean(axis=1))
    to_reference = np.concatenate(to_reference)
    # a pseudo-distance keeps the ratio of copies finite
    tiny = 1e-3 * np.median(to_reference)
    with np.errstate(invalid="ignore"):  # infinite both, of a person without calls
        density = np.log(to_reference + tiny) - np.log(to_synthetic + tiny)
    scores = {
        "distance": -to_synthetic,
        "density ratio": density,
        "frequency": np.concatenate([distances.frequency[name] for name in ATTACKED]),
    }
    scores = {Group(method=attack): values for attack, values in scores.items()}
    for length, near in distances.windows["synthetic"].items():
        others = distances.windows["reference"][length]
        scores[Group(method=WINDOWS, window_snps=f"{length}")] = -near
        scores[Group(method=WINDOW_RATIO, window_snps=f"{length}")] = others - near
    return scores


def _people_table(targets: Targets, scores: dict, each: int) -> pd.DataFrame:
    """The attacks' scores, summed over the rows of a person."""
    table = pd.DataFrame(
        {"person": targets.id, "label": targets.label, "member": targets.member.astype(bool)}
    )
    for attack, values in scores.items():
        table[score_column(attack)] = values.reshape(len(targets), -1).sum(axis=1)
    return table
