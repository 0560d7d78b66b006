"""Known cheats are caught, real people pass, and every attack against a plain loop."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cohorts import NAMES, people_of, row_of, store_of, value_of, worded
from scipy.stats import mannwhitneyu

from syncohort.evaluation.groups import KEYS, Group
from syncohort.evaluation.privacy.copies import WINDOW_SNPS, find_copies
from syncohort.evaluation.privacy.frequency_attack import count_alleles, frequency_scores
from syncohort.evaluation.privacy.measure import measure_privacy
from syncohort.evaluation.privacy.membership import Targets, membership_rows
from syncohort.evaluation.privacy.near_copies import near_rows, nearness
from syncohort.evaluation.privacy.neighbours import pairwise_distances
from syncohort.evaluation.privacy.record_distances import adversarial_rows, data_copying_row
from syncohort.evaluation.privacy.risk import measure_risk
from syncohort.evaluation.tidy import TIDY_COLUMNS
from syncohort.evaluation.verdicts.bounds import FAIL, PASS
from syncohort.evaluation.verdicts.judging import judge
from syncohort.evaluation.verdicts.metrics import COUNTED_PEOPLE
from syncohort.evaluation.verdicts.release import release_verdict

N_VARIANTS = 500
LABELS = {"x": 250, "y": 150}  # training people
OPTIONS = {"mode": "haplotype", "minimum_people": 20, "max_people": 3_000, "seed": 1, **NAMES}


def population_calls(labels, *, seed, n_variants=N_VARIANTS, n_founders=60, jump=0.04):
    """Calls [V, S, 2] of people whose haplotypes are mosaics of their label's many founders."""
    calls = np.empty((n_variants, len(labels), 2), np.int8)
    rng = np.random.default_rng(seed)
    for label in np.unique(labels):
        founders = np.random.default_rng(sum(map(ord, label)))
        pool = founders.random((n_variants, n_founders)) < founders.beta(1, 2, (n_variants, 1))
        own = np.flatnonzero(labels == label)
        starts = rng.random((n_variants, 2 * len(own))) < jump
        starts[0] = True
        drawn = rng.integers(n_founders, size=starts.shape)
        last = np.maximum.accumulate(np.where(starts, np.arange(n_variants)[:, None], 0), axis=0)
        source = np.take_along_axis(drawn, last, axis=0)
        calls[:, own] = np.take_along_axis(pool, source, axis=1).reshape(n_variants, -1, 2)
    return calls


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
    """Real people of two labels, and makers of synthetic cohorts from calls [V, S, 2]."""
    folder = tmp_path_factory.mktemp("privacy")
    splits, labels = [], []
    for label, n_train in LABELS.items():
        for split, n in (("train", n_train), ("validation", 60), ("holdout", 60)):
            splits += [split] * n
            labels += [label] * n
    splits, labels = np.array(splits, object), np.array(labels, object)
    calls = population_calls(labels, seed=1)
    train = splits == "train"
    stores = {"real": store_of(folder / "real.zip", calls, people_of(labels, splits))}

    def measured(name, drawn, drawn_labels=labels[train], **options):
        people = people_of(drawn_labels, prefix="s")
        store = store_of(folder / f"{name}.zip", drawn, people, phased=not options.get("mode"))
        return measure_privacy([stores["real"]], [store], **(OPTIONS | options))

    return SimpleNamespace(
        folder=folder,
        real=stores["real"],
        calls=calls,
        labels=labels,
        splits=splits,
        train=calls[:, train],
        train_labels=labels[train],
        measured=measured,
    )


@pytest.fixture(scope="module")
def fresh(cohort):
    """Other people of the same populations: what a perfect generator would draw."""
    return cohort.measured("fresh", population_calls(cohort.train_labels, seed=2))


@pytest.fixture(scope="module")
def copied(cohort):
    return cohort.measured("copied", cohort.train[:, copied_people(cohort)])


# ---------------------------------------------------------------- known cheats


