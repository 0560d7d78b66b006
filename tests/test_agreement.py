"""Every statistic of genotypes beside plink2 and plink1.9, on cohorts that are awkward in one way."""

import itertools

import numpy as np
import pandas as pd
import pytest
from cohorts import people_of, store_of
from genotype_files import need, run

from syncohort.association.correlation import LabelledCalls
from syncohort.association.regression import linear_estimates, logistic_estimates
from syncohort.cohort.hardy_weinberg import smallest_p_values
from syncohort.dosages import share
from syncohort.evaluation.kinship import kinship
from syncohort.evaluation.pair_counts import PairCounts
from syncohort.formats.plink import write_plink
from syncohort.genotypes import to_rows
from syncohort.packed_calls import PackedCalls, masks_of

N_VARIANTS = 60


def drawn(n_people, *, low=0.05, high=0.95, seed=0) -> np.ndarray:
    """Calls [V, S, 2] of linked variants: each copies most alleles of the one before it."""
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(low, high, N_VARIANTS)
    alleles = rng.random((N_VARIANTS, 2 * n_people)) < frequency[:, None]
    for v in range(1, N_VARIANTS):
        if v % 4:
            same = rng.random(2 * n_people) < 0.8
            alleles[v, same] = alleles[v - 1, same]
    return alleles.astype(np.int8).reshape(N_VARIANTS, n_people, 2)


def whole() -> np.ndarray:
    return drawn(150)


def missing() -> np.ndarray:
    calls = drawn(150, seed=1)
    calls[np.random.default_rng(2).random(calls.shape[:2]) < 0.05] = -1
    calls[7] = -1  # nobody has a call
    return calls


def monomorphic() -> np.ndarray:
    calls = drawn(70, seed=3)
    calls[3], calls[4], calls[5] = 0, 1, [0, 1]  # nobody, everybody, everybody heterozygous
    return calls


def rare() -> np.ndarray:
    calls = np.zeros((N_VARIANTS, 130, 2), np.int8)
    for v in range(N_VARIANTS):
        calls[v, np.random.default_rng(v).choice(130, 1 + v % 5, replace=False), v % 2] = 1
    return calls


def few_people() -> np.ndarray:
    return drawn(9, seed=4)


def duplicated_people() -> np.ndarray:
    calls = drawn(40, seed=5)
    return np.concatenate([calls, calls[:, :30]], axis=1)


COHORTS = (whole, missing, monomorphic, rare, few_people, duplicated_people)
each_cohort = pytest.mark.parametrize("cohort", COHORTS, ids=lambda cohort: cohort.__name__)


def written(folder, calls):
    """The cohort as a store and as PLINK files."""
    store = store_of(folder / "c.zip", calls, people_of(["x"] * calls.shape[1]))
    write_plink([store], folder / "c")
    return store


@each_cohort
def test_counts_and_hardy_weinberg(tmp_path, cohort):
    need("plink2")
    calls = cohort()
    store = written(tmp_path, calls)
    prefix = tmp_path / "c"
    tables = ["--freq", "--missing", "variant-only", "--hardy"]
    run("plink2", "--bfile", prefix, *tables, "--out", prefix)
    everybody = masks_of(np.zeros(calls.shape[1], int), 1)
    counts = PackedCalls.of(store.read()).count(everybody)
    afreq = pd.read_csv(f"{prefix}.afreq", sep="\t")
    np.testing.assert_allclose(
        share(counts.alt, counts.alleles)[:, 0], afreq["ALT_FREQS"].astype(float), atol=1e-6
    )
    lacking = calls.shape[1] - counts.called[:, 0]
    assert lacking.tolist() == pd.read_csv(f"{prefix}.vmiss", sep="\t")["MISSING_CT"].tolist()
    hardy = pd.read_csv(f"{prefix}.hardy", sep="\t")
    np.testing.assert_allclose(smallest_p_values(counts), hardy["P"], atol=2e-6)


@each_cohort
def test_kinship_and_distances(tmp_path, cohort):
    need("plink2", "plink1.9")
    calls = cohort()
    store = written(tmp_path, calls)
    prefix = tmp_path / "c"
    run("plink2", "--bfile", prefix, "--make-king", "square", "bin", "--out", prefix)
    counts = PairCounts.within(to_rows(store.read(), "genotype"))
    n = calls.shape[1]
    theirs = np.fromfile(f"{prefix}.king.bin").reshape(n, n)
    pairs = np.tril_indices(n, -1)
    known = np.isfinite(kinship(counts)[pairs])  # else no heterozygous call to compare
    np.testing.assert_allclose(kinship(counts)[pairs][known], theirs[pairs][known], atol=5e-5)
    if (calls >= 0).all():  # plink weighs missing calls by frequency
        options = ["--distance", "square", "bin", "--out", prefix]
        run("plink1.9", "--bfile", prefix, "--allow-no-sex", *options)
        theirs = np.fromfile(f"{prefix}.dist.bin").reshape(n, n)
        np.testing.assert_array_equal(counts.alleles, theirs)


