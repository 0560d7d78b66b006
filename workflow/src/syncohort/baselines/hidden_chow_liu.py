"""A chromosome as a chain of hidden Chow-Liu trees, a window of neighbouring SNPs each.

The tree of a window is fitted to its SNPs and to the last ones of the window before, its overlap, and
gives its own SNPs given those: P(chromosome) is the product of P(window | overlap), which adds up to 1
and is known in closed form. A window is in memory at a time.

Axes: V variants, T training people, S synthetic people, P = 2 ploidy, R rows (haplotypes, or people of
unphased cohorts), v variants of a window, o of its overlap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from syncohort.baselines.chow_liu import chow_liu_tree
from syncohort.baselines.copying import mode_of
from syncohort.baselines.hidden_tree import HiddenTree, Tree, fit_hidden_tree
from syncohort.baselines.panel import Panel
from syncohort.cohort_store import CohortStore
from syncohort.files import read_parts, save_parts
from syncohort.genotypes import PLOIDY, from_rows, rows_per_person, site_slices, slices, to_rows
from syncohort.seeds import child_seed, contig_seed

_KIND = "hidden Chow-Liu trees"
_MOST_ROWS = 8_192  # that trees are fitted to
LABEL_ROWS = 5.0  # rows of everybody's transitions that a label's are drawn towards, in each state
SMOOTHING = 0.5  # rows of everybody's frequencies that are added to each state
_PEOPLE_AT_ONCE = 2_000


@dataclass(frozen=True, eq=False)
class Window:
    """A window: seen, its slice of variants with the overlap; own, without; model: its tree."""

    seen: slice
    own: slice
    model: HiddenTree

    @property
    def n_overlap(self) -> int:
        return self.own.start - self.seen.start


def fit_hidden_chow_liu(
    store: CohortStore,
    panel: Panel,
    path: str | Path,
    *,
    window: int,
    overlap: int,
    hidden_states: int,
    iterations: int,
    seed: int,
) -> None:
    """Fit the trees of a chromosome to the training people of a panel, at most 8,192 rows of them.

    path: file to write, for `windows_of`.
    window, overlap: SNPs of a window, and of the overlap before it.
    hidden_states: H of a SNP.
    iterations: steps of expectation-maximisation.
    """
    options = {"hidden_states": hidden_states, "iterations": iterations}
    parts = _fitted(store, panel, window, overlap, contig_seed(seed, store.contig), options)
    save_parts(path, _KIND, parts)


def windows_of(path: str | Path) -> Iterator[Window]:
    """The windows of a chromosome, in order, of a file that `fit_hidden_chow_liu` wrote."""
    for part in read_parts(path, _KIND):
        start, first, stop = part["places"].tolist()
        tree = Tree(part["parent"], part["order"])
        model = HiddenTree(tree, part["transition"], part["emission"])
        yield Window(slice(start, stop), slice(first, stop), model)


def hidden_chow_liu_calls(
    store: CohortStore, panel: Panel, seed: int, *, model: str | Path
) -> Iterator[tuple]:
    """Walk along a chromosome: yield (slice of variants, calls int8 [v, S, P], phased).

    model: file of the fitted trees. A byte is held for each synthetic allele of a window and of the
    overlap.
    """
    rng = np.random.default_rng(contig_seed(seed, store.contig))
    mode = mode_of(store)
    each, n_people = rows_per_person(mode), len(panel.drawn_class)
    known = np.empty((each * n_people, 0), np.int8)  # the overlap, [R, o]
    for window, following in pairwise(chain(windows_of(model), [None])):
        width, kept = window.own.stop - window.own.start, following.n_overlap if following else 0
        calls = np.empty((width, n_people, PLOIDY), np.int8)
        overlap = np.empty((len(known), kept), np.int8)
        for some in slices(n_people, _PEOPLE_AT_ONCE):
            own = slice(each * some.start, each * some.stop)
            drawn = np.full((own.stop - own.start, width), -1, np.int8)
            rows = np.concatenate([known[own], drawn], axis=1)
            window.model.draw(rows, np.repeat(panel.drawn_class[some], each), rng)
            calls[:, some] = from_rows(rows[:, window.n_overlap :], mode)
            overlap[own] = rows[:, rows.shape[1] - kept :]
        yield window.own, calls, store.phased
        known = overlap


def log_likelihoods(
    store: CohortStore, panel: Panel, people: np.ndarray, model: str | Path
) -> tuple[np.ndarray, np.ndarray]:
    """How likely the chromosome of people is, given their labels.

    panel: whose `drawn_class` are the labels of people; people: indices [N] in the store.

    Returns the natural logarithm [N] of the probability of each person's rows together, and how
    many SNPs are seen in them [N].
    """
    mode = mode_of(store)
    each = rows_per_person(mode)
    found, n_seen = np.zeros(len(people)), np.zeros(len(people), np.int64)
    for window in windows_of(model):
        for some in slices(len(people), _PEOPLE_AT_ONCE):
            rows = to_rows(store.read(window.seen, people[some]), mode, once=True)
            classes = np.repeat(panel.drawn_class[some], each)
            whole = window.model.log_likelihood(rows, classes)
            n_seen[some] += _per_person((rows[:, window.n_overlap :] >= 0).sum(axis=1), each)
            if window.n_overlap:
                overlap = np.where(np.arange(rows.shape[1]) < window.n_overlap, rows, -1)
                whole -= window.model.log_likelihood(overlap, classes)
            found[some] += _per_person(whole, each)
    return found, n_seen


def _per_person(values: np.ndarray, each: int) -> np.ndarray:
    """Sums [N] of the rows of each person."""
    return values.reshape(-1, each).sum(axis=1)


def _fitted(store, panel, window: int, overlap: int, seed: int, options: dict) -> Iterator[dict]:
    """The arrays of each window; options: of `fit_hidden_tree`."""
    mode = mode_of(store)
    each, n_values = rows_per_person(mode), 2 if mode == "haplotype" else PLOIDY + 1
    chosen = np.random.default_rng(seed).permutation(len(panel.train))[: _MOST_ROWS // each]
    chosen.sort()
    classes = np.repeat(panel.train_class[chosen], each)
    for own in site_slices(store.variants, window):
        seen = slice(max(0, own.start - overlap), own.stop)
        calls = store.read(seen, panel.train[chosen])
        rows = np.ascontiguousarray(to_rows(calls, mode, once=True))
        model = fit_hidden_tree(
            rows,
            classes,
            chow_liu_tree(rows, n_values),
            n_classes=len(panel.sizes),
            n_values=n_values,
            label_rows=LABEL_ROWS,
            smoothing=SMOOTHING,
            rng=np.random.default_rng(child_seed(seed, own.start)),
            **options,
        )
        yield {
            "places": np.array([seen.start, own.start, own.stop]),
            "parent": model.tree.parent,
            "order": model.tree.order,
            "transition": model.transition,
            "emission": model.emission,
        }
