"""The Chow-Liu tree of SNPs: of all trees the one whose edges hold most mutual information.

Source: Chow & Liu 1968.

Axes: N rows, V SNPs, K values of a SNP.
"""

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from syncohort.baselines.hidden_tree import Tree


def chow_liu_tree(rows: np.ndarray, n_values: int) -> Tree:
    """The tree of SNPs of rows int8 [N, V], -1 where missing, rooted at the first SNP."""
    information = mutual_information(rows, n_values)
    # an edge of 0 would be none
    distance = information.max(initial=0) - information + 1
    edges = minimum_spanning_tree(distance)
    order, parent = breadth_first_order(edges, 0, directed=False)
    return Tree(np.where(parent < 0, -1, parent).astype(np.int64), order.astype(np.int64))


def mutual_information(rows: np.ndarray, n_values: int) -> np.ndarray:
    """Mutual information [V, V] of the SNPs of rows int8 [N, V], in nats, of rows that have both."""
    seen = [(rows == value).astype(np.float32) for value in range(n_values)]
    joint = np.stack([[(one.T @ other).astype(np.float64) for other in seen] for one in seen])
    joint /= np.maximum(joint.sum(axis=(0, 1)), 1)  # [K, K, V, V]
    alone = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = joint * np.log(joint / alone)
    return np.maximum(np.where(joint > 0, terms, 0).sum(axis=(0, 1)), 0)
