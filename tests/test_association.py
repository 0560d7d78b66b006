"""Association scans, clumping, summary statistics and their comparison: closed forms and cheats."""

import subprocess
from shutil import which

import numpy as np
import pandas as pd
import pytest
from cohorts import worded
from scipy.optimize import minimize

from syncohort.association.ancestry import PrincipalAxes
from syncohort.association.clumping import clump, squared_correlations, top_variants
from syncohort.association.harmonise import COUNTS, harmonise
from syncohort.association.regression import linear_estimates, logistic_estimates, separates
from syncohort.association.scan import SCAN_COLUMNS, read_scan, scan_variants, write_scan
from syncohort.cohort_store import CohortStore
from syncohort.dosages import read_dosages
from syncohort.errors import InputError
from syncohort.evaluation.association.discoveries import find_causal_snps, read_causal_snps
from syncohort.evaluation.association.measure import REAL, measure_association, scan_cohort
from syncohort.evaluation.tidy import TIDY_COLUMNS
from syncohort.formats.plink import write_plink
from syncohort.formats.readers import open_source
from syncohort.formats.summary_statistics import read_summary_statistics
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants

OPTIONS = {"case_label": "case", "n_components": 2, "minimum_people": 20, "seed": 3}
NAMES = {"cohort": "test", "generator": "under test"}


def store_of(path, calls, *, labels=None, splits=None, contig="1", alleles=None) -> CohortStore:
    n_variants, n_people, _ = calls.shape
    blank = [""] * n_people
    people = People([f"p{i}" for i in range(n_people)], labels or blank, splits or blank)
    alleles = [("A", "G")] * n_variants if alleles is None else alleles
    names = [f"v{contig}_{i}" for i in range(n_variants)]
    with CohortWriter(path, people) as writer:
        position_bp = 2_000 * np.arange(1, n_variants + 1)
        writer.append(Variants(contig, position_bp, names, alleles), calls.astype(np.int8), True)
    return CohortStore(path)


def draw_calls(n_variants, n_people, *, seed, n_founders=20) -> np.ndarray:
    """Calls [V, S, 2] of people who copy stretches of a few founders: linked, not structured."""
    founders = np.random.default_rng(11).random((n_variants, n_founders)) < 0.3
    rng = np.random.default_rng(seed)
    jumps = rng.random((n_variants, 2 * n_people)) < 0.1
    jumps[0] = True
    drawn = rng.integers(n_founders, size=jumps.shape)
    last = np.maximum.accumulate(np.where(jumps, np.arange(n_variants)[:, None], 0), axis=0)
    which_founder = np.take_along_axis(drawn, last, axis=0)
    calls = np.take_along_axis(founders, which_founder, axis=1)
    return calls.reshape(n_variants, n_people, 2).astype(np.int8)


def draw_phenotypes(dosages, seed) -> tuple[np.ndarray, np.ndarray]:
    """A liability of some of the variants [S], and two covariates [S, 2] it depends on."""
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(len(dosages), 2)) * (3, 0.1) + (5, 0)
    effects = rng.normal(size=dosages.shape[1]) * (rng.random(dosages.shape[1]) < 0.2)
    liability = 0.5 * dosages @ effects + 0.1 * covariates[:, 0] + rng.normal(size=len(dosages))
    return liability, covariates


@pytest.fixture(scope="module")
def sample():
    """Dosages [S, V], liability and covariates of 300 people; the last variant does not vary."""
    dosages = draw_calls(40, 300, seed=1).sum(axis=2).T
    dosages[:, -1] = 1
    return dosages, *draw_phenotypes(dosages, 2)


# --- scan -----------------------------------------------------------------------------------


def test_linear_estimates_are_least_squares(sample):
    dosages, liability, covariates = sample
    found = linear_estimates(dosages, liability, covariates)
    for variant in range(dosages.shape[1] - 1):
        design = np.column_stack([dosages[:, variant], np.ones(len(dosages)), covariates])
        beta, rss, *_ = np.linalg.lstsq(design, liability, rcond=None)
        variance = rss[0] / (len(dosages) - 4) * np.linalg.inv(design.T @ design)[0, 0]
        assert found.beta[variant] == pytest.approx(beta[0], rel=1e-9)
        assert found.se[variant] == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert np.isnan(found.beta[-1]) and np.isnan(found.p[-1])


def test_logistic_estimates_maximise_the_likelihood(sample):
    dosages, liability, covariates = sample
    is_case = liability > np.median(liability)
    found = logistic_estimates(dosages, is_case, covariates)

    def loss(coefficients, design):
        margin = (2 * is_case - 1) * (design @ coefficients)
        return np.logaddexp(0, -margin).sum()

    for variant in range(0, 39, 6):
        design = np.column_stack([dosages[:, variant], np.ones(len(dosages)), covariates])
        best = minimize(loss, np.zeros(4), args=(design,), method="BFGS", options={"gtol": 1e-8})
        expected = 1 / (1 + np.exp(-design @ best.x))
        information = (design * (expected * (1 - expected))[:, None]).T @ design
        se = np.sqrt(np.linalg.inv(information)[0, 0])
        assert found.beta[variant] == pytest.approx(best.x[0], abs=1e-5)
        assert found.se[variant] == pytest.approx(se, rel=1e-5)
        assert found.test[variant] == "wald"
    assert np.isnan(found.beta[-1]) and np.isnan(found.p[-1])


