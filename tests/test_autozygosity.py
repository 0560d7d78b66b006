"""Autozygous stretches: counted, fitted in closed form, drawn, and put into drawn people."""

from dataclasses import replace

import numpy as np
import pytest
from cohorts import people_of, store_of

from syncohort.errors import InputError
from syncohort.global_vector.pairing import PAIRINGS, Pairing, Partners
from syncohort.synthesis import homozygous_runs
from syncohort.synthesis.autozygosity import NONE, Alike, Autozygosity, fit_autozygosity
from syncohort.synthesis.homozygous_runs import RUNS, Runs, measure_runs

WINDOW = 100_000


def test_runs_are_counted_by_their_length():
    low = np.zeros((30, 3), bool)
    low[2:7, 0] = True  # 5
    low[9:13, 0] = True  # 4
    low[15:30, 0] = True  # 15, to the end
    low[:, 1] = True
    counts = homozygous_runs._count_runs(low)
    assert counts[0].tolist() == [2, 1, 0] and counts[1].tolist() == [1, 1, 0]


def shown(stretches, n_people, n_windows) -> np.ndarray:
    """Runs [2, S] that stretches make on a chromosome of windows."""
    counts = np.zeros((len(RUNS), n_people))
    for person, first, last in stretches:
        counts[:, person] += (last - first) >= np.array(RUNS) * WINDOW
    return counts


def drawn_runs(given: Autozygosity, labels, lengths, seed=1) -> list[Runs]:
    """Runs of people whose stretches are known, on chromosomes of so many windows; pairs have none."""
    found = []
    for place, n_windows in enumerate(lengths):
        span = (0, n_windows * WINDOW)
        stretches = given.stretches(
            labels, str(place), span, people_seed=seed, seed=100 * seed + place
        )
        people = shown(stretches, len(labels), n_windows)
        found.append(Runs(WINDOW, n_windows, people, np.zeros_like(people), labels))
    return found


@pytest.mark.parametrize(("share", "length_mb"), [(0.02, 1.0), (0.01, 3.0), (0.1, 0.8)])
def test_share_and_length_are_those_that_stretches_were_drawn_with(share, length_mb):
    labels = np.repeat(["a"], 40_000).astype(object)
    given = Autozygosity({"a": share}, length_mb * 1e6, 0.0)
    found = fit_autozygosity(drawn_runs(given, labels, [25, 60, 150, 10]))
    assert found.length_bp == pytest.approx(length_mb * 1e6, rel=0.1)
    assert found.share["a"] == pytest.approx(share, rel=0.1)
    assert found.spread < 0.3


def test_how_unevenly_people_share_in_it_is_found():
    labels = np.repeat(["a"], 4_000).astype(object)
    given = Autozygosity({"a": 0.03}, 2e6, 4.0)
    found = fit_autozygosity(drawn_runs(given, labels, [200] * 12))
    assert found.spread == pytest.approx(4, rel=0.2)
    assert found.share["a"] == pytest.approx(0.03, rel=0.1)


def test_labels_have_shares_of_their_own_drawn_towards_everybodys():
    labels = np.array(["a"] * 2_000 + ["b"] * 2_000 + ["c"] * 5, dtype=object)
    given = Autozygosity({"a": 0.04, "b": 0.01, "c": 0.2}, 2e6, 0.0)
    found = fit_autozygosity(drawn_runs(given, labels, [200, 100]))
    assert found.share["a"] == pytest.approx(0.04, rel=0.1)
    assert found.share["b"] == pytest.approx(0.01, rel=0.3)
    assert found.share["c"] < 0.1  # five people


def linked_haplotypes(n_people, n_variants, seed) -> np.ndarray:
    """Calls [V, S, 2] of haplotypes that copy stretches of 40 founders, switching every 0.1 Mb."""
    rng = np.random.default_rng(seed)
    founders = rng.random((n_variants, 40)) < rng.uniform(0.1, 0.5, (n_variants, 1))
    jumps = (rng.random((n_variants, 2 * n_people)) < 0.01).cumsum(axis=0)
    which = (
        rng.integers(40, size=2 * n_people) + 7 * jumps * rng.integers(1, 6, 2 * n_people)
    ) % 40
    calls = founders[np.arange(n_variants)[:, None], which]
    return calls.astype(np.int8).reshape(n_variants, n_people, 2)


