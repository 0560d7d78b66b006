"""Selection of variants by association: against brute force and plink, leaks, small cohorts."""

import subprocess
from shutil import which
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from clones import change_study, clone, planned_rules, snakemake
from cohorts import linked_calls, store_of

from syncohort.association.clumping import clump
from syncohort.association.covariates import covariate_problems, covariate_values
from syncohort.association.harmonise import COUNTS, STEP
from syncohort.association.scan import read_scan, write_scan
from syncohort.association.selection import (
    Adjustment,
    check_selection,
    choose_variants,
    scan_training,
    select_variants,
)
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.evaluation.association.selection import effect_correlation, verdict
from syncohort.figures.selection import plot_selection
from syncohort.formats.plink import write_plink
from syncohort.formats.summary_statistics import read_summary_statistics
from syncohort.genotypes import People
from syncohort.report.selection import selection_parts, statistics_sentence

N_TRAIN, N_OTHER, V = 600, 200, 150
SPLITS = np.array(["train"] * N_TRAIN + ["validation"] * N_OTHER + ["holdout"] * N_OTHER)
MISSING = ["", "NA"]
ADJUSTMENT = Adjustment(columns=["age", "site"], missing=MISSING, n_components=2, seed=5)
CHOICE = {"case_label": "case", "n_variants": 32, "clump_r2": 0.5, "clump_kb": 10}


def save(folder, calls, people) -> list[CohortStore]:
    folder.mkdir(exist_ok=True)
    return [
        store_of(folder / f"{contig}.zarr.zip", each, people, contig=contig)
        for contig, each in calls.items()
    ]