def passes(metrics) -> None:
    """What must hold of people the generator was not trained on."""
    for group in ("holdout", "train"):
        for metric in ("aa_truth", "aa_syn"):
            assert 0.35 < value_of(metrics, metric, against=group) < 0.65
    assert abs(value_of(metrics, "privacy_loss")) < 0.06
    for group in ("hamming", "l1", "l2", "cosine"):
        assert 0.93 < value_of(metrics, "closest_record_ratio", method=group) < 1.07
    assert row_of(metrics, "closest_record_tail")["low"] < 0.02
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
    assert row_of(metrics, "closest_record_tail")["low"] > 0.02


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


def test_honest_people_rarely_count_as_near_copies():
    """Tails as heavy as an exponential's, known from 250 people, are the worst: few of 200 fail."""
    rng = np.random.default_rng(1)
    failed = 0
    for _ in range(200):
        real, ours = (np.exp(-0.3 * rng.exponential(size=n)) for n in (250, 1_000))
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


# ---------------------------------------------------------------- against plain computations


def test_labels_are_compared_with_themselves():
    """Scores that differ between labels alone tell nothing about membership."""
    rng = np.random.default_rng(1)
    label = np.repeat(["x", "y"], 400).astype(object)
    member = rng.random(800) < np.where(label == "x", 0.9, 0.3)
    targets = Targets(np.arange(800).astype(str), label, member, {"x": 360, "y": 30})
    rows = membership_rows(
        Group(method="test"),
        np.where(label == "x", 9, 0) + rng.normal(size=800),
        targets,
        minimum_people=9,
        seed=0,
    )
    row = row_of(rows, "membership_auc", method="test")
    assert row["low"] < 0.5 < row["high"] and row["high"] - row["low"] < 0.15
    groups = worded(pd.DataFrame(rows))["group"].tolist()
    assert groups == [
        "test",
        "test, labels of 0-49 people",
        "test, labels of 200-999 people",
        "test, label x",
        "test, label y",
        "test, at 1 % false positives",
        "test, at 10 % false positives",
    ]


def test_frequency_scores_equal_homers_sum(tmp_path):
    rng = np.random.default_rng(2)
    calls = rng.integers(-1, 2, (40, 9, 2)).astype(np.int8)
    store = store_of(tmp_path / "c.zip", calls, people_of(["x"] * 9))
    reference, synthetic = np.arange(9) < 5, np.arange(9) >= 5
    counts = count_alleles(store, {"reference": reference, "synthetic": synthetic})

    def frequency(people):
        return [
            np.mean(c) if (c := calls[v, people][calls[v, people] >= 0]).size else np.nan
            for v in range(40)
        ]

    ours = frequency(np.flatnonzero(synthetic))
    for person in range(5):
        theirs = frequency([p for p in range(5) if p != person])
        expected = [0.0, 0.0]
        for v in range(40):
            for copy in range(2):
                x = calls[v, person, copy]
                if x >= 0 and not np.isnan(theirs[v] + ours[v]):
                    expected[copy] += abs(x - theirs[v]) - abs(x - ours[v])
        found = frequency_scores(
            calls[:, person].T, 2, counts["synthetic"], counts["reference"], in_reference=True
        )
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_copies_equal_a_plain_search(cohort):
    drawn = population_calls(cohort.train_labels, seed=10)
    drawn[100:400, 7, 1] = cohort.train[100:400, 3, 0]
    people = people_of(cohort.train_labels, prefix="s")
    synthetic = store_of(cohort.folder / "stretch.zip", drawn, people)
    copies = find_copies([cohort.real], [synthetic], "haplotype", seed=0)
    assert list(copies["synthetic"].windows) == [length for length in WINDOW_SNPS if length <= 500]
    training = cohort.train.reshape(N_VARIANTS, -1).T
    for length, shares in copies["synthetic"].windows.items():
        starts = range(0, N_VARIANTS - length + 1, length)
        known = [{row.tobytes() for row in training[:, s : s + length]} for s in starts]
        for person in (0, 7, 50):
            rows = drawn[:, person].T
            found = [
                rows[i, s : s + length].tobytes() in known[w]
                for i in range(2)
                for w, s in enumerate(starts)
            ]
            assert shares[person] == pytest.approx(np.mean(found))
    assert copies["synthetic"].windows[125][7] >= 0.25


