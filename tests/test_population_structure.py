"""Hardy-Weinberg equilibrium, inbreeding and Fst: closed forms, cheats, and plink2."""

import subprocess
from shutil import which

import numpy as np
import pandas as pd
import pytest
from cohorts import people_of, row_of, store_of, value_of

from syncohort.cohort.hardy_weinberg import hwe_p_values as exact_p_values
from syncohort.evaluation.fidelity.genotype_counts import EQUALLY_MANY, walk_counts
from syncohort.evaluation.fidelity.heterozygosity import summarise_people
from syncohort.evaluation.fidelity.measure import measure_fidelity
from syncohort.evaluation.fidelity.population_structure import (
    hudson_sums,
    hwe_p_values,
    summarise_equilibrium,
    summarise_fst,
)
from syncohort.formats.genetic_map import constant_map
from syncohort.formats.plink import write_plink

SPLITS = ["train"] * 60 + ["validation"] * 15 + ["holdout"] * 45


def structured_calls(n_people, *, seed, n_variants=400, inbreeding=0.0) -> tuple:
    """Calls [V, 3 n, 2] and labels of three populations that drifted apart (Balding-Nichols).

    With probability `inbreeding` a person's two alleles are copies of one.
    """
    rng = np.random.default_rng(0)
    ancestral = rng.uniform(0.1, 0.9, n_variants)
    calls, labels = [], []
    for label, drift in (("x", 0.02), ("y", 0.05), ("z", 0.15)):
        a = ancestral * (1 - drift) / drift
        p = np.random.default_rng(ord(label)).beta(a, (1 - ancestral) * (1 - drift) / drift)
        own = np.random.default_rng([seed, ord(label)])
        drawn = own.random((n_variants, n_people, 2)) < p[:, None, None]
        copied = own.random((n_variants, n_people)) < inbreeding
        drawn[copied, 1] = drawn[copied, 0]
        calls.append(drawn)
        labels += [label] * n_people
    return np.concatenate(calls, axis=1).astype(np.int8), np.array(labels, dtype=object)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """360 real people of three populations, 180 synthetic ones, inbred ones, and shuffled ones."""
    folder = tmp_path_factory.mktemp("structure")
    calls, labels = structured_calls(120, seed=1)
    real = store_of(folder / "r.zip", calls, people_of(labels, SPLITS * 3))
    stores = {"real": real}
    for name, options in (("like", {"seed": 2}), ("inbred", {"seed": 3, "inbreeding": 0.3})):
        calls, labels = structured_calls(60, **options)
        stores[name] = store_of(folder / f"{name}.zip", calls, people_of(labels))
    order = np.random.default_rng(4).permutation(len(labels))
    stores["shuffled"] = store_of(folder / "s.zip", calls, people_of(labels[order]))
    return stores


def measured(cohort, name):
    return measure_fidelity(
        cohort["real"], cohort[name], genetic_map=constant_map(1), window_kb=10, seed=0
    )


def equilibrium(cohort, name) -> list[dict]:
    tables = measured(cohort, name)
    return summarise_equilibrium(tables.equilibrium, tables.sizes, seed=0)


# ------------------------------------------------------------------- counting


def test_counts_equal_plain_counting(tmp_path):
    rng = np.random.default_rng(0)
    calls = rng.integers(-1, 2, (30, 40, 2))
    labels = np.array(["b", "a", "c", "a"] * 10, dtype=object)
    splits = np.array(["train", "holdout", "holdout", "validation", ""] * 8, dtype=object)
    real = store_of(tmp_path / "r.zip", calls, people_of(labels, splits))
    drawn = rng.integers(-1, 2, (30, 6, 2))
    synthetic = store_of(tmp_path / "s.zip", drawn, people_of(["a", "c", "c", "a", "new", "a"]))
    ((variants, counts),) = walk_counts(real, synthetic)
    assert variants == slice(0, 30)
    for source, values, own_labels, keep in (
        ("train", calls, labels, splits == "train"),
        ("holdout", calls, labels, splits == "holdout"),
        ("synthetic", drawn, synthetic.people.label, np.ones(6, dtype=bool)),
    ):
        for index, label in enumerate(("a", "b", "c", "new")):
            own = values[:, keep & (own_labels == label)]
            whole = (own >= 0).all(axis=2)
            found = counts[source]
            assert found.people[index] == own.shape[1]
            expected = {
                "alt": (own == 1).sum(axis=(1, 2)),
                "alleles": (own >= 0).sum(axis=(1, 2)),
                "het": ((own.sum(axis=2) == 1) & whole).sum(axis=1),
                "hom_alt": ((own.sum(axis=2) == 2) & whole).sum(axis=1),
                "called": whole.sum(axis=1),
            }
            for name, value in expected.items():
                np.testing.assert_array_equal(getattr(found, name)[:, index], value, str(name))


