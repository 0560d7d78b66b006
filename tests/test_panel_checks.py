"""A public panel whose people are the cohort's: their rare alleles would leave with the release."""

import subprocess

import numpy as np
import pytest
from cohorts import founder_calls, people_of, store_of

from syncohort.cohort.panel_checks import PanelFit, alike_people, panel_checks
from syncohort.formats.vcf_writing import write_vcf

N, S = 240, 40
CALLS = founder_calls(n_variants=N, n_people=100, n_founders=30, seed=3)
OURS, THEIRS = CALLS[:, :S], CALLS[:, S:]


def panel_of(folder, calls, ids=None, contig="20", keep=slice(None)):
    """A VCF of other people than the cohort's, or of what `calls` says."""
    people = people_of(["a"] * calls.shape[1], prefix="q")
    if ids is not None:
        people.id[: len(ids)] = ids
    store = store_of(folder / "panel.zip", calls, people, contig=contig)
    write_vcf(store, folder / "panel.vcf.gz")
    return folder / "panel.vcf.gz"


def checked(folder, panel, calls=OURS, *, may_share=False, overlap_min=0.5, contig="20"):
    store = store_of(folder / "own.zip", calls, people_of(["a"] * calls.shape[1]), contig=contig)
    fit = PanelFit.of(store, panel, 0.01, overlap_min)
    fit.write(folder / "fit.json")
    assert PanelFit.read(folder / "fit.json") == fit
    (check,) = panel_checks([folder / "fit.json"], may_share=may_share)
    return check


def test_other_people_pass(tmp_path):
    check = checked(tmp_path, panel_of(tmp_path, THEIRS))
    assert check.level == "ok" and "none has the genotypes" in check.found


def test_equal_ids_alone_are_nobody(tmp_path):
    assert checked(tmp_path, panel_of(tmp_path, THEIRS, ["p0", "p1"])).level == "ok"


@pytest.mark.parametrize("contig", ["20", "chr20"])
@pytest.mark.parametrize("ids", [["p7", "p9"], ["NEW1", "NEW2"]])
def test_people_of_the_cohort_are_found_by_their_genotypes(tmp_path, ids, contig):
    rng = np.random.default_rng(1)
    same = OURS[:, [7, 9]].copy()
    wrong = rng.random(same.shape) < 0.005  # typed twice
    same[wrong] = 1 - same[wrong]
    same[:, 1] = same[:, 1, ::-1]  # the other phase
    panel = panel_of(tmp_path, np.concatenate([same, THEIRS], axis=1), ids, contig)
    check = checked(tmp_path, panel)
    assert check.level == "stop" and "2 of 62 have the genotypes" in check.found
    assert f"p7 as {ids[0]}, p9 as {ids[1]}" in check.found
    assert "expansion.shared_people: true" in check.advice
    allowed = checked(tmp_path, panel, may_share=True)
    assert allowed.level == "look" and "rare alleles leave" in allowed.advice


def test_relatives_are_other_people(tmp_path):
    """A child shares one haplotype with each parent."""
    child = np.stack([OURS[:, 0, 0], OURS[:, 1, 1]], axis=1)[:, None]
    panel = panel_of(tmp_path, np.concatenate([child, THEIRS], axis=1))
    assert checked(tmp_path, panel).level == "ok"


def test_missing_calls_do_not_hide_a_person(tmp_path):
    ours = OURS.copy()
    ours[::3, 5] = -1
    panel = panel_of(tmp_path, np.concatenate([OURS[:, [5]], THEIRS], axis=1))
    check = checked(tmp_path, panel, ours)
    assert check.level == "stop" and "p5 as q0" in check.found


def test_a_person_is_in_both_only_if_alike_on_all_chromosomes(tmp_path):
    """Two people who share one chromosome's stretch are two."""
    paths = []
    for contig, pairs in (("1", {("a", "x"), ("b", "y")}), ("2", {("b", "y")})):
        paths.append(tmp_path / contig)
        PanelFit(contig, {"x", "y", "z"}, 200, pairs).write(paths[-1])
    (check,) = panel_checks(paths, may_share=False)
    assert "1 of 3" in check.found and "b as y" in check.found and "a as x" not in check.found
    PanelFit("2", {"x", "y", "z"}, 200).write(paths[-1])
    assert panel_checks(paths, may_share=False)[0].level == "ok"


@pytest.mark.parametrize("second", [{"people": {"z"}}, {"people": {"x"}, "unknown": {"a"}}])
def test_a_chromosome_that_cannot_tell_hides_nobody(tmp_path, second):
    """Another file holds other people of the panel, or the person has no calls there."""
    paths = [tmp_path / "1", tmp_path / "2"]
    PanelFit("1", {"x"}, 200, {("a", "x")}).write(paths[0])
    PanelFit("2", n_sites=200, **second).write(paths[1])
    (check,) = panel_checks(paths, may_share=False)
    assert check.level == "stop" and "a as x" in check.found


def test_who_has_no_calls_is_unknown(tmp_path):
    ours = OURS.copy()
    ours[40:, 5] = -1
    store = store_of(tmp_path / "own.zip", ours, people_of(["a"] * S), contig="20")
    assert PanelFit.of(store, panel_of(tmp_path, THEIRS), 0.01, 0.5).unknown == {"p5"}


def test_too_few_sites_are_not_silent(tmp_path):
    check = checked(tmp_path, panel_of(tmp_path, THEIRS[:40]), OURS[:40])
    assert check.level == "look" and "not compared" in check.found


def test_a_panel_that_does_not_fit_stops_before_anything_is_trained(tmp_path):
    check = checked(tmp_path, panel_of(tmp_path, THEIRS[:60]))
    assert check.level == "stop" and "expansion.overlap_min" in check.found
    panel = panel_of(tmp_path, THEIRS)
    subprocess.run(["bcftools", "view", "-Ob", "-o", tmp_path / "p.bcf", panel], check=True)
    check = checked(tmp_path, tmp_path / "p.bcf")
    assert check.level == "stop" and "is BCF" in check.found


def test_no_panel_no_line():
    assert panel_checks([], may_share=False) == []


def test_alike_people_counts_what_both_have():
    rng = np.random.default_rng(0)
    ours = rng.integers(0, 3, (30, 200)).astype(np.int8)
    theirs = ours[::-1].copy()
    theirs[:, 100:] = -1
    assert sorted(alike_people(ours, theirs)) == [(i, 29 - i) for i in range(30)]
    theirs[:, 40:] = -1  # too few
    assert alike_people(ours, theirs) == []
    assert alike_people(ours, np.zeros((0, 200), np.int8)) == []