def partners_in(store, scores=None, correlation=0.0) -> Partners:
    """Others of a label, PAIRINGS times: as alike along one axis as asked, or anybody."""
    labels = store.people.label.astype(str)
    names = np.unique(labels).astype(object)
    scores = np.zeros((len(labels), 2, 1)) if scores is None else scores
    r = np.full((len(names), 1), correlation)
    pairing = Pairing(names, np.ones((1, 1)), r, np.full_like(r, max(scores.var(), 1e-9)))
    drawn = [pairing.partners(scores, labels, seed) for seed in range(PAIRINGS)]
    return Partners(store.people.id, np.array(drawn))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Two chromosomes of 600 people, 3 % autozygous in stretches of 1.5 Mb, and the same without."""
    folder = tmp_path_factory.mktemp("autozygous")
    labels = np.array(["a", "b"] * 300, dtype=object)
    given = Autozygosity({"a": 0.03, "b": 0.03}, 1.5e6, 0.0)
    stores = {True: [], False: []}
    for place, contig in enumerate(("1", "2")):
        calls = linked_haplotypes(600, 8_000, seed=place)
        position_bp = 1_000 * np.arange(1, 8_001)
        people = people_of(labels, ["train"] * 600)
        for with_stretches in (False, True):
            if with_stretches:
                rows = calls.reshape(len(calls), -1).T.copy()
                span = (position_bp[0], position_bp[-1])
                drawn = given.stretches(labels, contig, span, people_seed=5, seed=place)
                Alike(drawn, position_bp, 600).put_into(rows, slice(0, len(calls)))
                calls = rows.T.reshape(calls.shape)
                flips = np.random.default_rng(9).random(calls.shape) < 0.002  # errors of calling
                calls = np.where(flips, 1 - calls, calls)
            path = folder / f"{contig}.{with_stretches}.zarr.zip"
            options = {"contig": contig, "position_bp": position_bp}
            stores[with_stretches].append(store_of(path, calls, people, **options))
    return stores


def test_real_looking_people_are_measured_and_errors_of_calling_allowed(cohort):
    found = fit_autozygosity([measure_runs(store, partners_in(store)) for store in cohort[True]])
    assert found.share["a"] == pytest.approx(0.03, rel=0.3)
    assert found.length_bp == pytest.approx(1.5e6, rel=0.35)
    # an error of .002 an allele, where about .42 of people are heterozygous
    assert found.heterozygous == pytest.approx(0.004 / 0.42, rel=0.3)


def test_where_people_have_no_more_than_pairs_nobody_is_given_any(cohort):
    assert (
        fit_autozygosity([measure_runs(store, partners_in(store)) for store in cohort[False]])
        == NONE
    )


def test_short_chromosomes_and_x_tell_nothing(tmp_path, cohort):
    calls = linked_haplotypes(20, 500, seed=1)
    short = store_of(tmp_path / "1.zarr.zip", calls, people_of(["a"] * 20, ["train"] * 20))
    runs = measure_runs(short, partners_in(short))
    assert runs.n_windows == 5 and fit_autozygosity([runs]) == NONE
    nobody = measure_runs(short, Partners(np.array([], object), np.zeros((PAIRINGS, 0), int)))
    assert not len(nobody.label) and fit_autozygosity([nobody]) == NONE
    x = cohort[True][0]
    x.variants = replace(x.variants, contig="X")
    assert measure_runs(x, partners_in(x)).n_windows == 0


def test_partners_of_another_cohort_are_refused(tmp_path):
    calls = linked_haplotypes(20, 500, seed=1)
    store = store_of(tmp_path / "1.zarr.zip", calls, people_of(["a"] * 20, ["train"] * 20))
    others = replace(partners_in(store), sample_id=np.array(["stranger"] * 20, dtype=object))
    with pytest.raises(InputError, match="stranger.*run again"):
        measure_runs(store, others)


def test_chance_is_that_of_pairs_alike_in_ancestry(tmp_path):
    """A label of two ancestries, one of few founders: pairs of anybody meet by chance too rarely."""
    rng = np.random.default_rng(3)
    is_few = np.arange(600) % 2 == 0
    calls = linked_haplotypes(600, 8_000, seed=4)
    few = (rng.random((8_000, 3)) < 0.3).astype(np.int8)  # three founders, switching every 2 Mb
    jumps = (rng.random((8_000, 600)) < 0.0005).cumsum(axis=0) + rng.integers(3, size=600)
    calls[:, is_few] = few[np.arange(8_000)[:, None], jumps % 3].reshape(8_000, 300, 2)
    people = people_of(["a"] * 600, ["train"] * 600)
    position_bp = 1_000 * np.arange(1, 8_001)
    store = store_of(tmp_path / "1.zarr.zip", calls, people, position_bp=position_bp)
    scores = np.where(is_few, 5.0, -5.0)[:, None, None] + rng.normal(size=(600, 2, 1))
    anybody = measure_runs(store, partners_in(store))
    alike = measure_runs(store, partners_in(store, scores, 0.95))
    runs = alike.people[0].sum()
    assert runs > 100 and anybody.pairs[0].sum() < 0.6 * runs
    assert alike.pairs[0].sum() == pytest.approx(runs, rel=0.15)


def test_sparse_variants_make_windows_wider(tmp_path):
    calls = linked_haplotypes(100, 400, seed=1)
    position_bp = 250_000 * np.arange(1, 401)
    people = people_of(["a"] * 100, ["train"] * 100)
    store = store_of(tmp_path / "1.zarr.zip", calls, people, position_bp=position_bp)
    runs = measure_runs(store, partners_in(store))
    assert runs.window_bp > 2_000_000 and runs.n_windows * runs.window_bp < 1.1e8


def test_draws_are_a_persons_own_and_of_all_chromosomes(tmp_path):
    given = Autozygosity({"a": 0.05}, 1e6, 8.0)
    labels = np.array(["a"] * 300, dtype=object)
    options = {"people_seed": 3, "span_bp": (0, 50_000_000)}
    first = given.stretches(labels, "1", seed=1, **options)
    fewer = given.stretches(labels[:100], "1", seed=1, **options)
    assert sorted(map(tuple, fewer)) == sorted(tuple(each) for each in first if each[0] < 100)
    second = given.stretches(labels, "2", seed=2, **options)
    covered = [
        np.bincount(found[:, 0], found[:, 2] - found[:, 1], 300) for found in (first, second)
    ]
    assert np.corrcoef(*covered)[0, 1] > 0.5
    assert not len(given.stretches(labels, "X", seed=1, **options))
    given.save(tmp_path / "a.json")
    assert Autozygosity.load(tmp_path / "a.json") == given


def test_as_many_calls_of_a_stretch_stay_heterozygous_as_in_real_ones():
    rows = np.array([[0] * 20_000, [1] * 20_000], np.int8)
    alike = Alike([(0, 0, 20_000)], np.arange(20_000), 1, heterozygous=0.03, seed=2)
    alike.put_into(rows, slice(0, 20_000))
    assert rows[1].mean() == pytest.approx(0.03, abs=0.005) and not rows[0].any()


def test_all_alleles_of_a_site_change_or_stay_together():
    position_bp = np.repeat(np.arange(5_000), 2)  # two alleles at each position
    rows = np.zeros((2, 10_000), np.int8)
    rows[0, ::2], rows[1, 1::2] = 1, 1  # one allele on the first haplotype, the other on the second
    alike = Alike([(0, 0, 5_000)], position_bp, 1, heterozygous=0.5, seed=2)
    for start in range(0, 10_000, 100):
        part = slice(start, start + 100)
        alike.put_into(rows[:, part], part)
    assert (rows[1].reshape(-1, 2).sum(axis=1) == 1).all()
    assert 0.4 < rows[1, ::2].mean() < 0.6


def test_inbred_lines_stay_inbred(tmp_path):
    calls = linked_haplotypes(60, 8_000, seed=1)
    calls[..., 1] = calls[..., 0]
    people = people_of(["a"] * 60, ["train"] * 60)
    store = store_of(tmp_path / "1.zarr.zip", calls, people)
    found = fit_autozygosity([measure_runs(store, partners_in(store))])
    assert found.share["a"] > 0.85 and found.length_bp > 4e7


def test_a_person_may_be_autozygous_all_along():
    given = Autozygosity({"a": 1.0}, 1e4, 0.0)
    stretches = given.stretches(np.array(["a"]), "1", (0, 1_000_000), people_seed=1, seed=1)
    rows = np.array([[0] * 1_000, [1] * 1_000], np.int8)
    Alike(stretches, np.arange(0, 1_000_000, 1_000), 1).put_into(rows, slice(0, 1_000))
    assert not rows.any()


@pytest.mark.parametrize("heterozygous", [0.0, 0.3])
def test_second_haplotypes_become_the_first_whatever_is_decoded_together(heterozygous):
    position_bp = np.arange(10, 1_010, 10)
    stretches = [(0, 200, 400), (3, 990, 1_000), (3, 1, 15)]
    rows = np.random.default_rng(0).integers(0, 2, (8, 100)).astype(np.int8)
    whole, pieces = rows.copy(), rows.copy()
    alike = Alike(stretches, position_bp, 4, heterozygous=heterozygous, seed=1)
    alike.put_into(whole, slice(0, 100))
    for start in range(0, 100, 7):
        part = slice(start, min(start + 7, 100))
        own = pieces[:, part].copy()
        alike.put_into(own, part)
        pieces[:, part] = own
    np.testing.assert_array_equal(whole, pieces)
    if not heterozygous:
        np.testing.assert_array_equal(whole[1, 19:40], rows[0, 19:40])
        np.testing.assert_array_equal(whole[7, [0, 98, 99]], rows[6, [0, 98, 99]])
    changed = whole != rows
    assert changed[::2].sum() == 0 and not changed[1, :19].any() and not changed[1, 40:].any()
    assert not changed[2:6].any()
