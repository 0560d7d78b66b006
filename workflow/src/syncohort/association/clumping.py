"""LD clumping: the best variant of each group of correlated ones."""

import numpy as np
import pandas as pd

from syncohort.association.correlation import LabelledCalls, product_about_means
from syncohort.bits import compiled
from syncohort.cohort_store import CohortStore
from syncohort.dosages import called_sums
from syncohort.genotypes import contig_order


def clump(
    store: CohortStore, people: np.ndarray, p: np.ndarray, *, p1: float, r2: float, kb: float
) -> np.ndarray:
    """Lead variants of one chromosome, bool [V].

    The variant with the smallest p-value leads; all within `kb` kilobases whose squared
    correlation of dosages with it is at least `r2` are its clump; then the next, while p is
    at most `p1`. The leads with p <= t are those that p1 = t would give, for any t <= p1.

    p [V]: p-values, NaN for a variant that takes no part; people: indices of those in whom
    the correlation is measured. Source: Purcell et al. 2007, AJHG 81:559 (plink --clump,
    which estimates r2 from haplotype frequencies: equal where no call is heterozygous).
    """
    p = np.asarray(p, dtype=float)
    candidates = np.flatnonzero(p <= p1)  # [M]
    at = store.variants.position_bp[candidates].astype(np.int64)
    start = np.searchsorted(at, at - 1_000 * kb, side="left")
    stop = np.searchsorted(at, at + 1_000 * kb, side="right")
    order = np.argsort(p[candidates], kind="stable")
    calls = LabelledCalls.read(store, people, [len(people)], candidates, "genotype")
    leads = np.zeros(len(p), dtype=bool)
    own = calls.values, calls.called, calls.n, calls.mean, calls.spread[:, 0]
    leads[candidates] = _leads(*own, order, start, stop, r2)
    return leads


@compiled
def _leads(values, called, n, mean, spread, order, start, stop, r2):
    """Of candidates in the order of their p-values, which lead, bool [M].

    start, stop: [M], the candidates near each; the rest: `LabelledCalls` of dosages, one label.
    """
    is_lead = np.zeros(len(order), dtype=np.bool_)
    is_open = np.ones(len(order), dtype=np.bool_)
    n_words = values.shape[1]
    for lead in order:
        if not is_open[lead]:
            continue
        is_lead[lead] = True
        is_open[lead] = False
        for near in range(start[lead], stop[lead]):
            scale = spread[lead] * spread[near]
            if is_open[near] and scale > 0:
                product = product_about_means(
                    values, called, n, mean, lead, near, 0, 0, n_words, True
                )
                is_open[near] = product**2 < r2 * scale
    return is_lead


def squared_correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """r2 [A, B] of dosages int8 [A, S] with others [B, S]; -1 counts as the mean dosage.

    0 where a variant does not vary.
    """
    units = []
    for dosages in (first, second):
        mean, length = _moments(dosages)
        centred = _filled(dosages, mean[:, None]) - mean[:, None]
        units.append(np.divide(centred, length[:, None], out=centred, where=length[:, None] > 0))
    return (units[0] @ units[1].T) ** 2


def _moments(dosages) -> tuple[np.ndarray, np.ndarray]:
    """Mean over calls and length about it, float32 [M], of dosages int8 [M, S]."""
    total, called = called_sums(dosages, axis=1)
    mean = total / np.maximum(called, 1)
    ones, twos = ((dosages == copies).sum(axis=1) for copies in (1, 2))
    square = np.maximum(ones + 4 * twos - called * mean**2, 0)
    return mean.astype(np.float32), np.sqrt(square).astype(np.float32)


def _filled(dosages, mean) -> np.ndarray:
    """Dosages as float32, the mean where missing."""
    values = dosages.astype(np.float32)
    return np.where(values < 0, mean, values) if (dosages < 0).any() else values


def top_variants(table: pd.DataFrame, k: int) -> pd.DataFrame:
    """The k leads with the smallest p-values, or all when there are fewer, in genomic order.

    The best lead of every chromosome is among them, so that none is left without.
    table: columns contig, position_bp, p and lead (bool, from `clump`); its index is kept.
    """
    leads = table[table["lead"]].sort_values("p", kind="stable")
    best = leads.drop_duplicates("contig")
    chosen = pd.concat([best, leads.drop(best.index).head(max(k - len(best), 0))])
    order = sorted(
        chosen.index,
        key=lambda row: (contig_order(chosen.at[row, "contig"]), chosen.at[row, "position_bp"]),
    )
    return chosen.loc[order]
