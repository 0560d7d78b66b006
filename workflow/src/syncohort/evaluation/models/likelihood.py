"""Models under which a person's likelihood is exact, measured by it: do they fit, do they know their people?

Axes: N people.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.baselines.hidden_chow_liu import log_likelihoods
from syncohort.baselines.panel import Panel
from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import Group
from syncohort.evaluation.intervals import percentile_interval, redrawn_means
from syncohort.evaluation.privacy.membership import membership_rows, sample_index, targets_of
from syncohort.evaluation.tidy import metric_row, tidy, withhold_small
from syncohort.genotypes import SPLITS
from syncohort.seeds import child_seed

METHOD = "likelihood"
_CHOICE, _INTERVAL, _BOOTSTRAP = range(3)  # random streams


def measure_likelihood(
    stores: list[CohortStore],
    models: list[str | Path],
    *,
    cohort: str,
    generator: str,
    minimum_people: int,
    max_people: int,
    seed: int,
) -> pd.DataFrame:
    """Tidy table of how likely real people are under the models of their chromosomes.

    models: files of `fit_hidden_chow_liu`, in the order of stores; max_people: of each split.

    log_likelihood, of training, validation and holdout people: natural logarithm of the
    probability of an allele (of a genotype in genotype mode) given those before it and the label,
    mean over the SNPs of a person and then over people. membership_auc and membership_tpr,
    method "likelihood": whether training people are likelier than holdout people. People of
    labels that nobody in training has are left out.
    """
    people = stores[0].people
    known = np.isin(people.label.astype(str), people.label[people.split == "train"].astype(str))
    chosen = {
        split: sample_index(
            np.flatnonzero(known & (people.split == split)), max_people, child_seed(seed, _CHOICE)
        )
        for split in SPLITS
    }
    index = np.concatenate(list(chosen.values()))
    panel = Panel.of(stores[0], people[index])
    total, n_seen = np.zeros(len(index)), np.zeros(len(index))
    for store, model in zip(stores, models, strict=True):
        found, seen = log_likelihoods(store, panel, index, model)
        total += found
        n_seen += seen
    rows, mean = [], total / np.maximum(n_seen, 1)
    for split, own in chosen.items():
        row = _mean_row(split, mean[np.isin(index, own)], child_seed(seed, _INTERVAL))
        rows += withhold_small([row], len(own), minimum_people)
    attacked = people.split[index] != "validation"
    options = {"minimum_people": minimum_people, "seed": child_seed(seed, _BOOTSTRAP)}
    targets = targets_of(people, index[attacked])
    rows += membership_rows(Group(method=METHOD), mean[attacked], targets, **options)
    return tidy(rows, cohort=cohort, generator=generator)


def _mean_row(split: str, values: np.ndarray, seed: int) -> dict:
    """The metric row of the mean of people's values [N]."""
    if not len(values):
        return metric_row("log_likelihood", Group(part=split), np.nan)
    interval = percentile_interval(redrawn_means(values, np.random.default_rng(seed)))
    note = f"{len(values):,} people"
    return metric_row("log_likelihood", Group(part=split), values.mean(), *interval, note)
