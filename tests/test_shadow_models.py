"""The attack with shadow models: its halves, its likelihood ratio, and copiers that it must find."""

from functools import partial

import numpy as np
import pytest
from cohorts import founder_calls, people_of, row_of, store_of
from scipy.stats import norm

from syncohort.config.allele_generators import HiddenChowLiuGenerator
from syncohort.config.generators import (
    BlockGaussianGenerator,
    DiffusionGenerator,
    WGANGenerator,
)
from syncohort.config.representations import GenePCAConfig
from syncohort.evaluation.privacy.shadow_alleles import draw_alleles_of
from syncohort.evaluation.privacy.shadow_latents import draw_latents_of
from syncohort.evaluation.privacy.shadow_models import (
    attack_with_shadows,
    half_of,
    likelihood_ratio,
    score_shadow,
)
from syncohort.representations.blocks import assign_genes

SMALL_NETWORK = DiffusionGenerator.model_validate(
    {
        "denoiser": {"kind": "local", "width": 16, "layers": 2, "context": 0},
        "training": {"epochs": 2, "batch_size": 32},
        "sampling": {"steps": 4, "rescaled": True, "refined_from": 0.5},
    }
)


def test_halves_are_of_every_label_and_complete_each_other():
    splits = np.repeat(["train", "holdout", "validation"], [60, 21, 9]).astype(object)
    labels = np.tile(["a", "b", "b"], 30).astype(object)
    people = people_of(labels, splits)
    halves = [half_of(people, shadow, seed=3) for shadow in range(4)]
    pool = splits != "validation"
    for first, second in (halves[:2], halves[2:]):
        np.testing.assert_array_equal(first ^ second, pool)
        for label in ("a", "b"):
            of_label = pool & (labels == label)
            assert abs((first & of_label).sum() - of_label.sum() / 2) <= 0.5
    assert (halves[0] != halves[2]).any()


def test_the_likelihood_ratio_is_that_of_two_normal_distributions():
    rng = np.random.default_rng(12)
    inside = np.tile([[True], [False]], (4, 30))
    distances = rng.normal(size=(8, 30)) - 3 * inside
    observed = rng.normal(size=30)
    of_in, of_out = (np.where(side, distances, np.nan) for side in (inside, ~inside))
    residual = distances - np.where(inside, np.nanmean(of_in, 0), np.nanmean(of_out, 0))
    sd = np.sqrt((residual**2).sum() / (8 * 30 - 2 * 30))
    expected = norm.logpdf(observed, np.nanmean(of_in, 0), sd) - norm.logpdf(
        observed, np.nanmean(of_out, 0), sd
    )
    np.testing.assert_allclose(likelihood_ratio(observed, distances, inside), expected)


def draw_shadow(kind):
    """A function of stores, folder, people and seed that draws a cohort as shadow models of a kind do."""
    if kind == "bootstrap":
        return partial(draw_alleles_of, kind=kind, maps=None)
    if kind == "hidden_chow_liu":
        return partial(draw_alleles_of, maps=None, **HiddenChowLiuGenerator().model_dump())
    section = {
        "diffusion": SMALL_NETWORK,
        "block_gaussian": BlockGaussianGenerator(),
        "wgan": WGANGenerator(),
    }[kind]

    def draw(stores, folder, **options):
        paths = []
        for place, store in enumerate(stores):
            blocks = assign_genes(store.variants, None, intergenic="own", max_snps=30)
            paths.append(folder / f"{place}.blocks.tsv")
            blocks.write(paths[-1])
        return draw_latents_of(
            stores,
            folder,
            block_paths=paths,
            pca=GenePCAConfig().model_dump(exclude={"kind"}),
            generator=section.model_dump(),
            recentred=kind == "diffusion",
            mode="genotype",
            device="cpu",
            threads=1,
            memory_mb=2000,
            **options,
        )

    return draw


