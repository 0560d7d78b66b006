"""Guidance curves and replicates: the tables in closed form, the report, the plan of a run."""

import numpy as np
import pandas as pd
import pytest
import yaml
from clones import clone, snakemake
from fabricated import CALIBRATION, metrics

from syncohort.config.study import parse_config
from syncohort.errors import InputError
from syncohort.evaluation.association.guidance import guidance_table
from syncohort.evaluation.groups import ALL, KEYS, Group
from syncohort.evaluation.tables import read_tables
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.evaluation.verdicts.judging import judge
from syncohort.evaluation.verdicts.replicates import replicate_table
from syncohort.figures.association import plot_guidance
from syncohort.report.comparison import comparison_parts, guidance_parts, trait_parts


def point(generator, slope, **others) -> pd.DataFrame:
    """What `measure_association` says of one point, and of real people, as it writes both."""
    rows = [metric_row("effect_slope", ALL, slope, slope - 0.1, slope + 0.1, "20 SNPs")]
    rows.append(metric_row("effect_slope", Group(against="holdout"), 3 - slope))
    rows += [metric_row(metric, ALL, value) for metric, value in others.items()]
    real = tidy([metric_row("power", ALL, 0.7)], cohort="c", generator="real")
    return pd.concat([tidy(rows, cohort="c", generator=generator), real])


@pytest.fixture
def curve() -> pd.DataFrame:
    """Slopes 0.5, 0.9, 2.1 and 4 at scales 0.5, 1, 2 and 5; released at 5. And one without."""
    slopes = {"own_g0.5": 0.5, "own_g1": 0.9, "own_g2": 2.1, "own": 4.0}
    tables = [point(name, slope, effect_r=0.8, power=0.6) for name, slope in slopes.items()]
    few = [tidy([metric_row("effect_slope", ALL, np.nan, note="too few: 3 SNPs")], cohort="c",
                generator=name) for name in ("other", "other_g1")]  # fmt: skip
    scales = {"own": 5.0, "other": 2.0, "own_g0.5": 0.5, "own_g1": 1.0, "own_g2": 2.0}
    released = {name: name.split("_")[0] for name in (*slopes, "other_g1") if "_" in name}
    return guidance_table(pd.concat([*tables, *few]), scales | {"other_g1": 1.0}, released)


def test_the_scale_nearest_one_in_ratio_is_recommended(curve):
    own = curve[curve["generator"] == "own"]
    assert own["scale"].tolist() == [0.5, 1, 2, 5]
    assert own["recommended"].tolist() == [False, True, False, False]
    assert own["released"].tolist() == [False, False, False, True]
    np.testing.assert_allclose(own["slope_high"] - own["slope_low"], 0.2)
    assert own["power"].tolist() == [0.6] * 4 and own["score_auc"].isna().all()
    other = curve[curve["generator"] == "other"]
    assert not other["recommended"].any() and (other["note"] == "too few: 3 SNPs").all()


def test_ratios_decide_and_not_differences():
    slopes = {"a_g1": 0.55, "a": 1.6}  # nearer 1 by difference, farther by ratio
    table = guidance_table(
        pd.concat([point(name, slope) for name, slope in slopes.items()]),
        {"a": 3.0, "a_g1": 1.0},
        {"a_g1": "a"},
    )
    assert table.set_index("scale")["recommended"].to_dict() == {1: False, 3: True}
    inverted = guidance_table(point("a", -1.0), {"a": 1.0}, {})
    assert not inverted["recommended"].any()


def test_holdout_effects_choose_no_scale(curve):
    """The slope against the holdout says scale 5 here, and is not listened to."""
    assert (3 - curve["effect_slope"] - 1).abs().idxmin() != curve["recommended"].idxmax()
    assert curve.loc[curve["recommended"], "scale"].tolist() == [1]


def test_curves_survive_a_file_a_picture_and_the_report(curve, tmp_path):
    curve.to_csv(tmp_path / "guidance.tsv", sep="\t", index=False)
    table = read_tables([tmp_path / "guidance.tsv"])
    pd.testing.assert_frame_equal(table, curve)
    plot_guidance(table, tmp_path / "curve.svg")
    text = "".join(guidance_parts(table))
    assert "own: effects are nearest to the training people" in text
    assert "at guidance scale 1, with slope 0.9. The cohort is released at scale 5" in text
    assert "other: no scale to recommend (too few: 3 SNPs)." in text
    plot_guidance(table[table["generator"] == "other"], tmp_path / "none.svg")
    assert (tmp_path / "none.svg").stat().st_size < (tmp_path / "curve.svg").stat().st_size
    assert guidance_parts(None) == []


# --- replicates


def test_replicates_are_summed_up():
    values = {"a": 1.0, "a_seed2": 2.0, "a_seed3": 6.0, "b": 5.0}
    table = pd.concat(
        tidy([metric_row("ld_r", ALL, value)], cohort="c", generator=name)
        for name, value in values.items()
    ).assign(dimension="linkage")
    found = replicate_table(table, {"a_seed2": "a", "a_seed3": "a"})
    assert found[["generator", "dimension", "trainings"]].values.tolist() == [["a", "linkage", 3]]
    assert found.loc[0, ["mean", "sd", "min", "max"]].tolist() == pytest.approx([3, 7**0.5, 1, 6])


