"""Association scans, clumping and summary statistics: closed forms and independent programs."""

import subprocess
from shutil import which

import numpy as np
import pandas as pd
import pytest
from association_cohorts import draw_calls, store_of
from scipy.optimize import minimize

from syncohort.association.clumping import clump, squared_correlations, top_variants
from syncohort.association.harmonise import COUNTS, harmonise
from syncohort.association.regression import linear_estimates, logistic_estimates, separates
from syncohort.association.scan import SCAN_COLUMNS, read_scan, scan_variants, write_scan
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.formats.plink import write_plink
from syncohort.formats.readers import open_source
from syncohort.formats.summary_statistics import read_summary_statistics
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants


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