def test_an_allele_that_only_cases_carry_gets_the_score_test(sample):
    _, liability, _ = sample
    is_case = liability > np.median(liability)
    dosages = np.zeros((300, 1), dtype=np.int8)
    dosages[np.flatnonzero(is_case)[:3]] = 1
    found = logistic_estimates(dosages, is_case, np.empty((300, 0)))
    # without covariates the score test is Armitage's: N r^2 of dosage and phenotype
    armitage = 300 * np.corrcoef(dosages[:, 0], is_case)[0, 1] ** 2
    assert found.test[0] == "score"
    assert found.z[0] ** 2 == pytest.approx(armitage, rel=1e-6)
    assert found.beta[0] > 0


def test_missing_calls_are_the_mean_and_repeated_covariates_change_nothing(sample):
    dosages, liability, covariates = sample
    with_missing = dosages[:, :1].copy()
    with_missing[:30] = -1
    found = linear_estimates(with_missing, liability, covariates)
    imputed = np.where(with_missing < 0, with_missing[30:].mean(), with_missing)
    design = np.column_stack([imputed, np.ones(300), covariates])
    assert found.beta[0] == pytest.approx(np.linalg.lstsq(design, liability, rcond=None)[0][0])
    twice = np.column_stack([covariates, covariates[:, 0], np.ones(300)])
    again = linear_estimates(with_missing, liability, twice)
    np.testing.assert_allclose([again.beta, again.se], [found.beta, found.se], rtol=1e-9)


def test_covariates_that_tell_cases_apart_are_refused(sample):
    dosages, liability, _ = sample
    is_case = liability > np.median(liability)
    assert separates(liability[:, None], is_case)
    assert not separates(np.random.default_rng(0).normal(size=(300, 2)), is_case)
    with pytest.raises(InputError, match="tell 150 cases from 150 controls"):
        logistic_estimates(dosages, is_case, liability[:, None])


def test_a_scan_names_its_variants_and_survives_a_file(tmp_path, sample):
    dosages, liability, covariates = sample
    calls = np.stack([dosages.T > 1, dosages.T > 0], axis=2).astype(np.int8)
    calls[0, :3] = -1
    stores = [store_of(tmp_path / f"{c}.zarr.zip", calls, contig=c) for c in ("1", "X")]
    people = np.arange(0, 300, 2)
    arguments = (stores, people, liability[people], covariates[people])
    table = scan_variants(*arguments, model="linear")
    assert list(table) == SCAN_COLUMNS and len(table) == 80
    assert table["contig"].tolist() == ["1"] * 40 + ["X"] * 40
    assert (table["effect_allele"] == "G").all() and (table["other_allele"] == "A").all()
    assert table["n"][:2].tolist() == [148, 150]
    assert table["frequency"][1] == pytest.approx(dosages[people, 1].mean() / 2)
    expected = linear_estimates(dosages[people], liability[people], covariates[people])
    np.testing.assert_allclose(table["beta"][1:40], expected.beta[1:])
    write_scan(table, tmp_path / "scan.tsv")
    pd.testing.assert_frame_equal(read_scan(tmp_path / "scan.tsv"), table, check_dtype=False)
    with pytest.raises(InputError, match="phenotypes differ"):
        scan_variants(stores, people, np.ones(150), covariates[people], model="logistic")


# --- clumping -------------------------------------------------------------------------------


def greedy_clump(dosages, position, p, p1, r2, kb):
    """Plain Python: the definition."""
    leads, left = [], {i for i in range(len(p)) if p[i] <= p1}
    while left:
        lead = min(left, key=lambda i: (p[i], i))
        leads.append(lead)
        left = {
            i
            for i in left - {lead}
            if abs(position[i] - position[lead]) > 1_000 * kb
            or np.corrcoef(dosages[:, i], dosages[:, lead])[0, 1] ** 2 < r2
        }
    return sorted(leads)


@pytest.mark.parametrize(("p1", "r2", "kb"), [(0.3, 0.2, 50), (1, 0.05, 20), (0.1, 0.5, 200)])
def test_clumps_are_those_of_the_definition(tmp_path, p1, r2, kb):
    calls = draw_calls(60, 200, seed=4)
    store = store_of(tmp_path / "a.zarr.zip", calls)
    p = np.random.default_rng(5).random(60)
    p[7] = np.nan
    leads = clump(store, np.arange(200), p, p1=p1, r2=r2, kb=kb)
    dosages, position = calls.sum(axis=2).T, store.variants.position_bp
    assert np.flatnonzero(leads).tolist() == greedy_clump(dosages, position, p, p1, r2, kb)
    # a stricter p1 keeps the leads below it: one clumping serves every threshold
    stricter = clump(store, np.arange(200), p, p1=p1 / 2, r2=r2, kb=kb)
    np.testing.assert_array_equal(stricter, leads & (p <= p1 / 2))


