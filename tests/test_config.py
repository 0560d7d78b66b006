"""The configuration: checked values, complete messages, generated files in step."""

import re
import textwrap
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY

from syncohort.config.generated_files import GUIDE, ORDINARY, _fields, generated_files
from syncohort.config.generator_names import curve_name, guided_name, replicate_name
from syncohort.config.sections import merged, sections_below
from syncohort.config.study import Config, parse_config
from syncohort.config.without_effect import without_effect
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


def test_the_study_to_copy_is_short():
    file = REPOSITORY / "config/my_study.yaml"
    assert len(file.read_text().splitlines()) <= 20
    study = load_yaml(file)
    assert study.input.kind == "vcf" and study.labels.table and study.genes.annotation


def nested(key: str, value) -> dict:
    """{"a": {"b": value}} of "a.b"."""
    first, _, rest = key.partition(".")
    return {first: nested(rest, value) if rest else value}


def together(examples: dict) -> dict:
    """One study of keys and their values."""
    study = {}
    for key, value in examples.items():
        study = merged(study, nested(key, value))
    return study


def test_the_ordinary_keys_are_a_study():
    study = parse_config(together(ORDINARY))
    assert study.labels.case_label == "case" and study.generators["NAME"].kind == "diffusion"


def guide_spans() -> list[str]:
    prose = re.sub(r"```.*?```", "", GUIDE.read_text(), flags=re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", prose)
    return [span for span in spans if span.split(":")[0].split(".")[0] in Config.model_fields]


def test_every_key_of_the_guide_exists():
    known = {key for key, _ in _fields(Config)} | {key for key, _, _ in sections_below(Config)}
    known |= {key.removesuffix(".NAME") for key in known}
    spans = guide_spans()
    assert len(spans) > 30
    for span in spans:
        key, _, value = span.partition(":")
        assert key in known, f"guide.md names {key}, which is no key"
        if value:
            parse_config(together({key: yaml.safe_load(value)}))


@pytest.mark.parametrize(
    "page", [GUIDE, REPOSITORY / "docs/my-cohort.md"], ids=lambda page: page.stem
)
def test_every_example_of_a_guide_is_valid(page):
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(), flags=re.DOTALL)
    assert len(blocks) > 1
    for block in blocks:
        parse_config(yaml.safe_load(textwrap.dedent(block)))


def test_the_readme_has_every_key_once():
    """But for those of a key that may hold sections of several kinds, once for each."""
    text = (REPOSITORY / "config/README.md").read_text().split("## All keys")[1]
    rows = re.findall(r"^\| `([\w.]+)` \| (?!section)", text, flags=re.MULTILINE)
    baselines = {key for key, _ in _fields(Config) if key.startswith("evaluation.calibration.")}
    assert set(rows) == {key for key, _ in _fields(Config)} - baselines
    once = [key for key in rows if ".denoiser." not in key and not key.endswith(".kind")]
    repeated = {key for key in once if once.count(key) > 1}
    of_several_kinds = ("representation", "release_real_haplotypes", "recombination_map")
    assert repeated == {f"generators.NAME.{key}" for key in of_several_kinds}


def test_every_field_is_described():
    for key, field in _fields(Config):
        assert field.description and field.description[-1] in ".)", key


def test_default_yaml_holds_the_defaults():
    assert load_yaml(REPOSITORY / "config/config.yaml") == parse_config({})


def test_unknown_keys_name_the_nearest_and_all_problems_come_at_once():
    text = message({"sede": 3, "split": {"holdut": 0.1, "validation": 0.7}, "mode": "diploid"})
    assert "4 problem(s)" in text
    assert "sede: unknown key. Did you mean 'seed'?" in text
    assert "split.holdut: unknown key. Did you mean 'holdout'?" in text
    assert "split.validation: should be less than 0.5; found 0.7" in text
    assert "mode: should be 'haplotype' or 'genotype'; found 'diploid'" in text


