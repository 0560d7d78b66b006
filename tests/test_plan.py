"""What a study asks to be made: names and settings of its generators."""

import pytest

from syncohort.config.plan import Plan
from syncohort.config.study import parse_config
from syncohort.errors import InputError


def plan(**study) -> Plan:
    return Plan(parse_config(study))


def test_generators_are_sorted_by_what_is_done_with_them():
    found = plan(
        generators={
            "ours": {},
            "paper": {"preset": "genetic_diffusion_paper"},
            "gauss": {"kind": "block_gaussian"},
            "copies": {"kind": "bootstrap", "release_real_haplotypes": True},
        },
        evaluation={
            "replicates": 2,
            "mosaic_curve": [500],
            "calibration": {"mixed": {"kind": "mosaic", "mutation_rate": 0.01}},
        },
    )
    assert found.diffusion == ["ours", "paper"]
    assert found.copies == {"copies": "bootstrap"}
    assert "release_real_haplotypes" not in found.settings["copies"]
    assert found.replicates == {"ours_seed2": "ours", "paper_seed2": "paper"}
    assert found.latent_generators == ["ours", "paper", "gauss"]
    assert found.allele_generators == ["copies", found.calibration[0], "mixed", "mosaic_ne500"]
    assert found.representations == ["gene_pca", "gene_pca_paper"]
    assert found.mixing == found.bottlenecks == ["paper"]
    assert found.settings["paper_seed2"] == found.settings["paper"]
    assert set(found.measured) <= set(found.settings)
    # mosaics of the curve are the calibration's, of another size
    assert found.settings["mosaic_ne500"] == found.settings["mixed"] | {"effective_size": 500}
    assert found.mosaics == {"mixed": 10_000, "mosaic_ne500": 500}


def test_a_curve_of_mosaics_needs_no_mosaic_beside_it():
    beside = {"independent": {"kind": "independent"}}
    own = plan(evaluation={"mosaic_curve": [500], "calibration": beside}).settings["mosaic_ne500"]
    assert own == plan().settings["mosaic"] | {"effective_size": 500}


def test_points_of_a_guidance_curve_are_sampled_from_the_released_model():
    found = plan(
        labels={"case_label": "case"},
        generators={"ours": {}, "fixed": {"diffusion": {"label_dropout": 0.0}}},
        evaluation={"guidance_curve": [1, 2]},
    )
    assert found.guided == {"ours_g2": ("ours", 2)}
    assert found.trained_as("ours_g2") == "ours" and found.trained_as("ours") == "ours"
    assert found.guidance_scales == {"ours": 1, "ours_g2": 2}
    changed = found.settings["ours_g2"]["sampling"]
    assert changed == found.settings["ours"]["sampling"] | {"guidance_scale": 2}
    assert "association" in found.dimensions


def test_everybody_drawn_is_measured_beside_the_release_where_people_are_withheld():
    assert plan().drawn == {} and "genetic_diffusion_drawn" not in plan().measured
    found = plan(
        release={"withhold": 0.01}, generators={"ours": {}, "gauss": {"kind": "block_gaussian"}}
    )
    assert found.drawn == {"ours_drawn": "ours", "gauss_drawn": "gauss"}
    assert found.measured[-2:] == ["ours_drawn", "gauss_drawn"]
    assert not set(found.drawn) & {*found.evaluated, *found.generators}
    assert found.settings["ours_drawn"] == found.settings["ours"]


def test_only_what_learns_in_minutes_is_attacked_with_shadow_models():
    assert plan().shadowed == []
    found = plan(
        evaluation={"shadow_models": 8},
        generators={
            "ours": {},
            "alone": {"kind": "independent"},
            "trees": {"kind": "hidden_chow_liu"},
            "gauss": {"kind": "block_gaussian"},
            "slow": {"kind": "block_gaussian", "representation": "snp_vae"},
            "gan": {"kind": "wgan"},
        },
        release={"withhold": 0.01},
    )
    assert found.with_likelihood == ["trees"]
    own = ["alone", "trees", "gauss", "gan"]
    assert found.shadowed == [*own, "independent", "bootstrap", "mosaic"]


def test_networks_have_shadow_models_where_the_study_asks_for_them():
    found = plan(
        evaluation={"shadow_models": 8, "shadow_networks": True, "replicates": 2},
        generators={
            "ours": {},
            "apart": {"per_chromosome": True},
            "latent": {"preset": "snpgen"},
        },
    )
    assert found.shadowed == ["ours", "independent", "bootstrap", "mosaic"]
    with pytest.raises(InputError, match="shadow_networks needs evaluation.shadow_models"):
        plan(evaluation={"shadow_networks": True})
    with pytest.raises(InputError, match="no generator is a diffusion model with one network"):
        plan(
            evaluation={"shadow_models": 8, "shadow_networks": True},
            generators={"apart": {"per_chromosome": True}},
        )


def test_every_difference_of_a_trait_counts_unless_the_study_says_otherwise():
    """Effects are small differences; of many small labels most differences are chance."""
    generators = {
        "own": {},
        "said": {"decoding": {"label_z": 2}},
        "copies": {"kind": "independent"},
    }
    for labels, expected in (
        ({}, 1.0),
        ({"label_column": "disease", "case_label": "case"}, 0.0),
        ({"label_column": "bmi", "cuts": [25, 30]}, 0.0),
    ):
        settings = Plan(parse_config({"generators": generators, "labels": labels})).settings
        assert settings["own"]["decoding"]["label_z"] == expected
        assert settings["said"]["decoding"]["label_z"] == 2
        assert "decoding" not in settings["copies"]
