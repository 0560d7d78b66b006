"""A cohort that is attacked: people of two labels, and synthetic ones measured against them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from cohorts import NAMES, people_of, store_of

from syncohort.evaluation.privacy.measure import measure_privacy

N_VARIANTS = 500
LABELS = {"x": 250, "y": 150}  # training people
OPTIONS = {"mode": "haplotype", "minimum_people": 20, "max_people": 3_000, "seed": 1, **NAMES}


def population_calls(labels, *, seed, n_variants=N_VARIANTS, n_founders=60, jump=0.04):
    """Calls [V, S, 2] of people whose haplotypes are mosaics of their label's many founders."""
    calls = np.empty((n_variants, len(labels), 2), np.int8)
    rng = np.random.default_rng(seed)
    for label in np.unique(labels):
        founders = np.random.default_rng(sum(map(ord, label)))
        pool = founders.random((n_variants, n_founders)) < founders.beta(1, 2, (n_variants, 1))
        own = np.flatnonzero(labels == label)
        starts = rng.random((n_variants, 2 * len(own))) < jump
        starts[0] = True
        drawn = rng.integers(n_founders, size=starts.shape)
        last = np.maximum.accumulate(np.where(starts, np.arange(n_variants)[:, None], 0), axis=0)
        source = np.take_along_axis(drawn, last, axis=0)
        calls[:, own] = np.take_along_axis(pool, source, axis=1).reshape(n_variants, -1, 2)
    return calls


def attacked_cohort(folder: Path) -> SimpleNamespace:
    """Real people of two labels, and what measures synthetic ones of calls [V, S, 2]."""
    splits, labels = [], []
    for label, n_train in LABELS.items():
        for split, n in (("train", n_train), ("validation", 60), ("holdout", 60)):
            splits += [split] * n
            labels += [label] * n
    splits, labels = np.array(splits, object), np.array(labels, object)
    calls = population_calls(labels, seed=1)
    train = splits == "train"
    stores = {"real": store_of(folder / "real.zip", calls, people_of(labels, splits))}

    def measured(name, drawn, drawn_labels=labels[train], **options):
        people = people_of(drawn_labels, prefix="s")
        store = store_of(folder / f"{name}.zip", drawn, people, phased=not options.get("mode"))
        return measure_privacy([stores["real"]], [store], **(OPTIONS | options))

    return SimpleNamespace(
        folder=folder,
        real=stores["real"],
        calls=calls,
        labels=labels,
        splits=splits,
        train=calls[:, train],
        train_labels=labels[train],
        measured=measured,
    )
