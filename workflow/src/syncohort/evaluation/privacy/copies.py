"""Verbatim copies of training rows: whole genomes and windows of consecutive SNPs.

Rows are compared by hashes, in one pass over everybody: no person is left out however large
the cohort is. Missing calls are filled with the commoner allele of the training people, which
is what a generator makes of them.

Axes: R rows (haplotypes or people), V variants, W windows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import ALL, HOLDOUT, Group
from syncohort.evaluation.intervals import bootstrap, percentile_interval
from syncohort.evaluation.privacy.frequency_attack import count_alleles
from syncohort.evaluation.privacy.near_copies import count_rows
from syncohort.evaluation.tidy import MIN_PEOPLE, metric_row
from syncohort.genotypes import SPLITS, rows_per_person, to_rows
from syncohort.ploidy import doubled

WINDOW_SNPS = (125, 250, 500, 1_000, 2_000)  # each twice the one before
MAX_COMMON = 0.1  # windows of which real people share more with training people tell little
_SPAN = 2 * WINDOW_SNPS[-1]
_PEOPLE_AT_ONCE = 2_000
_COMPARED = ("holdout", "validation", "synthetic")


@dataclass(frozen=True)
class Copies:
    """What of some people is verbatim in a training row.

    identical: [N] share of the person's rows that are wholly so; windows: length in SNPs ->
    [N] share of the windows of the person's rows; n_windows: length -> windows of a row, over
    all chromosomes. Lengths without a window are left out.
    """

    identical: np.ndarray
    windows: dict[int, np.ndarray]
    n_windows: dict[int, int]


def find_copies(
    real_stores: list[CohortStore], synthetic_stores: list[CohortStore], mode: str, seed: int
) -> dict[str, Copies]:
    """Copies of training rows among "synthetic" people and, to compare, "holdout" and
    "validation" people.

    Windows of each length of WINDOW_SNPS follow each other from the chromosome's start; the rest
    at its end counts for whole rows alone. seed: of the random hash (64 bits; two different
    rows agree with probability 2^-63).
    """
    each = rows_per_person(mode)
    whole = {}
    copied = {name: dict.fromkeys(WINDOW_SNPS, 0) for name in _COMPARED}
    n_windows = dict.fromkeys(WINDOW_SNPS, 0)
    rng = np.random.default_rng(seed)
    for real, synthetic in zip(real_stores, synthetic_stores, strict=True):
        for hashes, n_variants in _hashes(real, synthetic, mode, rng):
            for name, part in hashes.items():
                whole[name] = whole.get(name, 0) + part.sum(axis=1, dtype=np.uint64)
            for length in WINDOW_SNPS:
                n_windows[length] += n_variants // length
                joined = {
                    name: _join(part, length, n_variants // length) for name, part in hashes.items()
                }
                for name in _COMPARED:
                    copied[name][length] += _known(joined[name], joined["train"])
    lengths = [length for length in WINDOW_SNPS if n_windows[length]]
    return {
        name: Copies(
            identical=np.isin(whole[name], whole["train"]).reshape(-1, each).mean(axis=1),
            windows={
                length: copied[name][length].reshape(-1, each).mean(axis=1) / n_windows[length]
                for length in lengths
            },
            n_windows={length: n_windows[length] for length in lengths},
        )
        for name in _COMPARED
    }


def copied_rows(copies: dict[str, Copies]) -> list[dict]:
    """Metric rows: the number of people with a row that is wholly a training row."""
    real = np.concatenate([copies[name].identical for name in ("holdout", "validation")])
    return count_rows("copied_people", copies["synthetic"].identical > 0, real > 0)


def copy_rows(copies: dict[str, Copies], rng: np.random.Generator) -> list[dict]:
    """Metric rows: shares of copies of synthetic people and, beside each, of holdout people."""
    ours, holdout = copies["synthetic"], copies["holdout"]
    rows = _share_rows("identical_share", ALL, ours.identical, holdout.identical, "", rng)
    telling = [length for length, shares in holdout.windows.items() if shares.mean() <= MAX_COMMON]
    for length in ours.windows:
        note = f"{ours.n_windows[length]:,} windows of {length:,} SNPs"
        both = ours.windows[length], holdout.windows[length]
        if length == min(telling, default=max(ours.windows)):
            rows += _share_rows("window_copies", ALL, *both, note, rng)
        rows += _share_rows("window_copies", Group(window_snps=f"{length}"), *both, note, rng)
    return rows


def copy_label_rows(
    copies: dict[str, Copies], labels: dict[str, np.ndarray], rng: np.random.Generator
) -> list[dict]:
    """Metric rows: shares of whole copies, by label, as `copy_rows`.

    labels: those of the "synthetic" and "holdout" people of `copies`. Labels with fewer than
    2 of either are left out.
    """
    rows = []
    for label in np.unique(labels["synthetic"].astype(str)):
        ours, holdout = (
            copies[name].identical[labels[name] == label] for name in ("synthetic", "holdout")
        )
        if min(len(ours), len(holdout)) >= MIN_PEOPLE:
            rows += _share_rows("identical_share", Group(label=label), ours, holdout, "", rng)
    return rows


def _share_rows(metric, group, ours, holdout, note, rng) -> list[dict]:
    rows = []
    for own, shares in ((group, ours), (group._replace(part=HOLDOUT), holdout)):
        drawn = bootstrap(lambda i, of=shares: of[i].mean(), len(shares), rng=rng)
        rows.append(metric_row(metric, own, shares.mean(), *percentile_interval(drawn), note=note))
    return rows


def _join(hashes: np.ndarray, length: int, n_windows: int) -> np.ndarray:
    """Hashes [R, w] of windows of a length from those of the shortest: linear ones add up."""
    ratio = length // WINDOW_SNPS[0]
    parts = hashes[:, : n_windows * ratio].reshape(len(hashes), n_windows, ratio)
    return parts.sum(axis=2, dtype=np.uint64)


def _known(hashes: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Number of windows of each row [R, w] that are in the same window of a training row."""
    pairs = zip(hashes.T, training.T, strict=True)
    return sum((np.isin(ours, theirs) for ours, theirs in pairs), np.zeros(len(hashes)))


