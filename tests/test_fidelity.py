"""Frequencies, heterozygosity and linkage of one chromosome: closed forms and known cheats."""

import re
import subprocess
from itertools import combinations, pairwise
from shutil import which

import numpy as np
import pandas as pd
import pytest
from cohorts import NAMES, linked_calls, people_of, row_of, store_of, unlink, value_of

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.evaluation.fidelity.frequencies import summarise_spectrum
from syncohort.evaluation.fidelity.heterozygosity import summarise_people
from syncohort.evaluation.fidelity.linkage import linkage, summarise_linkage
from syncohort.evaluation.fidelity.measure import Fidelity, measure_fidelity, summarise_fidelity
from syncohort.evaluation.groups import ALL, KEYS
from syncohort.evaluation.intervals import stretch_row, stretch_sums
from syncohort.evaluation.tidy import TIDY_COLUMNS, maf_bin
from syncohort.formats.genetic_map import GeneticMap, constant_map
from syncohort.formats.vcf_writing import write_vcf


def measured(real, synthetic, *, window_kb=100, genetic_map=None) -> Fidelity:
    genetic_map = genetic_map or constant_map(1.0)
    return measure_fidelity(real, synthetic, genetic_map=genetic_map, window_kb=window_kb, seed=5)


def metrics_of(real, synthetic, *, minimum_people=2) -> pd.DataFrame:
    tables = measured(real, synthetic)
    return summarise_fidelity(tables, minimum_people=minimum_people, seed=0, **NAMES)


def linkage_of(real, synthetic, *, window_kb=100, seed=5, **options):
    calls = real.read(samples=real.people.split == "train").astype(float)
    calls[calls < 0] = np.nan
    options = {"genetic_map": constant_map(1.0), **options}
    return linkage(
        real,
        synthetic,
        train_frequency=np.nanmean(calls, axis=(1, 2)),
        window_kb=window_kb,
        seed=seed,
        **options,
    )


def pairs_of(real, synthetic, **options) -> pd.DataFrame:
    return linkage_of(real, synthetic, **options)[0]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """200 people of two labels with linkage and missing calls, and three synthetic cohorts:
    the holdout people themselves, other people of the same kind, and unlinked ones."""
    folder = tmp_path_factory.mktemp("cohort")
    labels = np.array(["x", "y"] * 400, dtype=object)
    splits = np.array(["train"] * 400 + ["validation"] * 50 + ["holdout"] * 350, dtype=object)
    calls = linked_calls(120, labels, seed=1)
    others = linked_calls(120, labels, seed=2)
    missing = np.random.default_rng(3).random(calls.shape[:2]) < 0.01
    calls[missing] = -1
    holdout = splits == "holdout"
    return {
        "real": store_of(folder / "real.zip", calls, people_of(labels, splits)),
        "same": store_of(folder / "same.zip", calls[:, holdout], people_of(labels[holdout])),
        "others": store_of(folder / "others.zip", others, people_of(labels)),
        "unlinked": store_of(
            folder / "unlinked.zip", unlink(others, labels, seed=4), people_of(labels)
        ),
    }


@pytest.fixture(scope="module")
def metrics(cohort):
    """Tidy table of each of the synthetic cohorts."""
    names = ("same", "others", "unlinked")
    return {name: metrics_of(cohort["real"], cohort[name]) for name in names}


# ---------------------------------------------------------------- frequencies