def test_top_variants_are_the_best_leads_in_genomic_order():
    table = pd.DataFrame(
        {
            "contig": ["2", "2", "10", "X", "1"],
            "position_bp": [5, 9, 1, 1, 7],
            "p": [0.2, 1e-9, 0.01, 0.03, 0.5],
            "lead": [True, False, True, True, True],
        }
    )
    assert top_variants(table, 100)["contig"].tolist() == ["1", "2", "10", "X"]
    # the best of a chromosome is never given up
    assert top_variants(table, 3)["contig"].tolist() == ["1", "2", "10", "X"]
    one = table.assign(contig="1")
    assert top_variants(one, 2)["p"].tolist() == [0.01, 0.03]


# --- summary statistics ---------------------------------------------------------------------


def test_summary_statistics_are_aligned_and_counted(tmp_path):
    alleles = [("A", "G"), ("A", "G"), ("A", "G"), ("A", "G"), ("A", "T"), ("A", "G"), ("C", "A")]
    store = store_of(tmp_path / "a.zarr.zip", np.zeros((7, 2, 2)), contig="7", alleles=alleles)
    rows = [
        "rsA chr7 2000 g A 0.1 0.01",  # as ours
        "rsB 7 4000 A G 0.2 0.02",  # flipped
        "rsC 7 6000 C T 0.3 0.03",  # other strand
        "rsD 7 8000 T C 0.4 0.04",  # other strand and flipped
        "rsE 7 10000 T A 0.5 0.05",  # ambiguous
        "rsF 7 12000 G C 0.6 0.06",  # other alleles
        "rsG 7 14000 A C NA 0.07",  # unusable
        "rsH 7 14000 A C 0.8 0.08",
        "rsI 7 14000 A C 0.9 0.09",  # repeated
        "rsJ 8 2000 A C 1.0 0.10",  # elsewhere
    ]
    path = tmp_path / "gwas.txt"
    path.write_text("\n".join(["SNP CHR BP A1 A2 BETA P", *rows]) + "\n")
    found = harmonise(read_summary_statistics(path), [store])
    assert found.table["beta"].tolist() == [0.1, -0.2, 0.3, -0.4, 0.8]
    assert found.table.index.tolist() == [0, 1, 2, 3, 6]
    assert (found.table["effect_allele"] == ["G", "G", "G", "G", "A"]).all()
    expected = [0, 10, 1, 1, 1, 1, 1, 5, 2, 2]
    assert found.counts == dict(zip(COUNTS, expected, strict=True))


def test_statistics_meet_the_variant_of_their_alleles_and_indels_have_one_strand(tmp_path):
    sites = [
        (10, "A", "C"), (10, "A", "G"), (10, "A", "AT"), (20, "GTT", "G"), (30, "AT", "GC"),
        (40, "AT", "TA"), (50, "C", "CA"),
    ]  # fmt: skip
    position_bp, *alleles = zip(*sites, strict=True)
    with CohortWriter(tmp_path / "a.zarr.zip", People(["p"], [""], [""])) as writer:
        variants = Variants("7", position_bp, ["."] * len(sites), np.transpose(alleles))
        writer.append(variants, np.zeros((len(sites), 1, 2), dtype=np.int8), True)
    rows = [
        "10 G A 0.1",  # one of three variants of a position
        "10 A AT 0.2",  # flipped
        "10 C A 0.3",
        "20 GTTC GC 0.4",  # flipped, and with a base too many
        "29 CGC CAT 0.5",  # the same on the left
        "40 TA AT 0.6",  # no palindrome
        "50 TG G 0.7",  # as the other strand has it, which is not read
    ]
    path = tmp_path / "gwas.txt"
    path.write_text("\n".join(["CHR BP A1 A2 BETA P", *(f"7 {row} 0.1" for row in rows)]) + "\n")
    found = harmonise(read_summary_statistics(path), [CohortStore(tmp_path / "a.zarr.zip")])
    beta = {0: 0.3, 1: 0.1, 2: -0.2, 3: -0.4, 4: 0.5, 5: 0.6}
    assert found.table["beta"].to_dict() == beta
    assert (found.counts["other_alleles"], found.counts["ambiguous"]) == (1, 0)
    # A alone may be the other allele of three variants
    path.write_text("CHR BP A1 BETA P\n7 10 A 1 0.1\n7 10 G 2 0.1\n")
    found = harmonise(read_summary_statistics(path), [CohortStore(tmp_path / "a.zarr.zip")])
    assert found.table["beta"].to_dict() == {1: 2.0} and found.counts["ambiguous"] == 1


