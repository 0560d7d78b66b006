"""Known cheats are caught, and real people pass."""

import itertools

import numpy as np
import pytest
from attacked import LABELS, N_VARIANTS, OPTIONS, attacked_cohort, population_calls
from cohorts import NAMES, people_of, row_of, store_of, value_of

from syncohort.baselines.alleles import draw_alleles
from syncohort.cohort_store import CohortStore
from syncohort.evaluation.groups import KEYS
from syncohort.evaluation.privacy.measure import measure_privacy
from syncohort.evaluation.privacy.near_copies import near_rows, nearness
from syncohort.evaluation.privacy.risk import measure_risk
from syncohort.evaluation.tidy import TIDY_COLUMNS
from syncohort.evaluation.verdicts.bounds import FAIL, LOOK, NOT_MEASURED, PASS
from syncohort.evaluation.verdicts.judging import judge
from syncohort.evaluation.verdicts.metrics import COUNTED_PEOPLE
from syncohort.evaluation.verdicts.release import release_verdict


def draw_independent(calls, labels, drawn_labels, *, seed):
    """Calls of people drawn SNP by SNP from the label's frequencies."""
    rng = np.random.default_rng(seed)
    drawn = np.empty((len(calls), len(drawn_labels), 2), np.int8)
    for label in np.unique(labels):
        frequency = calls[:, labels == label].mean(axis=(1, 2))
        own = drawn_labels == label
        drawn[:, own] = rng.random((len(calls), own.sum(), 2)) < frequency[:, None, None]
    return drawn


def copied_people(cohort):
    """Training people drawn with replacement within their label."""
    rng, train_labels = np.random.default_rng(3), cohort.train_labels
    return np.concatenate(
        [rng.choice(np.flatnonzero(train_labels == label), n) for label, n in LABELS.items()]
    )


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return attacked_cohort(tmp_path_factory.mktemp("privacy"))


@pytest.fixture(scope="module")
def fresh(cohort):
    """Other people of the same populations: what a perfect generator would draw."""
    return cohort.measured("fresh", population_calls(cohort.train_labels, seed=2))


@pytest.fixture(scope="module")
def copied(cohort):
    return cohort.measured("copied", cohort.train[:, copied_people(cohort)])


def passes(metrics) -> None:
    """What must hold of people the generator was not trained on."""
    for group in ("holdout", "train"):
        for metric in ("aa_truth", "aa_syn"):
            assert 0.35 < value_of(metrics, metric, against=group) < 0.65
    assert abs(value_of(metrics, "privacy_loss")) < 0.06
    for group in ("hamming", "l1", "l2", "cosine"):
        assert 0.93 < value_of(metrics, "closest_record_ratio", method=group) < 1.07
    judged = judge(metrics, {})
    assert row_of(judged, "closest_record_tail")["verdict"] in (PASS, LOOK, NOT_MEASURED)
    assert value_of(metrics, "identical_share") == 0
    ours, theirs = (row_of(metrics, "window_copies", part=part) for part in ("", "holdout"))
    assert ours["low"] <= theirs["high"] + 0.02
    assert value_of(metrics, "data_copying") > -3
    for attack in ("distance", "density ratio", "frequency"):
        row = row_of(metrics, "membership_auc", method=attack)
        assert row["low"] < 0.5 + 0.02 and row["value"] < 0.57, attack
        assert row_of(metrics, "membership_tpr", method=attack, fpr="1 %")["low"] < 0.02
    for length in ("64", "256", "512"):
        for attack in ("windows", "window ratio"):
            row = row_of(metrics, "membership_auc", method=attack, window_snps=length)
            assert row["low"] < 0.5 + 0.02 and row["value"] < 0.57, (attack, length)
    ours, theirs = (
        row_of(metrics, "rare_haplotypes", part=p, carriers="5") for p in ("", "holdout")
    )
    assert ours["low"] < theirs["high"]
    for metric in ("linkability_gain", "attribute_gain"):
        of_all = metrics[(metrics["metric"] == metric) & (metrics["maf_bin"] == "")]
        assert (of_all["low"] < 0.02).all() and len(of_all) >= 2


def test_other_people_of_the_population_pass_everything(fresh):
    assert list(fresh.metrics.columns) == TIDY_COLUMNS
    passes(fresh.metrics)


def test_validation_people_pass_as_the_row_of_their_name(cohort):
    validation = cohort.splits == "validation"
    calls, labels = cohort.calls[:, validation], cohort.labels[validation]
    passes(cohort.measured("validation", calls, labels, is_validation=True).metrics)