def test_a_key_in_the_wrong_section_is_shown_where_it_belongs():
    text = message({"case_label": "case", "generators": {"a": {"guidance_scale": 2}}})
    assert "case_label: unknown key. It belongs to labels.case_label." in text
    assert "It belongs to generators.NAME.sampling.guidance_scale." in text


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"input": None}, "input: should be a section, with keys below it; found None"),
        ({"input": {"kind": "vcf", "chromosomes": "22"}}, "should be a list, such as [a, b]"),
        ({"seed": 1.5}, "seed: should be a whole number; found 1.5"),
        ({"seed": -1}, "seed: should be at least 0; found -1"),
        ({"trait": {"prevalence": "x"}}, "trait.prevalence: should be a number; found 'x'"),
        ({"cohort": "a b"}, "cohort: should be letters, digits, - and _"),
        ({"labels": {"label_column": 3}}, "labels.label_column: write '3' in quotes"),
        (
            {"demo": {"people_per_population": {"MARS": 20}}},
            "demo.people_per_population.MARS: should be 'YRI', 'AFA'",
        ),
        (
            {"generators": {"a": {"sampling": {"centred": "x"}}}},
            "generators.a.sampling.centred: should be true or false; found 'x'",
        ),
        (
            {"release": {"fasta": {"people": "all"}}},
            "fasta.people: should be a whole number; found",
        ),
        ({"release": {"fasta": {"people": 0}}}, "fasta.people: should be at least 1; found 0"),
        ({"release": {"fasta": {"people": []}}}, "fasta.people: names nobody"),
        ({"release": {"fasta": {"people": [7]}}}, "fasta.people: write '7' in quotes"),
        ({"input": {"kind": "vcf", "chromosomes": []}}, "should have 1 or more entries; found []"),
        ({"filters": {"regions": {"20": [1, 2, 3]}}}, "should have at most 2 entries; found [1, 2"),
        ({"generators": {}}, "generators: should have 1 or more entries."),
        ({"resources": ""}, "resources: should not be empty; found ''"),
        ({"cohort": "a" * 101}, "cohort: should be at most 100 letters long; found 'aaa"),
        ({"generators": {"a" * 101: {}}}, "should be at most 100 letters long"),
        ({"generators": {"a": {"preset": ["x"]}}}, "generators.a.preset: should be 'genetic_diff"),
        *(
            (
                {"generators": {"a": {"per_chromosome": value}}},
                f"generators.a.per_chromosome: should be true or false; found {value!r}",
            )
            for value in ("yes", 1)
        ),
        ({"compute": {"training_hours": 0.01}}, "training_hours: should be at least 0.1"),
        ({"compute": {"training_hours": 1e9}}, "training_hours: should be at most 8760"),
    ],
)
def test_wrong_values_are_refused_in_plain_words(values, expected):
    assert expected in message(values)


def test_a_demo_has_a_reference():
    """Its sequences are written with one; nothing else of `input` is for the demo."""
    assert parse_config({"input": {"reference": "x.fa"}}).input.kind == "demo"


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


def test_few_people_are_a_preset():
    """Without what is fitted to the few people of a label, means and factors, and less of what a
    network learns by heart: fewer layers, and predictions as they are."""
    few = parse_config({"generators": {"a": {"preset": "genetic_diffusion_few_people"}}})
    usual = parse_config({"generators": {"a": {}}}).generators["a"]
    few = few.generators["a"]
    assert few.diffusion.prior_factors == 0 and few.diffusion.residual_from_class_mean is False
    assert few.sampling.centred is False and few.sampling.rescaled is False
    assert few.denoiser == usual.denoiser.model_copy(update={"layers": 3, "context": 64})
    fixed = {"epochs": 40, "batch_size": 128, "weight_decay": 0.0}
    assert few.training == usual.training.model_copy(update=fixed)
    assert few.sampling.refined_from is None
    assert few.decoding == usual.decoding.model_copy(update={"label_margin": 0.1, "label_z": 0.0})