def test_frequencies_equal_plain_counting_with_missing_calls(cohort):
    real, synthetic = cohort["real"], cohort["others"]
    tables = measured(real, synthetic)
    calls, drawn = real.read(), synthetic.read()

    def counted(calls, variant, keep):
        alleles = [int(a) for s in np.flatnonzero(keep) for a in calls[variant, s] if a >= 0]
        return sum(alleles) / len(alleles), len(alleles)

    for variant in (0, 7, 119):
        row = tables.frequencies.iloc[variant]
        for split in ("train", "validation", "holdout"):
            expected, alleles = counted(calls, variant, real.people.split == split)
            assert row[split] == pytest.approx(expected, abs=1e-12)
        assert row["holdout_alleles"] == alleles
        assert row["synthetic"] == pytest.approx(drawn[variant].mean(), abs=1e-12)
    x_holdout = (real.people.label == "x") & (real.people.split == "holdout")
    differences = [
        abs(counted(drawn, v, synthetic.people.label == "x")[0] - counted(calls, v, x_holdout)[0])
        for v in range(len(calls))
    ]
    rows = tables.labels.query("label == 'x'")
    assert rows["error"].sum() == pytest.approx(sum(differences), abs=1e-10)
    assert rows["variants"].sum() == len(calls) and len(rows) == 20
    both = [
        [counted(drawn, v, synthetic.people.label == "x")[0] for v in range(len(calls))],
        [counted(calls, v, x_holdout)[0] for v in range(len(calls))],
    ]
    correlation = value_of(metrics_of(real, synthetic), "frequency_r", label="x")
    assert correlation == pytest.approx(np.corrcoef(*both)[0, 1], abs=1e-9)
    sizes = tables.sizes.set_index("label").loc["x"]
    assert sizes.tolist() == [200, 25, 175, 400]


def test_the_holdout_itself_has_no_error(metrics):
    table = metrics["same"]
    assert list(table.columns) == TIDY_COLUMNS
    assert value_of(table, "frequency_r") == pytest.approx(1)
    for label in ("", "x", "y"):
        assert value_of(table, "frequency_error", label=label) == 0
    assert value_of(table, "balanced_frequency_error") == 0
    assert value_of(table, "sfs_distance") == pytest.approx(0, abs=1e-12)
    kept = table.query("metric == 'minor_frequency_kept'")
    assert value_of(table, "minor_frequency_kept", maf_bin="20-50 %") == 1
    assert (kept["value"].dropna() == 1).all()


def test_error_of_other_people_is_binomial(tmp_path):
    """E|difference| of two frequencies of n alleles each is sqrt(2 / pi) its standard error."""
    rng = np.random.default_rng(0)
    n_people, p = 200, 0.3
    calls = (rng.random((4_000, 3 * n_people, 2)) < p).astype(np.int8)
    splits = ["train"] * n_people + ["holdout"] * n_people
    labels = ["x"] * n_people
    real = store_of(tmp_path / "r.zip", calls[:, : 2 * n_people], people_of(labels * 2, splits))
    synthetic = store_of(tmp_path / "s.zip", calls[:, 2 * n_people :], people_of(labels))
    table = metrics_of(real, synthetic)
    expected = np.sqrt(2 / np.pi) * np.sqrt(2 * p * (1 - p) / (2 * n_people))
    for group in ({}, {"maf_bin": "20-50 %"}, {"label": "x"}):
        row = row_of(table, "frequency_error", **group)
        assert row["value"] == pytest.approx(expected, rel=0.05)
        # about as wide as for independent variants: 2 * 1.96 standard errors of the mean
        width = 3.92 * expected * np.sqrt((np.pi / 2 - 1) / 4_000)
        assert row["low"] < row["value"] < row["high"]
        assert row["high"] - row["low"] == pytest.approx(width, rel=0.3)


def rare_calls() -> np.ndarray:
    """Ten variants, 100 people: each with the rare allele in three haplotypes (1.5 %)."""
    calls = np.zeros((10, 100, 2), dtype=np.int8)
    calls[:, [5, 50, 95], 0] = 1
    return calls


@pytest.mark.parametrize("rare_allele_is_ref", [False, True])
def test_lost_rare_alleles_show_in_the_share_kept(tmp_path, rare_allele_is_ref):
    calls, synthetic = rare_calls(), rare_calls()
    synthetic[:, [50, 95]] = 0  # one of three copies is left
    if rare_allele_is_ref:
        calls, synthetic = 1 - calls, 1 - synthetic
    splits = ["train"] * 100 + ["holdout"] * 100
    real = store_of(
        tmp_path / "r.zip", np.concatenate([calls, calls], axis=1), people_of(["x"] * 200, splits)
    )
    table = metrics_of(real, store_of(tmp_path / "s.zip", synthetic, people_of(["x"] * 100)))
    assert value_of(table, "minor_frequency_kept", maf_bin="1-2 %") == pytest.approx(1 / 3)
    assert np.isnan(value_of(table, "frequency_r"))  # the holdout does not vary