# A baseline that smooths little of so few people is told by its shadows where it was drawn as they were.
@pytest.mark.parametrize(
    "kind, mode, least",
    [
        ("bootstrap", "haplotype", 0.8),
        ("bootstrap", "genotype", 0.8),
        ("hidden_chow_liu", "genotype", 0.8),
        ("block_gaussian", "genotype", 0.8),
    ],
)
def test_shadow_models_find_the_people_of_a_copier_and_nobody_else(tmp_path, kind, mode, least):
    splits = np.repeat(["train", "holdout"], [80, 40]).astype(object)
    calls = founder_calls(200, 200, n_founders=40, seed=13)
    phased = mode == "haplotype"
    if not phased:
        calls.sort(axis=2)
    seen, strangers = calls[:, :120], calls[:, 120:]
    real = store_of(tmp_path / "real.zip", seen, people_of(["x"] * 120, splits), phased=phased)
    drawn = people_of(["x"] * 80, prefix="s")
    draw = draw_shadow(kind)
    common = {"mode": mode, "max_people": 500, "seed": 4}
    shadows = [
        score_shadow([real], drawn, partial(draw, seed=20 + k), shadow=k, **common)
        for k in range(4)
    ]
    assert all(table["inside"].sum() == 60 for table in shadows)
    releases = {
        name: store_of(tmp_path / f"{name}.zip", own, drawn, phased=phased)
        for name, own in (("copies", seen[:, :80]), ("strangers", strangers))
    }
    (releases["its own"],) = draw([real], tmp_path, people=drawn, seed=3)
    rows = {
        name: row_of(
            attack_with_shadows(
                *([real], [store], shadows),
                cohort="c",
                generator="g",
                minimum_people=20,
                **common,
            ),
            "membership_auc",
            method="shadow models",
        )
        for name, store in releases.items()
    }
    assert rows["copies"]["low"] > least
    assert rows["its own"]["low"] > 0.5
    assert rows["strangers"]["low"] < 0.5


@pytest.mark.parametrize("kind", ["block_gaussian", "diffusion", "wgan"])
def test_a_shadow_model_of_latents_sees_the_people_of_its_half_alone(tmp_path, kind):
    calls = founder_calls(60, 200, seed=3)
    splits = np.repeat(["train", "holdout", "validation"], [140, 40, 20]).astype(object)
    others = calls.copy()
    others[:, 140:180] = 0
    drawn = []
    for name, own in (("real", calls), ("others", others)):
        (tmp_path / name).mkdir()
        people = people_of(["x"] * 200, splits)
        store = store_of(tmp_path / f"{name}.zip", own, people, phased=False)
        draw = draw_shadow(kind)
        (cohort,) = draw([store], tmp_path / name, people=people_of(["x"] * 30), seed=1)
        drawn.append(cohort.read())
    np.testing.assert_array_equal(*drawn)
    assert drawn[0].any()


def test_validation_people_are_in_no_half_and_no_more_people_are_drawn_than_are_compared(tmp_path):
    splits = np.repeat(["train", "holdout", "validation"], [40, 20, 8]).astype(object)
    calls = founder_calls(40, 68, seed=4)
    real = store_of(tmp_path / "real.zip", calls, people_of(["x"] * 68, splits), phased=True)
    seen, wanted = [], []

    def draw(stores, folder, people):
        seen.append(stores[0].people.split)
        wanted.append(people)
        return [store_of(folder / "drawn.zip", calls[:, : len(people)], people, phased=True)]

    released = people_of(["x", "y"] * 20, prefix="s")
    common = {"mode": "haplotype", "seed": 1}
    table = score_shadow([real], released, draw, shadow=0, max_people=60, **common)
    assert (seen[0][60:] == "validation").all() and len(table) == 60
    assert (seen[0][:60] == "train").sum() == (seen[0][:60] == "holdout").sum() == 30
    assert wanted[0].id.tolist() == released.id.tolist()
    score_shadow([real], released, draw, shadow=0, max_people=10, **common)
    drawn_for = dict(zip(released.id, released.label, strict=True))
    assert len(wanted[1]) == 10
    assert [drawn_for[name] for name in wanted[1].id] == wanted[1].label.tolist()