def imposed(metrics: pd.DataFrame) -> pd.DataFrame:
    """Judged metrics of a trait whose causal SNPs are known."""
    rows = [
        tidy(
            [
                metric_row("effect_r", Group(against="truth"), 0.9, 0.8, 0.95),
                metric_row("effect_slope", Group(against="truth"), slope, slope - 0.1, slope + 0.1),
                metric_row("auc", Group(method="xgboost"), 0.71),
                metric_row("auc", Group(method="xgboost", trained_on="with real"), 0.73),
            ],
            cohort="c",
            generator=name,
        )
        for name, slope in (("good", 1.05), ("memoriser", 2.5), ("real", 1.0), ("validation", 0.9))
    ]
    return judge(pd.concat([metrics, *rows], ignore_index=True), CALIBRATION)


def test_released_generators_stand_side_by_side():
    judged = imposed(metrics())
    replicates = pd.DataFrame(
        [("good", "effect_slope", *Group(against="truth"), 3, 1.1, 0.05, 1.05, 1.15)],
        columns=["generator", "metric", *KEYS, "trainings", "mean", "sd", "min", "max"],
    )
    presets = {"good": "genetic_diffusion", "memoriser": ""}
    text = "".join(comparison_parts(judged, presets, replicates))
    assert "good (genetic_diffusion): all SNPs" in text and "memoriser (" not in text
    assert '<td class="pass">1.05 [0.95, 1.15]; 3 trainings: 1.1 ± 0.05 (1.05 to 1.15)' in text
    assert '<td class="fail">2.5 [2.4, 2.6]</td>' in text
    assert "with real" not in text
    assert comparison_parts(judged, {"good": ""}, None) == []


def test_what_comes_back_is_shown_where_it_is_known():
    sources = ["good", "memoriser", *CALIBRATION.values(), "real"]
    text = "".join(trait_parts(imposed(metrics()), sources, None))
    assert "What comes back of the imposed trait" in text and "0.71" in text
    assert trait_parts(judge(metrics(), CALIBRATION), sources, None) == []


# --- configuration and plan of a run

STUDY = {
    "generators": {"own": {}, "plain": {"diffusion": {"label_dropout": 0}}, "g": {"kind": "wgan"}},
    "labels": {"label_column": "trait", "case_label": "case"},
    "trait": {},
    "evaluation": {"guidance_curve": [1, 2, 0.5], "replicates": 3, "mosaic_curve": []},
}


def changed(**sections) -> dict:
    return {key: STUDY[key] | sections.get(key, {}) for key in STUDY}


def test_curves_that_cannot_be_measured_are_refused():
    parse_config(STUDY)
    with pytest.raises(InputError, match="it needs labels.case_label or labels.cuts"):
        parse_config(changed(labels={"case_label": None}))
    with pytest.raises(InputError, match="needs a diffusion model with diffusion.label_dropout"):
        parse_config(STUDY | {"generators": {"plain": STUDY["generators"]["plain"]}})
    with pytest.raises(InputError, match=r"only the scale the models are released at \(1\)"):
        parse_config(changed(evaluation={"guidance_curve": [1]}))
    guided = {"guided": {"sampling": {"guidance_scale": 2}}}
    parse_config(changed(generators=guided, evaluation={"guidance_curve": [1, 2]}))
    with pytest.raises(InputError, match="cannot be called own_seed2"):
        parse_config(changed(generators={"own_seed2": {"kind": "mosaic"}}))


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> pd.DataFrame:
    """Every job of a run of the study: rule and output file, from a dry run."""
    folder = clone(tmp_path_factory.mktemp("plan"))
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY | {"cohort": "planned"}))
    result = snakemake(folder, "--summary", study="study.yaml")
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("output_file"))
    files = pd.Series([line.split("\t")[0] for line in lines[start + 1 :]])
    parts = files.str.split("/", expand=True)
    return pd.DataFrame({"file": files, "rule": parts[2], "name": parts[3].fillna("")})


def test_points_of_a_curve_share_the_model_and_are_measured_by_effects_alone(plan):
    points = plan[plan["name"].str.fullmatch(r"own_g[\d.]+?(\.effects)?(\.tsv)?")]
    scan = points.loc[points["rule"] == "scan_association", "name"]
    assert set(scan) == {"own_g0.5.tsv", "own_g2.tsv"}  # it is released at 1
    assert set(points["rule"]) == {
        *("sample_latents", "draft_cohort", "refine_latents", "decode_cohort"),
        *("scan_association", "measure_association"),
    }
    assert not plan["file"].str.contains("plain_g|/g_g").any()
    assert plan["file"].str.endswith("plot_guidance/guidance.svg").any()


def test_replicates_are_trained_and_measured_and_not_released(plan):
    for name in ("own_seed2", "own_seed3", "plain_seed2"):
        rules = set(plan.loc[plan["file"].str.contains(f"/{name}[./]"), "rule"])
        assert {
            *("train_diffusion", "decode_cohort", "summarise_fidelity", "measure_privacy"),
            *("attack_white_box", "train_classifiers", "measure_association"),
        } <= rules
        assert "release" not in rules and not any(rule.startswith("plot") for rule in rules)
    assert not plan["file"].str.contains("own_seed4|own_seed1|g_seed").any()
    assert plan["file"].str.endswith("tabulate_replicates/replicates.tsv").any()
