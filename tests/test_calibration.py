"""Verdicts: bounds from calibration rows, and what known cheats and real people get."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from fabricated import CALIBRATION, LABELS, metrics

from syncohort.evaluation.tables import read_tables
from syncohort.evaluation.tidy import MAJORITY, metric_row, tidy
from syncohort.evaluation.verdicts.bounds import (
    FAIL,
    LOOK,
    NOT_MEASURED,
    PASS,
    Bounds,
    Level,
    above,
    at_most,
    near,
    near_level,
    share_of,
    shortfall,
    times,
)
from syncohort.evaluation.verdicts.judging import judge, label_checklist, release_checklist
from syncohort.evaluation.verdicts.metrics import (
    DIMENSIONS,
    METRICS,
    describe,
    find_metric,
    label_of,
)


def study(**rows) -> pd.DataFrame:
    """Tidy tables of generators: name=[(metric, group, value, low, high), ...]."""
    tables = [
        tidy([metric_row(*row) for row in own], cohort="c", generator=name)
        for name, own in rows.items()
    ]
    return pd.concat(tables, ignore_index=True)


def verdicts(**rows) -> dict[str, str]:
    """Verdict by generator, of studies with one row each."""
    judged = judge(study(**{name: [row] for name, row in rows.items()}), CALIBRATION)
    return dict(zip(judged["generator"], judged["verdict"], strict=True))


# --- rules


def test_a_value_passes_inside_deserves_a_look_near_by_and_fails_beyond():
    bounds = Bounds(0.9, 1.1, 0.6, 1.4)
    assert [bounds.verdict(v) for v in (0.9, 1.1, 0.6, 1.4, 0.59, 1.41)] == (
        [PASS] * 2 + [LOOK] * 2 + [FAIL] * 2
    )
    assert bounds.verdict(math.nan) == NOT_MEASURED


def test_an_interval_that_reaches_what_passes_leaves_it_open():
    bounds = Bounds(0.9, 1.1, 0.8, 1.2)
    assert bounds.verdict(0.5, 0.2, 0.95) == LOOK
    assert bounds.verdict(0.5, 0.2, 0.85) == FAIL
    assert bounds.verdict(1.0, 0.2, 1.8) == PASS


def test_excess_is_0_where_it_passes_and_1_where_failing_begins():
    bounds = Bounds(0.9, 1.1, 0.6, 1.2)
    assert [round(bounds.excess(v), 9) for v in (1.0, 0.9, 0.75, 0.6, 1.2)] == [0, 0, 0.5, 1, 1]
    assert Bounds(pass_high=2, look_high=3).excess(-100) == 0


def test_what_unseen_people_reach_by_chance_passes():
    level = {"unseen": Level(1.0, 0.8, 1.3)}
    assert near(1, 0.1, 0.2)(level, False) == Bounds(0.8, 1.3, 0.8, 1.3)
    assert at_most(0.53, 0.6)({"unseen": Level(0.5, 0.4, 0.55)}, False).pass_high == 0.55
    assert near(1, 0.1, 0.2)({}, False) == Bounds(0.9, 1.1, 0.8, 1.2)


def test_errors_are_measured_in_those_of_the_copy():
    level = {"bootstrap": Level(0.01, 0.01, 0.01)}
    rule = times("bootstrap", passes=1.2, looks=1.5)
    assert rule(level, False).pass_high == pytest.approx(0.012)
    # unseen people are as few as the holdout: the variance of the difference doubles
    assert rule(level, True).pass_high == pytest.approx(0.012 * math.sqrt(2))
    assert shortfall("bootstrap", 2, 4)({"bootstrap": Level(0.9, 0, 1)}, False).pass_low == (
        pytest.approx(0.8)
    )


@pytest.mark.parametrize(
    "rule",
    [
        times("bootstrap", passes=1, looks=2),
        shortfall("bootstrap", 1, 2),
        share_of("bootstrap", 0.9, 0.8),
        near_level("bootstrap", 0.1, 0.2),
        above("bootstrap", 0.1, 0.2),
    ],
)
def test_without_its_calibration_row_a_metric_is_not_judged(rule):
    assert rule({"unseen": Level(1, 1, 1)}, False) is None


def test_bounds_in_words():
    assert str(Bounds(pass_high=0.53)) == "at most 0.53"
    assert str(Bounds(pass_low=0.9)) == "at least 0.9"
    assert str(Bounds(0.9, 1.1)) == "0.9 to 1.1"


# --- registry


def test_every_metric_has_a_known_dimension_and_says_what_good_is():
    assert {metric.dimension for metric in METRICS} == set(DIMENSIONS)
    assert all(metric.good and metric.title for metric in METRICS)


def test_groups_find_their_own_entry():
    assert find_metric("membership_auc", "white box, label X").title.endswith("network itself")
    assert find_metric("membership_auc", "distance, label white box").title == "Membership told"
    assert find_metric("aa_truth", "holdout").dimension == "individuals"
    assert find_metric("aa_truth", "train").dimension == "privacy"
    assert find_metric("recovery_rate", "mlp, with real").rule is None
    assert find_metric("recovery_rate", "mlp, 4x").rule is not None
    assert find_metric("no such metric", "all") is None


def test_every_metric_the_evaluation_writes_is_known():
    folder = REPOSITORY / "workflow/src/syncohort/evaluation"
    text = "\n".join(file.read_text() for file in folder.rglob("*.py"))
    written = set(re.findall(r'_row\(\s*"([a-z][A-Za-z_]+)"', text))
    assert len(written) > 15
    assert written <= {metric.name for metric in METRICS}


def test_labels_in_groups():
    assert label_of("label case") == label_of("distance, label case") == "case"
    assert label_of("distance, labels of 50-199 people") == label_of("all") == ""
    assert describe(find_metric("ld_kept", "0-20 kb"), "0-20 kb") == "Linkage kept, 0-20 kb"


# --- known cheats, on the table of fabricated scores


@pytest.fixture(scope="module")
def checklist() -> pd.DataFrame:
    table = release_checklist(judge(metrics(), CALIBRATION))
    return table.set_index(["generator", "dimension"])["verdict"].unstack()


def test_unseen_real_people_pass_everything(checklist):
    measured = checklist.loc["unseen"].dropna()
    assert set(measured) == {PASS} and len(measured) == 5
    labels = label_checklist(judge(metrics(), CALIBRATION))
    assert set(labels.loc[labels["generator"] == "unseen", "verdict"]) == {PASS, NOT_MEASURED}


def test_a_copy_fails_privacy_and_nothing_else(checklist):
    assert checklist.loc["bootstrap", "privacy"] == FAIL
    assert set(checklist.loc["bootstrap"].drop("privacy")) == {PASS}


def test_independent_snps_fail_linkage(checklist):
    assert checklist.loc["independent", "linkage"] == FAIL
    assert checklist.loc["independent", "frequencies"] == PASS


def test_a_mosaic_fails_privacy_and_a_memoriser_everything(checklist):
    assert checklist.loc["mosaic", "privacy"] == FAIL
    assert set(checklist.loc["memoriser"]) == {FAIL}
    assert set(checklist.loc["good"]) == {PASS}


def test_a_few_copied_people_fail_privacy():
    found = verdicts(
        unseen=("closest_record_tail", "all", 0.011, 0.0, 0.025),
        copier=("closest_record_tail", "all", 0.06, 0.05, 0.07),
    )
    assert found == {"unseen": PASS, "copier": FAIL}
    table = study(
        unseen=[("identical_share", "all", 0.026, 0.015, 0.035)],
        copier=[("identical_share", "all", 0.075, 0.06, 0.09)],
        honest=[("identical_share", "all", 0.02, 0.01, 0.03)],
    )
    holdout = [("identical_share", "unseen people", 0.026, 0.015, 0.035)]
    table = pd.concat([table, study(unseen=holdout, copier=holdout, honest=holdout)])
    judged = judge(table, CALIBRATION)
    assert judged["verdict"].tolist() == [PASS, FAIL, PASS, "", "", ""]


def test_windows_are_judged_by_the_holdout_peoples_of_the_same_length():
    """A share of 0.3 is real for short windows and too much for long ones."""
    table = study(
        mosaic=[
            ("window_copies", "125 SNPs", 0.3, 0.28, 0.32),
            ("window_copies", "125 SNPs, unseen people", 0.31, 0.29, 0.33),
            ("window_copies", "all", 0.3, 0.28, 0.32),
            ("window_copies", "unseen people", 0.05, 0.04, 0.06),
        ]
    )
    assert judge(table, CALIBRATION)["verdict"].tolist() == [PASS, "", FAIL, ""]


def test_shuffled_labels_fail_utility_and_association():
    utility = ("recovery_rate", "mlp")
    found = verdicts(bootstrap=(*utility, 0.94, 0.9, 0.98), shuffled=(*utility, 0.1, 0.05, 0.15))
    assert found == {"bootstrap": PASS, "shuffled": FAIL}
    effects = ("effect_r", "all")
    found = verdicts(bootstrap=(*effects, 0.9, 0.8, 0.95), shuffled=(*effects, 0.02, -0.2, 0.2))
    assert found == {"bootstrap": PASS, "shuffled": FAIL}
    slope = ("effect_slope", "all")
    found = verdicts(unseen=(*slope, 0.7, 0.4, 1.0), shuffled=(*slope, 0.01, -0.1, 0.1))
    assert found == {"unseen": PASS, "shuffled": FAIL}
    power = ("power", "all")
    assert verdicts(real=(*power, 0.5), shuffled=(*power, 0.0)) == {"real": "", "shuffled": FAIL}


def test_a_network_that_remembers_and_a_small_label_that_leaks_are_flagged():
    white_box = ("membership_auc", "white box")
    assert verdicts(generator=(*white_box, 1.0, 0.99, 1.0)) == {"generator": FAIL}
    label = ("membership_auc", "frequency, label rare")
    found = verdicts(unseen=(*label, 0.52, 0.42, 0.62), generator=(*label, 0.9, 0.8, 0.97))
    assert found == {"unseen": PASS, "generator": FAIL}


def test_real_people_and_the_commonest_label_are_not_judged():
    recovery = ("recovery_rate", "mlp")
    found = verdicts(
        bootstrap=(*recovery, 0.94), **{MAJORITY: (*recovery, 0.2), "real": (*recovery, 1)}
    )
    assert found == {"bootstrap": PASS, MAJORITY: "", "real": ""}


def test_few_people_to_learn_from_are_not_judged_by_what_needs_many():
    recovery = ("recovery_rate", "mlp")
    found = verdicts(bootstrap=(*recovery, 0.94), unseen=(*recovery, 0.5), other=(*recovery, 0.5))
    assert found == {"bootstrap": PASS, "unseen": "", "other": FAIL}


# --- simulated numbers of people: the error of frequencies


def test_real_people_pass_and_a_biased_generator_fails_by_frequencies():
    """Errors of binomial draws: 800 training people, 100 validation, 100 holdout."""
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 4_000)

    def drawn(frequency, people):
        return rng.binomial(2 * people, frequency) / (2 * people)

    holdout, train = drawn(p, 100), drawn(p, 800)
    generators = {
        "unseen": drawn(p, 100),
        "bootstrap": drawn(train, 800),
        "faithful": drawn(train, 800),
        "biased": np.clip(drawn(train, 800) + 0.05, 0, 1),
    }
    found = verdicts(
        **{
            name: ("frequency_error", "all", np.abs(own - holdout).mean())
            for name, own in generators.items()
        }
    )
    assert found == {"unseen": PASS, "bootstrap": PASS, "faithful": PASS, "biased": FAIL}


# --- the checklists


def test_a_dimension_is_as_good_as_its_worst_metric_which_is_named():
    table = release_checklist(judge(metrics(), CALIBRATION))
    row = table[(table["generator"] == "memoriser") & (table["dimension"] == "linkage")].iloc[0]
    assert row["verdict"] == FAIL and row["failed"] >= 1
    assert "Linkage: slope on the holdout's: 0.67 (passes: 0.941 to 1.04)" in row["worst"]
    good = table[(table["generator"] == "good") & (table["dimension"] == "privacy")].iloc[0]
    assert good["worst"].startswith("all ") and good["labels"] == "2 pass, 1 not measured"


def test_labels_do_not_change_the_verdict_of_a_dimension():
    table = study(
        unseen=[("membership_auc", "distance", 0.5, 0.48, 0.52)],
        mine=[
            ("membership_auc", "distance", 0.51, 0.49, 0.53),
            ("membership_auc", "distance, label rare", 0.9, 0.8, 0.95),
        ],
    )
    row = release_checklist(judge(table, CALIBRATION)).set_index("generator").loc["mine"]
    assert row["verdict"] == PASS
    assert row["labels"] == "1 fail (rare)"


def test_nothing_measured_says_why():
    table = study(mine=[("ld_kept", "0-20 kb", math.nan, math.nan, math.nan, "too few: 3 people")])
    row = release_checklist(judge(table, CALIBRATION)).iloc[0]
    assert row["verdict"] == NOT_MEASURED and row["worst"] == "too few: 3 people"


def test_a_pass_needs_most_metrics_measured():
    missing = [
        ("membership_auc", attack, math.nan, math.nan, math.nan, "too few: 3 people")
        for attack in ("distance", "frequency")
    ]
    table = study(mine=[("privacy_loss", "all", 0.0), *missing])
    row = release_checklist(judge(table, CALIBRATION)).iloc[0]
    assert row["verdict"] == LOOK and row["unmeasured"] == 2
    assert row["worst"] == "all 1 pass; 2 not measured (too few: 3 people)"


def test_verdicts_survive_a_file(tmp_path):
    judged = judge(metrics(), CALIBRATION)
    judged.to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    read = read_tables([tmp_path / "m.tsv"])
    found, expected = (release_checklist(each).drop(columns="worst") for each in (read, judged))
    pd.testing.assert_frame_equal(found, expected)
    assert set(label_checklist(read)["label"]) == set(LABELS)
