"""Verdicts: bounds from calibration rows, and what known cheats and real people get."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from fabricated import CALIBRATION, LABELS, metrics
from scipy.stats import norm

from syncohort.evaluation.groups import ALL, Group, size_bin
from syncohort.evaluation.privacy.membership import Targets, membership_rows
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
    at_most_or_above,
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
    PRIVACY,
    describe,
    find_metric,
)
from syncohort.evaluation.verdicts.release import REQUIRED, release_verdict, value_in_words


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


def test_what_validation_people_reach_by_chance_passes():
    level = {"validation": Level(1.0, 0.8, 1.3)}
    assert near(1, 0.1, 0.2)(level, False) == Bounds(0.8, 1.3, 0.8, 1.3)
    assert at_most(0.53, 0.6)({"validation": Level(0.5, 0.4, 0.55)}, False).pass_high == 0.55
    assert near(1, 0.1, 0.2)({}, False) == Bounds(0.9, 1.1, 0.8, 1.2)


def test_errors_are_measured_in_those_of_the_copy():
    level = {"bootstrap": Level(0.01, 0.01, 0.01)}
    rule = times("bootstrap", passes=1.2, looks=1.5)
    assert rule(level, False).pass_high == pytest.approx(0.012)
    # validation people are as few as the holdout: the variance of the difference doubles
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
    assert rule({"validation": Level(1, 1, 1)}, False) is None


def test_bounds_in_words():
    assert str(Bounds(pass_high=0.53)) == "at most 0.53"
    assert str(Bounds(pass_low=0.9)) == "at least 0.9"
    assert str(Bounds(0.9, 1.1)) == "0.9 to 1.1"


# --- registry


def test_every_metric_has_a_known_dimension_and_says_what_good_is():
    assert {metric.dimension for metric in METRICS} == set(DIMENSIONS)
    assert all(metric.good and metric.title for metric in METRICS)


def test_groups_find_their_own_entry():
    assert find_metric("membership_auc", Group(label="X", method="white box")).title.endswith(
        "network itself"
    )
    assert (
        find_metric("membership_auc", Group(label="white box", method="distance")).title
        == "Membership inference AUC"
    )
    assert find_metric("aa_truth", Group(against="holdout")).dimension == "individuals"
    assert find_metric("aa_truth", Group(against="train")).dimension == "singling_out"
    assert find_metric("recovery_rate", Group(method="mlp", trained_on="with real")).rule is None
    assert find_metric("recovery_rate", Group(method="mlp", trained_on="4x")).rule is not None
    assert find_metric("no such metric", ALL) is None


def test_every_metric_the_evaluation_writes_is_known():
    folder = REPOSITORY / "workflow/src/syncohort/evaluation"
    text = "\n".join(file.read_text() for file in folder.rglob("*.py"))
    written = set(re.findall(r'_row\(\s*"([a-z][A-Za-z_]+)"', text))
    assert len(written) > 15
    assert written <= {metric.name for metric in METRICS}


def test_a_metric_and_its_group_in_words():
    """What the title says is not said again."""

    def words(name, **columns):
        return describe(find_metric(name, Group(**columns)), Group(**columns))

    assert words("ld_kept", distance_bin="0-20 kb") == "Linkage kept, 0-20 kb"
    assert words("frequency_error", maf_bin="1-2 %") == "Error of allele frequencies, MAF 1-2 %"
    assert words("membership_auc", method="distance", label="Han, North").endswith(
        ", distance, label Han, North"
    )
    assert words("membership_auc", method="white box", label="x").endswith("itself, label x")
    assert (
        words("aa_truth", against="holdout")
        == find_metric("aa_truth", Group(against="holdout")).title
    )
    assert words("identical_share", part="holdout").endswith(", holdout people")
    assert words("recovery_rate", method="mlp", trained_on="with real").endswith(", mlp, with real")


def test_a_label_that_reads_like_a_group_is_a_label():
    """Sentences that were taken apart read "x, holdout people" as the holdout people's."""
    label = ("membership_auc", Group(method="distance", label="x, holdout people"))
    judged = judge(study(mine=[(*label, 0.5, 0.48, 0.52)]), CALIBRATION)
    assert judged["label"].tolist() == ["x, holdout people"] and judged["part"].tolist() == [""]