def test_the_copier_fails(copied):
    metrics = copied.metrics
    assert value_of(metrics, "identical_share") == 1
    assert value_of(metrics, "window_copies") == 1
    for group in ("hamming", "l1", "l2", "cosine"):
        assert value_of(metrics, "closest_record_ratio", method=group) == 0
    assert value_of(metrics, "closest_record_tail") == 1
    assert value_of(metrics, "neighbour_distance_ratio") == 0
    assert value_of(metrics, "data_copying") < -10
    assert value_of(metrics, "privacy_loss") > 0.02
    for attack in (
        {"method": "distance"},
        {"method": "distance", "rows": "haplotypes"},
        {"method": "density ratio"},
    ):
        # of those drawn with replacement a share 1 - 1/e are there: AUC 0.63 + 0.37 / 2
        assert row_of(metrics, "membership_auc", **attack)["low"] > 0.75
    drawn = 1 - np.exp(-1)
    for attack in ({"method": "distance"}, {"method": "windows", "window_snps": "256"}):
        found = value_of(metrics, "membership_tpr", **attack, fpr="1 %")
        assert found == pytest.approx(drawn, abs=0.06)
    for known in ("50", "100"):  # SNPs are enough to find a copy
        assert value_of(metrics, "membership_auc", method="profile", known_snps=known) > 0.75
        assert row_of(metrics, "linkability_gain", method="profile", known_snps=known)["low"] > 0.2
    assert row_of(metrics, "attribute_gain", method="hidden 100 kb")["low"] > 0.05
    assert value_of(metrics, "rare_haplotypes", carriers="5") == 1
    assert value_of(metrics, "rare_haplotypes", part="holdout", carriers="5") < 0.5


def test_the_window_copier_is_found_by_windows(cohort):
    """Each synthetic haplotype is joined of stretches of 50 SNPs of training haplotypes."""
    rng = np.random.default_rng(11)
    drawn = np.empty_like(cohort.train)
    for label in LABELS:
        own = np.flatnonzero(cohort.train_labels == label)
        pool = cohort.train[:, own].reshape(len(drawn), -1)
        for start in range(0, len(drawn), 50):
            stretch = slice(start, start + 50)
            taken = rng.integers(pool.shape[1], size=(len(own), 2))
            drawn[stretch, own] = pool[stretch][:, taken]
    metrics = cohort.measured("window copier", drawn).metrics
    assert value_of(metrics, "copied_people") == 0
    whole = value_of(metrics, "membership_auc", method="distance")
    windows = row_of(metrics, "membership_auc", method="windows", window_snps="64")
    assert windows["low"] > 0.95 and whole < 0.8


def test_the_reshuffled_panel_is_found_by_windows(cohort):
    """Every allele count is right, and windows hold training haplotypes."""
    path, people = cohort.folder / "reshuffled.zip", people_of(cohort.train_labels, prefix="s")
    settings = {"generations": 1_000, "recombination_map": None}
    draw_alleles(cohort.real, people, path, kind="reshuffle", seed=5, **settings)
    drawn = CohortStore(path).read()
    np.testing.assert_array_equal(drawn.sum(axis=(1, 2)), cohort.train.sum(axis=(1, 2)))
    metrics = cohort.measured("reshuffled panel", drawn).metrics
    windows = row_of(metrics, "membership_auc", method="windows", window_snps="64")
    assert windows["low"] > 0.9


def test_the_copier_of_a_label_tells_the_label(tmp_path):
    """Labels that nothing in the genotypes says, copied with the genotypes."""
    rng = np.random.default_rng(12)
    splits = np.repeat(["train", "validation", "holdout"], (200, 60, 60)).astype(object)
    labels = rng.choice(["case", "control"], len(splits)).astype(object)
    calls = population_calls(np.full(len(splits), "x", object), seed=5)
    train = splits == "train"
    real = store_of(tmp_path / "r.zip", calls, people_of(labels, splits))
    for name, order in (("kept", np.arange(200)), ("shuffled", rng.permutation(200))):
        people = people_of(labels[train][order], prefix="s")
        synthetic = store_of(tmp_path / f"{name}.zip", calls[:, train], people)
        metrics = measure_privacy([real], [synthetic], **OPTIONS).metrics
        row = row_of(metrics, "attribute_gain", method="hidden label")
        assert row["low"] > 0.2 if name == "kept" else row["low"] < 0.02


