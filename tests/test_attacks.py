"""Attacks on people, each against a plain loop or what chance gives."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from cohorts import people_of, row_of, store_of, value_of
from scipy.stats import binomtest, genpareto

from syncohort.evaluation.groups import Group
from syncohort.evaluation.intervals import newcombe_interval
from syncohort.evaluation.privacy.attributes import Told, region_rows
from syncohort.evaluation.privacy.frequency_attack import count_alleles
from syncohort.evaluation.privacy.gains import gain_row
from syncohort.evaluation.privacy.measure import measure_privacy
from syncohort.evaluation.privacy.membership import (
    Targets,
    membership_rows,
    targets_of,
    true_positive_rate,
)
from syncohort.evaluation.privacy.near_copies import most_at_one_rate, rate_rows
from syncohort.evaluation.privacy.relatives import Meiosis, relative_rows
from syncohort.evaluation.privacy.risk import chance_of, measure_risk
from syncohort.evaluation.privacy.segments import SegmentWalk, measure_segments
from syncohort.evaluation.privacy.small_counts import (
    label_rows,
    matched_weights,
    small_count_rows,
)
from syncohort.evaluation.privacy.tails import LowerTail
from syncohort.evaluation.privacy.windows import WINDOW_SNPS, WindowSums, pack_rows
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.evaluation.verdicts.bounds import FAIL, LOOK, NOT_MEASURED, PASS
from syncohort.evaluation.verdicts.excess import with_excess
from syncohort.evaluation.verdicts.judging import judge
from syncohort.formats.genetic_map import constant_map


@pytest.mark.parametrize("n_non_members", [30, 200])
@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_without_a_leak_as_many_are_found_as_false_alarms(n_non_members, rate):
    rng = np.random.default_rng(1)
    found = [
        true_positive_rate(
            rng.random(200),
            rng.random(n_non_members),
            np.ones((1, 200)),
            np.ones((1, n_non_members)),
            rate,
        )[0]
        for _ in range(2_000)
    ]
    assert np.mean(found) == pytest.approx(rate, rel=0.08)


def test_found_are_those_above_all_but_a_share_of_non_members():
    members = np.array([9.0, 8.5, 5.0, 5.0, 1.0])
    non_members = np.arange(1.0, 10.0)  # nine: f (K + 1) is 1 at 10 %, 2 at 20 %

    def found(rate, member_weights=None, drawn=None):
        weights = [np.ones((1, n)) for n in (5, 9)]
        given = [
            part if part is not None else w
            for part, w in zip((member_weights, drawn), weights, strict=True)
        ]
        return true_positive_rate(members, non_members, *given, rate)[0]

    assert found(0.1) == pytest.approx(0.1)  # one ties with the highest, which counts half
    assert found(0.05) == pytest.approx(0.05)  # half of the way from none
    assert found(0.2) == pytest.approx(0.4)
    assert found(0.15) == pytest.approx(0.25)
    assert found(0.5) == pytest.approx(0.6)  # above 5: two, and two of five tie
    assert found(0.2, np.array([[5.0, 1, 1, 1, 1]])) == pytest.approx(6 / 9)
    drawn = np.array([[0.0, 0, 0, 0, 0, 0, 0, 0, 9]])  # the highest nine times
    assert found(0.9, drawn=drawn) == pytest.approx(0.1)


def test_labels_are_pooled_each_at_its_own_level():
    """A label whose scores are all higher is no leak; one person of ten found in both is."""
    rng = np.random.default_rng(2)
    label = np.repeat(["a", "b"], 400)
    member = np.tile(np.repeat([True, False], 200), 2)
    scores = rng.normal(size=800) + 50 * (label == "a")
    sizes = {"a": 200, "b": 200}
    targets = Targets(np.arange(800).astype(str), label, member, sizes)
    options = {"minimum_people": 20, "seed": 1}
    rows = membership_rows(Group(method="m"), scores, targets, **options)
    assert row_of(rows, "membership_tpr", method="m", fpr="1 %")["low"] < 0.01
    found = member & (np.arange(800) % 10 == 0)
    rows = membership_rows(Group(method="m"), scores + 10 * found, targets, **options)
    assert value_of(rows, "membership_tpr", method="m", fpr="1 %") == pytest.approx(0.1, abs=0.02)
    few = Targets(targets.id[:30], label[:30], member[:30], sizes)
    rows = membership_rows(Group(method="m"), scores[:30], few, **options)
    note = row_of(rows, "membership_tpr", method="m", fpr="1 %")["note"]
    assert note == "too few people to say: 0, and it takes 99"


LABELS_OF_FEW = [(1, 300, 100), (26, 31, 4), (26, 77, 10), (100, 10, 1)]  # labels, their people


def many_labels(n_labels: int, n_train: int, n_holdout: int) -> Targets:
    """Targets of so many labels, each of so many training and holdout people."""
    label = np.repeat([f"l{place:03d}" for place in range(n_labels)], n_train + n_holdout)
    member = np.tile(np.arange(n_train + n_holdout) < n_train, n_labels)
    sizes = dict.fromkeys(label.tolist(), n_train)
    return Targets(np.arange(len(label)).astype(str), label, member, sizes)


@pytest.mark.parametrize("people", LABELS_OF_FEW)
def test_scores_that_say_nothing_find_nobody_however_few_a_label_has(people):
    """Membership: as many found as false alarms, and intervals that hold the truth."""
    rng, targets = np.random.default_rng(5), many_labels(*people)
    options = {"minimum_people": 20}
    found = [
        membership_rows(
            Group(method="m"), rng.normal(size=len(targets)), targets, **options, seed=i
        )
        for i in range(40)
    ]
    for name, rate in (("1 %", 0.01), ("10 %", 0.1)):
        values = [value_of(rows, "membership_tpr", method="m", fpr=name) for rows in found]
        error = np.std(values) / np.sqrt(len(values))
        assert np.mean(values) < rate + 3 * error + 0.1 * rate, name
    pooled = [rows[0] for rows in found]
    covered = [row["low"] <= 0.5 <= row["high"] for row in pooled]
    assert (
        np.mean(covered) >= 0.85
    )  # of 40 intervals that hold it in 95 %, 0.6 of one hundred fewer
    assert np.mean([row["value"] > 0.6 and row["low"] > 0.53 for row in pooled]) <= 0.025


@pytest.mark.parametrize("people", LABELS_OF_FEW[1:])
def test_a_few_people_who_are_found_for_certain_show_whatever_labels_have(people):
    rng, targets = np.random.default_rng(6), many_labels(*people)
    scores = rng.normal(size=len(targets))
    scores += 8 * (targets.member & (rng.random(len(targets)) < 0.1))
    rows = membership_rows(Group(method="m"), scores, targets, minimum_people=20, seed=1)
    assert value_of(rows, "membership_tpr", method="m", fpr="1 %") > 0.03


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5])
@pytest.mark.parametrize("people", [(1, 200, 20), (1, 208, 26), (26, 8, 1), (13, 16, 2)])
def test_a_gain_that_is_chance_rarely_fails(people, rate):
    """Yes or no of each person, equally often on both sides; nobody of 20 is not none of all."""
    rng, targets = np.random.default_rng(7), many_labels(*people)
    options = {"minimum_people": 20}
    rows = [
        gain_row(
            "linkability_gain",
            Group(),
            (rng.random(len(targets)) < rate).astype(float),
            targets,
            **options,
            seed=place,
        )
        for place in range(100)
    ]
    covered = np.mean([row["low"] <= 0 <= row["high"] for row in rows])
    assert covered >= 0.88
    judged = judge(tidy(rows, cohort="c", generator="g"), {})
    assert (judged["verdict"] == FAIL).mean() <= 0.05


def test_the_interval_of_two_shares_is_newcombes():
    """His table II, method 10: 56 of 70 and 48 of 80; 9 of 10 and 3 of 10; 5 of 56 and 0 of 29."""
    for shares, expected in (
        ((56 / 70, 70, 48 / 80, 80), (0.0524, 0.3339)),
        ((9 / 10, 10, 3 / 10, 10), (0.1705, 0.8090)),
        ((5 / 56, 56, 0, 29), (-0.0381, 0.1926)),
    ):
        np.testing.assert_allclose(newcombe_interval(*shares), expected, atol=5e-5)


@pytest.mark.parametrize(
    "rate, non_members, is_said",
    [("1 %", 98, False), ("1 %", 99, True), ("10 %", 19, False), ("10 %", 20, True)],
)
def test_who_is_found_is_said_only_where_a_whole_person_is_a_false_alarm(
    rate, non_members, is_said
):
    """One of 99 people, or one of 9; and never of fewer than the study asks for."""
    n = 60 + non_members
    member = np.arange(n) < 60
    targets = Targets(np.arange(n).astype(str), np.full(n, "x"), member, {"x": 60})
    options = {"minimum_people": 20, "seed": 1}
    rows = membership_rows(Group(method="m"), member * 1.0, targets, **options)
    row = row_of(rows, "membership_tpr", method="m", fpr=rate)
    assert np.isfinite(row["value"]) == is_said and ("too few" in row["note"]) != is_said
    judged = judge(tidy([row.to_dict()], cohort="c", generator="g"), {})
    if rate == "1 %":
        assert judged["verdict"].tolist() == [FAIL if is_said else NOT_MEASURED]


@pytest.mark.parametrize("ploidy", [1, 2])
@pytest.mark.parametrize("n_variants", [40, 512, 1_200])
def test_window_sums_equal_a_plain_loop(ploidy, n_variants):
    rng = np.random.default_rng(n_variants + ploidy)
    a, b = (rng.integers(-1, ploidy + 1, (n, n_variants)).astype(np.int8) for n in (12, 9))
    frequency = rng.random(n_variants)
    sums = WindowSums(len(a))
    for start in range(0, n_variants, WINDOW_SNPS[-1]):  # in chunks, as along a chromosome
        part = slice(start, start + WINDOW_SNPS[-1])
        sums.add(*(pack_rows(rows[:, part], frequency[part], ploidy) for rows in (a, b)))
    filled = [np.where(rows < 0, np.rint(ploidy * frequency), rows).astype(int) for rows in (a, b)]
    for length, found in sums.nearest().items():
        expected = np.zeros(len(a), int)
        for start in range(0, n_variants, length):
            ours, theirs = (rows[:, start : start + length] for rows in filled)
            expected += np.abs(ours[:, None] - theirs[None]).sum(axis=2).min(axis=1)
        np.testing.assert_array_equal(found, expected)


def test_rarer_alleles_told_right_are_counted_person_by_person():
    told = Told(2, 2)  # two people, one row each, dosages
    truth = np.array([[2, 0, 1, -1], [0, 1, 2, 1]], np.int8)
    guess = np.array([[1, 0, 1, 2], [2, -1, 0, 1]], np.int8)
    frequency = np.array([0.015, 0.3, 0.9, 0.3])
    told.add(truth, guess, frequency)
    # at the third SNP REF is the rarer allele
    assert told.carried[""].tolist() == [2 + 0 + 1, 0 + 0 + 1]
    assert told.right[""].tolist() == [1 + 0 + 1, 0 + 0 + 1]
    assert told.carried["1-2 %"].tolist() == [2, 0] and told.right["1-2 %"].tolist() == [1, 0]


def test_a_gain_is_the_difference_within_labels():
    label = np.repeat(["a", "b", "alone"], [40, 40, 5])
    member = np.concatenate([np.arange(80) % 2 == 0, np.ones(5, bool)])
    success = np.where(label == "a", 0.9, 0.1) + 0.05 * member
    success[3] = np.nan
    targets = Targets(label, label, member, {})
    options = {"minimum_people": 20, "seed": 1}
    row = gain_row("attribute_gain", Group(method="m"), success, targets, **options)
    assert row["value"] == pytest.approx(0.05) and "39 holdout people" in row["note"]
    row = gain_row("attribute_gain", Group(), success, targets, minimum_people=99, seed=1)
    assert np.isnan(row["value"]) and row["note"] == "too few: 39 people"


@pytest.mark.parametrize("mode", ["haplotype", "genotype"])
def test_hidden_regions_are_told_by_copies_alone(tmp_path, mode):
    """SNPs 1 kb apart, all independent."""
    rng = np.random.default_rng(3)
    n_variants, splits = 2_000, np.repeat(["train", "holdout"], 60).astype(object)
    calls = (rng.random((n_variants, 120, 2)) < 0.2).astype(np.int8)
    people = people_of(["x"] * 120, splits)
    real = store_of(tmp_path / "r.zip", calls, people, phased=mode == "haplotype")
    copies = store_of(
        tmp_path / "s.zip", calls[:, :60], people_of(["x"] * 60), phased=mode == "haplotype"
    )
    attacked = np.arange(120)
    targets = targets_of(real.people, attacked)
    training = [count_alleles(real, {"train": splits == "train"})["train"]]
    rows = region_rows(
        [real],
        [copies],
        attacked,
        np.arange(60),
        targets,
        training,
        mode,
        minimum_people=20,
        seed=1,
    )
    row = row_of(rows, "attribute_gain", method="hidden 100 kb")
    # a holdout person's is told as often as the allele is common
    chance = 0.2 if mode == "haplotype" else (0.36**2 + 0.04**2) / 0.4
    assert row["value"] == pytest.approx(1 - chance, abs=0.03)


def test_excess_is_above_independent_snps():
    group = Group(method="distance")
    tables = [
        tidy(
            [metric_row("membership_auc", group, value, value - 0.03, value + 0.04)],
            cohort="c",
            generator=name,
        )
        for name, value in (("mine", 0.6), ("independent", 0.52))
    ]
    metrics = pd.concat(tables, ignore_index=True)
    found = with_excess(metrics, {"independent": "independent"}, {})
    row = row_of(found, "membership_excess", method="distance")
    assert row["generator"] == "mine" and row["value"] == pytest.approx(0.08)
    assert row["low"] == pytest.approx(0.08 - 0.05) and row["high"] == pytest.approx(0.08 + 0.05)
    scores = np.random.default_rng(1).normal(size=(2, 200))
    scores[0] = scores[1] + 0.1 * scores[0]  # nearly the same of both releases
    named = {"person": np.arange(200), "label": "x", "member": np.arange(200) % 2 == 0}
    people = {
        name: pd.DataFrame(named | {"distance": score})
        for name, score in zip(("mine", "independent"), scores, strict=True)
    }
    found = with_excess(metrics, {"independent": "independent"}, people)
    row = row_of(found, "membership_excess", method="distance")
    assert row["value"] == pytest.approx(0.08) and 0.005 < row["high"] - row["low"] < 0.05
    pd.testing.assert_frame_equal(with_excess(metrics, {}, {}), metrics)


# ---------------------------------------------------------------- small counts


def small_counts(
    folder, real_calls, splits, drawn, mode="haplotype", labels=None, drawn_labels=None
):
    """Metric rows of a cohort of one chromosome, and the training people's allele frequencies."""
    labels = ["x"] * len(splits) if labels is None else labels
    drawn_labels = ["x"] * drawn.shape[1] if drawn_labels is None else drawn_labels
    phased = mode == "haplotype"
    real = store_of(folder / "r.zip", real_calls, people_of(labels, splits), phased=phased)
    synthetic = store_of(folder / "s.zip", drawn, people_of(drawn_labels), phased=phased)
    training = [count_alleles(real, {"train": splits == "train"})["train"]]
    return small_count_rows([real], [synthetic], training, mode, 1), training[0].frequency