def test_sizes_of_labels_are_binned():
    assert [size_bin(n) for n in (0, 49, 50, 199, 200, 1_000, 10**6)] == [
        *("0-49", "0-49", "50-199", "50-199", "200-999", "1000 or more", "1000 or more"),
    ]


# --- known cheats, on the table of fabricated scores


@pytest.fixture(scope="module")
def checklist() -> pd.DataFrame:
    table = release_checklist(judge(metrics(), CALIBRATION))
    return table.set_index(["generator", "dimension"])["verdict"].unstack()


def test_validation_people_pass_everything(checklist):
    measured = checklist.loc["validation"].dropna()
    assert set(measured) == {PASS} and len(measured) == 7
    labels = label_checklist(judge(metrics(), CALIBRATION))
    assert set(labels.loc[labels["generator"] == "validation", "verdict"]) == {PASS, NOT_MEASURED}


def test_a_copy_fails_privacy_and_nothing_else(checklist):
    risks = list(PRIVACY)
    assert set(checklist.loc["bootstrap", risks]) == {FAIL}
    assert set(checklist.loc["bootstrap"].drop(risks)) == {PASS}


def test_independent_snps_fail_linkage(checklist):
    assert checklist.loc["independent", "linkage"] == FAIL
    assert checklist.loc["independent", "frequencies"] == PASS


def test_a_mosaic_fails_privacy_and_a_memoriser_everything(checklist):
    assert checklist.loc["mosaic", "linkability"] == FAIL
    assert set(checklist.loc["memoriser"]) == {FAIL}
    assert set(checklist.loc["good"]) == {PASS}


def attacked(**found) -> pd.DataFrame:
    """Membership by frequencies, all people and those found at 1 %, and what is beyond independent SNPs."""
    attack = Group(method="frequency")
    of_one_size, share = attack._replace(label_size="200-999"), attack._replace(fpr="1 %")
    rows = {}
    for name, (auc, tpr) in found.items():
        rows[name] = [
            *(
                ("membership_auc", group, auc, auc - 0.02, auc + 0.02)
                for group in (attack, of_one_size)
            ),
            ("membership_tpr", share, tpr, tpr - 0.005, tpr + 0.005),
        ]
        if name != "independent":
            beyond = auc - found["independent"][0]
            rows[name].append(("membership_excess", attack, beyond, beyond - 0.01, beyond + 0.01))
    return study(**rows)


def test_what_public_frequencies_tell_is_no_reason_against_a_release():
    table = attacked(independent=(0.89, 0.28), mine=(0.88, 0.27), copier=(0.97, 0.6))
    for public, expected in ((False, FAIL), (True, PASS)):
        judged = judge(table, CALIBRATION, public_frequencies=public).set_index("generator")
        raw = judged[judged["metric"] != "membership_excess"]["verdict"]
        assert set(raw["mine"]) == set(raw["independent"]) == {expected}
        assert raw["copier"].tolist() == ([LOOK, LOOK, FAIL] if public else [FAIL] * 3)
        excess = judged[judged["metric"] == "membership_excess"]["verdict"]
        assert excess.to_dict() == {"mine": PASS, "copier": FAIL}


def test_a_release_that_only_frequencies_keep_back_is_told_what_can_be_declared():
    table = attacked(independent=(0.89, 0.28), mine=(0.88, 0.27), copier=(0.97, 0.6))
    judged = judge(table, CALIBRATION)
    assert "release.public_frequencies" in release_verdict(judged, "mine").sentence
    assert "release.public_frequencies" not in release_verdict(judged, "copier").sentence
    copies = study(
        mine=[("identical_share", ALL, 0.5), ("identical_share", Group(part="holdout"), 0.0)]
    )
    judged = judge(pd.concat([table, copies]), CALIBRATION)
    assert "release.public_frequencies" not in release_verdict(judged, "mine").sentence