def test_adversarial_accuracy_equals_a_plain_loop():
    rng = np.random.default_rng(3)
    groups = {name: rng.integers(0, 2, (24, 60)) for name in ("train", "holdout", "synthetic")}
    distances = {
        (a, b): pairwise_distances(groups[a].astype(np.int8), groups[b].astype(np.int8))
        for a in groups
        for b in groups
    }
    labels = {name: np.full(24, "x") for name in groups}
    rows = adversarial_rows(distances, labels, 1, 20, rng)
    for real in ("train", "holdout"):
        for metric, ours, theirs in (
            ("aa_truth", real, "synthetic"),
            ("aa_syn", "synthetic", real),
        ):
            score = 0
            for i, x in enumerate(groups[ours]):
                other = min((x != y).sum() for y in groups[theirs])
                own = min((x != y).sum() for j, y in enumerate(groups[ours]) if j != i)
                score += 1 if other > own else 0.5 if other == own else 0
            assert value_of(rows, metric, against=real) == pytest.approx(score / 24)
    mean = {
        g: sum(value_of(rows, m, against=g) for m in ("aa_truth", "aa_syn")) / 2
        for g in groups
        if g != "synthetic"
    }
    assert value_of(rows, "privacy_loss") == pytest.approx(mean["holdout"] - mean["train"])


def test_data_copying_is_the_mann_whitney_z():
    rng = np.random.default_rng(4)
    ours, holdout = rng.normal(0.3, 1, 80), rng.normal(0, 1, 60)
    distances = {("synthetic", "train"): ours[:, None], ("holdout", "train"): holdout[:, None]}
    labels = {"synthetic": np.full(80, "x"), "holdout": np.full(60, "x")}
    z = data_copying_row(distances, labels, 1)["value"]
    statistic = mannwhitneyu(ours, holdout, method="asymptotic").statistic
    assert z == pytest.approx((statistic - 80 * 60 / 2) / np.sqrt(80 * 60 * 141 / 12))


# ---------------------------------------------------------------- white box


def generator_of(folder, latents, labels, is_validation, **recipe):
    """A tiny diffusion model of latents [N, G, K]."""
    from latent_cohorts import train_diffusion

    from syncohort.diffusion.model import load_generator

    folder.mkdir()
    np.save(folder / "1.npy", latents)
    train_diffusion(
        [folder / "1.npy"],
        [np.ones(latents.shape[1:], dtype=bool)],
        labels,
        is_validation,
        ["x", "y"],
        checkpoint_path=folder / "checkpoint",
        denoiser={"kind": "mlp", "widths": [256, 64]},
        schedule="cosine",
        n_steps=100,
        batch_size=32,
        learning_rate=2e-3,
        seed=0,
        device="cpu",
        **recipe,
    )
    return load_generator(folder / "checkpoint")


def white_box_row(generator, latents, labels, member):
    from syncohort.evaluation.privacy.white_box import TIMES, row_losses

    losses = row_losses(generator, latents, labels, seed=1, device="cpu")
    assert losses.shape == (len(latents), len(TIMES))
    names = np.array(["x", "y"], object)[labels]
    targets = Targets(np.arange(len(names)).astype(str), names, member, {"x": 40, "y": 40})
    scores = -losses[:, TIMES.index(0.2)]
    return membership_rows(Group(method="white box"), scores, targets, minimum_people=20, seed=2)[0]


