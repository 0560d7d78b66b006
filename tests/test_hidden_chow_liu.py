"""Hidden Chow-Liu trees: closed forms by summing over all states, and what is drawn from them."""

import itertools

import numpy as np
import pytest
from cohorts import linked_calls, people_of, row_of, store_of

from syncohort.baselines import hidden_chow_liu
from syncohort.baselines.alleles import draw_alleles
from syncohort.baselines.chow_liu import chow_liu_tree, mutual_information
from syncohort.baselines.hidden_chow_liu import (
    fit_hidden_chow_liu,
    log_likelihoods,
    windows_of,
)
from syncohort.baselines.hidden_tree import HiddenTree, Tree, fit_hidden_tree, improved
from syncohort.baselines.panel import Panel
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.evaluation.models.likelihood import measure_likelihood
from syncohort.genotypes import to_rows

TREES = {"window": 20, "overlap": 6, "hidden_states": 4, "iterations": 4}
SMALL = Tree(np.array([2, 2, -1, 2, 3, 3]), np.array([2, 0, 1, 3, 4, 5]))


def small_model(n_values, n_states=3, seed=0) -> HiddenTree:
    """A tree of 6 SNPs and 2 labels with random parameters."""
    rng = np.random.default_rng(seed)
    shapes = (2, 6, n_states, n_states), (6, n_states, n_values)
    found = [rng.dirichlet(np.ones(shape[-1]), shape[:-1]) for shape in shapes]
    return HiddenTree(SMALL, *(each.astype(np.float32) for each in found))


def summed_over_states(model: HiddenTree, rows, label) -> np.ndarray:
    """Probabilities [N] of rows [N, 6] by a sum over all hidden states."""
    total, n_states = np.zeros(len(rows)), model.emission.shape[1]
    for states in itertools.product(range(n_states), repeat=6):
        chance = np.ones(len(rows))
        for snp, parent in enumerate(model.tree.parent):
            above = states[parent] if parent >= 0 else 0
            chance *= model.transition[label, snp, above, states[snp]]
            chance *= np.where(rows[:, snp] < 0, 1, model.emission[snp, states[snp]][rows[:, snp]])
        total += chance
    return total


def all_rows(n_values) -> np.ndarray:
    return np.array(list(itertools.product(range(n_values), repeat=6)), np.int8)


