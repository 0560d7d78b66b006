"""A polygenic score of univariate effects, as a classifier: the kind `polygenic`.

Each SNP's effect is that of a logistic regression on it alone, of one label against the rest;
a person's score adds up effect times dosage. Nothing knows of linkage, so SNPs that stand for
the same cause count each: it is meant for SNPs that are clumped already.

Axes: V variants, S people, C classes, E scores (1 for two classes, else one per class).
"""

from dataclasses import dataclass

import numpy as np

from syncohort.association.regression import logistic_estimates
from syncohort.classifiers.data import ClassifierData, cross_entropy
from syncohort.dosages import DosageScale
from syncohort.genotypes import slices

THRESHOLDS_P = (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-6)
SLOPES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # log odds per standard deviation of the score
PEOPLE_AT_ONCE = 500
_VARIANTS_AT_ONCE = 1_000


@dataclass(frozen=True)
class PolygenicScore:
    """Called with dosages int8 [S, V], -1 missing: probability of each class, float64 [S, C].

    mean [V]: dosage of the training people, which stands for a missing call; weights [V, E]:
    log odds per allele and unit of the score; offset [E]: log odds (two classes) or log share
    of a class in training people.
    """

    mean: np.ndarray
    weights: np.ndarray
    offset: np.ndarray

    def __call__(self, dosages: np.ndarray) -> np.ndarray:
        logits = _logits(_scores(dosages, self.mean, self.weights), self.offset)
        return np.exp(logits - np.logaddexp.reduce(logits, axis=1)[:, None])


def fit_polygenic(data: ClassifierData) -> tuple[PolygenicScore, dict[str, float]]:
    """Effects of the training people; nothing in it is random.

    The validation people choose, by cross-entropy, the largest p-value of the SNPs that count
    and how steeply the score, of standard deviation 1 in training people, turns into log odds.
    """
    mean = DosageScale.fit(data.dosages).mean.astype(float)
    share = np.bincount(data.target, minlength=len(data.classes)) / len(data.target)
    if len(data.classes) == 2:
        cases, offset = [1], np.log(share[1:] / share[0])
    else:
        cases, offset = range(len(data.classes)), np.log(share)
    beta, p = _effects(data, cases)  # [V, E]
    lowest, best, chosen = np.inf, None, None
    for threshold in THRESHOLDS_P:
        weights = np.where(p <= threshold, beta, 0)
        deviation = _scores(data.dosages, mean, weights).std(axis=0)
        weights /= np.where(deviation > 0, deviation, 1)
        validation = _scores(data.validation_dosages, mean, weights)
        for slope in SLOPES:
            loss = cross_entropy(_logits(slope * validation, offset), data.validation_target)
            if loss < lowest:
                lowest, chosen = loss, threshold
                best = PolygenicScore(mean, slope * weights, offset)
    return best, {"p at most": chosen}


def _effects(data: ClassifierData, cases) -> tuple[np.ndarray, np.ndarray]:
    """Log odds ratios [V, E] of each of these classes against the rest, and p-values."""
    found = []
    for part in slices(data.dosages.shape[1], _VARIANTS_AT_ONCE):
        block = data.dosages[:, part]
        nothing = np.empty((len(block), 0))
        each = [logistic_estimates(block, data.target == case, nothing) for case in cases]
        found.append(([fit.beta for fit in each], [fit.p for fit in each]))
    beta, p = (np.concatenate(parts, axis=1).T for parts in zip(*found, strict=True))
    return np.nan_to_num(beta), np.where(np.isnan(p), np.inf, p)


def _scores(dosages, mean, weights) -> np.ndarray:
    """Weighted sums [S, E] of dosages less their mean, 0 where missing."""
    parts = []
    for start in range(0, max(len(dosages), 1), PEOPLE_AT_ONCE):
        block = dosages[start : start + PEOPLE_AT_ONCE]
        parts.append(np.where(block < 0, 0, block - mean) @ weights)
    return np.concatenate(parts)


def _logits(scores, offset) -> np.ndarray:
    """Logits [S, C] from scores [S, E]; of two classes the first has logit 0."""
    logits = scores + offset
    return logits if logits.shape[1] > 1 else np.column_stack([np.zeros(len(logits)), logits[:, 0]])