@pytest.mark.slow
def test_white_box_attack_sees_the_memorising_model_and_passes_the_fresh_one(tmp_path):
    """A model that is kept for its loss on the training rows themselves learns them by heart."""
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(240, 12, 4)).astype(np.float32)
    labels = np.arange(240) % 2
    member = np.arange(240) < 80
    trained, own = latents[member], labels[member]
    by_heart = generator_of(
        tmp_path / "by heart",
        np.concatenate([trained, trained]),
        np.concatenate([own, own]),
        np.arange(160) >= 80,
        epochs=200,
        prior_factors=None,
        label_dropout=0,
    )
    row = white_box_row(by_heart, latents, labels, member)
    assert row["value"] > 0.9 and row["low"] > 0.85
    # trained on other rows, so that none of these is known to it
    fresh = generator_of(
        tmp_path / "fresh",
        rng.normal(size=(400, 12, 4)).astype(np.float32),
        np.arange(400) % 2,
        np.arange(400) >= 320,
        epochs=3,
    )
    row = white_box_row(fresh, latents, labels, member)
    assert row["low"] < 0.5 < row["high"]


def test_losses_belong_to_rows(tmp_path):
    """The loss of a row does not depend on who is attacked with it."""
    from syncohort.evaluation.privacy.white_box import row_losses

    latents = np.random.default_rng(1).normal(size=(60, 5, 3)).astype(np.float32)
    labels = np.arange(60) % 2
    generator = generator_of(tmp_path / "g", latents, labels, np.arange(60) >= 40, epochs=1)
    before = latents.copy()
    together = row_losses(generator, latents, labels, seed=3, device="cpu")
    alone = row_losses(generator, latents[7:9], labels[7:9], seed=3, device="cpu")
    np.testing.assert_allclose(together[7:9], alone, rtol=1e-5)
    np.testing.assert_array_equal(latents, before)


def test_white_box_attack_on_a_cohort(cohort, tmp_path):
    """From genotypes to the table; the latents are those `encode_people` writes."""
    from syncohort.evaluation.privacy.white_box import Network, attack_generator
    from syncohort.generators.encoding import encode_people
    from syncohort.representations.base import encode_rows
    from syncohort.representations.blocks import assign_genes
    from syncohort.representations.gene_pca_fitting import fit_gene_pca

    people = cohort.real.people
    blocks = assign_genes(cohort.real.variants, None, intergenic="own", max_snps=20)
    model = fit_gene_pca(cohort.real, blocks, train=people.split == "train", mode="haplotype")
    encode_people([cohort.real], model, tmp_path / "all.npy", tmp_path / "all.npz")
    latents = np.load(tmp_path / "all.npy")
    trained = people.split != "holdout"
    index = np.flatnonzero(trained)[::3]
    found = np.concatenate(list(encode_rows([cohort.real], [model], index)))
    np.testing.assert_allclose(  # the file holds float16
        found.reshape(len(index), 2, -1), latents.reshape(trained.sum(), 2, -1)[::3], atol=2e-3
    )

    labels = np.repeat((people.label[trained] == "y").astype(int), 2)
    is_validation = np.repeat(people.split[trained] == "validation", 2)
    recipe = {"epochs": 2, "prior_factors": None}
    generator = generator_of(tmp_path / "g", latents, labels, is_validation, **recipe)
    options = {"cohort": "test", "name": "mlp", "seed": 0, "device": "cpu"}
    networks = [Network(generator, [cohort.real], [model])]
    metrics, table = attack_generator(
        networks, [cohort.real], [model], minimum_people=20, max_people=200, **options
    )
    assert list(metrics.columns) == TIDY_COLUMNS
    row = row_of(metrics, "membership_auc", method="white box")
    assert row["low"] < 0.5 < row["high"]
    assert {"white box, haplotypes", "white box, label x", "white box, t = 0.05 T"} <= set(
        worded(metrics)["group"]
    )
    assert table["member"].sum() == 200 and len(table) == 300
    metrics, table = attack_generator(
        networks, [cohort.real], [model], minimum_people=200, max_people=200, **options
    )
    assert metrics["note"].tolist()[0] == "too few: 100 people"