def test_bins_of_minor_allele_frequency():
    bins = maf_bin([0.0, 0.0099, 0.01, 0.02, 0.5, 0.985, np.nan])
    assert bins.tolist() == ["0-1 %", "0-1 %", "1-2 %", "2-5 %", "20-50 %", "1-2 %", ""]


def test_the_spectrum_is_that_of_drawing_alleles(tmp_path):
    """Four ALT of 8 alleles in the holdout, fixed in the synthetic; projected to 4 alleles,
    the holdout's folded spectrum is 2, 32, 36 of 70 (0, 1 or 3, 2 ALT of 4 drawn from 8)."""
    holdout = np.array([[[1, 1], [1, 1], [0, 0], [0, 0]]])
    splits = ["train"] * 4 + ["holdout"] * 4
    calls = np.concatenate([holdout, holdout], axis=1)
    real = store_of(tmp_path / "r.zip", calls, people_of(["x"] * 8, splits))
    synthetic = store_of(tmp_path / "s.zip", np.zeros((1, 2, 2)), people_of(["x"] * 2))
    table = measured(real, synthetic).frequencies
    row = row_of(summarise_spectrum(table, seed=0), "sfs_distance")
    assert row["value"] == pytest.approx(1 - 2 / 70)
    assert row["note"] == "1 variants, 4 alleles"


def test_chromosomes_are_summed_up_by_variant(tmp_path):
    """Two chromosomes of unequal length give what one store with all variants gives."""
    labels, splits = ["x", "y"] * 30, ["train"] * 40 + ["holdout"] * 20
    calls, drawn = linked_calls(50, labels, seed=1), linked_calls(50, labels, seed=2)
    pieces = {"whole": slice(None), "left": slice(0, 12), "right": slice(12, None)}
    tables = {}
    for name, piece in pieces.items():
        real = store_of(tmp_path / f"{name}.zip", calls[piece], people_of(labels, splits))
        synthetic = store_of(tmp_path / f"{name}_s.zip", drawn[piece], people_of(labels))
        tables[name] = measured(real, synthetic)
    joined = Fidelity(
        *(
            pd.concat([getattr(tables["left"], name), getattr(tables["right"], name)])
            for name in Fidelity.names()
        )
    )
    whole, joined = (
        summarise_fidelity(each, minimum_people=2, seed=0, **NAMES).set_index(["metric", *KEYS])
        for each in (tables["whole"], joined)
    )
    by_variant = [name for name in whole.index if name[0].startswith(("freq", "sfs", "het", "inb"))]
    by_variant += [("fst_error", *ALL), ("hwe_rejected", *ALL)]
    np.testing.assert_allclose(whole.loc[by_variant, "value"], joined.loc[by_variant, "value"])


def test_a_label_with_one_holdout_person_is_named_not_measured(tmp_path):
    labels = ["x"] * 20 + ["y"] * 5
    splits = ["train"] * 10 + ["holdout"] * 10 + ["train"] * 4 + ["holdout"]
    calls = linked_calls(30, labels, seed=1)
    real = store_of(tmp_path / "r.zip", calls, people_of(labels, splits))
    table = metrics_of(real, store_of(tmp_path / "s.zip", calls, people_of(labels)))
    row = row_of(table, "frequency_error", label="y")
    assert np.isnan(row["value"]) and row["note"] == "too few: 1 people"
    assert value_of(table, "balanced_frequency_error") == value_of(
        table, "frequency_error", label="x"
    )