@pytest.mark.parametrize("mode", ["haplotype", "genotype"])
def test_small_counts_equal_a_plain_loop(tmp_path, mode):
    rng = np.random.default_rng(8)
    splits = np.repeat(["train", "holdout", "validation"], [60, 25, 5]).astype(object)
    founders = rng.random((150, 12)) < rng.choice([0.03, 0.4], (150, 1))
    calls = founders[:, rng.choice(12, (90, 2), p=np.arange(1, 13) / 78)].astype(np.int8)
    drawn = founders[:, rng.choice(12, (40, 2))].astype(np.int8)
    for part in (calls, drawn):
        part[rng.random(part.shape) < 0.002] ^= 1
        part[rng.random(part.shape) < 0.001] = -1
    rows, frequency = small_counts(tmp_path, calls, splits, drawn, mode)
    sides = {"train": calls[:, :60], "holdout": calls[:, 60:85], "": drawn}

    def haplotypes(people):
        """Of each person, of each window, those of its rows."""
        ploidy = 1 if mode == "haplotype" else 2
        rows = people if mode == "haplotype" else people.sum(axis=2, keepdims=True)
        if mode == "genotype":
            rows = np.where((people < 0).any(axis=2, keepdims=True), -1, rows)
        rows = np.where(rows < 0, np.rint(ploidy * frequency)[:, None, None], rows).astype(int)
        return [
            [(w, tuple(person[w : w + 64, i])) for w in (0, 64, 128) for i in range(rows.shape[2])]
            for person in rows.transpose(1, 0, 2)
        ]

    carriers = Counter(each for person in haplotypes(sides["train"]) for each in set(person))
    rarer = (frequency <= 0.5).astype(int)
    of_allele = (sides["train"] == rarer[:, None, None]).any(axis=2).sum(axis=1)
    for limit in (5, 10):
        few = (of_allele > 0) & (of_allele < limit)
        for part in ("", "holdout"):
            each = [h for person in haplotypes(sides[part]) for h in person if carriers[h] < limit]
            found = value_of(rows, "rare_haplotypes", part=part, carriers=f"{limit}")
            assert found == pytest.approx(np.mean([carriers[h] > 0 for h in each]))
            has = (sides[part] == rarer[:, None, None]).any(axis=2)[few]
            found = value_of(rows, "rare_alleles", part=part, carriers=f"{limit}")
            assert found == pytest.approx(has.sum(axis=0).mean())
        shown = {h for person in haplotypes(drawn) for h in person if 0 < carriers[h] < limit}
        row = row_of(rows, "small_counts", method="haplotypes", carriers=f"{limit}")
        small = sum(count < limit for count in carriers.values())
        assert row["value"] == len(shown) and row["note"] == f"of {small:,}"
        has = (drawn == rarer[:, None, None]).any(axis=(1, 2))[few]
        assert value_of(rows, "small_counts", method="alleles", carriers=f"{limit}") == has.sum()


