"""What the allele frequencies of the labels will tell of who was in the cohort, before anything is trained.

People who are drawn with the exact allele frequencies of a label tell its training people by these alone, whatever draws
them (Homer et al. 2008): the fewer people and the more variants, the better. How well it works follows from the real
people (Sankararaman et al. 2009). Let g be a person's dosages less their label's mean, C the covariance of g over
the variants, and let the attacker sum g (p - q): p are the synthetic frequencies of the label, q those of other real people. Of n
training, m other real and s synthetic people of a label the sum is tr C / n on average for a training person and 0 for
anybody else, and varies by tr C^2 (1/n + 1/m + 1/s). So the two lie

    sqrt(M / (n (1 + n/m + n/s)))    standard deviations apart, with    M = (tr C)^2 / tr C^2,

the effective number of chromosome segments (Goddard 2009), of which real people have some thousands, however
many variants were typed. tr C and tr C^2 follow from the products of pairs of people.

Axes: K people who are looked at, V variants.
"""

from statistics import NormalDist

import numpy as np
import pandas as pd

from syncohort.cohort.people_checks import Check
from syncohort.cohort_store import CohortStore
from syncohort.dosages import minor
from syncohort.genotypes import to_rows
from syncohort.ploidy import doubled

MOST_PEOPLE = 500
# Pairs who share this much of what a person shares with themself are relatives; where there are few segments,
# strangers share more: so many standard deviations.
_RELATED, _UNUSUAL = 0.1, 6
_MEDIAN_SQUARE = 0.4549  # of a standard normal number
REFUSED_AUC = 0.6  # above which the report fails a membership attack
_NAME = "what allele frequencies tell"
_ADVICE = (
    f"Above {REFUSED_AUC:g} the report refuses the release, whatever the generator: people who keep the "
    "frequencies of so small labels over so much of the genome tell who was there. Ask now whether these "
    "frequencies may be public (release.public_frequencies). Otherwise take more people, fewer and larger "
    "labels, or less of the genome (input.chromosomes, filters.regions, selection)."
)


def people_looked_at(people: pd.DataFrame, seed: int) -> np.ndarray:
    """At most MOST_PEOPLE of the people with a label, indices [K] in order; people: of a join."""
    usable = np.flatnonzero(people["excluded"] == "")
    return np.sort(np.random.default_rng(seed).permutation(usable)[:MOST_PEOPLE])


def products_of_people(
    store: CohortStore, samples: np.ndarray, index: np.ndarray, maf_min: float
) -> np.ndarray:
    """Products of the dosages of pairs of people, their mean taken away, summed over variants.

    samples: ids [S] of the people that `index` [K] is of; maf_min: of the variants that count.
    A missing call is the mean. Returns float64 [K, K]; NaN where the chromosome holds other people, which
    the check says elsewhere.
    """
    products = np.zeros((len(index), len(index)))
    if not np.array_equal(store.people.id, samples):
        return np.full_like(products, np.nan)
    for _, calls in store.variant_chunks(index):
        dosages = to_rows(doubled(calls), "genotype")  # [K, v]
        called = dosages >= 0
        mean = np.where(called, dosages, 0).sum(axis=0) / np.maximum(called.sum(axis=0), 1)
        common = minor(mean / 2) >= max(maf_min, 1e-9)
        centred = np.where(called, dosages - mean, 0)[:, common].astype(np.float32)
        products += centred @ centred.T
    return products


def effective_segments(products: np.ndarray, labels: np.ndarray) -> float:
    """M of people [K] with labels [K], all labels together; NaN where no label has five people or they do not vary.

    tr C and tr C^2 from products within labels, without bias for normal numbers (Srivastava 2005); of
    relatives one stays.
    """
    if not len(labels) or not np.isfinite(products).all():
        return np.nan
    kept = _unrelated(_within_labels(products, labels))
    within = _within_labels(products[np.ix_(kept, kept)], labels[kept])
    total, squares, degrees, pairs = 0.0, 0.0, 0, 0
    for own in _groups(labels[kept]):
        k = len(own) - 1
        if k < 4:
            continue
        block = within[np.ix_(own, own)]
        trace = np.trace(block)
        total, degrees = total + trace, degrees + k
        squares, pairs = squares + (block**2).sum() - trace**2 / k, pairs + k * k + k - 2
    if not total or squares <= 0:
        return np.nan
    return (total / degrees) ** 2 / (squares / pairs)


def _groups(labels: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _within_labels(products: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Products [K, K] of dosages less their label's mean."""
    centred = products.copy()
    for own in _groups(labels):
        centred[own] -= centred[own].mean(axis=0)
        centred[:, own] -= centred[:, own].mean(axis=1, keepdims=True)
    return centred


def _unrelated(within: np.ndarray) -> np.ndarray:
    """Places of people of whom no two are relatives, from products within labels [K, K]."""
    scale = np.sqrt(np.maximum(np.diag(within), 1e-12))
    shared = within / scale[:, None] / scale
    off = shared[~np.eye(len(shared), dtype=bool)]
    unusual = _UNUSUAL * np.sqrt(np.median(off**2) / _MEDIAN_SQUARE) if len(off) else 0.0
    related = np.triu(shared > max(_RELATED, unusual), k=1)
    kept = np.ones(len(shared), dtype=bool)
    for place in range(len(shared)):
        if kept[place]:
            kept[related[place]] = False
    return np.flatnonzero(kept)


def expected_auc(segments: float, training: float, others: float, synthetic: float) -> float:
    """AUC of membership by allele frequencies, of M and the people of a label: n, m and s above."""
    noise = 1 + training / others + training / synthetic
    apart = np.sqrt(segments / training / noise)
    return NormalDist().cdf(apart / np.sqrt(2))


def frequency_check(
    products: list[np.ndarray],
    people: pd.DataFrame,
    *,
    seed: int,
    train_share: float,
    unseen_share: float,
    n_synthetic: int | None,
    most_variants: int | None,
    public_frequencies: bool,
) -> Check:
    """What the frequencies will tell, as a line of the check.

    Args:
        products: of each chromosome, of the same people.
        people: of a join.
        seed: that the people were looked at with.
        train_share: share of the people who will be trained on.
        unseen_share: share who will not, and with whose frequencies an attacker compares.
        n_synthetic: synthetic people, None for as many as training people.
        most_variants: that will be chosen, which are as good as independent; None for all of them.
        public_frequencies: the study declares that the frequencies may be public.
    """
    labels = people["label"].to_numpy()[people_looked_at(people, seed)]
    segments = effective_segments(np.sum(products, axis=0), labels)
    if np.isnan(segments):
        return Check(
            _NAME,
            "not known: no label has five people who are not relatives, or chromosomes hold other people",
        )
    if most_variants is not None:
        segments = 1 / (1 / segments + 1 / most_variants)
    counts = people.loc[people["excluded"] == "", "label"].value_counts()
    training = counts * train_share
    drawn = training * (n_synthetic or training.sum()) / training.sum()
    aucs = [
        expected_auc(segments, n, unseen_share * count, s)
        for n, count, s in zip(training, counts, drawn, strict=True)
    ]
    mean = np.average(aucs, weights=training)
    found = (
        f"who was in the cohort, with an AUC of about {mean:.2f} by themselves: {segments:,.0f} independent "
        f"stretches of genome, {training.median():,.0f} training people in a label of middle size"
    )
    if mean <= REFUSED_AUC:
        return Check(_NAME, found)
    if public_frequencies:
        return Check(_NAME, f"{found}; declared public (release.public_frequencies)")
    return Check(_NAME, found, "look", _ADVICE)
