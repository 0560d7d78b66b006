"""Exact test of Hardy-Weinberg equilibrium, within labels."""

import numpy as np
from scipy.special import gammaln


def hwe_p_values_by_label(calls: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Smallest exact Hardy-Weinberg p-value [V] over labels, of calls int8 [V, S, 2].

    Within labels, because mixing populations alone lowers heterozygosity (Wahlund effect).
    """
    smallest = np.ones(len(calls))
    for label in np.unique(labels.astype(str)):
        part = calls[:, labels == label]
        known = (part >= 0).all(axis=2)
        dosage = np.where(known, part.sum(axis=2), -1)
        counts = np.stack([(dosage == value).sum(axis=1) for value in (0, 1, 2)], axis=1)
        patterns, inverse = np.unique(counts, axis=0, return_inverse=True)
        p = np.array([hwe_p_value(*pattern) for pattern in patterns])
        smallest = np.minimum(smallest, p[inverse])
    return smallest


def hwe_p_value(n_hom_ref: int, n_het: int, n_hom_alt: int) -> float:
    """Exact test of Hardy-Weinberg equilibrium (Wigginton et al. 2005, eq. 1 and 2).

    Sums the probabilities, given the allele counts, of all heterozygote counts that are no
    likelier than the observed one.
    """
    n = n_hom_ref + n_het + n_hom_alt
    n_minor = n_het + 2 * min(n_hom_ref, n_hom_alt)
    het = np.arange(n_minor % 2, n_minor + 1, 2)
    rare, common = (n_minor - het) / 2, n - (n_minor + het) / 2
    log_p = het * np.log(2) - gammaln(rare + 1) - gammaln(het + 1) - gammaln(common + 1)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    observed = p[het == n_het][0]
    return float(min(1.0, p[p <= observed * (1 + 1e-9)].sum()))