@pytest.mark.parametrize("released", ["copies", "others"])
def test_alleles_of_few_people_fail_where_copied(tmp_path, released):
    """A study without a lowest MAF: 3,000 alleles that one person of 250 carries on average."""
    rng = np.random.default_rng(9)
    splits = np.repeat(["train", "holdout"], 200).astype(object)
    calls, others = ((rng.random((3_000, n, 2)) < 0.002).astype(np.int8) for n in (400, 200))
    drawn = calls[:, :200] if released == "copies" else others
    rows, _ = small_counts(tmp_path, calls, splits, drawn)
    judged = judge(tidy(rows, cohort="c", generator="g"), {})
    verdict = row_of(judged, "rare_alleles", carriers="5")["verdict"]
    assert verdict == (FAIL if released == "copies" else PASS)


def test_labels_of_few_people_deserve_a_look():
    labels = {
        "train": np.repeat(["many", "few", "single"], [30, 7, 1]),
        "holdout": np.array(["many", "few"]),
        "synthetic": np.array(["many", "few", "single"]),
    }
    judged = judge(tidy(label_rows(labels), cohort="c", generator="g"), {})
    assert judged["value"].tolist() == [1, 2] and judged["verdict"].tolist() == [LOOK, LOOK]
    assert judged["note"].iloc[1] == "of 2; holdout people have 1 of them"
    alone = judge(
        tidy(label_rows(labels | {"synthetic": np.array(["many"])}), cohort="c", generator="g"), {}
    )
    assert alone["verdict"].tolist() == [PASS, PASS]