@pytest.mark.parametrize(
    "preset", ["genetic_diffusion", "genetic_diffusion_few_people", "genetic_diffusion_pretrained"]
)
def test_networks_of_chromosomes_are_trained_as_their_preset_says(preset):
    study = {
        "generators": {"a": {"preset": preset}, "b": {"preset": preset, "per_chromosome": True}},
        "pretraining": {"panel": "/panel/{chrom}.vcf.gz"},
    }
    if preset != "genetic_diffusion_pretrained":
        del study["pretraining"]
    one, several = parse_config(study).generators.values()
    assert several.training == one.training
    assert (several.denoiser.context, several.diffusion.prior_factors) == (0, 0)


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
        (
            {"input": {"path": "x.vcf.gz", "chromosomes": [20]}},
            "path, chromosomes are for genotype files, and kind is demo (the default)",
        ),
        ({"input": {"kind": "demo", "build": "GRCh37"}}, "build is for genotype files"),
        (
            {
                "input": {"kind": "vcf", "path": "x"},
                "labels": {"table": "x"},
                "genes": {"annotation": "x"},
                "demo": {"families": 0},
            },
            "leave the section `demo` out, or set input.kind: demo",
        ),
        ({"generators": {"a": {"representation": "b"}}}, "`representations` has gene_pca"),
        (
            {"generators": {"a": {"preset": "snpgen", "denoiser": {"sight_kb": 100}}}},
            "generators.a.denoiser.sight_kb needs a representation of kind gene_pca",
        ),
        ({"compute": {"device": "cuda", "gpus": 0}}, "gpus: 0 asks for none: set gpus to 1"),
        ({"compute": {"device": "cpu", "gpus": 4}}, "gpus is 4, and device: cpu uses none"),
        ({"release": {"export": ["fasta"]}}, "fasta needs the reference genome"),
        (
            {
                "release": {"public_frequencies": True},
                "evaluation": {"calibration": {"bootstrap": {"kind": "bootstrap"}}},
            },
            "public_frequencies: true needs a generator of kind independent",
        ),
        ({"release": {"export": ["vcf", "vcf"]}}, "name each format once"),
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
        ({"generators": {"validation": {"kind": "bootstrap"}}}, "cannot be called validation"),
        (
            {"generators": {"holdout": {}}},
            "Reserved are real, validation, train, holdout, synthetic",
        ),
        ({"generators": {"mosaic_ne500": {}}}, "cannot be called mosaic_ne500"),
        ({"generators": {"mosaic_ne50000": {}}}, "mosaic_ne<number>"),
        ({"generators": {"a": {}, "a_seed2": {}}}, "cannot be called a_seed2"),
        ({"generators": {"a": {}, "a_drawn": {}}}, "cannot be called a_drawn"),
        ({"generators": {"a": {}, "a_g2": {}}}, "<generator>_drawn of a, a_g2; rename it"),
        (
            {"evaluation": {"calibration": {"train": {"kind": "mosaic"}}}},
            "cannot be called train",
        ),
        ({"generators": {"mosaic": {"kind": "mosaic"}}}, "of both `generators` and"),
        ({"generators": {"a": {"kind": "bootstrap"}}}, "a.release_real_haplotypes: true"),
        ({"generators": {"a": {"kind": "mosaic"}}}, "hands on real genotypes"),
        ({"generators": {"a": {"kind": "independent", "release_real_haplotypes": True}}}, "key"),
        (
            {"evaluation": {"mosaic_curve": [123456.1, 123456.2]}},
            "123456.1 and 123456.2 would both be called mosaic_ne123456; leave one out",
        ),
        (
            {
                "labels": {"case_label": "case"},
                "evaluation": {"guidance_curve": [2, 2.0000001]},
            },
            "would both be called genetic_diffusion_g2",
        ),
        (
            {"generators": {"a": {"preset": "paper"}}},
            "should be 'genetic_diffusion', 'genetic_diffusion_few_people', ",
        ),
        ({"generators": {"a": {"kind": "gan"}}}, "needs `kind`, one of diffusion, block_gaussian"),
        (
            {"generators": {"a": {"denoiser": {"kind": "unet"}}}},
            "denoiser: needs `kind`, one of local, mlp",
        ),
    ],
)
def test_parts_that_do_not_fit_together(values, expected):
    assert expected in message(values)


