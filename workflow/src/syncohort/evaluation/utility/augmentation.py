"""What do synthetic people add when few real ones are there to learn the label from?

Classifiers are trained on few real people, alone and with synthetic ones, and tested on real
holdout people as in `utility`.

Axes: S people, C classes, K seeds.
"""

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import Group
from syncohort.evaluation.intervals import bootstrap, percentile_interval
from syncohort.evaluation.tidy import MIN_PEOPLE, metric_row, people_in, tidy
from syncohort.evaluation.utility.bench import Bench, LabelledPeople, Training, read_synthetic
from syncohort.seeds import child_seed

_FEW, _GAIN = 2, 3  # random streams; 0 and 1 are of `classifiers`, 4 of `utility`


def measure_augmentation(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    training: Training,
    *,
    shares: list[float],
    cohort: str,
    generator: str,
    minimum_people: int = MIN_PEOPLE,
) -> pd.DataFrame:
    """What synthetic people add to few real ones: a tidy table.

    shares: of the real training people that a classifier gets, in (0, 1], of every label
    alike and at least one person each; a larger share holds the people of a smaller one, and
    every seed draws its own. Rows of generator "real" are trained on them alone, rows of
    `generator` on them and all synthetic people; method "mlp", real_share "0.05". Metrics:
    augmented_accuracy, augmented_balanced_accuracy, augmented_auc, and augmentation_gain, by
    how much the synthetic people raise the accuracy (interval over the same people and seeds).

    Two versions answer two questions. With the stores of a usual study the generator has seen
    all training people, and most of the gain is theirs. For an honest gain give the stores
    of a study whose only training people are the few, and share 1.

    Source: GeneticDiffusion, Table 3.
    """
    real = LabelledPeople.read(real_stores, people_in(real_stores[0], "train"))
    drawn = read_synthetic(real_stores, synthetic_stores)
    bench = Bench.of(real_stores, training, max(len(real), len(drawn)))
    reason = bench.reason_to_withhold(real.labels, minimum_people)
    alone, added = [], []
    for kind in training.kinds:
        for share in shares:
            group = Group(method=kind, real_share=f"{share:g}")
            if reason:
                added.append(metric_row("augmentation_gain", group, np.nan, note=reason))
                continue
            few = [real[_few(real.labels, share, seed)] for seed in training.seeds]
            fitted = [
                bench.train(parts, kind, training.seeds)
                for parts in (few, [each.with_others(drawn) for each in few])
            ]
            before, after = (bench.probabilities(each) for each in fitted)
            classes = fitted[0][0].classes
            alone += bench.score_rows(group, classes, before, prefix="augmented_")
            added += bench.score_rows(group, classes, after, prefix="augmented_")
            added.append(_gain_row(bench, group, classes, before, after))
    tables = [
        tidy(alone, cohort=cohort, generator="real"),
        tidy(added, cohort=cohort, generator=generator),
    ]
    return pd.concat(tables, ignore_index=True)


def _few(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Indices of a share of every label's people, at least one; larger shares hold smaller ones."""
    rng = np.random.default_rng(child_seed(seed, _FEW))
    chosen = []
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        chosen.append(own[: max(1, round(share * len(own)))])
    return np.sort(np.concatenate(chosen))


def _gain_row(bench: Bench, group: Group, classes, before, after) -> dict:
    """By how much accuracy rose between two sets of probabilities [K, S, C]."""
    hits = [classes[each.argmax(axis=2)] == bench.tested.label for each in (before, after)]
    gain = hits[1].astype(float) - hits[0]  # [K, S]
    rng = np.random.default_rng(child_seed(bench.training.seeds[0], _GAIN))
    drawn = bootstrap(
        lambda *seeds_people: gain[np.ix_(*seeds_people)].mean(), *gain.shape, rng=rng
    )
    interval = percentile_interval(drawn)
    return metric_row("augmentation_gain", group, gain.mean(), *interval, bench.left_out)