def test_weights_make_labels_as_frequent_as_in_the_holdout():
    holdout, synthetic = np.array(list("aab")), np.array(list("abbbc"))
    weights = matched_weights(synthetic, holdout, synthetic)
    assert weights[4] == 0 and weights.mean() == pytest.approx(1)
    assert weights[0] == pytest.approx(2 * weights[1:4].sum())
    np.testing.assert_allclose(matched_weights(holdout, holdout, synthetic), 1)


# ---------------------------------------------------------------- the tail of distances


@pytest.mark.parametrize("shape", [0.0, 0.3])
def test_a_tail_is_the_distribution_that_it_was_drawn_from(shape):
    """Against scipy's own fit and distribution: 20,000 values, so that both are near the truth."""
    law = genpareto(shape, scale=2)
    values = 10 - law.rvs(20_000, random_state=1)
    tail = LowerTail.pareto(values)
    asked = 10 - law.isf([1e-2, 1e-3, 1e-4, 1e-5])
    np.testing.assert_allclose(np.log10(tail.chance(asked)), [-2, -3, -4, -5], rtol=0.12)
    depth = tail.start - values[values < tail.start]
    fitted = genpareto.fit(depth, floc=0)
    assert tail.shape == pytest.approx(max(fitted[0], 0), abs=0.08)
    # the limit is where the chance is that of so many of so many
    limit = tail.limit(0.5, 1_000)
    assert tail.chance(np.array([limit]))[0] == pytest.approx(5e-4, rel=0.01)