def test_the_one_in_twenty_copier_fails(cohort):
    drawn = population_calls(cohort.train_labels, seed=4)
    drawn[:, ::20] = cohort.train[:, ::20]
    metrics = cohort.measured("few copies", drawn).metrics
    assert value_of(metrics, "identical_share") == pytest.approx(0.05)
    assert row_of(metrics, "identical_share")["low"] > 0
    assert value_of(metrics, "closest_record_tail") > 0.05
    for label in LABELS:
        copies, everybody = (
            (each == label).sum() for each in (cohort.train_labels[::20], cohort.train_labels)
        )
        share = value_of(metrics, "identical_share", label=label)
        assert share == pytest.approx(copies / everybody)
        assert value_of(metrics, "identical_share", label=label, part="holdout") == 0
    # medians do not see it: the reason why the tail is measured
    assert value_of(metrics, "closest_record_ratio", method="hamming") > 0.93


def test_inexact_copies_of_one_in_twenty_show_in_the_tail(cohort):
    drawn = population_calls(cohort.train_labels, seed=4)
    drawn[:, ::20] = cohort.train[:, ::20]
    flipped = np.random.default_rng(5).random(drawn.shape) < 0.01
    drawn[flipped] ^= 1
    metrics = cohort.measured("near copies", drawn).metrics
    assert value_of(metrics, "identical_share") == 0
    assert value_of(metrics, "closest_record_tail") > 0.045
    assert row_of(judge(metrics, {}), "closest_record_tail")["verdict"] == FAIL


def near_copies_of(cohort, people, *, seed):
    """Training people with 10 % of alleles drawn anew at the label's frequency."""
    copies = cohort.train[:, people]
    labels = cohort.train_labels[people]
    anew = draw_independent(cohort.train, cohort.train_labels, labels, seed=seed)
    redrawn = np.random.default_rng(seed).random(copies.shape) < 0.1
    return np.where(redrawn, anew, copies)


def verdicts_of(cohort, drawn, labels, **options) -> dict[str, str]:
    """Verdicts on the people counted, and on the release."""
    metrics = cohort.measured(f"v{len(list(cohort.folder.iterdir()))}", drawn, labels, **options)
    judged = judge(metrics.metrics, {})
    own = judged[(judged["verdict"] != "") & judged["metric"].isin(COUNTED_PEOPLE)]
    found = own.set_index("metric")["verdict"].to_dict()
    return found | {"release": release_verdict(judged, NAMES["generator"])}


HALVES = {  # of the genome, which is copied
    "first half": np.arange(N_VARIANTS) < N_VARIANTS // 2,
    "half of stretches": np.arange(N_VARIANTS) // 25 % 2 == 0,
}


@pytest.mark.parametrize(
    ("kind", "share"),
    [
        *itertools.product(("copies", "near copies"), (None, 0.01, 0.05)),
        *itertools.product(HALVES, (None, 0.01)),
    ],
)
def test_copies_and_near_copies_fail_with_their_number(cohort, kind, share):
    """None: one person. 400 people are released."""
    drawn = population_calls(cohort.train_labels, seed=21)
    n = 1 if share is None else round(share * drawn.shape[1])
    people = np.linspace(0, drawn.shape[1] - 1, n).round().astype(int)
    near = kind == "near copies"
    copies = near_copies_of(cohort, people, seed=3) if near else cohort.train[:, people]
    copied = HALVES.get(kind, np.ones(N_VARIANTS, bool))
    drawn[:, people] = np.where(copied[:, None, None], copies, drawn[:, people])
    found = verdicts_of(cohort, drawn, cohort.train_labels)
    assert found["near_copies"] == FAIL  # a copy is a near one
    assert found["copied_people"] == (FAIL if kind == "copies" else PASS)
    assert found["release"].level == FAIL
    assert f"training people: {n} of 400 people" in found["release"].sentence


def test_real_people_as_the_release_are_no_copies(cohort):
    for split in ("validation", "holdout"):
        own = cohort.splits == split
        options = {"is_validation": split == "validation"}
        found = verdicts_of(cohort, cohort.calls[:, own], cohort.labels[own], **options)
        assert found["copied_people"] == found["near_copies"] == PASS
    drawn = population_calls(cohort.train_labels, seed=22)
    assert verdicts_of(cohort, drawn, cohort.train_labels)["near_copies"] == PASS


def risk_of(cohort, name, drawn, labels):
    store = store_of(cohort.folder / f"risk {name}.zip", drawn, people_of(labels, prefix="s"))
    options = {"max_people": 3_000, "seed": 1, "is_validation": name == "validation", **NAMES}
    return measure_risk([cohort.real], [store], **options)