def test_frequencies_that_tell_little_allow_nothing_more():
    """Where independent SNPs are at chance, the bounds are those of any study."""
    rule = at_most_or_above(0.53, 0.6, "independent", 0.02)
    usual = Bounds(pass_high=0.53, look_high=0.6)
    assert (
        rule({}, False) == usual
    )  # an attack that independent SNPs were not put to is judged all the same
    assert rule({"independent": Level(0.5, 0.44, 0.56)}, False) == usual
    found = rule({"independent": Level(0.7, 0.68, 0.72)}, False)
    assert (found.pass_high, found.look_high) == pytest.approx((0.72, 0.79))


def test_a_few_copied_people_fail_privacy():
    level = ("closest_record_tail", Group(part="real"), 0.025, 0.01, 0.045)
    shares = {"honest": 0.02, "odd": 0.03, "copier": 0.06}
    tails = {name: [("closest_record_tail", ALL, share), level] for name, share in shares.items()}
    judged = judge(study(**tails), CALIBRATION)
    found = judged[judged["part"] == ""].set_index("generator")["verdict"].to_dict()
    assert found == {"honest": PASS, "odd": LOOK, "copier": FAIL}
    table = study(
        validation=[("identical_share", ALL, 0.026, 0.015, 0.035)],
        copier=[("identical_share", ALL, 0.075, 0.06, 0.09)],
        honest=[("identical_share", ALL, 0.02, 0.01, 0.03)],
    )
    holdout = [("identical_share", Group(part="holdout"), 0.026, 0.015, 0.035)]
    table = pd.concat([table, study(validation=holdout, copier=holdout, honest=holdout)])
    judged = judge(table, CALIBRATION)
    assert judged["verdict"].tolist() == [PASS, FAIL, PASS, "", "", ""]


def test_windows_are_judged_by_the_holdout_peoples_of_the_same_length():
    """A share of 0.3 is real for short windows and too much for long ones."""
    table = study(
        mosaic=[
            ("window_copies", Group(window_snps="125"), 0.3, 0.28, 0.32),
            ("window_copies", Group(part="holdout", window_snps="125"), 0.31, 0.29, 0.33),
            ("window_copies", ALL, 0.3, 0.28, 0.32),
            ("window_copies", Group(part="holdout"), 0.05, 0.04, 0.06),
        ]
    )
    assert judge(table, CALIBRATION)["verdict"].tolist() == [PASS, "", FAIL, ""]


def test_shuffled_labels_fail_utility_and_association():
    utility = ("recovery_rate", Group(method="mlp"))
    found = verdicts(bootstrap=(*utility, 0.94, 0.9, 0.98), shuffled=(*utility, 0.1, 0.05, 0.15))
    assert found == {"bootstrap": PASS, "shuffled": FAIL}
    effects = ("effect_r", ALL)
    found = verdicts(bootstrap=(*effects, 0.9, 0.8, 0.95), shuffled=(*effects, 0.02, -0.2, 0.2))
    assert found == {"bootstrap": PASS, "shuffled": FAIL}
    slope = ("effect_slope", ALL)
    found = verdicts(validation=(*slope, 0.7, 0.4, 1.0), shuffled=(*slope, 0.01, -0.1, 0.1))
    assert found == {"validation": PASS, "shuffled": FAIL}
    power = ("power", ALL)
    assert verdicts(real=(*power, 0.5), shuffled=(*power, 0.0)) == {"real": "", "shuffled": FAIL}


def test_a_network_that_remembers_and_a_small_label_that_leaks_are_flagged():
    white_box = ("membership_auc", Group(method="white box"))
    assert verdicts(generator=(*white_box, 1.0, 0.99, 1.0)) == {"generator": FAIL}
    label = ("membership_auc", Group(label="rare", method="frequency"))
    found = verdicts(validation=(*label, 0.52, 0.42, 0.62), generator=(*label, 0.9, 0.8, 0.97))
    assert found == {"validation": LOOK, "generator": FAIL}