def test_chances_of_people_like_the_known_ones_are_those_of_ranks():
    known = np.arange(1.0, 100.0)
    tail = LowerTail.pareto(known)
    assert tail.chance(np.array([50.0]))[0] == pytest.approx(51 / 100)
    found = tail.chance(np.linspace(-30, 99, 500))
    assert (np.diff(found) >= 0).all() and found[0] > 0
    same = LowerTail.pareto(np.zeros(40))  # ties leave no tail
    assert same.chance(np.zeros(3)).tolist() == [1.0] * 3


@pytest.mark.parametrize("n_real", [10, 20, 40, 200])
def test_honest_people_rarely_have_a_riskiest_person(n_real):
    """Tails as an exponential's are the heaviest that distances have. A whole copy is found all the same."""
    rng, n = np.random.default_rng(2), 10 * n_real
    smallest, of_copy = [], []
    for _ in range(400):
        known = -0.03 * rng.exponential(size=n_real)
        smallest.append(chance_of(-0.03 * rng.exponential(size=n), known).min())
        of_copy.append(chance_of(np.log([1e-3]), known)[0])
    smallest, of_copy = (1 - (1 - np.array(each)) ** n for each in (smallest, of_copy))
    assert (smallest < 0.05).mean() < 0.07 and (smallest < 0.001).mean() <= 0.005
    assert (of_copy < 0.001).mean() > 0.75