@pytest.mark.parametrize(
    "cohort", [c for c in COHORTS if c is not missing], ids=lambda c: c.__name__
)
def test_linkage(tmp_path, cohort):
    """With missing calls plink centres a pair by those called in both, we each variant by its own."""
    need("plink1.9")
    calls = cohort()
    store = written(tmp_path, calls)
    prefix = tmp_path / "c"
    window = ["--ld-window-kb", 1000, "--ld-window", 999, "--ld-window-r2", 0]
    run("plink1.9", "--bfile", prefix, "--allow-no-sex", "--r2", *window, "--out", prefix)
    theirs = pd.read_csv(f"{prefix}.ld", sep=r"\s+")
    first, second = (theirs[name].to_numpy() // 1_000 - 1 for name in ("BP_A", "BP_B"))
    people = np.arange(calls.shape[1])
    rows = LabelledCalls.read(store, people, [len(people)], np.arange(N_VARIANTS), "genotype")
    product, own, other = (each[:, 0] for each in rows.pair_sums(first, second))
    np.testing.assert_allclose(product**2 / (own * other), theirs["R2"], rtol=1e-5, atol=1e-9)
    varies = rows.spread[:, 0] > 0
    assert len(theirs) == varies.sum() * (varies.sum() - 1) / 2


@pytest.mark.parametrize("mode", ["haplotype", "genotype"])
@pytest.mark.parametrize("cohort", [whole, missing], ids=lambda cohort: cohort.__name__)
def test_linkage_within_labels_is_that_of_plain_sums(cohort, mode):
    calls, sizes = cohort(), [3, 67, 80]
    calls[9, 0, 1] = -1  # half a call
    rows = LabelledCalls.of(calls, sizes, mode)
    pairs = np.array(list(itertools.combinations(range(0, N_VARIANTS, 7), 2))).T
    sums = rows.pair_sums(*pairs)
    values = to_rows(calls, mode).T.astype(float)
    label = np.repeat(np.repeat([0, 1, 2], sizes), 2 if mode == "haplotype" else 1)
    for m, (i, j) in enumerate(pairs.T):
        for number in range(3):
            x, y = values[i, label == number], values[j, label == number]
            known = [each >= 0 for each in (x, y)]
            x, y = (z - z[k].mean() if k.any() else z for z, k in zip((x, y), known, strict=True))
            both = known[0] & known[1]
            expected = [(a * b)[both].sum() for a, b in ((x, y), (x, x), (y, y))]
            found = [each[m, number] for each in sums]
            np.testing.assert_allclose(found, expected, atol=1e-9)


COVARIATES = ("none", "two", "collinear")


@pytest.mark.parametrize("covariates", COVARIATES)
@each_cohort
def test_scans(tmp_path, cohort, covariates):
    """Of collinear covariates one is given to plink2, which refuses both."""
    need("plink2")
    calls = cohort()
    store = written(tmp_path, calls)
    prefix, n = tmp_path / "c", calls.shape[1]
    rng = np.random.default_rng(6)
    design = rng.normal(size=(n, {"none": 0, "two": 2, "collinear": 1}[covariates]))
    ours = np.column_stack([design, 2 * design]) if covariates == "collinear" else design
    dosages = to_rows(store.read(), "genotype")
    number = rng.normal(size=n) + 0.3 * np.maximum(dosages[:, 20], 0)
    is_case = number > np.median(number)
    people = pd.DataFrame({"#FID": store.people.id, "IID": store.people.id})
    people.assign(Q=number, B=1 + is_case).to_csv(tmp_path / "y.txt", sep="\t", index=False)
    people.join(pd.DataFrame(design)).to_csv(tmp_path / "x.txt", sep="\t", index=False)
    options = [
        "hide-covar",
        "omit-ref",
        "no-firth",
        "allow-no-covars",
        "--pheno",
        tmp_path / "y.txt",
    ]
    if design.size:
        options += ["--covar", tmp_path / "x.txt"]
    run("plink2", "--bfile", prefix, "--glm", *options, "--out", prefix)
    for name, estimate, y in (
        ("Q.glm.linear", linear_estimates, number),
        ("B.glm.logistic", logistic_estimates, is_case),
    ):
        theirs = pd.read_csv(f"{prefix}.{name}", sep="\t")["P"].to_numpy()
        found = estimate(dosages, y, ours)
        fitted = np.isin(found.test, ["t", "wald"]) & np.isfinite(found.p)
        assert np.isfinite(theirs[fitted]).mean() > 0.9  # plink2 gives up a step earlier
        both = fitted & np.isfinite(theirs)
        own, other = np.log10(found.p[both]), np.log10(theirs[both])
        complete = (dosages >= 0).all(axis=0)[both]  # plink2 leaves people without a call out
        worst = np.abs(own - other)[complete] / np.maximum(np.abs(other[complete]), 1)
        assert worst.max(initial=0) < 1e-4
        assert np.isfinite(found.p[np.isfinite(theirs)]).all()


def test_separated_cases_get_the_score_test():
    dosages = np.zeros((40, 2), np.int8)
    dosages[:3, 0] = 1  # only cases carry it
    dosages[::7, 1] = 1
    is_case = np.arange(40) < 15
    found = logistic_estimates(dosages, is_case, np.empty((40, 0)))
    assert found.test.tolist() == ["score", "wald"]
    assert np.isfinite(found.p).all() and found.beta[0] > 0