def test_summary_statistics_by_id_with_odds_ratios(tmp_path):
    store = store_of(tmp_path / "a.zarr.zip", np.zeros((3, 2, 2)))
    path = tmp_path / "gwas.csv.gz"
    pd.DataFrame(
        {"rsid": ["v1_2", "v1_0"], "Effect allele": ["G", "A"], "OR": [2.0, 2.0], "p-value": [0, 1]}
    ).to_csv(path, index=False)
    table = harmonise(read_summary_statistics(path), [store]).table
    assert table["id"].tolist() == ["v1_0", "v1_2"]
    np.testing.assert_allclose(table["beta"], [-np.log(2), np.log(2)])


def test_summary_statistics_that_cannot_be_used(tmp_path):
    path = tmp_path / "gwas.tsv"
    path.write_text("SNP\tBETA\nrs1\t0.1\n")
    with pytest.raises(InputError, match="no column for effect_allele, p; found SNP, BETA"):
        read_summary_statistics(path)
    with pytest.raises(InputError, match="absent.tsv: no such file"):
        read_summary_statistics(tmp_path / "absent.tsv")
    store = store_of(tmp_path / "a.zarr.zip", np.zeros((3, 2, 2)))
    path.write_text("SNP\tA1\tBETA\tP\nrs1\tG\t0.1\t0.5\n")
    with pytest.raises(InputError, match="same genome build"):
        harmonise(read_summary_statistics(path), [store])


@pytest.mark.parametrize(
    ("n_other", "n_fitting", "stops"),
    [(25, 75, True), (25, 100, False), (20, 60, True), (19, 1, False)],
)
def test_statistics_that_fit_by_chance_are_refused(tmp_path, n_other, n_fitting, stops):
    n = n_other + n_fitting
    store = store_of(tmp_path / "a.zarr.zip", np.zeros((n, 2, 2)))
    alleles = ["A C"] * n_other + ["G A"] * n_fitting
    rows = [f"1 {2000 * (i + 1)} {pair} 0.1 0.2" for i, pair in enumerate(alleles)]
    (tmp_path / "gwas.txt").write_text("\n".join(["CHR BP A1 A2 BETA P", *rows]) + "\n")
    statistics = read_summary_statistics(tmp_path / "gwas.txt")
    if stops:
        found = f"of {n} rows at variants of the cohort {n_other} have other .*same genome build"
        with pytest.raises(InputError, match=found):
            harmonise(statistics, [store])
    else:
        assert harmonise(statistics, [store]).counts["aligned"] == n_fitting