def test_the_rate_of_real_people_is_only_as_well_known_as_few_people_tell():
    """Against scipy's binomial test; and one relative more than nobody is no refusal."""
    for seen, n_real, n_ours in ((0, 40, 400), (3, 200, 1_000), (40, 500, 600)):
        most = most_at_one_rate(seen, n_real, n_ours)
        share = n_ours / (n_real + n_ours)
        chances = [
            binomtest(count, seen + count, share, alternative="greater").pvalue
            for count in (most, most + 1)
        ]
        assert chances[0] > 1e-3 >= chances[1]
    words = []
    for count in (0, 1, 200):
        ours, real = np.arange(1_000) < count, np.zeros(200, bool)
        judged = judge(tidy(rate_rows("related_people", ours, real), cohort="c", generator="g"), {})
        words.append(judged["verdict"].iloc[0])
    assert words == [PASS, LOOK, FAIL]
    failed = 0
    rng = np.random.default_rng(9)
    for _ in range(200):
        sides = (rng.random(n) < 1 / 400 for n in (1_000, 40))
        rows = tidy(rate_rows("related_people", *sides), cohort="c", generator="g")
        failed += judge(rows, {})["verdict"].iloc[0] == FAIL
    assert failed <= 2


def test_people_without_calls_are_counted_and_hide_no_copies(tmp_path):
    """One real person without a call, or too few real people: whole copies do not pass for it."""
    rng = np.random.default_rng(12)
    calls = (rng.random((200, 300, 2)) < 0.3).astype(np.int8)
    calls[:, 299] = -1
    splits = np.repeat(["train", "validation", "holdout"], [200, 50, 50]).astype(object)
    drawn = store_of(tmp_path / "s.zip", calls[:, :100], people_of(["x"] * 100))
    options = {"cohort": "c", "generator": "g", "seed": 1}
    real = store_of(tmp_path / "r.zip", calls, people_of(["x"] * 300, splits))
    more = {"mode": "genotype", "minimum_people": 20, "max_people": 1_000}
    judged = judge(measure_privacy([real], [drawn], **options, **more).metrics, {})
    near = row_of(judged, "near_copies")
    assert near["verdict"] == FAIL and "1 people have too few calls to say" in near["note"]
    judged = judge(measure_risk([real], [drawn], **options, max_people=1_000).metrics, {})
    assert row_of(judged, "riskiest_person")["verdict"] == FAIL
    few = np.repeat(["train", "validation", "holdout"], [291, 4, 5]).astype(object)
    real = store_of(tmp_path / "f.zip", calls, people_of(["x"] * 300, few))
    judged = judge(measure_risk([real], [drawn], **options, max_people=1_000).metrics, {})
    assert len(judged) == 3 and (judged["verdict"] == NOT_MEASURED).all()
    assert (judged["note"].str.startswith("too few: 8 real people")).all()