def test_one_near_copy_is_the_riskiest_person(cohort):
    drawn = population_calls(cohort.train_labels, seed=21)
    honest = risk_of(cohort, "honest", drawn, cohort.train_labels)
    assert row_of(judge(honest.metrics, {}), "riskiest_person")["verdict"] == PASS
    drawn[:, [7]] = near_copies_of(cohort, np.array([7]), seed=3)
    risk = risk_of(cohort, "near", drawn, cohort.train_labels)
    assert row_of(judge(risk.metrics, {}), "riskiest_person")["verdict"] == FAIL
    assert risk.people["p"].argmin() == 7 and (risk.people["p"].drop(7) > 1e-4).all()
    # the distance is to the nearest training person, by a plain loop
    training = cohort.train.sum(axis=2)
    for person in (0, 7, 100):
        apart = np.abs(drawn[:, person].sum(axis=1)[:, None] - training).mean(axis=0)
        assert risk.people["distance"][person] == pytest.approx(apart.min())


def test_people_nobody_was_trained_on_have_no_riskiest_person(cohort):
    for split in ("validation", "holdout"):
        own = cohort.splits == split
        risk = risk_of(cohort, split, cohort.calls[:, own], cohort.labels[own])
        assert row_of(judge(risk.metrics, {}), "riskiest_person")["verdict"] == PASS
        assert risk.people["p"].between(0, 1).all() and len(risk.people) == own.sum()


def test_relatives_among_real_people_are_allowed_for():
    """A twin among 500 real people leads to expect four among 2,000; 20 are more than chance."""
    rng = np.random.default_rng(0)
    real, ours = (np.exp(-0.1 - 0.05 * rng.exponential(size=n)) for n in (500, 2_000))
    real[7] = 0.01
    for n, passes in ((0, True), (4, True), (20, False)):
        drawn = ours.copy()
        drawn[:n] = 0.01
        rows = near_rows(drawn, real)
        level = row_of(rows, "near_copies", part="real")
        assert (value_of(rows, "near_copies") <= level["high"]) == passes, n


@pytest.mark.parametrize("n_real", [120, 250])
@pytest.mark.parametrize("kind", ["exponential", "two kinds of people"])
def test_honest_people_rarely_count_as_near_copies(kind, n_real):
    """Tails as heavy as an exponential's, or of labels that differ, known from few people."""
    rng = np.random.default_rng(1)
    failed = 0
    for _ in range(200):
        depths = [rng.exponential(size=n) for n in (n_real, 4 * n_real)]
        if kind != "exponential":
            depths = [each * np.where(rng.random(len(each)) < 0.2, 1.5, 1) for each in depths]
        real, ours = (np.exp(-0.3 * each) for each in depths)
        rows = near_rows(ours, real)
        failed += value_of(rows, "near_copies") > row_of(rows, "near_copies", part="real")["high"]
    assert failed <= 16


def test_nearness_is_that_of_the_tenth_nearest():
    distances = np.array([[3.0, 1.0, 2.0] + [5.0] * 7 + [9.0], [0.0] * 11])
    np.testing.assert_allclose(nearness(distances), [1 / 5, 1e-3])


def test_independent_snps_are_far_from_everybody_but_not_by_membership(cohort):
    drawn = draw_independent(cohort.train, cohort.train_labels, cohort.train_labels, seed=6)
    metrics = cohort.measured("independent", drawn).metrics
    assert value_of(metrics, "aa_truth", against="holdout") > 0.75
    assert value_of(metrics, "identical_share") == 0
    assert row_of(metrics, "membership_auc", method="distance")["low"] < 0.52


def test_small_labels_leak_through_frequencies(tmp_path):
    """Independent SNPs, so that no other door is open: eight labels of 20, one of 400."""
    sizes = {f"small {i}": (20, 10, 10) for i in range(8)} | {"large": (400, 60, 60)}
    labels = np.concatenate([[name] * sum(n) for name, n in sizes.items()]).astype(object)
    splits = np.concatenate(
        [np.repeat(["train", "validation", "holdout"], n) for n in sizes.values()]
    ).astype(object)
    rng = np.random.default_rng(0)
    frequency = rng.uniform(0.05, 0.95, 600)
    calls = (rng.random((600, len(labels), 2)) < frequency[:, None, None]).astype(np.int8)
    train = splits == "train"
    drawn = draw_independent(calls[:, train], labels[train], labels[train], seed=1)
    real = store_of(tmp_path / "r.zip", calls, people_of(labels, splits))
    synthetic = store_of(tmp_path / "s.zip", drawn, people_of(labels[train]))
    metrics = measure_privacy([real], [synthetic], **OPTIONS).metrics
    small = row_of(metrics, "membership_auc", label_size="0-49", method="frequency")
    large = row_of(metrics, "membership_auc", label_size="200-999", method="frequency")
    assert small["value"] > 0.9 and small["low"] > 0.85
    assert large["value"] < 0.75 < small["low"]
    assert value_of(metrics, "membership_auc", method="distance") < 0.6
    row = row_of(metrics, "membership_auc", label="small 0", method="frequency")
    assert np.isnan(row["value"]) and row["note"] == "too few: 10 people"


