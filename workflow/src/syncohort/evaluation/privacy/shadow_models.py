"""Membership by an attacker who knows the generator and can run it: shadow models.

The attacker draws cohorts of their own, each learned from a random half of the people in question, and sees how
near each person then is to the nearest synthetic one, when learned from and when not. The score is the
likelihood ratio of the distance to the released cohort (LiRA; Carlini et al. 2022, section V), with one
variance for everybody, as there are few shadow models (their section V-B). Training and holdout
people are in the halves alike, so that the attack treats both alike.

Cohorts are drawn by `shadow_alleles` and `shadow_latents`. Validation people are in no half: they keep
their part, which is to choose the epoch of a network.

Axes: N attacked people, K shadow models.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import Group
from syncohort.evaluation.pair_counts import PairCounts, Planes
from syncohort.evaluation.privacy.membership import membership_rows, sample_index, targets_of
from syncohort.evaluation.privacy.neighbours import distances_of
from syncohort.evaluation.privacy.parties import VARIANTS_AT_ONCE
from syncohort.evaluation.tidy import tidy
from syncohort.genotypes import People, rows_per_person, slices, to_rows
from syncohort.seeds import child_seed

METHOD = "shadow models"
_HALVES, _ATTACKED, _SYNTHETIC, _BOOTSTRAP = range(4)  # random streams


def _in_question(people: People) -> np.ndarray:
    """Who may be in a half, bool [people]."""
    return np.isin(people.split, ("train", "holdout"))


def half_of(people: People, shadow: int, seed: int) -> np.ndarray:
    """Who a shadow model is learned from, bool [people]: half of each label's training and holdout people.

    Shadow models 1, 3, ... have the other half of the one before, so that everybody is in as many
    as not.
    """
    rng = np.random.default_rng(child_seed(seed, _HALVES, shadow // 2))
    inside = np.zeros(len(people), dtype=bool)
    pool = _in_question(people)
    for label in np.unique(people.label[pool].astype(str)):
        own = rng.permutation(np.flatnonzero(pool & (people.label == label)))
        first, second = own[: len(own) // 2], own[len(own) // 2 :]
        inside[second if shadow % 2 else first] = True
    return inside


def score_shadow(
    real_stores: list[CohortStore],
    people: People,
    draw: Callable[..., list[CohortStore]],
    *,
    shadow: int,
    mode: str,
    max_people: int,
    seed: int,
) -> pd.DataFrame:
    """Draw the cohort of a shadow model, and see how near everybody attacked is to it.

    people: ids and labels of the synthetic people. Of more than max_people as many are drawn: those whom
        `attack_with_shadows` compares.
    draw: (stores, folder, people=) learns from the training people of stores alone, writes a cohort of
        people into a folder, and returns its stores.
    shadow: its number, from 0.
    seed: of who is in which half and who is attacked, the same for all.

    Returns person, inside (1 or 0: whether learned from), distance.
    """
    real = real_stores[0].people
    inside = half_of(real, shadow, seed)
    halves = np.where(inside, "train", np.where(_in_question(real), "holdout", real.split))
    learned_from = [store.with_split(halves) for store in real_stores]
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw(learned_from, Path(folder), people=people[_compared(people, max_people, seed)])
        attacked = _attacked(real, max_people, seed)
        distance = _distances(real_stores, drawn, attacked, mode, max_people, seed)
    columns = {"person": real.id[attacked], "inside": inside[attacked].astype(int)}
    return pd.DataFrame({**columns, "distance": distance})


def attack_with_shadows(
    real_stores: list[CohortStore],
    synthetic_stores: list[CohortStore],
    shadows: list[pd.DataFrame],
    *,
    cohort: str,
    generator: str,
    mode: str,
    minimum_people: int,
    max_people: int,
    seed: int,
) -> pd.DataFrame:
    """Tidy table of membership_auc and membership_tpr, method "shadow models".

    shadows: from `score_shadow`, with the same mode, max_people and seed.
    """
    real = real_stores[0].people
    attacked = _attacked(real, max_people, seed)
    observed = _distances(real_stores, synthetic_stores, attacked, mode, max_people, seed)
    distances = np.stack([table["distance"].to_numpy() for table in shadows])
    inside = np.stack([table["inside"].to_numpy() for table in shadows]).astype(bool)
    scores = likelihood_ratio(observed, distances, inside)
    options = {"minimum_people": minimum_people, "seed": child_seed(seed, _BOOTSTRAP)}
    rows = membership_rows(Group(method=METHOD), scores, targets_of(real, attacked), **options)
    return tidy(rows, cohort=cohort, generator=generator)


def likelihood_ratio(observed: np.ndarray, distances: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Log likelihood ratio [N] of observed distances [N], in over out, of normal distances.

    distances: [K, N] to shadow cohorts; inside: bool [K, N], who was learned from, everybody in some
    and not in others.
    """
    means = [
        (distances * side).sum(axis=0) / side.sum(axis=0) for side in (inside, ~inside)
    ]  # [N] each
    residual = distances - np.where(inside, *means)
    variance = np.square(residual).sum() / max(distances.size - 2 * len(observed), 1)
    apart = [np.square(observed - mean) for mean in means]
    return (apart[1] - apart[0]) / (2 * max(variance, 1e-12))


def _attacked(people: People, max_people: int, seed: int) -> np.ndarray:
    """Indices [N] of the people attacked, training people first."""
    limits = {"train": max_people, "holdout": max_people // 2}
    return np.concatenate(
        [
            sample_index(np.flatnonzero(people.split == split), limit, child_seed(seed, _ATTACKED))
            for split, limit in limits.items()
        ]
    )


def _compared(people: People, max_people: int, seed: int) -> np.ndarray:
    """Indices of the synthetic people to whom distances are taken."""
    return sample_index(np.arange(len(people)), max_people, child_seed(seed, _SYNTHETIC))


def _distances(real_stores, synthetic_stores, attacked, mode, max_people, seed) -> np.ndarray:
    """Sums over the rows of each person [N] of the share of alleles that the nearest row differs in."""
    index = _compared(synthetic_stores[0].people, max_people, seed)
    each, dosages = rows_per_person(mode), mode == "genotype"
    counts = PairCounts(each * len(attacked), each * len(index), dosages=dosages)
    for real, synthetic in zip(real_stores, synthetic_stores, strict=True):
        for variants in slices(len(real.variants), VARIANTS_AT_ONCE):
            sides = ((real, attacked), (synthetic, index))
            rows = (to_rows(store.read(variants, own), mode) for store, own in sides)
            counts.add(*(Planes.of(part, dosages=dosages) for part in rows))
    nearest = distances_of(counts, "l1" if dosages else "hamming").min(axis=1)
    return nearest.reshape(-1, each).sum(axis=1)