def test_real_people_and_the_commonest_label_are_not_judged():
    recovery = ("recovery_rate", Group(method="mlp"))
    found = verdicts(
        bootstrap=(*recovery, 0.94), **{MAJORITY: (*recovery, 0.2), "real": (*recovery, 1)}
    )
    assert found == {"bootstrap": PASS, MAJORITY: "", "real": ""}


def test_few_people_to_learn_from_are_not_judged_by_what_needs_many():
    recovery = ("recovery_rate", Group(method="mlp"))
    found = verdicts(
        bootstrap=(*recovery, 0.94), validation=(*recovery, 0.5), other=(*recovery, 0.5)
    )
    assert found == {"bootstrap": PASS, "validation": "", "other": FAIL}


# --- simulated numbers of people: the error of frequencies


def test_real_people_pass_and_a_biased_generator_fails_by_frequencies():
    """Errors of binomial draws: 800 training people, 100 validation, 100 holdout."""
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 4_000)

    def drawn(frequency, people):
        return rng.binomial(2 * people, frequency) / (2 * people)

    holdout, train = drawn(p, 100), drawn(p, 800)
    generators = {
        "validation": drawn(p, 100),
        "bootstrap": drawn(train, 800),
        "faithful": drawn(train, 800),
        "biased": np.clip(drawn(train, 800) + 0.05, 0, 1),
    }
    found = verdicts(
        **{
            name: ("frequency_error", ALL, np.abs(own - holdout).mean())
            for name, own in generators.items()
        }
    )
    assert found == {"validation": PASS, "bootstrap": PASS, "faithful": PASS, "biased": FAIL}


# --- the checklists


def test_a_dimension_is_as_good_as_its_worst_metric_which_is_named():
    table = release_checklist(judge(metrics(), CALIBRATION))
    row = table[(table["generator"] == "memoriser") & (table["dimension"] == "linkage")].iloc[0]
    assert row["verdict"] == FAIL and row["failed"] >= 1
    assert "Linkage: slope on the holdout's: 0.67 (passes: 0.941 to 1.04)" in row["worst"]
    good = table[(table["generator"] == "good") & (table["dimension"] == "linkability")].iloc[0]
    assert good["worst"].startswith("all ") and good["labels"] == "2 pass, 1 not measured"


def test_labels_do_not_change_the_verdict_of_a_dimension():
    table = study(
        mine=[
            ("heterozygosity_ratio", ALL, 1.0, 0.99, 1.01),
            ("heterozygosity_ratio", Group(label="rare"), 0.5, 0.48, 0.52),
        ],
    )
    row = release_checklist(judge(table, CALIBRATION)).set_index("generator").loc["mine"]
    assert row["verdict"] == PASS
    assert row["labels"] == "1 fail (rare)"


def test_nothing_measured_says_why():
    table = study(
        mine=[
            (
                "ld_kept",
                Group(distance_bin="0-20 kb"),
                math.nan,
                math.nan,
                math.nan,
                "too few: 3 people",
            )
        ]
    )
    row = release_checklist(judge(table, CALIBRATION)).iloc[0]
    assert row["verdict"] == NOT_MEASURED and row["worst"] == "too few: 3 people"


def test_a_pass_needs_most_metrics_measured():
    missing = [
        (metric, ALL, math.nan, math.nan, math.nan, "too few: 3 people")
        for metric in ("kinship_pairs", "homozygosity_runs")
    ]
    table = study(mine=[("heterozygosity_ratio", ALL, 1.0), *missing])
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


# --- may it be released


