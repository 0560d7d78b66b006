"""Synthetic people as a panel for imputation: r2 against a plain count, what good and bad panels do."""

import shutil

import numpy as np
import pandas as pd
import pytest
from chromosome_x import x_people, x_store, x_variants
from cohorts import founder_calls, people_of, row_of, store_of, unlink

from syncohort.dosages import IMPUTATION_BINS
from syncohort.evaluation.utility import imputation
from syncohort.evaluation.utility.imputation import imputation_metrics, impute_holdout
from syncohort.evaluation.verdicts.judging import judge
from syncohort.figures.utility import plot_imputation
from syncohort.formats.beagle import Beagle
from syncohort.ploidy import ABSENT, doubled, has_one_copy

beagle = pytest.mark.skipif(shutil.which("beagle") is None, reason="no program beagle")
SPLITS = np.array(["holdout"] * 25 + ["train"] * 75)
NAMES = {"cohort": "test", "minimum_people": 20, "seed": 1}
_SUMS = ["n", "x", "y", "xx", "yy", "xy"]


def run(real, panel=None) -> pd.DataFrame:
    return impute_holdout(real, panel, Beagle("x", "y", seed=1, threads=1, memory_mb=1_000), seed=2)


def table_of(sums, contig="1", variants=4) -> pd.DataFrame:
    """A table of `impute_holdout` with these sums of people [S, 6] in one bin."""
    bins = [np.zeros_like(sums), sums, np.zeros_like(sums)]
    table = pd.DataFrame(np.concatenate(bins), columns=_SUMS)
    table["maf_bin"] = np.repeat(IMPUTATION_BINS, len(sums))
    table["person"] = [f"p{i}" for i in range(len(sums))] * 3
    table["variants"] = np.where(table["maf_bin"] == "1-5 %", variants, 0)
    return table.assign(contig=contig, panel_people=9)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """A real cohort; its training people without linkage; what is known of it after imputation."""
    folder = tmp_path_factory.mktemp("imputation")
    calls = founder_calls(n_variants=300, n_people=100)
    real = store_of(folder / "real.zip", calls, people_of(["a"] * 100, SPLITS), contig="20")
    train = calls[:, 25:]
    missing = train.copy()
    missing[::10, :3] = -1
    people = people_of(["a"] * 75, prefix="s")
    good = store_of(folder / "good.zip", missing, people, contig="20")
    loose = unlink(train, people.label, seed=4)
    loose = store_of(folder / "loose.zip", loose, people, contig="20")
    return {"calls": calls, "real": run(real), "good": run(real, good), "loose": run(real, loose)}


@beagle
def test_a_panel_is_as_good_as_the_real_one_or_its_linkage_is_missed(cohort):
    tables = [
        imputation_metrics(cohort["real"], None, generator="real", **NAMES),
        *(
            imputation_metrics(cohort[name], cohort["real"], generator=name, **NAMES)
            for name in ("good", "loose")
        ),
    ]
    judged = judge(pd.concat(tables, ignore_index=True), {})
    of = {name: judged[judged["generator"] == name] for name in ("real", "good", "loose")}
    common = {"maf_bin": "5-50 %"}
    real = row_of(of["real"], "imputation_r2", **common)
    assert real["low"] < real["value"] < real["high"] and real["value"] > 0.7
    assert "75 people" in real["note"] and "of 25 people" in real["note"]
    assert row_of(of["good"], "imputation_loss", **common)["verdict"] == "pass"
    lost = row_of(of["loose"], "imputation_loss", **common)
    assert lost["verdict"] == "fail" and lost["value"] > 0.3
    r2 = row_of(of["loose"], "imputation_r2", **common)["value"]
    assert lost["value"] == pytest.approx(real["value"] - r2)
    assert row_of(of["loose"], "imputation_loss", maf_bin="0-1 %")["verdict"] == ""


@beagle
def test_sums_are_those_of_hidden_variants_of_every_person(cohort):
    table, calls = cohort["real"], cohort["calls"]
    hidden = np.arange(300) % 3 > 0
    frequency = calls[hidden, 25:].mean(axis=(1, 2))
    truth = calls[hidden][:, :25].sum(axis=2)
    truth = np.where(frequency[:, None] > 0.5, 2 - truth, truth)
    common = np.minimum(frequency, 1 - frequency) >= 0.05
    own = table[table["maf_bin"] == "5-50 %"].set_index("person").loc[[f"p{i}" for i in range(25)]]
    np.testing.assert_array_equal(own["x"], truth[common].sum(axis=0))
    np.testing.assert_array_equal(own["xx"], (truth[common] ** 2).sum(axis=0))
    assert (own["n"] == common.sum()).all() and (own["variants"] == common.sum()).all()