# ---------------------------------------------------------------- relatives


def test_a_child_has_one_of_the_parents_alleles_and_crosses_over_as_haldane_says():
    """1,000 parents, whose haplotypes are all 0 and all 1; 200 SNPs 1 Mb apart, in two chunks."""
    calls = np.zeros((200, 1_000, 2), np.int8)
    calls[..., 1] = 1
    position_bp = 1_000_000 * np.arange(1, 201)
    meiosis = Meiosis(1_000, seed=1)
    parts = [meiosis.haplotypes(calls[p], position_bp[p]) for p in (slice(0, 90), slice(90, 200))]
    child = np.concatenate(parts)
    crossed = child[1:] != child[:-1]
    odd = (1 - np.exp(-2 * 0.01)) / 2
    assert crossed.mean() == pytest.approx(odd, rel=0.03)
    assert crossed[89].mean() == pytest.approx(odd, abs=0.01)  # where the chunks meet
    far = (child[0] != child[100]).mean()
    assert far == pytest.approx((1 - np.exp(-2)) / 2, abs=0.05)
    assert child[0].mean() == pytest.approx(0.5, abs=0.05)


@pytest.fixture(scope="module")
def parents(tmp_path_factory):
    """Independent people of 4,000 SNPs on two chromosomes, and their children by others."""
    folder, rng = tmp_path_factory.mktemp("parents"), np.random.default_rng(10)
    splits = np.repeat(["train", "holdout", "validation"], [120, 60, 60]).astype(object)
    frequency = rng.uniform(0.1, 0.9, (4_000, 1, 1))
    calls = (rng.random((4_000, 240, 2)) < frequency).astype(np.int8)
    others = (rng.random((4_000, 120, 2)) < frequency).astype(np.int8)
    children = others.copy()
    position_bp = 20_000 * np.arange(1, 2_001)
    for start in (0, 2_000):
        part = slice(start, start + 2_000)
        children[part, :, 0] = Meiosis(120, start).haplotypes(calls[part, :120], position_bp)
    stores = {}
    for name, drawn, people in (
        ("real", calls, people_of(["x"] * 240, splits)),
        ("others", others, people_of(["x"] * 120)),
        ("children", children, people_of(["x"] * 120)),
        ("copies", calls[:, :120], people_of(["x"] * 120)),
    ):
        stores[name] = [
            store_of(
                folder / f"{name}{contig}.zip",
                drawn[2_000 * place : 2_000 * (place + 1)],
                people,
                contig=contig,
                position_bp=position_bp,
            )
            for place, contig in enumerate(("1", "2"))
        ]
    return stores


@pytest.mark.parametrize("released", ["others", "children", "copies"])
def test_relatives_of_training_people_are_found_and_counted(parents, released):
    """A generator that leaks only relatives: nobody is a copy, everybody is a child."""
    options = {"cohort": "c", "generator": "g", "max_people": 500, "seed": 1}
    risk = measure_risk(parents["real"], parents[released], **options)
    judged = judge(risk.metrics, {})
    verdict = PASS if released == "others" else FAIL
    for degree in ("first degree", "second degree"):
        row = row_of(judged, "related_people", method=degree)
        assert row["verdict"] == verdict, degree
        assert row["value"] == (0 if released == "others" else 120)
    assert row_of(judged, "riskiest_person")["verdict"] == verdict
    if released == "children":
        assert risk.people["kinship"].mean() == pytest.approx(0.25, abs=0.02)
    targets = targets_of(parents["real"][0].people, np.arange(180))
    rows = relative_rows(
        parents["real"],
        parents[released],
        np.arange(180),
        np.arange(120),
        targets,
        minimum_people=20,
        seed=2,
    )
    row = row_of(rows, "membership_auc", method="child's haplotype")
    assert row["low"] > 0.9 if released != "others" else row["low"] < 0.5 < row["high"]