def _hashes(real: CohortStore, synthetic: CohortStore, mode: str, rng) -> Iterator[tuple]:
    """Walk along a chromosome: hashes uint64 [R, w] of each group's shortest windows, and the
    number of variants they cover; the last window may be a part of one."""
    splits = real.people.split
    training = count_alleles(real, {"train": splits == "train"})["train"]
    commoner = (training.frequency > 0.5).astype(np.int8)  # [V]
    for start in range(0, len(real.variants), _SPAN):
        part = slice(start, min(start + _SPAN, len(real.variants)))
        weights = rng.integers(0, 2**64, size=part.stop - part.start, dtype=np.uint64)
        of_real = _hash_people(real, part, commoner[part], weights, mode)
        by_person = of_real.reshape(len(splits), -1, of_real.shape[1])
        hashes = {
            split: by_person[splits == split].reshape(-1, of_real.shape[1]) for split in SPLITS
        }
        hashes["synthetic"] = _hash_people(synthetic, part, commoner[part], weights, mode)
        yield hashes, len(weights)


def _hash_people(store: CohortStore, variants: slice, commoner, weights, mode) -> np.ndarray:
    """Random linear hashes, modulo 2^64, of the windows of everybody's rows: uint64 [R, w]."""
    starts = np.arange(0, len(weights), WINDOW_SNPS[0])
    parts = []
    for begin in range(0, len(store.people), _PEOPLE_AT_ONCE):
        calls = doubled(store.read(variants, slice(begin, begin + _PEOPLE_AT_ONCE)))
        rows = to_rows(np.where(calls < 0, commoner[:, None, None], calls), mode)  # [r, v]
        hashes = np.empty((len(rows), len(starts)), np.uint64)
        for window, start in enumerate(starts):
            some = slice(start, start + WINDOW_SNPS[0])
            hashes[:, window] = rows[:, some].astype(np.uint64) @ weights[some]
        parts.append(hashes)
    return np.concatenate(parts)
