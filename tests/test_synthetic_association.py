"""Associations of synthetic people against real people's: cheats in known ways, true effects."""

import numpy as np
import pandas as pd
import pytest
from association_cohorts import draw_calls, store_of
from cohorts import worded

from syncohort.association.ancestry import PrincipalAxes
from syncohort.cohort_store import CohortStore
from syncohort.dosages import read_dosages
from syncohort.errors import InputError
from syncohort.evaluation.association.discoveries import find_causal_snps, read_causal_snps
from syncohort.evaluation.association.measure import REAL, measure_association, scan_cohort
from syncohort.evaluation.tidy import TIDY_COLUMNS
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants

OPTIONS = {"case_label": "case", "n_components": 2, "minimum_people": 20, "seed": 3}
NAMES = {"cohort": "test", "generator": "under test"}


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