@beagle
def test_men_of_x_count_once_in_the_panel_and_are_dosages_of_two(tmp_path):
    rng = np.random.default_rng(1)
    calls = founder_calls(n_variants=len(x_variants()), n_people=100)
    splits = np.array(["holdout", "train", "train", "train"])[np.arange(100) // 2 % 4]
    people = x_people(100, splits=splits)
    one_copy = has_one_copy(x_variants().male_haploid, people.sex)
    calls[..., 1][one_copy] = ABSENT
    calls[rng.random(calls.shape[:2]) < 0.01, 0] = -1
    train = people.split == "train"
    store = x_store(tmp_path / "X.zip", people, calls)
    table = run(store)
    own = np.flatnonzero(x_variants().male_haploid)
    hidden = np.delete(own, slice(None, None, imputation.KEPT))
    alleles = calls[hidden][:, train].reshape(len(hidden), -1)
    frequency = np.ma.masked_less(alleles, 0).mean(axis=1).filled(np.nan)
    common = np.minimum(frequency, 1 - frequency) >= 0.05
    truth = doubled(calls[hidden][:, ~train])[common]
    known = (truth >= 0).all(axis=2)
    truth = np.where(known, truth.sum(axis=2), 0)
    truth = np.where((frequency[common] > 0.5)[:, None] & known, 2 - truth, truth)
    bins = table[table["maf_bin"] == "5-50 %"].set_index("person").loc[people.id[~train]]
    np.testing.assert_array_equal(bins["x"], truth.sum(axis=0))
    np.testing.assert_array_equal(bins["n"], known.sum(axis=0))
    metrics = imputation_metrics(table, None, generator="real", **NAMES)
    assert row_of(metrics, "imputation_r2", maf_bin="5-50 %")["low"] > 0.1  # SNPs are 200 kb apart


def test_r2_and_its_interval_are_those_of_a_plain_count():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, (40, 60)).astype(np.int8)  # [v, S]
    imputed = np.clip(truth + rng.normal(0, 0.7, truth.shape), 0, 2)
    truth[rng.random(truth.shape) < 0.1] = -1
    flipped = rng.random(40) < 0.5
    sums = imputation._products(truth, imputed, flipped).sum(axis=0)  # [S, 6]
    table = pd.concat(
        table_of(sums * times, contig=contig, variants=40)
        for contig, times in (("1", 1), ("2", 2))  # a second chromosome that says the same twice
    )
    metrics = imputation_metrics(table, None, generator="real", **NAMES)
    row = row_of(metrics, "imputation_r2", maf_bin="1-5 %")
    assert row_of(metrics, "imputation_r2", maf_bin="0-1 %")["note"] == "no variants"
    known = truth >= 0
    x, y = (np.where(flipped[:, None], 2 - values, values) for values in (truth, imputed))
    assert row["value"] == pytest.approx(np.corrcoef(x[known], y[known])[0, 1] ** 2)
    assert "80 variants of 60 people" in row["note"]
    draws = []
    for _ in range(500):
        people = rng.integers(60, size=60)
        own = known[:, people]
        draws.append(np.corrcoef(x[:, people][own], y[:, people][own])[0, 1] ** 2)
    np.testing.assert_allclose(
        [row["low"], row["high"]], np.percentile(draws, [2.5, 97.5]), atol=0.01
    )


def test_few_people_are_not_judged_and_the_picture_says_why(tmp_path):
    table = table_of(np.ones((1, 6)))
    metrics = imputation_metrics(table, table, generator="a", **NAMES)
    assert metrics["value"].isna().all() and (metrics["note"] == "too few: 1 people").all()
    plot_imputation(metrics, tmp_path / "a.svg", panels=["real", "a"])
    assert "too few: 1 people" in (tmp_path / "a.svg").read_text()
    plot_imputation(metrics.assign(value=0.5), tmp_path / "b.svg", panels=["real", "a"])
    assert "0-1 %" in (tmp_path / "b.svg").read_text()