def people_with(labels, values=None) -> People:
    return People([f"p{i}" for i in range(len(labels))], labels, SPLITS, values)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Chromosome 7 has eight causal variants, chromosome 21 has none."""
    folder = tmp_path_factory.mktemp("selection")
    n = len(SPLITS)
    calls = {
        contig: linked_calls(V, np.repeat("a", n), seed=int(contig), n_founders=40)
        for contig in ("7", "21")
    }
    rng = np.random.default_rng(1)
    dosage = calls["7"].sum(axis=2)
    causal = np.arange(5, V, 18)[:8]
    age = rng.normal(50, 10, n).round(1)
    score = rng.choice([-1, 1], 8) @ dosage[causal] * 0.8 + 0.05 * (age - 50)
    liability = score + rng.normal(size=n)
    label = np.where(liability > np.quantile(liability, 0.55), "case", "healthy").astype(object)
    table = pd.DataFrame({"sample": [f"p{i}" for i in range(n)], "age": age.astype(str)})
    table["site"] = rng.choice(["x", "y", "z"], n)
    table.loc[[0, 3], "age"] = "NA"
    stores = save(folder / "real", calls, people_with(label))
    scan, counts = scan_training(stores, table, "case", ADJUSTMENT)
    choice = choose_variants(stores, scan, None, **CHOICE)
    return SimpleNamespace(**locals())


# --- the scan --------------------------------------------------------------------------------


def test_a_number_is_scanned_by_least_squares_with_covariates(study, tmp_path):
    value = study.liability.round(4)
    stores = save(tmp_path, study.calls, people_with(study.label, value))
    adjustment = Adjustment(["age", "site"], MISSING, 0, 5)
    scan, _ = scan_training(stores, study.table, None, adjustment)
    train = SPLITS == "train"
    age = pd.to_numeric(study.table["age"], errors="coerce")[train]
    site = study.table["site"][train]
    columns = [np.ones(N_TRAIN), age.fillna(age.mean()), site == "y", site == "z"]
    for index in (0, 5, 77):
        design = np.column_stack([*columns, study.dosage[index, train]]).astype(float)
        beta, rss, *_ = np.linalg.lstsq(design, value[train], rcond=None)
        variance = rss[0] / (N_TRAIN - 5) * np.linalg.inv(design.T @ design)[-1, -1]
        assert scan["beta"][index] == pytest.approx(beta[-1])
        assert scan["se"][index] == pytest.approx(np.sqrt(variance))
    assert (scan["label"] == "").all() and (scan["test"] == "t").all()


def test_a_covariate_takes_its_part_of_an_association(study, tmp_path):
    """A variant that goes with age is no finding once age is known."""
    rng = np.random.default_rng(2)
    age = study.dosage[40] + rng.normal(size=len(SPLITS))
    is_case = age + 0.5 * rng.normal(size=len(SPLITS)) > np.median(age)
    stores = save(tmp_path, study.calls, people_with(np.where(is_case, "case", "healthy")))
    table = study.table.assign(age=age.round(3).astype(str))
    p = {}
    for columns in ([], ["age"]):
        scan, _ = scan_training(stores, table, "case", Adjustment(columns, MISSING, 0, 5))
        p[len(columns)] = scan["p"][40]
    assert p[0] < 1e-8 and p[1] > 1e-3


def test_of_several_labels_the_smallest_p_counts_times_their_number(study, tmp_path):
    label = study.label.copy()
    label[::3] = "third"
    stores = save(tmp_path, study.calls, people_with(label))
    adjustment = Adjustment([], MISSING, 0, 5)
    scan, counts = scan_training(stores, study.table, None, adjustment)
    single = {
        name: scan_training(stores, study.table, name, adjustment)[0]
        for name in ("case", "healthy", "third")
    }
    p = np.array([each["p"] for each in single.values()])  # [labels, V]
    np.testing.assert_allclose(scan["p"], np.minimum(3 * p.min(axis=0), 1))
    unclipped = scan["p"] < 1
    assert (scan["label"] == np.array(list(single))[p.argmin(axis=0)])[unclipped].all()
    assert dict(counts.to_numpy())["labels, each compared with all other people"] == 3


def test_the_scan_says_who_was_in_it(study):
    counts = dict(study.counts.to_numpy())
    train = SPLITS == "train"
    assert counts["training people in the scan"] == N_TRAIN
    assert counts["training people with the label case"] == (study.label[train] == "case").sum()
    assert counts["training people without age, who get the mean"] == 2
    assert counts["principal components as covariates"] == 2


def test_covariates_that_are_the_label_are_refused(study):
    table = study.table.assign(site=study.label)
    with pytest.raises(InputError, match="alone predict who has the label 'case'"):
        scan_training(study.stores, table, "case", ADJUSTMENT)


@pytest.mark.parametrize("noisy", [["holdout"], ["validation", "holdout"]])
def test_nothing_but_training_people_decides(study, tmp_path, noisy):
    rng = np.random.default_rng(9)
    others = np.isin(SPLITS, noisy)
    calls = {name: each.copy() for name, each in study.calls.items()}
    for each in calls.values():
        each[:, others] = rng.integers(0, 2, each[:, others].shape)
    label = study.label.copy()
    label[others] = rng.permutation(label[others])
    table = study.table.copy()
    table.loc[others, "age"] = "99"
    stores = save(tmp_path / "noise", calls, people_with(label))
    scan, counts = scan_training(stores, table, "case", ADJUSTMENT)
    pd.testing.assert_frame_equal(scan, study.scan)
    pd.testing.assert_frame_equal(counts, study.counts)
    choice = choose_variants(stores, scan, None, **CHOICE)
    for name in ("variants", "counts", "quantiles", "summary"):
        pd.testing.assert_frame_equal(getattr(choice, name), getattr(study.choice, name))


# --- the choice ------------------------------------------------------------------------------


def everything_clumped(stores, scan, r2=0.5, kb=10) -> pd.DataFrame:
    train = np.flatnonzero(SPLITS == "train")
    leads = [
        clump(store, train, scan.loc[scan["contig"] == store.contig, "p"], p1=1, r2=r2, kb=kb)
        for store in stores
    ]
    return scan[np.concatenate(leads)]


def test_the_best_leads_are_chosen_and_stand_in_genomic_order(study):
    few = choose_variants(study.stores, study.scan, None, **(CHOICE | {"n_variants": 12}))
    assert dict(few.counts.to_numpy())[
        "variants with the smallest p-values, given to clumping"
    ] < len(study.scan)
    for choice, k in ((study.choice, 32), (few, 12)):
        leads = everything_clumped(study.stores, study.scan)
        best = leads.loc[leads.groupby("contig")["p"].idxmin()]  # always kept
        others = leads.drop(best.index).nsmallest(k - len(best), "p")
        wanted = pd.concat([best, others])[["contig", "position_bp"]]
        found = choice.variants
        assert set(found[["contig", "position_bp"]].itertuples(index=False)) == set(
            wanted.itertuples(index=False)
        )
        assert found["contig"].tolist() == sorted(found["contig"], key=int)
        for _, own in found.groupby("contig"):
            assert own["position_bp"].is_monotonic_increasing
    assert dict(study.choice.counts.to_numpy())["variants chosen"] == 32


def test_causal_variants_are_found(study):
    own = study.choice.variants.loc[lambda t: t["contig"] == "7", "index"].to_numpy()
    train = SPLITS == "train"
    r2 = np.corrcoef(study.dosage[:, train])[study.causal][:, own] ** 2
    assert (r2.max(axis=1) > 0.5).sum() >= 7


def test_a_chromosome_without_associations_keeps_its_best(study):
    scan = study.scan.copy()
    other = scan["contig"] == "21"
    scan.loc[other, "p"] = np.linspace(0.9, 1, other.sum())
    choice = choose_variants(study.stores, scan, None, **(CHOICE | {"n_variants": 5}))
    found = choice.variants
    assert len(found) == 5
    assert found.loc[found["contig"] == "21", "p"].tolist() == [0.9]
    assert found.loc[found["contig"] == "7", "p"].max() < 0.05
    assert (
        dict(choice.counts.to_numpy())["variants chosen only as the best of their chromosome"] == 1
    )


@pytest.mark.skipif(which("plink1.9") is None, reason="plink1.9 is not installed")
def test_the_choice_is_that_of_plink(study, tmp_path):
    calls = {name: each.copy() for name, each in study.calls.items()}
    for each in calls.values():
        each[..., 1] = each[..., 0]  # no heterozygous call: plink's r2 is that of dosages
    stores = save(tmp_path / "inbred", calls, people_with(study.label))
    scan, _ = scan_training(stores, study.table, "case", Adjustment([], MISSING, 0, 5))
    scan["p"] = scan["p"].round(8)
    scan["id"] = scan["contig"] + "_" + scan["id"]
    write_plink(stores, tmp_path / "cohort", phenotype=["-9"] * len(SPLITS))
    bim = pd.read_csv(tmp_path / "cohort.bim", sep="\t", header=None)
    bim[1] = scan["id"]
    bim.to_csv(tmp_path / "cohort.bim", sep="\t", header=False, index=False)
    fam = pd.read_csv(tmp_path / "cohort.fam", sep=r"\s+", header=None)
    fam.loc[SPLITS == "train", [0, 1]].to_csv(
        tmp_path / "train", sep="\t", header=False, index=False
    )
    scan[["id", "p"]].set_axis(["SNP", "P"], axis=1).to_csv(tmp_path / "p", sep="\t", index=False)
    command = "plink1.9 --bfile cohort --keep train --clump p --clump-p1 1 --clump-p2 1"
    command += " --clump-r2 0.5 --clump-kb 10 --allow-no-sex --out plink"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    theirs = pd.read_csv(tmp_path / "plink.clumped", sep=r"\s+").nsmallest(32, "P")
    ours = choose_variants(stores, scan, None, **CHOICE).variants
    assert set(ours["id"]) == set(theirs["SNP"])


def test_summary_statistics_choose_instead_of_the_scan(study, tmp_path):
    rng = np.random.default_rng(3)
    # per REF allele, from a study of other people
    table = pd.DataFrame(
        {
            "CHR": study.scan["contig"],
            "BP": study.scan["position_bp"],
            "A1": study.scan["other_allele"],
            "A2": study.scan["effect_allele"],
            "BETA": rng.normal(size=len(study.scan)),
            "P": rng.random(len(study.scan)),
        }
    )
    table.loc[7, "P"] = 1e-12
    path = tmp_path / "gwas.tsv"
    table.drop(index=[0, 1]).to_csv(path, sep="\t", index=False)
    statistics = read_summary_statistics(path)
    choice = choose_variants(study.stores, study.scan, statistics, **CHOICE)
    own = choice.variants.set_index(["contig", "index"])
    assert own.loc[("7", 7), "p"] == 1e-12
    assert own.loc[("7", 7), "beta"] == pytest.approx(-table["BETA"][7])
    assert ("7", 0) not in own.index and len(own) == 32
    counts = dict(choice.counts.to_numpy())
    assert counts["summary statistics: aligned"] == len(table) - 2
    assert counts["summary statistics: flipped"] == len(table) - 2
    assert counts["variants with a p-value"] == len(table) - 2
    assert choice.summary["source"][0] == "summary statistics"

    table[table["CHR"] == "7"].to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match="no variant of chromosome 21 has a p-value"):
        choose_variants(study.stores, study.scan, read_summary_statistics(path), **CHOICE)


def test_the_selected_cohort_is_the_chosen_variants_of_everybody(study, tmp_path):
    path = tmp_path / "variants.tsv"
    write_scan(study.choice.variants, path)
    chosen = read_scan(path)
    assert set(chosen["label"]) == {"case"}
    for store in study.stores:
        own = chosen[chosen["contig"] == store.contig]
        target = tmp_path / f"{store.contig}.zarr.zip"
        assert select_variants(store, chosen, target) == len(own) > 0
        selected = CohortStore(target)
        assert selected.variants.position_bp.tolist() == own["position_bp"].tolist()
        assert (selected.read() == store.read()[own["index"]]).all()
        assert (selected.people.split == SPLITS).all()
    with pytest.raises(InputError, match="choose them again"):
        select_variants(study.stores[0], chosen.assign(index=chosen["index"] + 1), target)


# --- what the user is told -------------------------------------------------------------------


def test_a_large_enough_cohort_is_told_so(study, tmp_path):
    options = {"split": "validation", "case_label": "case", "adjustment": ADJUSTMENT}
    tested = check_selection(
        study.stores, study.table, study.choice.variants, **options, minimum_people=20
    )
    r, low, high = effect_correlation(tested)
    assert low > 0.2 and low < r < high <= 1
    summary = study.choice.summary.iloc[0]
    assert summary["by_chance"] < 0.5 * summary["as_small"]
    sentence = verdict(summary, tested)
    assert "too small" not in sentence and "200 validation people" in sentence
    figure = tmp_path / "selection.svg"
    plot_selection(study.choice.quantiles, summary, tested, sentence, figure)
    assert figure.stat().st_size > 10_000
    study.choice.counts.to_csv(tmp_path / "counts.tsv", sep="\t", index=False)
    (tmp_path / "verdict.txt").write_text(sentence)
    page = "".join(selection_parts(tmp_path / "counts.tsv", tmp_path / "verdict.txt"))
    assert sentence in page and "<td>variants chosen</td>" in page

    few = check_selection(
        study.stores, study.table, study.choice.variants, **options, minimum_people=500
    )
    assert few["tested_beta"].isna().all()
    assert "cannot be checked in the 200 validation people" in verdict(summary, few)


def test_the_share_of_statistics_that_is_used_is_told(tmp_path):
    counts = dict.fromkeys(COUNTS, 0) | {"rows": 1_210, "unusable": 10, "not_in_cohort": 300}
    counts |= {
        "ambiguous": 200,
        "other_alleles": 90,
        "repeated": 10,
        "aligned": 600,
        "flipped": 250,
    }
    steps = [
        ("variants of the cohort", 700),
        *((STEP.format(name), n) for name, n in counts.items()),
    ]
    pd.DataFrame(steps, columns=["step", "count"]).to_csv(tmp_path / "c", sep="\t", index=False)
    (tmp_path / "v").write_text("x")
    page = "".join(selection_parts(tmp_path / "c", tmp_path / "v"))
    assert "Of 1,200 variants of the summary statistics" in page
    assert "900 (75%) are at sites of the cohort, and 600 (50%) fit its alleles" in page
    assert "the effect of 250 was turned" in page and "90 with other alleles, 10 copies" in page
    assert statistics_sentence({"variants of the cohort": 700}) == ""


def test_chance_is_called_chance(study, tmp_path):
    label = np.random.default_rng(6).permutation(study.label)
    stores = save(tmp_path, study.calls, people_with(label))
    adjustment = Adjustment([], MISSING, 0, 5)
    scan, _ = scan_training(stores, study.table, "case", adjustment)
    choice = choose_variants(stores, scan, None, **(CHOICE | {"n_variants": 100}))
    tested = check_selection(
        stores, study.table, choice.variants, "validation", "case", adjustment, minimum_people=20
    )
    summary = choice.summary.iloc[0]
    assert 0.5 < summary["inflation"] < 1.6
    sentence = verdict(summary, tested)
    assert "this cohort is too small to choose so many variants" in sentence
    assert effect_correlation(tested)[1] < 0.1


def test_covariates_of_numbers_and_text():
    table = pd.DataFrame(
        {
            "age": ["30", "NA", "50"],
            "sex": ["f", "", "m"],
            "name": ["a", "b", "c"],
            "none": ["", "NA", ""],
        }
    )
    values, filled = covariate_values(table, ["age", "sex"], MISSING)
    np.testing.assert_allclose(values, [[30, 0], [40, 0.5], [50, 1]])
    assert filled == {"age": 1, "sex": 1}
    assert covariate_values(table, [], MISSING)[0].shape == (3, 0)
    assert covariate_problems(table, ["age", "sex", "name"], MISSING) == []
    problems = covariate_problems(table, ["bmi", "none"], MISSING)
    assert problems[0].startswith("no column 'bmi'; found age, sex, name, none")
    assert problems[1] == "column 'none' has no value"
    many = pd.DataFrame({"id": [f"x{i}" for i in range(40)]})
    assert "text (x0, x1, x2 and 37 more) of 40 kinds" in covariate_problems(many, ["id"], [])[0]
    with pytest.raises(InputError, match="selection.covariates: no column 'bmi'"):
        covariate_values(table, ["bmi"], MISSING)


# --- through the real Snakefile --------------------------------------------------------------


@pytest.mark.slow
def test_the_workflow_imposes_a_trait_and_selects_by_it(tmp_path):
    folder = clone(tmp_path / "clone")
    study = change_study(
        folder,
        trait={"n_causal": 5, "heritability": 0.9, "prevalence": 0.4, "within": "population"},
        labels={
            "label_column": ["superpopulation", "trait"],
            "case_label": "case",
            "minimum_people": 4,
        },
        selection={"kind": "association", "variants": 40, "covariates": ["sex"]},
    )
    targets = [f"results/tiny/select_variants/{chrom}.zarr.zip" for chrom in ("21", "22")]
    targets += [
        f"results/tiny/{each}"
        for each in ("plot_selection/selection.svg", "check_cohort/check.html")
    ]
    result = snakemake(folder, *targets, study=study)
    assert result.returncode == 0, result.stdout + result.stderr
    results = folder / "results/tiny"
    stores = [CohortStore(folder / path) for path in targets[:2]]
    assert sum(len(store.variants) for store in stores) == 40
    labels = set(stores[0].people.label)
    assert {"AFR/case", "AFR/control", "EUR/case"} <= labels
    page = (results / "check_cohort/check.html").read_text()
    assert "simulated, not these people" in page and "Too small to choose variants" in page
    planned = planned_rules(folder, study=study)
    assert "assign_genes" in planned and not planned & {"scan_training", "simulate_trait"}

    wrong = change_study(folder, selection={"kind": "association", "covariates": ["bmi"]})
    result = snakemake(folder, "results/tiny/require_possible_plans/passed.txt", study=wrong)
    assert "no column 'bmi'" in (results / "logs/require_possible_plans.log").read_text()
    assert result.returncode != 0
