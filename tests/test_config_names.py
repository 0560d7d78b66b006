"""Names and defaults that the configuration and the code both know are the same."""

import inspect
import re
from typing import Literal, get_args, get_origin

import pytest
import torch
from conftest import REPOSITORY

from syncohort.baselines import alleles
from syncohort.classifiers import fitting
from syncohort.config import cohort, denoisers, evaluation, generators, plan, representations, study
from syncohort.config.sections import kind_of, sections_of
from syncohort.config.study import parse_config
from syncohort.diffusion import process, samplers, schedules
from syncohort.diffusion import training as diffusion_training
from syncohort.diffusion.denoisers import build_denoiser
from syncohort.errors import InputError
from syncohort.formats import annotation, readers
from syncohort.generators import latents
from syncohort.report import comparison
from syncohort.representations import blocks, gene_pca_fitting, snp_vae_training
from syncohort.simulation import demo
from syncohort.synthesis import decoding, sampling
from syncohort.training import devices

DENOISERS = REPOSITORY / "workflow/src/syncohort/diffusion/denoisers"


def choices(section, key: str) -> set[str]:
    """The names a key may have, of its field or of what its list or dictionary holds."""

    def found(annotation) -> set[str]:
        if get_origin(annotation) is Literal:
            return set(get_args(annotation))
        return set().union(*(found(part) for part in get_args(annotation)))

    return found(section.model_fields[key].annotation)


def kinds(section, key: str) -> set[str]:
    """The kinds of section a key may hold."""
    return {kind_of(each) for each in sections_of(section.model_fields[key])}


@pytest.mark.parametrize(
    "section, key, known",
    [
        (cohort.Input, "kind", {*readers.KINDS, "demo"}),
        (cohort.Demo, "people_per_population", demo.SUPERPOPULATIONS),
        (cohort.Genes, "format", {*annotation.FORMATS, "auto"}),
        (cohort.Genes, "intergenic", blocks.INTERGENIC),
        (representations.GenePCAConfig, "rule", gene_pca_fitting.RULES),
        (representations.SnpVAEConfig, "network", snp_vae_training.NETWORKS),
        (generators.DiffusionConfig, "schedule", schedules.SCHEDULES),
        (generators.DiffusionConfig, "time", diffusion_training.TIMES),
        (generators.DiffusionConfig, "target", process.TARGETS),
        (generators.DiffusionConfig, "weighting", process.WEIGHTINGS),
        (generators.DiffusionConfig, "scaling", latents.SCALINGS),
        (generators.SamplingConfig, "sampler", samplers.SAMPLERS),
        (generators.SamplingConfig, "spacing", samplers.SPACINGS),
        (generators.DecodingConfig, "rule", decoding.RULES),
        (generators.DiffusionGenerator, "preset", generators.PRESETS),
        (generators.DiffusionGenerator, "preset", comparison.PRESETS),
        (evaluation.Evaluation, "classifiers", fitting.KINDS),
        (evaluation.Compute, "device", devices.DEVICES),
    ],
)
def test_a_key_takes_the_names_that_the_code_knows(section, key, known):
    assert choices(section, key) == set(known)


def test_every_generator_of_the_configuration_can_be_made():
    assert kinds(study.Config, "generators") == {*sampling._CLASSES, *alleles._KINDS}
    assert kinds(evaluation.Evaluation, "calibration") == set(alleles._KINDS)
    assert {*plan.ALLELE_KINDS} == {*alleles._KINDS, plan.VALIDATION}


def test_every_denoiser_of_the_code_is_a_kind():
    networks = {
        file.stem
        for file in DENOISERS.glob("*.py")
        if re.search(r"^class \w+Denoiser\(nn\.Module\)", file.read_text(), re.MULTILINE)
    }
    assert kinds(generators.DiffusionGenerator, "denoiser") == networks


SIZED = [
    section
    for section in vars(denoisers).values()
    if isinstance(section, type) and "size" in getattr(section, "model_fields", {})
]


@pytest.mark.parametrize("section", SIZED, ids=kind_of)
def test_a_small_network_is_one_of_its_kind_and_far_smaller(section):
    """On a cohort of 40 blocks; weights are counted, none is drawn."""
    mask = torch.ones(40, 8, dtype=torch.bool)
    sizes = {}
    for size in choices(section, "size"):
        with torch.device("meta"):
            network = build_denoiser(mask=mask, n_classes=2, **section(size=size).model_dump())
        sizes[size] = sum(each.numel() for each in network.parameters())
    assert sizes["small"] < sizes["published"] / 8


@pytest.mark.parametrize("section", SIZED, ids=kind_of)
def test_a_small_network_runs(section):
    mask = torch.ones(11, 3, dtype=torch.bool)
    network = build_denoiser(mask=mask, n_classes=2, **section(size="small").model_dump())
    found = network(torch.randn(2, 11, 3), torch.tensor([0.1, 0.9]), torch.tensor([0, 2]))
    assert found.shape == (2, 11, 3)


@pytest.mark.parametrize(
    "function, section, names",
    [
        (gene_pca_fitting.fit_gene_pca, representations.GenePCAConfig, {}),
        (blocks.assign_genes, cohort.Genes, {}),
        (fitting.train_classifier, evaluation.Evaluation, {"epochs": "classifier_epochs"}),
    ],
)
def test_a_default_of_a_function_is_that_of_its_key(function, section, names):
    defaults = {
        names.get(name, name): parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not parameter.empty
    }
    shared = set(defaults) & set(section.model_fields)
    assert shared
    for key in shared:
        assert defaults[key] == section.model_fields[key].default, key


def test_the_demo_takes_as_many_people_as_can_be_simulated():
    def study_of(n_people: int) -> dict:
        return {"demo": {"families": 0, "people_per_population": {"YRI": n_people}}}

    assert len(demo.demo_people({"YRI": 9_999}, 0)) == 9_999
    parse_config(study_of(9_999))
    with pytest.raises(InputError):
        demo.demo_people({"YRI": 10_000}, 0)
    with pytest.raises(InputError, match="at most 9999"):
        parse_config(study_of(10_000))
    with pytest.raises(InputError, match="YRI: 1,000,000 families of 4 .* lower demo.families"):
        demo.demo_people({"YRI": 250}, 1_000_000)