def private(*further: dict, **changed) -> pd.DataFrame:
    """The judged privacy of one generator, all of it passing but what is changed.

    further: rows beside; changed: metric -> (value, note).
    """
    values = {"copied_people": (0, "0 of 800 people"), "near_copies": (0, "0 of 800 people")}
    values |= {"membership_auc": (0.5, ""), "attribute_gain": (0, "")} | changed
    rows = [
        metric_row(
            name, Group(method="distance") if name == "membership_auc" else ALL, value, note=note
        )
        for name, (value, note) in values.items()
    ]
    rows += [
        metric_row(name, Group(part="real"), 0, 0, 0) for name in ("copied_people", "near_copies")
    ]
    return judge(tidy([*rows, *further], cohort="c", generator="mine"), CALIBRATION)


def test_a_value_that_stands_twice_is_named_once():
    """All labels are of one size: the row of that size has the value of the row of all."""
    of_one_size = metric_row("membership_auc", Group(method="distance", label_size="50-199"), 0.7)
    judged = private(of_one_size, membership_auc=(0.7, ""), attribute_gain=(0.9, ""))
    sentence = release_verdict(judged, "mine").sentence
    assert sentence.count("distance: 0.7 ") == 1 and sentence.endswith("and 1 more.")
    worst = release_checklist(judged).set_index("dimension").loc["linkability", "worst"]
    assert worst.count("distance: 0.7 ") == 1 and worst.endswith("and 1 more")


def test_one_copied_person_is_a_fail_that_names_the_number_of_people():
    found = release_verdict(private(copied_people=(1, "1 of 800 people")), "mine")
    assert found.level == FAIL
    assert found.sentence == (
        "mine must not be released: People who are copies of training people: 1 of 800 people "
        "(passes: at most 0)."
    )
    checklist = release_checklist(private(copied_people=(1, "1 of 800 people"))).iloc[0]
    assert checklist["verdict"] == FAIL and "1 of 800 people" in checklist["worst"]


def test_people_who_pass_may_be_released():
    found = release_verdict(private(), "mine")
    assert found.level == PASS and found.sentence.startswith("mine may be released: all 4 tests")
    looked = release_verdict(private(membership_auc=(0.57, "")), "mine")
    assert (
        looked.level == LOOK and "only after a look at Membership inference AUC" in looked.sentence
    )


@pytest.mark.parametrize(("n_unmeasured", "level"), [(0, PASS), (1, PASS), (2, LOOK)])
def test_tests_that_could_not_be_made_stand_in_the_first_line(n_unmeasured, level):
    """One of linkability passes; where more could not be made, somebody must look."""
    rows = [
        metric_row(
            "membership_tpr", Group(method=f"m{place}", fpr="1 %"), math.nan, note="too few: 9"
        )
        for place in range(n_unmeasured)
    ]
    found = release_verdict(private(*rows), "mine")
    assert found.level == level and "all 4 tests of the people's privacy pass." in found.sentence
    words = {0: "", 1: "One more test could", 2: "2 more tests could"}[n_unmeasured]
    assert (f"{words} not be made (too few: 9)." in found.sentence) == bool(n_unmeasured)


def test_a_level_of_nothing_is_nothing_to_compare_with():
    """Half of the holdout people are copies: their distance ratio is 0."""
    of_holdout = ("neighbour_distance_ratio", Group(part="holdout"), 0.0)
    table = study(mine=[("neighbour_distance_ratio", ALL, 0.5), of_holdout])
    row = judge(table, CALIBRATION).iloc[0]
    assert row["verdict"] == NOT_MEASURED and row["note"] == "what it would be compared with is 0"


@pytest.mark.parametrize("metric", REQUIRED)
def test_without_evidence_nothing_is_released(metric):
    judged = private(**{metric: (math.nan, "too few: 3 people")})
    found = release_verdict(judged, "mine")
    assert found.level == FAIL and "mine cannot be released on this evidence" in found.sentence
    assert "too few: 3 people" in found.sentence
    table = release_checklist(judged).set_index("dimension")
    row = table.loc[find_metric(metric, ALL).dimension]
    assert row["verdict"] == FAIL
    assert row["worst"].startswith("cannot be released on this evidence: not measured: ")


