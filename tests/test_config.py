"""The configuration: checked values, complete messages, generated files in step."""

from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY

from syncohort.config.generated_files import generated_files
from syncohort.config.study import Config, parse_config
from syncohort.errors import InputError


def load_yaml(path: Path) -> Config:
    return parse_config(yaml.safe_load(path.read_text()))


def message(values: dict) -> str:
    with pytest.raises(InputError) as caught:
        parse_config(values)
    return str(caught.value)


def test_generated_files_are_current():
    for file, text in generated_files(REPOSITORY).items():
        assert file.read_text() == text, f"{file.name} is out of date: run `make config`"


def test_every_shipped_study_is_valid():
    for file in (REPOSITORY / "config").glob("*.yaml"):
        load_yaml(file)


def test_default_yaml_holds_the_defaults():
    assert load_yaml(REPOSITORY / "config/config.yaml") == parse_config({})


def test_unknown_keys_name_the_nearest_and_all_problems_come_at_once():
    text = message({"sede": 3, "split": {"holdut": 0.1, "validation": 0.7}, "mode": "diploid"})
    assert "4 problem(s)" in text
    assert "sede: unknown key. Did you mean 'seed'?" in text
    assert "split.holdut: unknown key. Did you mean 'holdout'?" in text
    assert "split.validation: Input should be less than 0.5; found 0.7" in text
    assert "mode: Input should be 'haplotype' or 'genotype'; found 'diploid'" in text


def test_unknown_keys_inside_named_sections():
    assert "Did you mean 'training'?" in message({"generators": {"mine": {"trainig": {}}}})
    assert "Did you mean 'rule'?" in message({"representations": {"x": {"rul": "loss"}}})


def test_places_are_those_the_user_wrote():
    """Not those of pydantic, which adds the kind of a section."""
    text = message({"generators": {"a": {"denoiser": {"kind": "local", "widht": 8}}}})
    assert "generators.a.denoiser.widht: unknown key. Did you mean 'width'?" in text


def test_single_keys_of_the_default_denoiser_change_under_any_name():
    values = {"generators": {"a": {"denoiser": {"experts": 32}}}}
    denoiser = parse_config(values).generators["a"].denoiser
    assert (denoiser.kind, denoiser.experts, denoiser.width) == ("local", 32, 96)


def test_a_preset_is_a_start_that_single_keys_change():
    values = {"generators": {"a": {"preset": "genetic_diffusion_paper", "training": {"epochs": 7}}}}
    paper = parse_config(values).generators["a"]
    assert paper.denoiser.kind == "mlp_cnn" and paper.diffusion.target == "eps"
    assert paper.training.epochs == 7 and paper.training.batch_size == 16
    values["generators"]["a"]["denoiser"] = {"kind": "mlp", "widths": [64, 32]}
    assert parse_config(values).generators["a"].denoiser.widths == [64, 32]


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"input": {"kind": "vcf"}}, "kind vcf needs a path"),
        ({"input": {"kind": "plink", "path": "x"}}, "genes.annotation is needed"),
        ({"generators": {"a": {"representation": "b"}}}, "`representations` has gene_pca"),
        ({"synthesis": {"labels": "counts"}}, "`counts` is for `labels: counts`"),
        (
            {"generators": {"a": {"sampling": {"steps": 900}}}},
            "sampling.steps 900 exceeds diffusion.n_steps 500",
        ),
        (
            {
                "generators": {
                    "a": {"diffusion": {"label_dropout": 0}, "sampling": {"guidance_scale": 2}}
                }
            },
            "guidance_scale other than 1 needs diffusion.label_dropout",
        ),
        ({"cohort": "../elsewhere"}, "cohort"),
        ({"generators": {"real": {}}}, "cannot be called real"),
        ({"generators": {"unseen": {"kind": "bootstrap"}}}, "cannot be called unseen"),
        ({"generators": {"mosaic": {"kind": "mosaic"}}}, "of both `generators` and"),
        ({"generators": {"a": {"kind": "bootstrap"}}}, "a.release_real_haplotypes: true"),
        ({"generators": {"a": {"kind": "mosaic"}}}, "hands on real genotypes"),
        ({"generators": {"a": {"kind": "independent", "release_real_haplotypes": True}}}, "key"),
        (
            {"generators": {"a": {"preset": "paper"}}},
            "Input should be 'genetic_diffusion', 'genetic_diffusion_paper', 'snpgen' or",
        ),
        ({"generators": {"a": {"kind": "gan"}}}, "needs `kind`, one of diffusion, block_gaussian"),
        (
            {"generators": {"a": {"denoiser": {"kind": "unet"}}}},
            "denoiser: needs `kind`, one of mlp",
        ),
        (
            {"generators": {"a": {"denoiser": {"kind": "cnn", "multipliers": [1, 2]}}}},
            "attention_at [32, 64]: the levels' down-sampling factors are [1, 2]",
        ),
        (
            {"generators": {"a": {"denoiser": {"kind": "transformer", "heads": 5}}}},
            "heads 5 do not divide width 384",
        ),
    ],
)
def test_parts_that_do_not_fit_together(values, expected):
    assert expected in message(values)


def test_importing_the_configuration_does_not_import_torch(tmp_path: Path):
    import subprocess
    import sys

    code = "import sys, syncohort.config.study, syncohort.code_digest; sys.exit('torch' in sys.modules)"
    environment = {"PYTHONPATH": str(REPOSITORY / "workflow/src")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_numbers_are_taken_for_names():
    study = parse_config(
        {
            "input": {"kind": "plink", "path": "x", "chromosomes": [20, "chr22"]},
            "genes": {"annotation": "genes"},
            "labels": {"missing": [0, -9]},
            "synthesis": {"labels": "counts", "counts": {1: 30, 2: 20}},
        }
    )
    assert study.input.chromosomes == ["20", "chr22"]
    assert study.labels.missing == ["0", "-9"]
    assert study.synthesis.counts == {"1": 30, "2": 20}