def test_p_values_equal_the_test_one_by_one(cohort):
    ((_, counts),) = walk_counts(cohort["real"], cohort["inbred"])
    own = counts["synthetic"]
    found = hwe_p_values(own)
    for v in range(0, 400, 40):
        for label in range(3):
            het, alt = int(own.het[v, label]), int(own.hom_alt[v, label])
            counts = [int(own.called[v, label]) - het - alt, het, alt]
            expected = exact_p_values(counts)
            assert found[v, label] == pytest.approx(expected)


# ---------------------------------------------------------------- equilibrium


def test_random_mating_is_rejected_as_rarely_as_in_real_people(cohort):
    rows = equilibrium(cohort, "like")
    assert value_of(rows, "hwe_rejected") < 0.003  # an exact test keeps below its level
    row = row_of(rows, "hwe_rejected_ratio")
    assert row["low"] < 1.5 and 0.3 < row["value"] < 3


@pytest.mark.parametrize("cheat", ["inbred", "shuffled"])
def test_lost_equilibrium_shows(cohort, cheat):
    """Inbred people, and people of several populations under one label (Wahlund)."""
    rows = equilibrium(cohort, cheat)
    assert value_of(rows, "hwe_rejected") > 0.02
    assert row_of(rows, "hwe_rejected_ratio")["low"] > 10


def test_rejections_do_not_depend_on_how_many_people_are_drawn(tmp_path):
    """The same inbreeding (F = 0.05) in real and synthetic people, who are as many, or four times."""
    rng = np.random.default_rng(9)
    frequency = rng.uniform(0.1, 0.9, 400)

    def inbred(n):
        calls = (rng.random((400, n, 2)) < frequency[:, None, None]).astype(np.int8)
        same = rng.random((400, n)) < 0.05
        calls[..., 1] = np.where(same, calls[..., 0], calls[..., 1])
        return calls

    splits = np.repeat(["train", "holdout"], [500, 60]).astype(object)
    real = store_of(tmp_path / "real.zip", inbred(560), people_of(["x"] * 560, splits))
    cohorts = {"real": real}
    for n in (500, 2_000):
        cohorts[f"{n}"] = store_of(tmp_path / f"{n}.zip", inbred(n), people_of(["x"] * n))
    ratios = [value_of(equilibrium(cohorts, f"{n}"), "hwe_rejected_ratio") for n in (500, 2_000)]
    assert max(ratios) < 1.6 and min(ratios) > 0.6
    ((_, counts),) = walk_counts(real, cohorts["2000"])
    assert counts["synthetic"].people.tolist() == [2_000]
    assert [counts[name].people.tolist() for name in EQUALLY_MANY.values()] == [[500], [500]]


def test_few_people_of_a_label_cannot_be_rejected(cohort, tmp_path):
    calls, labels = structured_calls(19, seed=5)
    small = store_of(tmp_path / "s.zip", calls, people_of(labels))
    rows = equilibrium(cohort | {"small": small}, "small")
    assert np.isnan(value_of(rows, "hwe_rejected"))
    assert "19 people in the largest label" in row_of(rows, "hwe_rejected_ratio")["note"]


def test_inbreeding_is_estimated(cohort):
    for name, truth in (("like", 0), ("inbred", 0.3)):
        row = row_of(summarise_people(measured(cohort, name).people, seed=0), "inbreeding_f")
        assert row["value"] == pytest.approx(truth, abs=0.015)
        assert row["low"] < row["value"] < row["high"]


# ------------------------------------------------------------------------ Fst


def test_fst_of_two_variants_by_hand():
    """p 3/4 and 1/4 of 8 and 4 alleles, then 1 and 0; a third variant has too few alleles."""
    frequency = np.array([[0.75, 0.25], [1.0, 0.0], [1.0, 0.0]])
    alleles = np.array([[8, 4], [8, 4], [8, 1]])
    between, total = hudson_sums(frequency, alleles)
    noise = 0.75 * 0.25 / 7 + 0.25 * 0.75 / 3
    assert between[0, 1] == pytest.approx(0.25 - noise + 1)
    assert total[0, 1] == pytest.approx(0.75 * 0.75 + 0.25 * 0.25 + 1)
    np.testing.assert_allclose(between, between.T)