def test_frequencies_and_linkage_agree_with_plink(tmp_path):
    if not (which("plink2") and which("plink1.9")):
        pytest.skip("plink2 and plink1.9 are not installed")
    labels = ["x"] * 80
    calls = linked_calls(40, labels, seed=1)
    calls[np.random.default_rng(0).random(calls.shape[:2]) < 0.02] = -1
    splits = ["train"] * 40 + ["holdout"] * 40
    real = store_of(tmp_path / "r.zip", calls, people_of(labels, splits), phased=False)
    holdout = calls[:, 40:]
    people = people_of(labels[40:], prefix="h")
    write_vcf(store_of(tmp_path / "h.zip", holdout, people, phased=False), tmp_path / "h.vcf.gz")
    common = ["--vcf", "h.vcf.gz", "--out", "plink", "--allow-extra-chr"]
    window = ["--ld-window-kb", "100", "--ld-window", "99", "--ld-window-r2", "0"]
    for command in (
        ["plink2", *common, "--freq"],
        ["plink1.9", *common, "--keep-allele-order", "--r", *window],
    ):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    found = measured(real, real).frequencies["holdout"]
    theirs = pd.read_csv(tmp_path / "plink.afreq", sep="\t")["ALT_FREQS"]
    np.testing.assert_allclose(found, theirs, atol=1e-6)
    # plink centres each pair on the people both of whose calls it has; so do we if all are
    pairs = pairs_of(real, real, min_maf=0)
    theirs = pd.read_csv(tmp_path / "plink.ld", sep=r"\s+").set_index(["BP_A", "BP_B"])["R"]
    ours = pairs.set_index(["position_1_bp", "position_2_bp"])["holdout"]
    complete = (holdout[:, :, 0] >= 0).all(axis=1)
    whole = set(1_000 * (np.flatnonzero(complete) + 1))
    keys = [key for key in theirs.index if set(key) <= whole]
    assert len(keys) > 50
    np.testing.assert_allclose(ours[keys], theirs[keys], atol=1e-5)


def test_phased_linkage_agrees_with_plink2(tmp_path):
    """r2 of haplotypes to the 6 digits that plink2 prints."""
    if not which("plink2"):
        pytest.skip("plink2 is not installed")
    labels = ["x"] * 80
    calls = linked_calls(12, labels, seed=1)
    real = store_of(tmp_path / "r.zip", calls, people_of(labels, ["train"] * 40 + ["holdout"] * 40))
    write_vcf(
        store_of(tmp_path / "h.zip", calls[:, 40:], people_of(labels[40:])), tmp_path / "h.vcf.gz"
    )
    pairs = pairs_of(real, real).set_index(["position_1_bp", "position_2_bp"])["holdout"]
    for first, second in pairs.index[[0, 7, 20]]:
        names = [f"v{position // 1_000 - 1}" for position in (first, second)]
        command = ["plink2", "--vcf", "h.vcf.gz", "--bad-ld", "--out", "ld", "--ld", *names]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        theirs = float(re.search(r"r\^2 = (\S+)", done.stdout)[1])
        assert pairs[first, second] ** 2 == pytest.approx(theirs, rel=1e-5, abs=1e-6)


# ------------------------------------------------------------- heterozygosity


def test_heterozygous_calls_equal_plain_counting(cohort):
    real = cohort["real"]
    people = measured(real, cohort["others"]).people
    calls = real.read()
    assert set(people["source"]) == {"holdout", "synthetic"}
    of_label = {
        label: calls[:, (real.people.label == label) & (real.people.split == "holdout")]
        for label in ("x", "y")
    }
    for index in (450, 511, 799):
        label = real.people.label[index]
        row = people[(people["person"] == f"p{index}") & (people["source"] == "holdout")]
        called = [(v, a, b) for v, (a, b) in enumerate(calls[:, index]) if a >= 0]
        assert row["called"].item() == len(called)
        assert row["heterozygous"].item() == sum(a != b for _, a, b in called)
        expected = 0
        for v, _, _ in called:
            alleles = of_label[label][v][of_label[label][v] >= 0]
            p, n = alleles.mean(), len(alleles)
            expected += 2 * p * (1 - p) * n / (n - 1)
        assert row["expected"].item() == pytest.approx(expected, rel=1e-5)


def test_heterozygosity_ratio_in_closed_form(tmp_path):
    """Half of the calls heterozygous in the holdout, a quarter in the synthetic people."""

    def with_share(share, people):
        calls = np.zeros((100, people, 2), dtype=np.int8)
        calls[: round(100 * share), :, 1] = 1
        return calls

    splits = ["train"] * 10 + ["holdout"] * 10
    real_calls = np.concatenate([with_share(0.4, 10), with_share(0.5, 10)], axis=1)
    real = store_of(tmp_path / "r.zip", real_calls, people_of(["x"] * 20, splits))
    synthetic = store_of(tmp_path / "s.zip", with_share(0.25, 8), people_of(["x"] * 8))
    table = metrics_of(real, synthetic)
    assert value_of(table, "heterozygosity_ratio") == pytest.approx(0.5)
    assert value_of(table, "heterozygosity_ratio", label="x") == pytest.approx(0.5)
    # all heterozygous at p = 1/2: expected 8 / 15 of the 25 variants with 16 alleles
    assert value_of(table, "inbreeding_f") == pytest.approx(1 - 15 / 8)