def test_without_any_privacy_row_nothing_is_released():
    judged = judge(study(mine=[("ld_slope", ALL, 1.0)]), CALIBRATION)
    assert "cannot be released on this evidence" in release_verdict(judged, "mine").sentence


# --- power


def attack(members, non_members, shift, rng) -> dict:
    """Metric row of an attack whose scores of members are so many standard deviations higher."""
    member = np.arange(members + non_members) < members
    names = np.full(len(member), "x", dtype=object)
    targets = Targets(np.arange(len(member)).astype(str), names, member, {"x": members})
    scores = rng.normal(size=len(member)) + shift * member
    options = {"minimum_people": 20, "seed": int(rng.integers(2**31))}
    return membership_rows(Group(method="distance"), scores, targets, **options)[0]


def judged_attack(mine: dict, validation: dict) -> pd.Series:
    tables = [
        tidy([row], cohort="c", generator=name)
        for name, row in (("mine", mine), ("validation", validation))
    ]
    return judge(pd.concat(tables, ignore_index=True), CALIBRATION).iloc[0]


def auc_error(auc, members, non_members) -> float:
    """Standard error of an AUC (Hanley & McNeil 1982, eq. 1 and 2)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (members - 1) * (q1 - auc**2) + (non_members - 1) * (q2 - auc**2)
    return math.sqrt(variance / (members * non_members))


def test_the_smallest_leak_is_seen_in_four_of_five_studies():
    """400 training and 100 holdout people; validation people as real people score."""
    rng, members, non_members = np.random.default_rng(3), 400, 100
    validation = attack(members, non_members, 0, rng)
    smallest = judged_attack(attack(members, non_members, 0, rng), validation)["smallest"]
    bound = max(0.53, validation["high"])
    assert smallest == pytest.approx(bound + 0.84 * auc_error(0.5, members, non_members), abs=0.004)
    shift = math.sqrt(2) * norm.ppf(smallest)  # AUC = norm.cdf(shift / sqrt 2)
    seen = [
        judged_attack(attack(members, non_members, shift, rng), validation)["verdict"] != PASS
        for _ in range(60)
    ]
    assert 0.65 < np.mean(seen) < 0.94


@pytest.mark.parametrize(("half", "verdict"), [(0.03, PASS), (0.3, LOOK)])
def test_no_pass_without_power(half, verdict):
    """An AUC of 0.6 must be seen; 20 holdout people do not let it be."""
    row = ("membership_auc", Group(method="distance"), 0.5, 0.5 - half, 0.5 + half)
    judged = judge(study(mine=[row], validation=[row]), CALIBRATION)
    assert judged["verdict"].tolist() == [verdict] * 2
    if verdict == LOOK:
        words = value_in_words(judged.iloc[[0]])
        assert words.endswith(": 0.5, but with so few people anything below 0.929 may go unseen")
    ld = judge(study(mine=[("ld_kept", ALL, 1.0, 1 - half, 1 + half)]), CALIBRATION)
    assert ld["verdict"].tolist() == [PASS] and ld["smallest"].isna().all()


def test_an_interval_that_excludes_a_leak_is_enough():
    """Validation people vary by so much that an AUC of 0.62 would pass; this one is far below."""
    group = Group(method="distance")
    validation = ("membership_auc", group, 0.55, 0.48, 0.62)
    for value, low, high, verdict in ((0.5, 0.46, 0.54, PASS), (0.58, 0.54, 0.62, LOOK)):
        mine = ("membership_auc", group, value, low, high)
        judged = judge(study(mine=[mine], validation=[validation]), CALIBRATION)
        assert judged["verdict"].iloc[0] == verdict


def test_leaks_that_lower_a_value_have_power_on_that_side():
    near = ("closest_record_ratio", Group(method="hamming"), 1.0)
    judged = judge(study(mine=[(*near, 0.99, 1.01)], few=[(*near, 0.7, 1.3)]), CALIBRATION)
    assert judged["verdict"].tolist() == [PASS, LOOK]
    assert judged["smallest"].round(3).tolist() == [0.966, 0.841]