def test_the_copier_fails_without_phase_too(cohort):
    swapped = np.random.default_rng(7).random(cohort.train.shape[1:2]) < 0.5
    drawn = cohort.train.copy()
    drawn[:, swapped] = drawn[:, swapped, ::-1]
    metrics = cohort.measured("unphased", drawn, mode="genotype").metrics
    assert value_of(metrics, "identical_share") == 1
    assert value_of(metrics, "closest_record_ratio", method="hamming") == 0
    assert (
        value_of(metrics, "membership_auc", method="distance") == 1
    )  # every training person is there
    assert "haplotypes" not in set(metrics["rows"])


def test_copies_with_missing_calls_are_still_copies(cohort, tmp_path):
    calls = cohort.calls.copy()
    missing = np.random.default_rng(8).random(calls.shape[:2]) < 0.01
    calls[missing] = -1
    real = store_of(tmp_path / "r.zip", calls, people_of(cohort.labels, cohort.splits))
    drawn = calls[:, cohort.splits == "train"]
    synthetic = store_of(tmp_path / "s.zip", drawn, people_of(cohort.train_labels, prefix="s"))
    metrics = measure_privacy([real], [synthetic], **OPTIONS).metrics
    assert value_of(metrics, "identical_share") == 1
    assert value_of(metrics, "closest_record_ratio", method="hamming") == 0
    assert value_of(metrics, "membership_auc", method="distance") == 1


def test_chromosomes_count_together(cohort, copied, tmp_path):
    """Two stores with the halves of the variants give what one store gives."""
    halves = {"1": slice(0, 250), "2": slice(250, None)}
    drawn = cohort.train[:, copied_people(cohort)]
    people = people_of(cohort.train_labels, prefix="s")
    real, synthetic = [], []
    for contig, part in halves.items():
        own = people_of(cohort.labels, cohort.splits)
        real.append(store_of(tmp_path / f"r{contig}", cohort.calls[part], own, contig=contig))
        synthetic.append(store_of(tmp_path / f"s{contig}", drawn[part], people, contig=contig))
    metrics = measure_privacy(real, synthetic, **OPTIONS).metrics
    cut = ["window_copies", "attribute_gain", "rare_haplotypes", "small_counts"]  # by chromosome
    exact = ~metrics["metric"].isin(cut)
    exact &= ~metrics["method"].isin(["windows", "window ratio", "child's haplotype"])
    same = metrics[exact].merge(copied.metrics, on=["metric", *KEYS])
    assert len(same) == exact.sum()
    np.testing.assert_allclose(same["value_x"], same["value_y"], atol=1e-6)


def test_people_are_scored_one_by_one(copied, cohort):
    people = copied.people
    whole = ["distance", "density_ratio", "frequency"]
    windows = [f"window{kind}_{n}" for n in (64, 256, 512) for kind in ("s", "_ratio")]
    assert list(people) == ["person", "label", "member", *whole, *windows]
    assert people["member"].sum() == (cohort.splits == "train").sum()
    assert len(people) == people["member"].sum() + (cohort.splits == "holdout").sum()
    assert (people.loc[people["distance"] == 0, "member"]).all()


def test_sampled_people_still_give_their_copies_away(cohort):
    drawn = cohort.train[:, copied_people(cohort)]
    metrics = cohort.measured("sampled", drawn, max_people=200).metrics
    assert value_of(metrics, "identical_share") == 1  # everybody is looked at
    assert row_of(metrics, "membership_auc", method="distance")["low"] > 0.55


def test_too_few_people_are_said_to_be(cohort):
    calls = population_calls(cohort.train_labels[:12], seed=9)
    privacy = cohort.measured("few", calls, cohort.train_labels[:12])
    assert privacy.metrics["value"].isna().all()
    assert (privacy.metrics["note"] == "too few: 12 people").all()
    assert privacy.people.empty