def test_intervals_of_the_ratio_cover_the_truth():
    """Synthetic people have 0.9 of the holdout's rate; 95 % intervals should say so mostly."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(60):
        rates = np.concatenate([rng.normal(0.3, 0.03, 60), rng.normal(0.27, 0.03, 90)])
        table = pd.DataFrame(
            {
                "source": np.repeat(["holdout", "synthetic"], [60, 90]),
                "person": np.arange(150),
                "label": "",
                "heterozygous": rng.binomial(2_000, rates),
                "called": 2_000,
                "expected": 600.0,
                "homozygous_bp": 1.0,
            }
        )
        row = row_of(summarise_people(table, seed=0), "heterozygosity_ratio")
        inside.append(row["low"] < 0.9 < row["high"])
    assert 0.86 <= np.mean(inside)


# -------------------------------------------------------------------- linkage


def haplotype_store(path, haplotypes, labels, splits=None, **options) -> CohortStore:
    """Store of people whose haplotypes are given as rows [R, V], two a person."""
    calls = np.asarray(haplotypes, dtype=np.int8).T.reshape(len(haplotypes[0]), -1, 2)
    return store_of(path, calls, people_of(labels, splits), **options)


def test_r_of_two_variants_in_closed_form(tmp_path):
    """Haplotypes AB 5, Ab 1, aB 2, ab 4: r = (5 * 4 - 1 * 2) / sqrt(6 * 6 * 7 * 5)."""
    haplotypes = [[1, 1]] * 5 + [[1, 0]] + [[0, 1]] * 2 + [[0, 0]] * 4
    real = haplotype_store(
        tmp_path / "r.zip", haplotypes * 2, ["x"] * 12, ["train"] * 6 + ["holdout"] * 6
    )
    row = pairs_of(real, real, window_kb=200).iloc[0]
    expected = (5 * 4 - 1 * 2) / np.sqrt(6 * 6 * 7 * 5)
    assert row[["train", "holdout", "synthetic"]].tolist() == pytest.approx([expected] * 3)
    assert row[["train_df", "synthetic_df"]].tolist() == [11, 23]
    assert row["distance_bin"] == "0-20 kb"


def test_structure_between_labels_is_not_linkage(tmp_path):
    """Unlinked within each label, but both alleles common in one label and rare in the other."""
    grid = [[1, 1]] * 9 + [[1, 0]] * 3 + [[0, 1]] * 3 + [[0, 0]]
    swapped = (1 - np.array(grid)).tolist()
    splits = ["train"] * 16
    real = haplotype_store(
        tmp_path / "r.zip",
        grid + swapped + grid + swapped,
        (["x"] * 8 + ["y"] * 8) * 2,
        splits + ["holdout"] * 16,
    )
    blind = haplotype_store(tmp_path / "b.zip", grid + swapped, ["x"] * 16, None)
    row = pairs_of(real, blind, window_kb=200).iloc[0]
    assert row["train"] == pytest.approx(0, abs=1e-6)
    assert row["synthetic"] == pytest.approx(0.25)  # (p1 - p2)^2 / (4 p q) = 0.5^2 at p = 1/2


def test_linkage_with_missing_calls_equals_plain_python(cohort):
    real = cohort["real"]
    pairs = pairs_of(real, cohort["others"])
    people = np.flatnonzero(real.people.split == "holdout")
    alleles = real.read(samples=people).reshape(len(real.variants), -1).astype(float)
    label = real.people.label[people].repeat(2)
    for row in pairs.iloc[[0, 100, 500]].itertuples():
        i, j = row.position_1_bp // 1_000 - 1, row.position_2_bp // 1_000 - 1
        centred = []
        for variant in (i, j):
            own = alleles[variant].copy()
            own[own < 0] = np.nan
            for name in ("x", "y"):
                own[label == name] -= np.nanmean(own[label == name])
            centred.append(own)
        both = np.isfinite(centred[0]) & np.isfinite(centred[1])
        a, b = centred[0][both], centred[1][both]
        assert row.holdout == pytest.approx((a @ b) / np.sqrt((a @ a) * (b @ b)), abs=1e-5)


def test_every_pair_in_the_window_once_and_in_its_bin(tmp_path):
    rng = np.random.default_rng(0)
    position_bp = np.sort(rng.integers(1, 600_000, 60))
    position_bp[7] = position_bp[8]  # two variants at one place
    calls = linked_calls(60, ["x"] * 40, seed=1)
    real = store_of(
        tmp_path / "r.zip",
        calls,
        people_of(["x"] * 40, ["train"] * 20 + ["holdout"] * 20),
        position_bp=position_bp,
    )
    found = pairs_of(real, real, window_kb=200, min_maf=0.1)
    frequency = calls[:, :20].mean(axis=(1, 2))
    common = position_bp[(frequency >= 0.1) & (frequency <= 0.9)]
    edges = (0, 20_000, 50_000, 100_000, 200_000)
    expected = []
    for a, b in combinations(common, 2):
        for low, high in pairwise(edges):
            if low <= b - a < high:
                expected.append((a, b, f"{low // 1_000}-{high // 1_000} kb"))
    columns = ["position_1_bp", "position_2_bp", "distance_bin"]
    assert sorted(found[columns].itertuples(index=False, name=None)) == sorted(expected)
    capped = pairs_of(real, real, window_kb=200, min_maf=0.1, max_pairs=40)
    assert (capped["distance_bin"].value_counts() == 10).all()
    assert not capped.duplicated(columns).any()


def test_the_holdout_itself_and_like_people_have_its_linkage(metrics):
    same, like = metrics["same"], metrics["others"]
    for name in ("ld_r", "ld_slope"):
        assert value_of(same, name) == pytest.approx(1)
    assert value_of(same, "ld_kept", distance_bin="0-10 kb") == pytest.approx(1)
    assert value_of(like, "ld_r") > 0.9 and value_of(like, "ld_r_train") > 0.9
    assert 0.9 < value_of(like, "ld_slope_train") < 1.1
    row = row_of(like, "ld_kept", distance_bin="0-10 kb")
    assert 0.9 < row["low"] < row["value"] < row["high"] < 1.1


def test_independent_variants_fail_linkage_and_nothing_of_single_variants(metrics):
    """The cheat: right frequencies, variants drawn by themselves."""
    unlinked, like = metrics["unlinked"], metrics["others"]
    for name in ("ld_r", "ld_slope", "ld_r_train", "ld_slope_train"):
        assert abs(value_of(unlinked, name)) < 0.15, name
    assert abs(value_of(unlinked, "ld_kept", distance_bin="0-10 kb")) < 0.02
    assert value_of(unlinked, "haplotype_match_length") < 0.7
    assert value_of(unlinked, "homozygosity_runs") < 0.7
    for name in ("frequency_r", "frequency_error", "sfs_distance", "fst_error"):
        assert value_of(unlinked, name) == value_of(like, name), name


def test_linkage_by_genetic_distance(cohort):
    """A hot spot in the middle: pairs across it are far apart in cM, others near."""
    hot = GeneticMap([0, 60_000, 61_000, 121_000], [0, 0.005, 0.205, 0.21])
    pairs, labels = linkage_of(cohort["real"], cohort["others"], genetic_map=hot)
    across = (pairs["position_1_bp"] <= 60_000) & (pairs["position_2_bp"] > 60_000)
    assert (pairs.loc[across, "distance_cM"] > 0.199).all()
    assert (pairs.loc[~across, "distance_cM"] < 0.01).all()
    rows = summarise_linkage(pairs, labels, seed=0)
    groups = [row["distance_bin"] for row in rows if row["metric"] == "ld_kept_cM"]
    assert groups == ["0-0.01 cM", "0.1-0.3 cM"]
    assert (
        row_of(rows, "ld_kept_cM", distance_bin="0.1-0.3 cM")["note"] == f"{across.sum():,} pairs"
    )


def test_linkage_within_a_label_equals_plain_numpy(cohort):
    real, drawn = cohort["real"], cohort["others"]
    pairs, labels = linkage_of(real, drawn)

    def correlations(store, keep):
        alleles = store.read(samples=np.flatnonzero(keep)).reshape(120, -1).astype(float)
        alleles[alleles < 0] = np.nan
        alleles -= np.nanmean(alleles, axis=1, keepdims=True)
        found = []
        for row in pairs.itertuples():
            a, b = alleles[[row.position_1_bp // 1_000 - 1, row.position_2_bp // 1_000 - 1]]
            both = np.isfinite(a) & np.isfinite(b)
            a, b = a[both], b[both]
            scale = np.sqrt((a @ a) * (b @ b))  # 0: a variant that the label does not have
            found.append((a @ b) / scale if scale > 0 else np.nan)
        return np.array(found)

    rows = summarise_linkage(pairs, labels, seed=0)
    ours = correlations(drawn, drawn.people.label == "y")
    for split, metric in (("holdout", "ld_r"), ("train", "ld_r_train")):
        theirs = correlations(real, (real.people.label == "y") & (real.people.split == split))
        row = row_of(rows, metric, label="y")
        used = np.isfinite(ours) & np.isfinite(theirs)
        assert row["note"] == f"{used.sum():,} pairs"
        a, b = ours[used], theirs[used]
        expected = (a @ b) / np.sqrt((a @ a) * (b @ b))
        assert row["value"] == pytest.approx(expected, abs=1e-5)
        assert row["low"] < row["value"] < row["high"]


def test_a_label_drawn_without_linkage_is_told_apart(tmp_path, cohort):
    """Half of the cheat: one label unlinked, the other right; the holdout itself is 1."""
    calls, labels = cohort["others"].read(), cohort["others"].people.label
    unlinked = labels == "x"
    calls[:, unlinked] = cohort["unlinked"].read()[:, unlinked]
    half = store_of(tmp_path / "half.zip", calls, people_of(labels))
    rows = summarise_linkage(*linkage_of(cohort["real"], half), seed=0)
    for metric in ("ld_r", "ld_r_train"):
        assert abs(row_of(rows, metric, label="x")["value"]) < 0.2
        assert row_of(rows, metric, label="y")["value"] > 0.9
    same = summarise_linkage(*linkage_of(cohort["real"], cohort["same"]), seed=0)
    for label in "xy":
        assert row_of(same, "ld_r", label=label)["value"] == pytest.approx(1)


def test_labels_of_few_people_have_no_linkage_of_their_own(tmp_path):
    """50 people on both sides: holdout for ld_r, training people for ld_r_train."""
    train = ["x"] * 50 + ["y"] * 50 + ["z"] * 50
    holdout = ["x"] * 50 + ["y"] * 49 + ["z"] * 50
    labels, drawn = [*train, *holdout], ["x"] * 50 + ["y"] * 50 + ["z"] * 49
    splits = ["train"] * len(train) + ["holdout"] * len(holdout)
    real = store_of(tmp_path / "r.zip", linked_calls(30, labels, seed=1), people_of(labels, splits))
    synthetic = store_of(tmp_path / "s.zip", linked_calls(30, drawn, seed=2), people_of(drawn))
    table = metrics_of(real, synthetic)
    own = table[table["metric"].isin(["ld_r", "ld_r_train"]) & (table["label"] != "")]
    assert sorted(own[["metric", "label"]].itertuples(index=False, name=None)) == [
        ("ld_r", "x"),
        ("ld_r_train", "x"),
        ("ld_r_train", "y"),
    ]
    assert own["value"].notna().all()


def test_unphased_cohorts_are_compared_by_dosage(tmp_path, cohort):
    """Unphased calls [1, 0] and [0, 1] are the same, so their order must not matter."""
    calls = cohort["others"].read()
    mirrored = calls[:, :, ::-1].copy()
    labels = cohort["others"].people.label
    stores = [
        store_of(tmp_path / f"{i}.zip", each, people_of(labels), phased=False)
        for i, each in enumerate((calls, mirrored))
    ]
    first, second = (pairs_of(cohort["real"], store) for store in stores)
    pd.testing.assert_frame_equal(first, second)
    assert first["holdout_df"].iloc[0] == 350 - 2  # people, not haplotypes


# ------------------------------------------------------------------ intervals


def test_stretches_hold_every_row_once():
    columns = np.arange(103 * 2).reshape(103, 2)
    sums = stretch_sums(columns, 10)
    assert sums.shape == (10, 2)
    np.testing.assert_array_equal(sums.sum(axis=0), columns.sum(axis=0))
    np.testing.assert_array_equal(stretch_sums(columns[:3]), columns[:3])
    assert stretch_sums(columns[:0]).shape == (0, 2)


def test_intervals_know_that_neighbours_are_alike():
    """Means of blocks of equal values: as wide as the mean of as many values as blocks."""
    rng = np.random.default_rng(0)
    blocks = rng.normal(size=50)
    values = np.repeat(blocks, 20)
    sums = stretch_sums(np.stack([values, np.ones_like(values)], axis=1))
    row = stretch_row("m", ALL, sums, lambda s: s[0] / s[1], seed=0)
    assert row["value"] == pytest.approx(blocks.mean())
    width = row["high"] - row["low"]
    assert width == pytest.approx(3.92 * blocks.std() / np.sqrt(50), rel=0.1)
    alone = stretch_row("m", ALL, sums[:1], lambda s: s[0] / s[1], seed=0)
    assert alone["value"] == pytest.approx(blocks[0]) and np.isnan(alone["low"])
    assert np.isnan(stretch_row("m", ALL, sums[:0], lambda s: s[0] / s[1], seed=0)["value"])


def test_intervals_of_distances_are_not_shifted_by_redrawing():
    """|a - b| summed over 40 classes of redrawn stretches is larger; its interval is not."""
    sums = np.random.default_rng(0).poisson(5, (50, 2, 40)).astype(float)
    row = stretch_row("m", ALL, sums, lambda s: np.abs(s[0] - s[1]).sum(axis=0), seed=0)
    assert (row["low"] + row["high"]) / 2 == pytest.approx(row["value"], rel=0.1)


# ------------------------------------------------------------- too few, bad input


def test_few_people_are_named_not_measured(cohort, metrics):
    table = metrics_of(cohort["real"], cohort["others"], minimum_people=351)
    assert table["value"].isna().all() and table["low"].isna().all()
    assert set(table["note"]) == {"too few: 350 people"}
    assert table["metric"].tolist() == metrics["others"]["metric"].tolist()


def test_cohorts_with_other_variants_are_refused(tmp_path, cohort):
    calls = cohort["others"].read()
    shorter = store_of(tmp_path / "short.zip", calls[:-1], cohort["others"].people)
    with pytest.raises(InputError, match="119 variants .* do not hold the same variants"):
        measured(cohort["real"], shorter)


def test_one_variant_one_label_and_no_call_are_measured_without_a_crash(tmp_path):
    """Everything that cannot be said is NaN, with a note."""
    splits = ["train"] * 6 + ["validation"] * 2 + ["holdout"] * 6
    calls = np.full((1, 14, 2), -1)
    real = store_of(tmp_path / "r.zip", calls, people_of(["x"] * 14, splits))
    table = metrics_of(real, store_of(tmp_path / "s.zip", calls[:, :6], people_of(["x"] * 6)))
    assert table["value"].isna().all()
    calls[:] = [0, 1]
    real = store_of(tmp_path / "r2.zip", calls, people_of(["x"] * 14, splits))
    table = metrics_of(real, store_of(tmp_path / "s2.zip", calls[:, :6], people_of(["x"] * 6)))
    assert value_of(table, "heterozygosity_ratio") == 1
    assert value_of(table, "frequency_error") == 0


def test_the_holdout_is_not_read_where_training_people_decide(tmp_path, cohort):
    """Which pairs and bins are measured does not depend on the holdout."""
    real, synthetic = cohort["real"], cohort["others"]
    calls = real.read()
    holdout = real.people.split == "holdout"
    calls[:, holdout] = np.random.default_rng(9).integers(0, 2, calls[:, holdout].shape)
    swapped = store_of(tmp_path / "swapped.zip", calls, real.people)
    before, after = measured(real, synthetic), measured(swapped, synthetic)
    same = ["contig", "position_1_bp", "position_2_bp", "train", "synthetic"]
    pd.testing.assert_frame_equal(before.linkage[same], after.linkage[same])
    train = [each.label_linkage.query("source == 'train'") for each in (before, after)]
    pd.testing.assert_frame_equal(*train)
    same = ["maf_bin", "train", "validation", "synthetic"]
    pd.testing.assert_frame_equal(before.frequencies[same], after.frequencies[same])