@pytest.mark.parametrize("released", ["others", "children", "copies"])
def test_children_of_training_people_share_long_stretches(parents, released):
    """Chromosomes of 40 cM: a copy has all of one, a child of a parent what no crossover divides."""
    options = {"cohort": "c", "generator": "g", "max_people": 500, "minimum_people": 20, "seed": 1}
    maps = [constant_map()] * 2
    metrics = measure_segments(parents["real"], parents[released], maps, **options)
    judged = judge(metrics, {})
    for metric in ("longest_segment", "shared_segments"):
        row = row_of(judged, metric)
        assert row["verdict"] == (PASS if released == "others" else FAIL), metric
    longest, shared = (value_of(metrics, name) for name in ("longest_segment", "shared_segments"))
    chromosome = 0.02 * 1_999  # cM
    if released == "copies":
        assert longest == pytest.approx(chromosome) and shared == pytest.approx(1)
    elif released == "children":
        # one of a child's two haplotypes is the parent's, between crossovers a Morgan apart
        assert shared == pytest.approx(0.5, abs=0.02)
        assert 0.8 * chromosome < longest < chromosome
    else:
        assert longest < 1 and shared == 0
    few = measure_segments(
        parents["real"], parents[released], maps, **options | {"minimum_people": 121}
    )
    assert few["value"].isna().all() and (few["note"] == "too few: 120 people").all()


def plain_segments(asked, training, cM, least):
    """Longest and total of `SegmentWalk`, by comparing all pairs at every variant."""
    longest, total = np.zeros(len(asked)), np.zeros(len(asked))
    for place, row in enumerate(asked):
        covered = -np.inf
        for end in range(len(cM)):
            differ = [np.flatnonzero(other[: end + 1] != row[: end + 1]) for other in training]
            start = min(int(each[-1]) + 1 if len(each) else 0 for each in differ)
            if start > end:
                continue
            longest[place] = max(longest[place], cM[end] - cM[start])
            if cM[end] - cM[start] >= least:
                total[place] += cM[end] - max(cM[start], covered)
                covered = cM[end]
    return longest, total


@pytest.mark.parametrize("trial", range(20))
def test_segments_are_those_of_all_pairs(trial):
    rng = np.random.default_rng(trial)
    n_asked, n_training, n_variants = rng.integers(1, 8, 2).tolist() + [int(rng.integers(1, 60))]
    rows = (rng.random((n_asked + n_training, n_variants)) < 0.3).astype(np.uint8)
    cM = rng.random(n_variants).cumsum()
    walk = SegmentWalk(n_asked, n_training, cM, least_cM=1.5)
    cut = rng.integers(n_variants + 1)
    for part in (rows[:, :cut], rows[:, cut:]):
        walk.add(part)
    longest, total = plain_segments(rows[:n_asked], rows[n_asked:], cM, 1.5)
    np.testing.assert_allclose(walk.longest, longest)
    np.testing.assert_allclose(walk.total, total)


def test_relatives_are_not_counted_where_anybody_looks_like_one(tmp_path):
    """60 SNPs say nothing of kinship: real people who are strangers seem to be relatives."""
    rng = np.random.default_rng(11)
    splits = np.repeat(["train", "holdout"], [100, 40]).astype(object)
    calls = rng.integers(0, 2, (60, 140, 2)).astype(np.int8)
    real = store_of(tmp_path / "r.zip", calls, people_of(["x"] * 140, splits))
    drawn = store_of(tmp_path / "s.zip", calls[:, :100], people_of(["x"] * 100))
    options = {"cohort": "c", "generator": "g", "max_people": 500, "seed": 1}
    rows = measure_risk([real], [drawn], **options).metrics
    row = row_of(rows, "related_people", method="second degree")
    assert np.isnan(row["value"]) and "of real people look so related" in row["note"]
