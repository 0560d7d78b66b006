"""People drawn a second time from their draft: what stays and what is drawn anew, shards, the real Snakefile."""

import numpy as np
import pytest
import torch
from clones import change_study, clone, planned_jobs, snakemake
from latent_cohorts import CLASSES, MASK, MEAN, RECIPE, SD, make_cohort, train_diffusion

from syncohort.cohort_store import CohortStore
from syncohort.config.study import parse_config
from syncohort.diffusion.model import load_generator
from syncohort.diffusion.samplers import sampling_times, times_left
from syncohort.diffusion.schedules import make_schedule
from syncohort.errors import InputError
from syncohort.genotypes import People
from syncohort.global_vector.pairing import Pairing
from syncohort.synthesis import refining
from syncohort.synthesis.refining import refine_shard

SAMPLING = {"sampler": "sde_dpm2m", "steps": 30, "spacing": "balanced"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A generator of independent Gaussians of known moments, trained to its end."""
    folder = tmp_path_factory.mktemp("refined")
    train_diffusion(**make_cohort(folder), **RECIPE, checkpoint_path=folder / "g.safetensors")
    return folder / "g.safetensors"


@pytest.mark.parametrize("begun", [1e-6, 3, 40, 99.5, 100])
def test_the_times_that_are_left_begin_at_the_noise_wanted_or_the_step_before(begun):
    times = sampling_times(make_schedule("cosine", 100), 12, "balanced")
    left = times_left(times, begun)
    assert left == times[-len(left) :] and len(left) >= 2
    assert left[0] >= begun > left[1] or left[:2] == times[-2:]


def drafts(n_rows, seed=4) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and latents of drafts that are three standard deviations from their mean."""
    labels = np.arange(n_rows) % 2
    signs = np.random.default_rng(seed).choice([-1, 1], (n_rows, *MASK.shape))
    return labels, (MEAN[labels] + 3 * SD * signs).astype(np.float32)


def test_little_noise_keeps_a_draft_and_much_noise_forgets_it(trained):
    """Of x_0 = m the sampler keeps about alpha_bar of the data's variance: between both ends it falls."""
    generator = load_generator(trained)
    labels, given = drafts(2_000)
    kept = {}
    for share in (0.02, 0.3, 0.6, 0.99):
        refine = generator.refiner(torch.device("cpu"), refined_from=share, **SAMPLING)
        with torch.inference_mode():
            found = refine(given.copy(), labels, 7, 0)
        assert found.shape == given.shape and not found[:, ~MASK].any()
        before, after = ((each - MEAN[labels])[:, MASK] / SD[MASK] for each in (given, found))
        kept[share] = (before * after).mean() / (before**2).mean()
        assert np.abs(after.mean(axis=0)).max() < 0.35  # both labels stay at their means
    assert kept[0.02] > 0.9 and abs(kept[0.99]) < 0.05
    assert sorted(kept.values(), reverse=True) == list(kept.values())


def test_a_label_given_anew_keeps_nothing_of_another(trained):
    """The condition is that of the sheet: drafts at another label's mean come back at their own."""
    generator = load_generator(trained)
    labels = np.zeros(500, dtype=np.int64)
    refine = generator.refiner(torch.device("cpu"), refined_from=0.99, **SAMPLING)
    with torch.inference_mode():
        found = refine(np.tile(MEAN[1], (500, 1, 1)), labels, 7, 0)
    np.testing.assert_allclose(found.mean(axis=0)[MASK], MEAN[0][MASK], atol=0.3)


def test_guidance_holds_for_the_second_drawing_as_for_the_first(tmp_path):
    """Where nothing of a draft is left, its label means are those that guided sampling gives."""
    recipe = RECIPE | {"residual_from_class_mean": False}  # else there is nothing to guide
    train_diffusion(**make_cohort(tmp_path), **recipe, checkpoint_path=tmp_path / "g.safetensors")
    generator = load_generator(tmp_path / "g.safetensors")
    labels, given = drafts(1_500)

    def apart(scale, *, twice):
        """Between the means of two labels, in standard deviations, [G K]."""
        options = SAMPLING | {"guidance_scale": scale}
        with torch.inference_mode():
            if twice:
                refine = generator.refiner(torch.device("cpu"), refined_from=0.99, **options)
                found = refine(given.copy(), labels, 7, 0)
            else:
                found = generator.drawer(torch.device("cpu"), **options)(labels, 5, 0)
        means = [found[labels == each].mean(axis=0) for each in (0, 1)]
        return ((means[1] - means[0]) / np.where(MASK, SD, 1))[MASK]

    guided, again, plain = apart(3, twice=False), apart(3, twice=True), apart(1, twice=True)
    moved = np.abs(guided - plain).mean()
    assert moved > 0.2 and np.abs(again - guided).mean() < 0.5 * moved


def test_shards_are_the_same_as_the_whole_whether_haplotypes_are_paired_or_not(
    trained, tmp_path, monkeypatch
):
    people = People([f"S{i}" for i in range(90)], np.array(CLASSES * 45, dtype=object), [""] * 90)
    _, given = drafts(180)
    read = []

    def encode_rows(stores, models, some):
        read.extend(some.tolist())
        for half in np.array_split(some, 2):
            yield given.reshape(90, 2, *MASK.shape)[half].reshape(-1, *MASK.shape)

    monkeypatch.setattr(refining, "encode_rows", encode_rows)
    monkeypatch.setattr("syncohort.generators.base.LatentGenerator.batch_rows", 40)
    options = SAMPLING | {"mode": "haplotype", "seed": 5, "device": "cpu", "refined_from": 0.3}
    axes = np.random.default_rng(1).normal(size=(MASK.size, 2)).astype(np.float32)
    alike = Pairing(np.array(CLASSES, dtype=object), axes, np.full((2, 2), 0.9), np.ones((2, 2)))
    alike.save(tmp_path / "pairing.npz")
    drawn = {}
    for pairing in (None, tmp_path / "pairing.npz"):
        found = []
        for n_shards in (1, 3):
            read.clear()
            paths = [tmp_path / f"{n_shards}_{shard}.npy" for shard in range(n_shards)]
            for shard, out in enumerate(paths):
                own = options | {"n_shards": n_shards, "shard": shard, "pairing": pairing}
                refine_shard(trained, people, [], [], out, **own)
            assert read == list(range(90))
            found.append(np.concatenate([np.load(out) for out in paths]))
        np.testing.assert_array_equal(*found)
        drawn[pairing is not None] = found[0].reshape(90, 2, -1)
    apart, paired = drawn[False], drawn[True]
    np.testing.assert_array_equal(apart[:, 0], paired[:, 0])
    groups = [(start, label) for start in range(0, 90, 20) for label in CLASSES]
    own = [
        np.flatnonzero((np.arange(90) // 20 * 20 == at) & (people.label == k)) for at, k in groups
    ]
    for rows in own:  # those who are drawn together, of one label
        before, after = (each[rows, 1][np.lexsort(each[rows, 1].T)] for each in (apart, paired))
        np.testing.assert_array_equal(before, after)
    assert (apart[:, 1] != paired[:, 1]).any(axis=1).mean() > 0.5


def test_what_cannot_be_refined_is_refused(trained):
    for value in (0, 1, -0.1, 2):
        with pytest.raises(InputError, match=r"refined_from"):
            parse_config({"generators": {"own": {"sampling": {"refined_from": value}}}})
    with pytest.raises(InputError, match="generators.own.sampling: unknown key"):
        parse_config({"generators": {"own": {"kind": "wgan", "sampling": {"refined_from": 0.3}}}})


# --- the real Snakefile


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("clone"))


SMALL = {
    "denoiser": {"kind": "mlp", "widths": [64, 32]},
    "diffusion": {"n_steps": 20},
    "training": {"epochs": 3, "batch_size": 32},
    "sampling": {"steps": 5, "refined_from": 0.4},
}
PARTS = {
    "per_chromosome": True,
    "denoiser": {"kind": "local", "width": 16, "layers": 1, "context": 0},
    "diffusion": {"n_steps": 20, "prior_factors": 4},
    "training": {"epochs": 2, "batch_size": 32},
    "sampling": {"steps": 4, "refined_from": 0.4},
}


@pytest.mark.slow
def test_a_study_draws_its_people_twice(study):
    """One network in two shards, and networks of chromosomes with global vectors."""
    name = change_study(study, generators={"small": SMALL, "parts": PARTS})
    wanted = [f"results/tiny/decode_cohort/{each}/22.zarr.zip" for each in ("small", "parts")]
    costs = "results/tiny/tabulate_costs/small.tsv"
    done = snakemake(study, *wanted, costs, study=name)
    assert done.returncode == 0, done.stdout + done.stderr
    shards = study / "results/tiny/refine_latents"
    assert {str(file.relative_to(shards)) for file in shards.rglob("*.npy")} == {
        *(f"small/all/{shard}.npy" for shard in (0, 1)),
        *(f"parts/22/{shard}.npy" for shard in (0, 1)),
    }
    for file in wanted:
        draft, final = (CohortStore(study / each) for each in (_draft(file), file))
        assert (draft.people.id == final.people.id).all()
        assert (draft.variants.id == final.variants.id).all()
        before, after = draft.read(), final.read()
        apart = (before != after).mean()
        by_chance = (before != np.roll(after, 1, axis=1)).mean()
        assert 0 < apart < 0.8 * by_chance  # drawn anew, and still the same people

    again = change_study(
        study,
        generators={
            "small": SMALL,
            "parts": PARTS | {"sampling": {"steps": 4, "refined_from": None}},
        },
    )
    jobs = planned_jobs(study, study=again)
    drawn = {tuple(wildcards.values()) for rule, wildcards in jobs if rule == "sample_latents"}
    assert drawn and not drawn & {("parts", "22", "0"), ("parts", "22", "1")}
    decoded = {tuple(wildcards.values()) for rule, wildcards in jobs if rule == "decode_cohort"}
    assert ("parts", "22") in decoded and ("small", "22") not in decoded
    assert not {wildcards["generator"] for rule, wildcards in jobs if rule == "draft_cohort"} - {
        "small"
    }


@pytest.mark.slow
def test_genotypes_of_an_autoencoder_are_drawn_twice(study):
    """Another representation, and guidance: the draft is encoded with what decoded it."""
    own = SMALL | {"sampling": {"steps": 5, "refined_from": 0.4, "guidance_scale": 2}}
    name = change_study(
        study,
        mode="genotype",
        representations={"snp_vae": {"training": {"epochs": 2}}},
        generators={"vae": own | {"representation": "snp_vae"}},
    )
    wanted = "results/tiny/decode_cohort/vae/22.zarr.zip"
    done = snakemake(study, wanted, study=name)
    assert done.returncode == 0, done.stdout + done.stderr
    before, after = (CohortStore(study / each).read() for each in (_draft(wanted), wanted))
    assert 0 < (before != after).mean() < 0.8 * (before != np.roll(after, 1, axis=1)).mean()


def _draft(file: str) -> str:
    return file.replace("decode_cohort", "draft_cohort")
