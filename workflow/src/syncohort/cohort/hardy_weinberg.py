"""Exact test of Hardy-Weinberg equilibrium, within labels (Wigginton et al. 2005).

Given n people and m copies of the rarer allele, h heterozygotes have a probability in proportion to

    P(h) = 2^h / (a! h! b!),  a = (m - h) / 2 and b = n - h - a homozygotes

(eq. 1), for h of the parity of m. The p-value sums the probabilities of all h that are no
likelier than the observed one (eq. 2).

Axes: V variants, S people, T distinct patterns.
"""

import numpy as np

from syncohort.bits import compiled
from syncohort.packed_calls import GenotypeCounts, PackedCalls, masks_of

_NEGLIGIBLE = 1e-17  # of a sum whose terms only fall
_TIE = 1e-7  # probabilities this near to each other, relatively, are equal


def hwe_p_values_by_label(calls: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Smallest exact Hardy-Weinberg p-value [V] over labels, of calls int8 [V, S, 2].

    Within labels, because mixing populations alone lowers heterozygosity (Wahlund effect).
    """
    names, index = np.unique(labels.astype(str), return_inverse=True)
    counts = PackedCalls.of(calls).count(masks_of(index, len(names)))
    return smallest_p_values(counts)


def smallest_p_values(counts: GenotypeCounts) -> np.ndarray:
    """Smallest exact p-value [V] over groups, of counts [V, G]."""
    hom_ref = counts.called - counts.het - counts.hom_alt
    return hwe_p_values(np.stack([hom_ref, counts.het, counts.hom_alt], axis=-1)).min(axis=1)


def hwe_p_values(counts: np.ndarray) -> np.ndarray:
    """Exact Hardy-Weinberg p-values [...]; 1 without a call.

    counts: [..., 3], people who are homozygous for one allele, heterozygous, and homozygous for
    the other. Every distinct pattern is tested once.
    """
    counts = np.asarray(counts, dtype=np.int64)
    het = counts[..., 1].ravel()
    people = counts.sum(axis=-1).ravel()
    minor = het + 2 * np.minimum(counts[..., 0], counts[..., 2]).ravel()
    size = people.max(initial=0) + 1
    code = (people * 2 * size + minor) * size + het  # below 2^63 for a million people
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    p = np.empty(len(first))
    _test_all(people[first], minor[first], het[first], p)
    return p[inverse.ravel()].reshape(counts.shape[:-1])


@compiled
def _test_all(people, minor, het, p):
    """Write the p-values [T] of patterns [T] into p."""
    for t in range(len(p)):
        p[t] = _p_value(people[t], minor[t], het[t])


@compiled
def _p_value(people, minor, observed):
    """The exact p-value of one pattern; probabilities are relative to that of the likeliest h."""
    if minor == 0:
        return 1.0
    mode = minor * (2 * people - minor) // (2 * people)
    mode += (mode ^ minor) & 1
    while mode > 1 and _up(people, minor, mode - 2) < 1:
        mode -= 2
    while _up(people, minor, mode) > 1:
        mode += 2
    likelihood = 1.0
    for h in range(mode, observed, 2):
        likelihood *= _up(people, minor, h)
    for h in range(mode - 2, observed - 2, -2):
        likelihood /= _up(people, minor, h)
    limit = likelihood * (1 + _TIE)
    total, tail = 1.0, 1.0 if limit >= 1 else 0.0
    for direction in (2, -2):
        h, p = mode, 1.0
        while True:
            if direction > 0:
                p *= _up(people, minor, h)
            elif h < 2:
                break
            else:
                p /= _up(people, minor, h - 2)
            h += direction
            total += p
            if p <= limit:
                tail += p
                if p <= _NEGLIGIBLE * tail:
                    break
    return min(1.0, tail / total)


@compiled
def _up(people, minor, h):
    """P(h + 2) / P(h), which is 0 at the largest h."""
    a = (minor - h) // 2
    return 4.0 * a * (people - h - a) / ((h + 1.0) * (h + 2.0))