@pytest.mark.parametrize("n_values", [2, 3])
def test_likelihoods_are_sums_over_all_states(n_values):
    model, rows = small_model(n_values), all_rows(n_values)
    labels = np.arange(len(rows)) % 2
    expected = np.where(labels, *(summed_over_states(model, rows, label) for label in (1, 0)))
    found = model.log_likelihood(rows, labels)
    np.testing.assert_allclose(found, np.log(expected), rtol=1e-5)
    assert np.exp(model.log_likelihood(rows, 0 * labels)).sum() == pytest.approx(1, abs=1e-5)
    rows[np.random.default_rng(1).random(rows.shape) < 0.3] = -1  # missing calls
    expected = np.where(labels, *(summed_over_states(model, rows, label) for label in (1, 0)))
    found = model.log_likelihood(rows, labels)
    np.testing.assert_allclose(found, np.log(expected), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("given", [(), (1, 4)])
def test_draws_are_as_frequent_as_they_are_likely(given):
    """Of the SNPs that are not given, given the others."""
    model, rows = small_model(2), all_rows(2)
    fixed = [1, 0, 0, 0, 1, 1]
    told = np.array([fixed[snp] if snp in given else -1 for snp in range(6)], np.int8)
    drawn = np.tile(told, (40_000, 1))
    model.draw(drawn, np.ones(len(drawn), int), np.random.default_rng(2))
    fits = (rows == told)[:, list(given)].all(axis=1)
    chance = np.exp(model.log_likelihood(rows, np.ones(len(rows), int))) * fits
    chance /= chance.sum()
    places = drawn @ 2 ** np.arange(6)[::-1]
    share = np.bincount(places, minlength=64) / len(drawn)
    assert (np.abs(share - chance) <= 4.5 * np.sqrt(chance * (1 - chance) / len(drawn))).all()
    pairs = np.einsum("na,nb,n->ab", rows, rows, chance)  # both ALT, of each pair of SNPs
    np.testing.assert_allclose((drawn.T.astype(float) @ drawn) / len(drawn), pairs, atol=0.012)


def simulated_rows(n_rows=400, n_snps=30, seed=3):
    labels = np.arange(n_rows // 2) % 2
    calls = linked_calls(n_snps, labels, seed=seed)
    return np.ascontiguousarray(to_rows(calls, "haplotype")), labels.repeat(2)


@pytest.mark.parametrize("prior", [1e-6, 0.7])
def test_a_step_never_lowers_the_likelihood(prior):
    """Times the Dirichlet density of the parameters, which the first prior leaves at 1."""
    rows, labels = simulated_rows()
    rows[::7, ::5] = -1
    model = fit_hidden_tree(
        rows,
        0 * labels,
        chow_liu_tree(rows, 2),
        n_classes=1,
        n_values=2,
        hidden_states=4,
        iterations=1,
        label_rows=1,
        smoothing=0.1,
        rng=np.random.default_rng(0),
    )
    model = HiddenTree(model.tree, model.transition.repeat(2, axis=0), model.emission)
    found = []
    for _ in range(12):
        density = prior * (np.log(model.transition).sum() + np.log(model.emission).sum())
        found.append(model.log_likelihood(rows, labels).sum() + density)
        model = improved(model, rows, labels, prior, prior)
    assert (np.diff(found) > -1e-6 * abs(found[0])).all()  # float32
    assert found[-1] > found[0] + 1


def test_the_tree_is_the_chow_liu_tree():
    """By all trees of five SNPs, as edges of a sum of mutual information."""
    rng = np.random.default_rng(5)
    rows = np.zeros((3_000, 5), np.int8)
    rows[:, 0] = rng.random(3_000) < 0.4
    for snp, parent, kept in ((1, 0, 0.9), (2, 0, 0.8), (3, 2, 0.85), (4, 3, 0.7)):
        rows[:, snp] = np.where(rng.random(3_000) < kept, rows[:, parent], rng.random(3_000) < 0.4)
    tree = chow_liu_tree(rows, 2)
    edges = {frozenset((snp, parent)) for snp, parent in enumerate(tree.parent) if parent >= 0}
    assert edges == {frozenset(edge) for edge in ((0, 1), (0, 2), (2, 3), (3, 4))}
    assert tree.order[0] == 0 and list(np.flatnonzero(tree.parent < 0)) == [0]
    information = mutual_information(rows, 2)
    p = np.bincount(rows[:, 0] * 2 + rows[:, 1], minlength=4).reshape(2, 2) / 3_000
    apart = np.outer(p.sum(axis=1), p.sum(axis=0))
    assert information[0, 1] == pytest.approx((p * np.log(p / apart)).sum(), rel=1e-5)


# --- chromosomes


def cohort(folder, *, phased=True, seed=1, n_train=150):
    """A real cohort of two labels and 50 SNPs: training, 40 validation, 40 holdout people."""
    labels = np.where(np.arange(n_train + 80) % 3 == 0, "a", "b")
    splits = ["train"] * n_train + ["validation"] * 40 + ["holdout"] * 40
    calls = linked_calls(50, labels, seed=seed)
    if not phased:
        calls.sort(axis=2)
    return store_of(folder / "r.zip", calls, people_of(labels, splits), phased=phased)


def fitted(store, folder, **changes):
    path = folder / "trees.npz"
    people = store.people[store.people.split == "train"]
    fit_hidden_chow_liu(store, Panel.of(store, people), path, seed=4, **(TREES | changes))
    return path


def drawn(store, folder, model, labels):
    path = folder / "s.zip"
    people = people_of(np.array(labels), prefix="s")
    draw_alleles(store, people, path, kind="hidden_chow_liu", model=model, seed=7)
    return CohortStore(path)


def correlations(store, label):
    rows = store.read(samples=store.people.label == label).sum(axis=2)
    return np.nan_to_num(np.corrcoef(rows + 1e-9 * np.arange(rows.shape[1])))


@pytest.mark.parametrize("phased", [True, False])
def test_drawn_people_have_the_frequencies_and_the_linkage_of_their_label(
    tmp_path, phased, monkeypatch
):
    monkeypatch.setattr(hidden_chow_liu, "_PEOPLE_AT_ONCE", 150)  # of 800
    real = cohort(tmp_path, phased=phased, n_train=400)
    synthetic = drawn(
        real, tmp_path, fitted(real, tmp_path, hidden_states=10, iterations=10), ["a", "b"] * 400
    )
    assert synthetic.phased == phased
    train = real.people.split == "train"
    own, ours = (
        [
            store.read(samples=who & (store.people.label == label)).mean(axis=(1, 2))
            for label in "ab"
        ]
        for store, who in ((real, train), (synthetic, synthetic.people.label != ""))
    )
    apart = np.abs(own[0] - own[1]).mean()
    assert max(np.abs(ours[place] - own[place]).mean() for place in (0, 1)) < apart / 2
    near = np.abs(np.subtract.outer(*[np.arange(50)] * 2)) == 1  # over the ends of windows, too
    r = [correlations(store, "b")[near] for store in (real, synthetic)]
    assert np.corrcoef(*r)[0, 1] > 0.8
    # ten states are all founders, and few of their pairs
    assert np.square(r[1]).mean() > (0.6 if phased else 0.4) * np.square(r[0]).mean()


def test_windows_are_joined_and_each_person_is_given_the_overlap(tmp_path):
    """The likelihood of a chromosome is the product of those of windows given their overlaps."""
    real = cohort(tmp_path)
    model = fitted(real, tmp_path)
    windows = list(windows_of(model))
    assert [window.own for window in windows] == [slice(0, 20), slice(20, 40), slice(40, 50)]
    assert [window.n_overlap for window in windows] == [0, 6, 6]
    people = np.flatnonzero(real.people.split == "holdout")
    panel = Panel.of(real, real.people[people])
    found, n_seen = log_likelihoods(real, panel, people, model)
    assert (n_seen == 100).all()
    rows = to_rows(real.read(samples=people), "haplotype")
    classes, expected = panel.drawn_class.repeat(2), np.zeros(len(rows))
    for window in windows:
        seen, before = (
            rows[:, window.seen],
            np.full((len(rows), window.seen.stop - window.seen.start), -1),
        )
        before[:, : window.n_overlap] = seen[:, : window.n_overlap]
        expected += window.model.log_likelihood(seen, classes)
        expected -= window.model.log_likelihood(before, classes)
    np.testing.assert_allclose(found, expected.reshape(-1, 2).sum(axis=1), rtol=1e-6)


def test_equal_seeds_are_equal_files_and_nobody_but_training_people_is_read(tmp_path):
    files = []
    for name, noise in (("one", 0), ("two", 1)):
        (tmp_path / name).mkdir()
        real = cohort(tmp_path / name)
        calls = real.read()
        calls[:, 150:] ^= noise
        real = store_of(tmp_path / name / "r.zip", calls, real.people)
        model = fitted(real, tmp_path / name)
        synthetic = drawn(real, tmp_path / name, model, ["a", "b"] * 10)
        files.append((model.read_bytes(), synthetic.path.read_bytes()))
    assert files[0] == files[1]


def test_holdout_people_are_likely_and_memory_shows_in_the_likelihood(tmp_path):
    """Few rows and many states: training people are likelier, and are told by it."""
    real = cohort(tmp_path, n_train=60)
    found = {}
    for name, states, iterations in (("small", 2, 3), ("memory", 40, 16)):
        model = fitted(real, tmp_path, hidden_states=states, iterations=iterations)
        options = {"cohort": "c", "generator": "g", "minimum_people": 10, "max_people": 500}
        found[name] = measure_likelihood([real], [model], seed=1, **options)
    gaps = []
    for table in found.values():
        values = {
            split: row_of(table, "log_likelihood", part=split)
            for split in ("train", "validation", "holdout")
        }
        assert all(row["low"] < row["value"] < row["high"] for row in values.values())
        assert values["holdout"]["value"] > np.log(0.5)
        assert values["validation"]["value"] == pytest.approx(values["holdout"]["value"], abs=0.08)
        gaps.append(values["train"]["value"] - values["holdout"]["value"])
    assert gaps[1] > gaps[0] + 0.05
    auc = [row_of(each, "membership_auc", method="likelihood")["value"] for each in found.values()]
    assert auc[1] > 0.8 and auc[1] > auc[0] + 0.1


def test_a_file_of_another_kind_is_refused(tmp_path):
    np.savez(tmp_path / "trees.npz", other=np.zeros(3))
    with pytest.raises(InputError, match="kinds of file do not match"):
        list(windows_of(tmp_path / "trees.npz"))
    (tmp_path / "cut.npz").write_bytes(fitted(cohort(tmp_path), tmp_path).read_bytes()[:-3_000])
    with pytest.raises(InputError, match="not a readable fitted file"):
        list(windows_of(tmp_path / "cut.npz"))