def test_fst_of_drifted_populations_is_their_mean_drift(cohort):
    """Balding-Nichols populations of drift F1 and F2 are (F1 + F2) / 2 apart."""
    table = measured(cohort, "like").fst
    sums = table.groupby(["label_1", "label_2"]).sum(numeric_only=True)
    for source in ("synthetic", "holdout"):
        fst = sums[f"{source}_between"] / sums[f"{source}_total"]
        np.testing.assert_allclose(fst, [0.035, 0.085, 0.1], atol=0.02)


def test_synthetic_people_keep_or_lose_the_populations(cohort):
    rows = {}
    for name in ("like", "shuffled"):
        tables = measured(cohort, name)
        rows[name] = summarise_fst(tables.fst, tables.sizes, seed=0)
    assert value_of(rows["like"], "fst_r") > 0.98
    assert value_of(rows["like"], "fst_error") < 0.01
    assert value_of(rows["shuffled"], "fst_error") > 0.05  # no difference is left
    assert "holdout 0.0" in row_of(rows["like"], "fst_r")["note"]


def test_two_labels_have_no_correlation_and_one_has_no_fst(cohort):
    tables = measured(cohort, "like")
    two = tables.fst.query("label_1 == 'x' and label_2 == 'y'")
    rows = summarise_fst(two, tables.sizes, seed=0)
    assert np.isnan(value_of(rows, "fst_r")) and value_of(rows, "fst_error") < 0.02
    rows = summarise_fst(tables.fst.iloc[:0], tables.sizes, seed=0)
    assert np.isnan(value_of(rows, "fst_error"))


# --------------------------------------------------------------------- plink2


def test_equilibrium_inbreeding_and_fst_agree_with_plink2(cohort, tmp_path):
    """Exact p-values to 6 digits, F and Fst to 5 (plink prints so many)."""
    if not which("plink2"):
        pytest.skip("plink2 is not installed")
    store = cohort["inbred"]
    calls = store.read()
    calls[np.random.default_rng(7).random(calls.shape[:2]) < 0.02] = -1
    labels = store.people.label
    holed = store_of(tmp_path / "h.zip", calls, people_of(labels))
    write_plink([holed], tmp_path / "all")
    names = [f"p{i}\tp{i}" for i in range(len(labels))]
    rows = [f"{name}\t{label}" for name, label in zip(names, labels, strict=True)]
    (tmp_path / "pops.txt").write_text("\n".join(["#FID\tIID\tPOP", *rows]) + "\n")
    keep = [name for name, label in zip(names, labels, strict=True) if label == "y"]
    (tmp_path / "y.txt").write_text("\n".join(keep) + "\n")
    for command in (
        ["--pheno", "pops.txt", "--fst", "POP", "method=hudson", "--out", "fst"],
        ["--keep", "y.txt", "--hardy", "--out", "y"],
        ["--keep", "y.txt", "--het", "small-sample", "--bad-freqs", "--out", "y"],
    ):
        command = ["plink2", "--bfile", "all", *command]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    ((_, counts),) = walk_counts(cohort["real"], holed)
    y = 1  # the labels are x, y, z
    theirs = pd.read_csv(tmp_path / "y.hardy", sep="\t")
    p = pd.Series(hwe_p_values(counts["synthetic"])[:, y], index=holed.variants.id)
    np.testing.assert_allclose(p[theirs["ID"]], theirs["P"], rtol=1e-5)

    people = measured(cohort | {"holed": holed}, "holed").people
    people = people[(people["source"] == "synthetic") & (people["label"] == "y")]
    f = 1 - people["heterozygous"] / people["expected"]
    theirs = pd.read_csv(tmp_path / "y.het", sep="\t")
    np.testing.assert_allclose(f, theirs["F"], atol=2e-5)

    sums = hudson_sums(counts["synthetic"].frequency, counts["synthetic"].alleles)
    fst = sums[0] / sums[1]
    theirs = pd.read_csv(tmp_path / "fst.fst.summary", sep="\t").rename(columns={"#POP1": "POP1"})
    for row in theirs.itertuples():
        i, j = "xyz".index(row.POP1), "xyz".index(row.POP2)
        assert fst[i, j] == pytest.approx(row.HUDSON_FST, abs=2e-6)
