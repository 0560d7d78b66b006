"""A hidden Chow-Liu tree: a tree of hidden states, one for each SNP, which shows through it alone.

Every SNP i has a hidden state z_i of H values. States follow the edges of a tree, P(z_i | z_parent, label),
and what is seen depends on the state, P(x_i | z_i). Rows are likely in closed form, by messages from
the leaves to the root (Pearl 1988); parameters are fitted by expectation-maximisation. Liu & Van den
Broeck (2021) build such trees; Dang et al. (2023) draw artificial genomes with them.

Axes: N rows, V SNPs, H hidden states, K values of a SNP (2 alleles, or 3 dosages), C classes (labels).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from syncohort.genotypes import slices

_HELD = 1 << 23  # messages that are held at once
_STAYS = 0.95  # chance of a state to be its parent's at the start of the fit
_CLUSTER_ROUNDS = 4


@dataclass(frozen=True, eq=False)
class Tree:
    """The edges: parent [V] of each SNP, -1 for the root; order [V], parents before children."""

    parent: np.ndarray
    order: np.ndarray


@dataclass(frozen=True, eq=False)
class HiddenTree:
    """A fitted tree.

    transition: float32 [C, V, H, H], of each label the chance of a state (columns) given the
    parent's (rows); the root has a parent in state 0. emission: float32 [V, H, K].
    """

    tree: Tree
    transition: np.ndarray
    emission: np.ndarray

    def log_likelihood(self, rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Natural logarithm [N] of the probability of rows int8 [N, V], given their classes [N].

        SNPs of -1 are not seen: they are summed out.
        """
        found = np.empty(len(rows))
        for label, some in self.batches(classes):
            found[some] = _collect(self.tree, self.transition[label], self.emission, rows[some])[2]
        return found

    def draw(self, rows: np.ndarray, classes: np.ndarray, rng: np.random.Generator) -> None:
        """Replace the SNPs of -1 in rows int8 [N, V] by draws, given the others and the classes [N]."""
        for label, some in self.batches(classes):
            rows[some] = self._drawn(rows[some], self.transition[label], rng)

    def batches(self, classes: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """(label, indices) of rows of one of the classes [N] each, as many as are held at once."""
        n_snps, n_states, _ = self.emission.shape
        at_once = max(1, _HELD // (n_snps * n_states))
        for label in np.unique(classes):
            own = np.flatnonzero(classes == label)
            for some in slices(len(own), at_once):
                yield label, own[some]

    def _drawn(self, rows, transition, rng) -> np.ndarray:
        belief, *_ = _collect(self.tree, transition, self.emission, rows)
        # the last is the parent of the root
        state = np.zeros((len(self.tree.order) + 1, len(rows)), np.int64)
        for snp in self.tree.order:
            chance = transition[snp][state[self.tree.parent[snp]]] * belief[snp]
            state[snp] = _choose(chance, rng)
            unseen = np.flatnonzero(rows[:, snp] < 0)
            rows[unseen, snp] = _choose(self.emission[snp][state[snp, unseen]], rng)
        return rows


def fit_hidden_tree(
    rows: np.ndarray,
    classes: np.ndarray,
    tree: Tree,
    *,
    n_classes: int,
    n_values: int,
    hidden_states: int,
    iterations: int,
    label_rows: float,
    smoothing: float,
    rng: np.random.Generator,
) -> HiddenTree:
    """Fit a tree to rows int8 [N, V], -1 where missing, of classes [N].

    First one tree for everybody, then the transitions of each label by themselves, drawn
    towards everybody's as if `label_rows` more rows in each state had them. Both by
    `iterations` of expectation-maximisation, labels by a quarter of them.

    smoothing: rows that are added to each state, of everybody's frequencies and of states
    alike.
    """
    everybody = np.zeros(len(rows), np.int64)
    frequency = _frequencies(rows, n_values)
    emission = smoothing * frequency[:, None] + _clusters(rows, frequency, hidden_states, rng)
    emission = _normalised(emission)
    apart = (1 - _STAYS) / hidden_states
    transition = np.full((1, len(tree.order), hidden_states, hidden_states), apart, np.float32)
    transition += _STAYS * np.eye(hidden_states, dtype=np.float32)
    model = HiddenTree(tree, transition, emission)
    spread = np.float32(smoothing / hidden_states)
    for _ in range(iterations):
        model = improved(model, rows, everybody, spread, smoothing * frequency[:, None])
    towards = np.float32(label_rows) * model.transition[0]
    model = HiddenTree(tree, np.repeat(model.transition, n_classes, axis=0), model.emission)
    for _ in range(-(-iterations // 4)):
        model = improved(model, rows, classes, towards, None)
    return model


def improved(model: HiddenTree, rows, classes, transition_rows, emission_rows) -> HiddenTree:
    """The model after a step of expectation-maximisation on rows [N, V] of classes [N].

    transition_rows, emission_rows: numbers of rows that are added to the expected ones, in a shape
    that broadcasts to the parameters: a Dirichlet prior. Emissions stay as they are where emission_rows is None.
    """
    transition, emission = model.transition, model.emission
    counts = np.zeros(transition.shape), np.zeros(emission.shape)
    for label, some in model.batches(classes):
        _count(model.tree, transition[label], emission, rows[some], counts[0][label], counts[1])
    transition = _normalised(counts[0] + transition_rows)
    if emission_rows is not None:
        emission = _normalised(counts[1] + emission_rows)
    return HiddenTree(model.tree, transition, emission)


def _collect(tree: Tree, transition, emission, rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Messages from the leaves to the root.

    Returns belief [V, N, H], in proportion to P(what is seen at and below a SNP | its state);
    message [V, N, H], the same given the parent's state; log likelihood [N].
    """
    n_values = emission.shape[2]
    unseen = np.ones((len(emission), 1, emission.shape[1]), np.float32)
    chance = np.concatenate([emission.transpose(0, 2, 1), unseen], axis=1)  # [V, K + 1, H]
    value = np.where(rows < 0, n_values, rows).T  # [V, N]
    belief = np.take_along_axis(chance, value[:, :, None].astype(np.int64), axis=1)
    message = np.empty_like(belief)
    total = np.zeros(len(rows))
    for snp in tree.order[::-1]:
        np.matmul(belief[snp], transition[snp].T, out=message[snp])
        parent = tree.parent[snp]
        if parent >= 0:
            above = belief[parent]
            above *= message[snp]
            scale = above.sum(axis=1, keepdims=True)
            above /= scale
            total += np.log(scale[:, 0])
    return belief, message, total + np.log(message[tree.order[0], :, 0])


def _count(tree: Tree, transition, emission, rows, pairs, values) -> None:
    """Add the expected numbers of rows to pairs [V, H, H] of states and values [V, H, K]."""
    belief, message, _ = _collect(tree, transition, emission, rows)
    seen = [(rows == value).T.astype(np.float32) for value in range(emission.shape[2])]  # [V, N]
    root = tree.order[0]
    for snp in tree.order:
        if snp == root:
            ratio = np.zeros_like(message[snp])
            ratio[:, 0] = 1 / message[snp][:, 0]
        else:
            ratio = belief[tree.parent[snp]] / message[snp]
        own = belief[snp]
        pairs[snp] += transition[snp] * (ratio.T @ own)
        own *= ratio @ transition[snp]  # P(state | the row)
        for value, where in enumerate(seen):
            values[snp, :, value] += where[snp] @ own


def _frequencies(rows, n_values: int) -> np.ndarray:
    """Frequency of each value of each SNP, float32 [V, K], half a row added to each."""
    counts = np.stack([(rows == value).sum(axis=0) for value in range(n_values)], axis=1)
    return _normalised(counts + 0.5)


def _clusters(rows, frequency, n_clusters: int, rng) -> np.ndarray:
    """Numbers of rows [V, H, K] of the values of SNPs in clusters of like rows (k-means)."""
    n_values = frequency.shape[1]
    mean = frequency @ np.arange(n_values, dtype=np.float32)  # [V]
    x = np.where(rows < 0, mean, rows).astype(np.float32)
    centre = x[rng.choice(len(x), n_clusters, replace=len(x) < n_clusters)]
    for _ in range(_CLUSTER_ROUNDS):
        nearest = np.argmin(np.square(centre).sum(axis=1) - 2 * x @ centre.T, axis=1)
        member = (nearest == np.arange(n_clusters)[:, None]).astype(np.float32)  # [H, N]
        centre = (member @ x + mean) / (member.sum(axis=1, keepdims=True) + 1)
    counts = [member @ (rows == value).astype(np.float32) for value in range(n_values)]
    return np.stack(counts, axis=2).transpose(1, 0, 2)


def _normalised(counts: np.ndarray) -> np.ndarray:
    """Counts as float32 shares of their sums along the last axis."""
    return (counts / counts.sum(axis=-1, keepdims=True)).astype(np.float32)


def _choose(chance: np.ndarray, rng) -> np.ndarray:
    """A column [N] of each row of chances [N, M], in proportion to them."""
    upto = np.cumsum(chance, axis=1, dtype=np.float64)
    at = rng.random(len(chance)) * upto[:, -1]
    return np.minimum((upto <= at[:, None]).sum(axis=1), chance.shape[1] - 1)