def test_importing_the_configuration_imports_nothing_heavy(tmp_path: Path):
    import subprocess
    import sys

    code = "import sys, syncohort.config.study; sys.exit(bool({'torch', 'numpy', 'pandas'} & {*sys.modules}))"
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


def test_derived_names_are_folders_and_patterns():
    """No sign of a regular expression in a wildcard's pattern."""
    assert [curve_name(size) for size in (500, 1e6, 0.5)] == [
        *("mosaic_ne500", "mosaic_ne1e06", "mosaic_ne0.5"),
    ]
    assert replicate_name("a", 2) == "a_seed2" and guided_name("a", 1.5) == "a_g1.5"


def test_a_simulated_chromosome_without_a_length_of_its_own():
    demo = {"chromosomes": [21, 22], "length_mb": {21: 2.0, "22": 1.0}, "variants": 500}
    assert parse_config({"demo": demo}).demo.length_mb == {"21": 2.0, "22": 1.0}
    del demo["length_mb"]["22"]
    with pytest.raises(InputError, match="length_mb names no number for chromosome 22"):
        parse_config({"demo": demo})


OWN_FILES = {
    "input": {"kind": "plink", "path": "x"},
    "genes": {"intergenic": "own"},
    "labels": {"table": "x"},
}


@pytest.mark.parametrize(
    "key, without, effective",
    [
        ("labels.id_column", {"labels": {"id_column": "a"}}, OWN_FILES),
        (
            "phasing.program",
            {"mode": "genotype", "phasing": {"program": "beagle"}},
            {"mode": "haplotype"},
        ),
        (
            "phasing.recombination_map",
            {"phasing": {"recombination_map": "x"}},
            {"phasing": {"program": "beagle"}},
        ),
        (
            "expansion.overlap_min",
            {"expansion": {"overlap_min": 0.9}},
            {"expansion": {"panel": "x"}},
        ),
        (
            "evaluation.causal_snps",
            {"evaluation": {"causal_snps": "x"}},
            {"labels": {"case_label": "x"}},
        ),
        (
            "evaluation.covariate_pcs",
            {"evaluation": {"covariate_pcs": 2}},
            {"labels": {"cuts": [1]}},
        ),
        (
            "evaluation.replicates",
            {"evaluation": {"replicates": 2}, "generators": {"a": {"kind": "independent"}}},
            {"generators": {"b": {}}},
        ),
        (
            "split.kinship_min",
            {"split": {"kinship_min": 0.2}},
            {"split": {"kinship_table": "x"}},
        ),
        (
            "release.fasta.people",
            {"release": {"fasta": {"people": 5}}},
            {"release": {"export": ["fasta"]}, "input": {"reference": "x"}},
        ),
        (
            "generators.a.global_axes",
            {"generators": {"a": {"global_axes": 5}}},
            {"generators": {"a": {"per_chromosome": True}}},
        ),
        (
            "generators.a.decoding.rare_margin",
            {"generators": {"a": {"decoding": {"rule": "rounding", "rare_margin": 0.1}}}},
            {"generators": {"a": {"decoding": {"rule": "matched"}}}},
        ),
        (
            "representations.p.variance_kept",
            {"representations": {"p": {"rule": "counts", "variance_kept": 0.5}}},
            {"representations": {"p": {"rule": "loss"}}},
        ),
    ],
)
def test_a_key_without_effect_is_found_and_not_where_it_has_one(key, without, effective):
    assert [found for found, _ in without_effect(without, parse_config(without))] == [key]
    other = merged(without, effective)
    assert without_effect(other, parse_config(other)) == []


def test_keys_that_the_user_did_not_set_are_not_told():
    """The defaults as they are written, presets, and every study that is shipped."""
    paper = {"generators": {"a": {"preset": "snpgen", "decoding": {"rule": "rounding"}}}}
    assert without_effect(paper, parse_config(paper)) == []
    for file in (REPOSITORY / "config").glob("*.yaml"):
        given = yaml.safe_load(file.read_text())
        assert without_effect(given, parse_config(given)) == [], file.name