# --- synthetic against real -----------------------------------------------------------------


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A cohort with a disease of ten causal SNPs, and people who cheat in known ways."""
    folder = tmp_path_factory.mktemp("association")
    n_train, n_all = 700, 1_000
    n_fresh = n_all + n_train  # the last n_train are other people of the same population
    calls = {contig: draw_calls(120, n_fresh, seed=int(contig)) for contig in ("1", "2")}
    dosages = np.concatenate([each.sum(axis=2) for each in calls.values()])
    rng = np.random.default_rng(6)
    causal = np.sort(rng.choice(np.flatnonzero(dosages.mean(axis=1) > 0.2), 10, replace=False))
    effect = rng.choice([-1, 1], 10) * rng.uniform(0.4, 0.7, 10)
    liability = effect @ dosages[causal] + rng.normal(size=n_fresh) * 1.2
    label = np.where(liability > np.quantile(liability, 0.6), "case", "healthy").astype(object)
    splits = ["train"] * n_train + ["validation"] * 150 + ["holdout"] * 150
    train, fresh = np.arange(n_train), np.arange(n_all, n_fresh)

    def save(name, people, labels, splits=None):
        return [
            store_of(
                folder / f"{name}{contig}.zarr.zip",
                each[:, people],
                labels=list(labels),
                splits=splits,
                contig=contig,
            )
            for contig, each in calls.items()
        ]

    real = save("real", np.arange(n_all), label[:n_all], splits)
    cohorts = {
        "copies": save("copies", train, label[train]),
        "fresh": save("fresh", fresh, label[fresh]),
        "shuffled": save("shuffled", train, rng.permutation(label[train])),
        "few": save("few", train[:30], label[train[:30]]),
        "fewer": save("fewer", train[:300], label[train[:300]]),
    }
    known = pd.DataFrame(
        {
            "contig": np.where(causal < 120, "1", "2"),
            "position": 2_000 * (causal % 120 + 1),
            "effect_allele": "G",
            "beta": effect,
        }
    )
    known.to_csv(folder / "causal.tsv", sep="\t", index=False)
    return (
        real,
        cohorts,
        read_causal_snps(folder / "causal.tsv"),
        scan_cohort(real, None, **OPTIONS),
    )


def compare(study, name, causal="known"):
    real, cohorts, known, real_scan = study
    scan = scan_cohort(real, cohorts[name], **OPTIONS)
    causal = known if causal == "known" else causal
    found = measure_association(real, real_scan, scan, causal, **NAMES, **OPTIONS)
    assert list(found.metrics) == TIDY_COLUMNS
    tables = worded(found.metrics).set_index(["generator", "metric", "group"])
    return tables.loc["under test"], tables.loc[REAL], found


def test_a_copier_has_every_association(study):
    ours, real, found = compare(study, "copies")
    for metric in ("effect_r", "effect_slope", "sign_agreement"):
        for group in ("all", "causal SNPs"):
            assert ours.at[(metric, group), "value"] == pytest.approx(1)
    assert ours.at[("score_auc", "less trained on real"), "value"] == 0
    shared = [row for row in real.index if row[0] != "effect_r"]
    pd.testing.assert_frame_equal(ours.loc[shared], real.loc[shared])
    assert real.at[("power", "p < 0.001"), "value"] > 0.6
    assert real.at[("score_auc", "all"), "low"] > 0.6
    assert set(found.effects["group"]) == {"all", "causal SNPs"}
    np.testing.assert_allclose(found.effects["real"], found.effects["synthetic"])


def test_other_people_of_the_population_have_them_too_without_the_noise(study):
    ours, real, _ = compare(study, "fresh")
    assert ours.at[("effect_r", "against the truth"), "value"] > 0.9
    assert ours.at[("effect_slope", "causal SNPs"), "value"] == pytest.approx(1, abs=0.15)
    against = ours.loc[("effect_slope", "against holdout people")]
    assert against["low"] < 1 < against["high"]
    assert ours.at[("sign_agreement", "causal SNPs"), "value"] == 1
    assert abs(ours.at[("score_auc", "less trained on real"), "value"]) < 0.06
    difference = ours["value"] - real["value"]
    assert abs(difference["power", "p < 0.001"]) <= 0.3


def test_shuffled_labels_have_none(study):
    ours, _, _ = compare(study, "shuffled")
    slope = ours.loc[("effect_slope", "causal SNPs")]
    assert slope["low"] < 0 < slope["high"] and abs(slope["value"]) < 0.25
    assert abs(ours.at[("effect_r", "against the truth"), "value"]) < 0.75
    assert ours.at[("power", "all"), "value"] == 0
    assert ours.at[("score_auc", "all"), "value"] == pytest.approx(0.5, abs=0.15)
    assert ours.at[("score_auc", "less trained on real"), "high"] < 0


def test_too_few_people_are_not_measured(study):
    ours, real, _ = compare(study, "few")
    assert ours["value"].isna().all()
    assert ours["note"].str.startswith("too few: ").all()
    assert real["value"].notna().all()
    ours, _, _ = compare(study, "fewer")
    assert ours.at[("power", "all"), "note"] == "too few: 300 people, 700 in training"
    assert np.isfinite(ours.at[("effect_slope", "all"), "value"])


def test_without_causal_snps_there_is_no_power(study):
    ours, _, found = compare(study, "copies", causal=None)
    assert ours.at[("power", "all"), "note"] == "no causal SNPs known"
    assert np.isnan(ours.at[("false_discoveries", "all"), "value"])
    assert ("effect_r", "against the truth") not in ours.index
    assert set(found.effects["group"]) == {"all"}


def test_slopes_along_true_effects_are_of_the_size_of_effects(study):
    """Exact in the sums: synthetic effects of 1.5 times the real ones have that slope."""
    real, _, known, scan = study
    larger = scan.assign(beta=1.5 * scan["beta"])
    found = measure_association(real, scan, larger, known, **NAMES, **OPTIONS)
    ours = found.metrics[found.metrics["generator"] == "under test"]
    slope = worded(ours).query("metric == 'effect_slope'").set_index("group")["value"]
    for group in ("all", "causal SNPs", "against the truth"):
        assert slope[group] == pytest.approx(1.5)


# --- a number instead of a disease


@pytest.fixture(scope="module")
def measured_value(tmp_path_factory):
    """A cohort with a value of six causal SNPs, and people who cheat in known ways."""
    folder = tmp_path_factory.mktemp("value")
    n_train, n_all, n_fresh = 500, 800, 1_300
    calls = draw_calls(100, n_fresh, seed=21)
    dosages = calls.sum(axis=2).T
    rng = np.random.default_rng(22)
    causal = rng.choice(np.flatnonzero(dosages.mean(axis=0) > 0.3), 6, replace=False)
    effect = rng.choice([-1, 1], 6) * rng.uniform(0.5, 0.8, 6)
    value = 170 + 8 * (dosages[:, causal] @ effect + rng.normal(size=n_fresh))
    splits = ["train"] * n_train + ["validation"] * 150 + ["holdout"] * 150

    def save(name, people, values, splits):
        labels = np.where(np.isfinite(values), np.where(values < 170, "short", "tall"), "")
        ids = [f"p{i}" for i in range(len(people))]
        everybody = People(ids, labels, splits, values)
        path = folder / f"{name}.zarr.zip"
        with CohortWriter(path, everybody) as writer:
            sites = 2_000 * np.arange(1, 101)
            names = [f"v{i}" for i in range(100)]
            writer.append(Variants("1", sites, names, [("A", "G")] * 100), calls[:, people], True)
        return [CohortStore(path)]

    train, blank = np.arange(n_train), [""] * n_train
    known = pd.DataFrame(
        {
            "contig": "1",
            "position_bp": 2_000 * (causal + 1),
            "effect": effect,
            "effect_allele": "",
            "other_allele": "",
        }
    )
    real_values = value[:n_all].copy()
    real_values[5:9] = np.nan  # nobody knows theirs
    return {
        "real": save("real", np.arange(n_all), real_values, splits),
        "copies": save("copies", train, real_values[train], blank),
        "fresh": save("fresh", np.arange(n_all, n_fresh), value[n_all:], blank),
        "shuffled": save("shuffled", train, rng.permutation(value[train]), blank),
        "dosages": dosages,
        "value": real_values,
        "causal": known,
    }


def of_value(measured_value, name):
    options = OPTIONS | {"case_label": None}
    real = measured_value["real"]
    scans = [scan_cohort(real, each, **options) for each in (None, measured_value[name])]
    found = measure_association(real, *scans, measured_value["causal"], **NAMES, **options)
    tables = worded(found.metrics).set_index(["generator", "metric", "group"])
    return tables.loc["under test"], tables.loc[REAL], scans


def test_a_value_is_scanned_by_linear_regression(measured_value):
    ours, real, (scan, _) = of_value(measured_value, "copies")
    people = np.flatnonzero(np.isfinite(measured_value["value"][:500]))
    assert (scan["people"] == len(people)).all() and (scan["test"] == "t").all()
    axes = PrincipalAxes.fit(measured_value["dosages"][:500].astype(np.int8), 2, seed=3)
    covariates = axes.project(measured_value["dosages"][people].astype(np.int8))
    x = measured_value["dosages"][people, 7]
    design = np.column_stack([x, np.ones(len(people)), covariates])
    beta = np.linalg.lstsq(design, measured_value["value"][people], rcond=None)[0][0]
    assert scan["beta"][7] == pytest.approx(beta, rel=1e-3)
    for group in ("all", "causal SNPs", "against the truth"):
        assert ours.at[("effect_slope", group), "value"] == pytest.approx(1)
    assert ours.at[("score_r", "less trained on real"), "value"] == 0
    assert real.at[("score_r", "all"), "low"] > 0.4 and real.at[("power", "all"), "value"] > 0.6


def test_other_people_and_shuffled_values(measured_value):
    ours, _, _ = of_value(measured_value, "fresh")
    assert ours.at[("effect_r", "against the truth"), "value"] > 0.9
    assert ours.at[("effect_slope", "against the truth"), "value"] == pytest.approx(1, abs=0.15)
    assert abs(ours.at[("score_r", "less trained on real"), "value"]) < 0.1
    ours, _, _ = of_value(measured_value, "shuffled")
    assert abs(ours.at[("effect_slope", "against the truth"), "value"]) < 0.25
    assert ours.at[("power", "all"), "value"] == 0
    assert ours.at[("score_r", "less trained on real"), "high"] < 0


def test_people_without_values_are_refused(study):
    real, *_ = study
    with pytest.raises(InputError, match="needs people whose values differ"):
        scan_cohort(real, None, **(OPTIONS | {"case_label": None}))


def test_synthetic_people_are_as_many_as_in_training(study, tmp_path):
    real, *_ = study
    calls = [np.repeat(store.read(), 2, axis=1) for store in real]
    labels = list(np.repeat(real[0].people.label, 2))
    twice = [
        store_of(tmp_path / f"{store.contig}.zarr.zip", each, labels=labels, contig=store.contig)
        for store, each in zip(real, calls, strict=True)
    ]
    scan = scan_cohort(real, twice, **OPTIONS)
    train = scan_cohort(real, None, **OPTIONS)
    assert scan.loc[0, ["people", "fewest"]].equals(train.loc[0, ["people", "fewest"]])


def test_holdout_people_do_not_touch_the_scan_of_training_people(study, tmp_path):
    real, _, _, scan = study
    people = real[0].people
    swapped = []
    for store in real:
        calls = store.read()
        noise = np.random.default_rng(0).integers(0, 2, size=calls.shape)
        calls = np.where((people.split == "holdout")[None, :, None], noise, calls)
        path = tmp_path / f"{store.contig}.zarr.zip"
        named = {"labels": list(people.label), "splits": list(people.split)}
        swapped.append(store_of(path, calls, contig=store.contig, **named))
    pd.testing.assert_frame_equal(scan_cohort(swapped, None, **OPTIONS), scan)


def test_components_that_tell_cases_apart_are_left_out(study, tmp_path):
    real, *_ = study
    labels = ["case", "healthy"] * 350
    # two crowds, each around one real person
    train = np.flatnonzero(real[0].people.split == "train")
    dosages = read_dosages(real, train)
    place = PrincipalAxes.fit(dosages, 1, seed=0).project(dosages)[:, 0]
    apart = train[[place.argmin(), place.argmax()]]
    rng = np.random.default_rng(0)
    calls = [np.tile(store.read()[:, apart], (1, 350, 1)) for store in real]
    calls = [np.where(rng.random(each.shape) < 0.02, 1 - each, each) for each in calls]
    stores = [
        store_of(tmp_path / f"{store.contig}.zarr.zip", each, labels=labels, contig=store.contig)
        for store, each in zip(real, calls, strict=True)
    ]
    scan = scan_cohort(real, stores, **OPTIONS)
    assert (scan["components"] == 0).all()
    _, _, known, real_scan = study
    found = measure_association(real, real_scan, scan, known, **NAMES, **OPTIONS)
    ours = found.metrics[found.metrics["generator"] == "under test"]
    assert "without covariates" in ours["note"].iloc[0]


def test_an_unknown_case_label_is_named(study):
    real, *_ = study
    with pytest.raises(InputError, match="'asthma'; the labels of this cohort are case, healthy"):
        scan_cohort(real, None, **{**OPTIONS, "case_label": "asthma"})


def test_a_scan_of_other_variants_is_refused(study):
    real, _, known, scan = study
    with pytest.raises(InputError, match="do not hold the same variants"):
        measure_association(real, scan, scan.iloc[1:], known, **NAMES, **OPTIONS)


def test_causal_snps_are_read_and_found(tmp_path, study):
    *_, scan = study
    path = tmp_path / "causal.tsv"
    path.write_text("chrom\tpos\teffect\teffect_allele\nchr1\t4000\t0.5\tA\n1\t6000\t1\tC\n")
    found = find_causal_snps(scan, read_causal_snps(path))
    assert found.note == "1 of 2 causal SNPs are in the cohort"
    assert found.snps["effect"].to_dict() == {1: -0.5}  # A is REF
    shared = pd.concat([scan.iloc[:2], scan.iloc[1:2].assign(effect_allele="T")], ignore_index=True)
    for alleles, expected in (("A\t", {}), ("A\tT", {2: -0.5}), ("T\t", {2: 0.5})):
        row = f"chr1\t4000\t0.5\t{alleles}\n"
        path.write_text("chrom\tpos\teffect\teffect_allele\tother_allele\n" + row)
        found = find_causal_snps(shared, read_causal_snps(path))
        assert found.snps["effect"].to_dict() == expected
    for names in (
        "A1\tA2",
        "EA\tNEA",
        "ALLELE1\tALLELE0",
        "ALT\tREF",
        "Tested_Allele\tOther_Allele",
    ):
        for alleles, effect in (("A\tG", -0.5), ("G\tA", 0.5), ("g\ta", 0.5)):
            path.write_text(f"CHR\tBP\tBETA\t{names}\nchr1\t4000\t0.5\t{alleles}\n")
            assert find_causal_snps(scan, read_causal_snps(path)).snps["effect"].to_dict() == {
                1: effect
            }
    path.write_text("chr\tpos\tbeta\tREF\tALT\tEA\n1\t4000\t0.5\tA\tG\tA\n")
    assert find_causal_snps(scan, read_causal_snps(path)).snps["effect"].to_dict() == {1: -0.5}
    for names in ("MINOR_ALLELE", "A2"):
        path.write_text(f"chr\tpos\tbeta\t{names}\n1\t4000\t0.5\tA\n")
        with pytest.raises(InputError, match=f"which allele the effects are of; found {names}"):
            read_causal_snps(path)
    path.write_text("contig\tposition_bp\teffect\n1\t4000\thigh\n")
    with pytest.raises(InputError, match="line 2: the effect 'high' is not a number"):
        read_causal_snps(path)
    for position in ("9" * 20, "0", "-5", "4000.5"):
        path.write_text(f"contig\tposition_bp\teffect\n1\t{position}\t0.5\n")
        with pytest.raises(
            InputError, match=rf"causal.tsv, line 2: the position_bp '{position}' is"
        ):
            read_causal_snps(path)
    path.write_text("contig\tplace\n1\t4000\n")
    with pytest.raises(InputError, match="no column position_bp, effect; found contig, place"):
        read_causal_snps(path)


# --- against independent programs -----------------------------------------------------------


def run(folder, *command):
    if which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def plink_scan(folder, stores, phenotype, covariates, *modifiers) -> pd.DataFrame:
    """plink2 --glm of ALT; phenotype: 1/2 or a number."""
    write_plink(stores, folder / "cohort", phenotype=[str(value) for value in phenotype])
    people = stores[0].people.id
    names = [f"c{k}" for k in range(covariates.shape[1])]
    table = pd.DataFrame(covariates, columns=names).assign(FID=people, IID=people)
    table[["FID", "IID", *names]].to_csv(folder / "c.txt", sep="\t", index=False)
    options = ["--covar", "c.txt", "--covar-variance-standardize", "--threads", "1"]
    glm = ["--glm", "hide-covar", "omit-ref", *modifiers, "cols=+beta", "--out", "plink"]
    run(folder, "plink2", "--bfile", "cohort", *glm, *options)
    (path,) = folder.glob("plink.PHENO1.glm.*")
    return pd.read_csv(path, sep="\t")


def assert_agrees(table, theirs):
    """Betas within 0.001 standard errors (plink2 is in single precision), log p within 0.1 %."""
    assert (table["effect_allele"] == theirs["A1"]).all()
    fitted = table["p"].notna() & table["test"].isin(["t", "wald"])
    np.testing.assert_array_equal(fitted, theirs["P"].notna())
    table, theirs = table[fitted], theirs[fitted]
    assert len(table) > 30
    assert (np.abs(table["beta"] - theirs["BETA"]) < 1e-3 * table["se"]).all()
    np.testing.assert_allclose(table["se"], theirs["SE"], rtol=1e-3)
    np.testing.assert_allclose(np.log10(table["p"]), np.log10(theirs["P"]), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("model", ["linear", "logistic"])
def test_scans_agree_with_plink2(tmp_path, model, sample):
    dosages, liability, covariates = sample
    calls = np.stack([dosages.T > 1, dosages.T > 0], axis=2)
    stores = [store_of(tmp_path / "a.zarr.zip", calls)]
    phenotype = liability if model == "linear" else liability > np.median(liability)
    table = scan_variants(stores, np.arange(300), phenotype, covariates, model=model)
    values, modifiers = (liability, ()) if model == "linear" else (phenotype + 1, ("no-firth",))
    assert_agrees(table, plink_scan(tmp_path, stores, values, covariates, *modifiers))


@pytest.mark.parametrize("inbred", [True, False])
def test_clumps_agree_with_plink(tmp_path, inbred):
    calls = draw_calls(150, 400, seed=8)
    if inbred:
        calls[..., 1] = calls[..., 0]
    store = store_of(tmp_path / "a.zarr.zip", calls)
    p = np.random.default_rng(9).random(150).round(6)
    write_plink([store], tmp_path / "cohort", phenotype=["-9"] * 400)
    assoc = pd.DataFrame({"SNP": store.variants.id, "P": p})
    assoc.to_csv(tmp_path / "p.txt", sep="\t", index=False)
    options = ["--clump-p1", "0.5", "--clump-p2", "0.5", "--clump-r2", "0.2", "--clump-kb", "60"]
    options += ["--allow-no-sex", "--out", "plink"]
    run(tmp_path, "plink1.9", "--bfile", "cohort", "--clump", "p.txt", *options)
    theirs = set(pd.read_csv(tmp_path / "plink.clumped", sep=r"\s+")["SNP"])
    leads = clump(store, np.arange(400), p, p1=0.5, r2=0.2, kb=60)
    ours = set(store.variants.id[leads])
    assert len(theirs) > 15
    if inbred:
        assert ours == theirs
    else:  # plink takes r2 from estimated haplotypes, we from dosages
        assert len(ours & theirs) >= 0.9 * len(ours | theirs)


@pytest.mark.slow
def test_a_scan_of_real_genotypes_agrees_with_plink2(tmp_path, real_data):
    source = open_source("vcf", str(real_data / "kg3/kg3_hipster8regions_17010snps.hg19.vcf.gz"))
    table = pd.read_csv(real_data / "kg3/kg3_hipster_labels_covariates.csv", index_col="samples")
    table = table.loc[list(source.sample_ids)]
    stores = []
    for contig in source.contigs():
        path = tmp_path / f"{contig}.zarr.zip"
        with CohortWriter(path, People.unlabelled(source.sample_ids)) as writer:
            for chunk in source.chunks(contig):
                writer.append(chunk.variants, chunk.calls, chunk.phased)
        stores.append(CohortStore(path))
    covariates = table[["age", "PC0", "PC1", "PC2"]].to_numpy()
    is_case = table["label"].to_numpy() == 1
    scan = scan_variants(stores, np.arange(len(table)), is_case, covariates, model="logistic")
    theirs = plink_scan(tmp_path, stores, is_case + 1, covariates, "no-firth")
    assert_agrees(scan, theirs)


def test_squared_correlations_of_a_variant_that_does_not_vary():
    varying = np.array([[0, 1, 2, 1]], dtype=np.int8)
    constant = np.ones((1, 4), dtype=np.int8)
    assert squared_correlations(varying, constant).tolist() == [[0.0]]
    assert squared_correlations(varying, 2 - varying)[0, 0] == pytest.approx(1)
