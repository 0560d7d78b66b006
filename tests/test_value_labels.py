"""Labels by value: bins beside the number, positions among anchors, and generators told of it."""

import numpy as np
import pandas as pd
import pytest
import torch
from cohorts import linked_calls, store_of
from latent_cohorts import train_diffusion

from syncohort.baselines.alleles import copy_validation
from syncohort.baselines.block_gaussian import fit_block_gaussian
from syncohort.cohort.labels import join_labels
from syncohort.cohort.people import read_people
from syncohort.cohort.splits import split_table
from syncohort.cohort.synthetic_people import draw_people, synthetic_ids
from syncohort.cohort.value_bins import label_order, value_bins
from syncohort.cohort_store import CohortStore
from syncohort.config.study import parse_config
from syncohort.errors import InputError
from syncohort.formats.pgen import write_pgen
from syncohort.formats.plink import write_plink
from syncohort.formats.sample_sheet import read_sample_sheet, write_sample_sheet
from syncohort.generators.conditioning import ANCHOR_SHARES, fit_anchors, mix, positions
from syncohort.generators.latents import fit_normalisation
from syncohort.generators.rows import EncodedPeople, LatentRows
from syncohort.genotypes import People
from syncohort.seeds import child_seed, keyed_seed, stage_seed
from syncohort.synthesis.sampling import load_latent_generator, sample_shard

CUTS = [18.5, 25.0, 30.0]
BINS = ["below 18.5", "18.5 to 25", "25 to 30", "30 and above"]


def people_with(values, split="train"):
    n = len(values)
    split = np.full(n, split, dtype=object) if isinstance(split, str) else split
    return People([f"p{i}" for i in range(n)], value_bins(values, CUTS), split, values)


# --- positions and mixtures


def test_positions_are_linear_between_anchors_and_clamped_beyond():
    values = np.random.default_rng(0).gamma(3, 5, 5_000)
    anchors = fit_anchors(values)
    np.testing.assert_allclose(anchors, np.quantile(values, ANCHOR_SHARES))
    np.testing.assert_array_equal(positions(anchors, anchors), np.arange(8))
    half = (anchors[2] + anchors[3]) / 2
    found = positions(np.array([half, anchors[0] - 9, 1e9]), anchors)
    np.testing.assert_allclose(found, [2.5, 0, 7])
    assert found.dtype == np.float32


def test_anchors_of_few_values_are_those_and_one_value_is_refused():
    assert fit_anchors(np.repeat([0.0, 1.0, 2.0], 50)).tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="all about 3; nothing can be learned"):
        fit_anchors(np.full(20, 3.0))
    with pytest.raises(InputError, match="1 of 2 people have no label value"):
        positions(np.array([1.0, np.nan]), np.array([0.0, 2.0]))


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 4, 2)])
def test_mixtures_are_hat_functions_and_whole_positions_are_rows(shape):
    table = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    whole = torch.arange(5)
    assert torch.equal(mix(table, whole), table)
    assert torch.equal(mix(table, whole.float()), table)  # 4 is "not told"
    at = torch.tensor([0.25, 2.5, 3.0, 0.0])
    hats = (1 - (at[:, None] - torch.arange(5)).abs()).clamp(min=0)
    torch.testing.assert_close(mix(table, at), torch.tensordot(hats, table, dims=1))


def test_gradients_go_to_the_two_neighbours_in_proportion():
    table = torch.zeros(5, 1, requires_grad=True)
    mix(table, torch.tensor([1.25])).sum().backward()
    torch.testing.assert_close(table.grad[:, 0], torch.tensor([0, 0.75, 0.25, 0, 0]))


def test_centers_of_values_are_the_least_squares_of_hat_functions():
    rng = np.random.default_rng(1)
    at = rng.uniform(0, 3, 2_000).astype(np.float32)
    mask = np.ones((3, 2), dtype=bool)
    corners = rng.normal(size=(4, 3, 2))
    hats = np.clip(1 - np.abs(at[:, None] - np.arange(4)), 0, None)
    options = {"n_classes": 4, "residual_from_class_mean": True, "scaling": "global"}
    latents = (np.tensordot(hats, corners, 1) + rng.normal(0, 0.5, (2_000, 3, 2))).astype("f")
    fitted = fit_normalisation(latents, at, mask, **options)
    expected = np.linalg.lstsq(hats, latents.reshape(2_000, -1))[0].reshape(corners.shape)
    np.testing.assert_allclose(fitted.center, expected, atol=1e-4)
    np.testing.assert_allclose(fitted.scale, 0.5, rtol=0.03)
    x0 = latents.copy()
    fitted.apply(x0, at)
    np.testing.assert_allclose(fitted.undo(x0, at), latents, atol=1e-5)


def test_classes_give_the_same_centers_as_whole_positions():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 600)
    latents = rng.normal(labels[:, None, None], 1, (600, 4, 2)).astype("f")
    options = {"n_classes": 3, "residual_from_class_mean": True, "scaling": "unit"}
    mask = np.ones((4, 2), dtype=bool)
    by_class = fit_normalisation(latents, labels, mask, **options)
    by_position = fit_normalisation(latents, labels.astype(np.float32), mask, **options)
    np.testing.assert_allclose(by_position.center, by_class.center, atol=1e-5)
    np.testing.assert_allclose(by_position.scale, by_class.scale, rtol=1e-5)


# --- from the table to the stores


def join(tmp_path, values, **options):
    n = len(values)
    ids = [f"p{i}" for i in range(n)]
    pd.DataFrame({"id": ids, "bmi": values}).to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    settings = {
        "table": str(tmp_path / "t.tsv"),
        "id_column": "id",
        "label_column": "bmi",
        "family_column": None,
        "missing": ["", "NA"],
        "minimum_people": 4,
        "rare": "stop",
        "person_missing_max": 0.1,
        "cuts": CUTS,
    }
    return join_labels(pd.DataFrame({"sample": ids}), np.zeros(n), **(settings | options))


def test_a_number_gets_its_bin_and_travels_to_the_split(tmp_path):
    numbers = [18.4, 18.5, 24.99, 25, 30, 31.5, "NA"] * 10
    joined = join(tmp_path, numbers)
    assert not joined.problems
    people = joined.people
    assert people["label"].tolist()[:7] == [
        BINS[0],
        BINS[1],
        BINS[1],
        BINS[2],
        BINS[3],
        BINS[3],
        "",
    ]
    assert (people.loc[people["label"] == "", "excluded"] == "no label").all()
    people.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
    options = {
        "validation": 0.2,
        "holdout": 0.2,
        "training_share": 1.0,
        "relatives": 0.0,
        "kinship_min": 0.1,
    }
    split_table(tmp_path / "people.tsv", None, tmp_path / "split.tsv", **options, seed=1)
    used = read_people(tmp_path / "split.tsv")
    assert len(used) == 60 and used.has_values
    expected = dict(zip([f"p{i}" for i in range(70)], numbers, strict=True))
    assert all(expected[name] == value for name, value in zip(used.id, used.value, strict=True))
    rows = LatentRows.of(used, "haplotype")
    assert rows.class_names == sorted(BINS)
    np.testing.assert_array_equal(rows.values[::2], used.value[used.split != "holdout"])


def test_labels_are_listed_by_value_and_names_by_name():
    cuts = [-3.5, 1e-12, 2.0, 10.0, 1e15]
    values = np.array([-9, -3.5, 1, 2, 10, 1e15])
    bins = value_bins(values, cuts).tolist()
    assert len(set(bins)) == 6 and sorted(sorted(bins), key=label_order) == bins
    assert sorted(BINS, key=label_order) == BINS
    names = ["and above", "GBR", "below par", "YRI", "1 to none"]
    assert sorted(names, key=label_order) == sorted(names)


def test_what_is_no_number_is_named(tmp_path):
    joined = join(tmp_path, [20.0] * 10 + ["tall", "inf"])
    assert "column 'bmi' a number, which these values are not: tall, inf" in joined.problems[0]
    few = join(tmp_path, [20.0] * 10 + [40.0])
    assert "30 and above (1)" in few.problems[0]


def test_names_have_no_values(tmp_path):
    joined = join(tmp_path, ["a", "b"] * 5, cuts=None)
    joined.people.assign(split="train").to_csv(tmp_path / "p.tsv", sep="\t", index=False)
    people = read_people(tmp_path / "p.tsv")
    assert not people.has_values and LatentRows.of(people, "genotype").values is None


@pytest.fixture
def store(tmp_path) -> CohortStore:
    values = np.linspace(15, 35, 24)
    split = np.array(["train", "train", "validation", "holdout"] * 6, dtype=object)
    people = people_with(values, split)
    return store_of(tmp_path / "1.zarr.zip", linked_calls(6, people.label, seed=1), people)


def test_stores_and_their_exports_keep_the_value(store, tmp_path):
    np.testing.assert_array_equal(store.people.value, np.linspace(15, 35, 24))
    copy_validation(store, tmp_path / "validation.zip")
    copied = CohortStore(tmp_path / "validation.zip").people
    np.testing.assert_array_equal(copied.value, store.people.value[2::4])
    write_plink([store], tmp_path / "x")
    fam = pd.read_csv(tmp_path / "x.fam", sep="\t", header=None)
    np.testing.assert_allclose(fam[5], store.people.value, rtol=1e-5)
    write_pgen([store], tmp_path / "x")
    psam = pd.read_csv(tmp_path / "x.psam", sep="\t")
    assert list(psam) == ["#IID", "PHENO1"]
    np.testing.assert_allclose(psam["PHENO1"], store.people.value, rtol=1e-5)


def test_sample_sheets_have_values_where_people_have(store, tmp_path):
    write_sample_sheet(store.people, tmp_path / "s.tsv")
    sheet = read_sample_sheet(tmp_path / "s.tsv")
    np.testing.assert_allclose(sheet.value, store.people.value, rtol=1e-5)
    assert sheet.label.tolist() == store.people.label.tolist()
    write_sample_sheet(People(["a"], ["x"], [""]), tmp_path / "s.tsv")
    assert (tmp_path / "s.tsv").read_text() == "sample_id\tlabel\na\tx\n"


@pytest.mark.parametrize(
    "labels, message",
    [
        ({"cuts": [25, 18.5]}, "labels: cuts .* give them in rising order"),
        ({"cuts": []}, "labels.cuts: should have 1 or more entries"),
        ({"cuts": [1], "label_column": ["a", "b"]}, "with `cuts`, label_column is one column"),
    ],
)
def test_unusable_cuts_are_refused(labels, message):
    with pytest.raises(InputError, match=message):
        parse_config({"labels": labels})


# --- whom to draw


def test_matched_values_are_distributed_as_the_training_peoples_and_nobodys_own():
    values = np.random.default_rng(3).gamma(20, 1.2, 3_000)
    split = np.where(np.arange(3_000) % 3 == 0, "holdout", "train").astype(object)
    real = people_with(values, split)
    drawn = draw_people(real, labels="matched", people=1_000, seed=2)
    trained = np.sort(values[split == "train"])
    shares = np.searchsorted(trained, np.sort(drawn.value)) / len(trained)
    assert np.abs(shares - (np.arange(1_000) + 0.5) / 1_000).max() < 0.005
    assert not np.isin(drawn.value, trained).any()
    np.testing.assert_array_equal(value_bins(drawn.value, CUTS), drawn.label)
    again = draw_people(real, labels="matched", people=1_000, seed=2)
    np.testing.assert_array_equal(again.value, drawn.value)
    assert abs(np.corrcoef(np.arange(1_000), drawn.value)[0, 1]) < 0.1  # in no order


def test_balanced_and_counted_values_are_those_of_their_bins():
    real = people_with(np.linspace(15, 40, 400))
    drawn = draw_people(real, labels="balanced", people=200, seed=2)
    assert [int((drawn.label == name).sum()) for name in BINS] == [50] * 4
    np.testing.assert_array_equal(value_bins(drawn.value, CUTS), drawn.label)
    asked = draw_people(real, labels="counts", counts={BINS[3]: 7}, seed=2)
    assert len(asked) == 7 and asked.value.min() >= 30
    few = people_with(np.array([15.0, 16.0, 17.0, 17.5, *np.linspace(19, 24, 9)]))
    with pytest.raises(InputError, match="4 training people have a value in 'below 18.5', and 5"):
        draw_people(few, labels="matched", seed=1)


@pytest.mark.parametrize("n, within", [(8, 0.3), (19, 0.3), (20, 0.1), (60, 0.06), (400, 0.03)])
def test_values_keep_mean_and_spread_of_their_bin_and_stay_in_it(n, within):
    for seed in range(5):
        known = np.random.default_rng(seed).uniform(18.5, 25, n)
        drawn = draw_people(people_with(known), labels="matched", people=5_000, seed=seed)
        np.testing.assert_array_equal(value_bins(drawn.value, CUTS), drawn.label)
        assert abs(drawn.value.mean() - known.mean()) < within * known.std()
        assert abs(drawn.value.std() / known.std() - 1) < within


def test_a_value_never_contradicts_the_label_beside_it(tmp_path):
    cuts = [20, 1_234_500]
    values = np.r_[np.linspace(1_234_400, 1_234_599, 200), np.linspace(19.99, 20.01, 40)]
    real = People([f"p{i}" for i in range(240)], value_bins(values, cuts), ["train"] * 240, values)
    drawn = draw_people(real, labels="matched", people=3_000, seed=1)
    write_sample_sheet(drawn, tmp_path / "s.tsv")
    sheet = read_sample_sheet(tmp_path / "s.tsv")
    np.testing.assert_array_equal(value_bins(sheet.value, cuts), sheet.label)
    assert sheet.value.tolist() == drawn.value.tolist()
    store = store_of(tmp_path / "1.zip", np.zeros((2, 3_000, 2)), sheet)
    write_plink([store], tmp_path / "x")
    write_pgen([store], tmp_path / "x")
    fam = pd.read_csv(tmp_path / "x.fam", sep="\t", header=None, dtype=str)[5]
    texts = pd.read_csv(tmp_path / "s.tsv", sep="\t", dtype=str)["value"]
    assert fam.tolist() == pd.read_csv(tmp_path / "x.psam", sep="\t", dtype=str)["PHENO1"].tolist()
    assert fam.tolist() == texts.tolist() and fam.str.len().median() <= 7


def test_values_do_not_tell_who_was_trained_on():
    """One who knows how values are drawn guesses people's by the values drawn at their ranks."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        trained, held_out = np.sort(rng.lognormal(3.24, 0.03, (2, 400)), axis=1)
        drawn = draw_people(people_with(trained), labels="matched", people=4_000, seed=seed)
        guess = np.quantile(drawn.value, np.linspace(0, 1, 400))
        gap = np.gradient(guess)
        scores = [
            np.abs(guess - known[:, None]).min(axis=1)
            / gap[np.abs(guess - known[:, None]).argmin(axis=1)]
            for known in (trained, held_out)
        ]
        found.append((scores[0][:, None] < scores[1]).mean())
    assert abs(np.mean(found) - 0.5) < 0.02


def test_the_published_seed_does_not_tell_whom_a_value_was_drawn_from(tmp_path):
    seed = stage_seed(1, "draw_labels")  # the seed of the configuration is in the release

    def shares(known_seed, n_drawn):
        """What the shares were that values were drawn at, for one who knows the seed of the draw."""
        rng = np.random.default_rng(child_seed(known_seed, 1))
        return (rng.permutation(n_drawn) + rng.random(n_drawn)) / n_drawn

    drawn = []
    for name in ("this", "other"):
        (tmp_path / name).write_text(f"{name} cohort's\n")
        keyed = keyed_seed(seed, tmp_path / name)
        real = people_with(np.random.default_rng(0).uniform(26, 29, 500))
        drawn.append(draw_people(real, labels="matched", seed=keyed).value)
        assert np.corrcoef(shares(keyed, 500), drawn[-1])[0, 1] > 0.99
        assert abs(np.corrcoef(shares(seed, 500), drawn[-1])[0, 1]) < 0.2
    assert abs(np.corrcoef(*drawn)[0, 1]) < 0.2


# --- generators that are told values

MASK = np.array([[True, True], [True, False], [True, True], [True, True]])
RECIPE = {
    "denoiser": {"kind": "local", "group_blocks": 1, "width": 32, "layers": 1, "context": 0},
    "schedule": "cosine",
    "n_steps": 100,
    "epochs": 40,
    "batch_size": 128,
    "learning_rate": 5e-3,
    "ema_decay": 0.99,
    "seed": 5,
    "device": "cpu",
}
SAMPLING = {"sampler": "ddim", "steps": 20, "seed": 3, "device": "cpu"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """x = value * direction + noise of sd 1, values N(24, 4^2)."""
    rng = np.random.default_rng(4)
    values = rng.normal(24, 4, 2_000)
    direction = rng.normal(size=MASK.shape) * MASK
    signal = (values[:, None, None] - 24) / 4 * direction
    latents = signal + MASK * rng.normal(size=(2_000, *MASK.shape))
    path = tmp_path_factory.mktemp("toy") / "all.npy"
    np.save(path, latents.astype(np.float32))
    split = np.where(np.arange(2_000) % 10 == 0, "validation", "train").astype(object)
    return path, people_with(values, split), direction


def train(toy, checkpoint, **options):
    path, people, _ = toy
    rows = LatentRows.of(people, "genotype")
    return train_diffusion(
        [path],
        [MASK],
        rows.labels,
        rows.is_validation,
        rows.class_names,
        values=rows.values,
        checkpoint_path=checkpoint,
        **(RECIPE | options),
    )


@pytest.mark.parametrize("from_mean", [True, False])
def test_the_slope_on_the_value_comes_back(toy, tmp_path, from_mean):
    """Whether the means hold it or the network has to learn it."""
    train(toy, tmp_path / "g", residual_from_class_mean=from_mean)
    generator = load_latent_generator(tmp_path / "g")
    values = np.linspace(17.5, 30.5, 1_000)
    people = people_with(values)
    drawn = generator.sample(generator.conditions(people), **SAMPLING)
    z = (values - 24) / 4
    slopes = np.tensordot(z - z.mean(), drawn - drawn.mean(axis=0), 1) / (z.var() * len(z))
    np.testing.assert_allclose(slopes[MASK], toy[2][MASK], atol=0.15)
    rest = drawn - z[:, None, None] * slopes
    np.testing.assert_allclose(rest.std(axis=0)[MASK], 1, atol=0.15)


def test_the_checkpoint_holds_the_anchors_and_people_without_values_are_refused(toy, tmp_path):
    train(toy, tmp_path / "g", epochs=1)
    generator = load_latent_generator(tmp_path / "g")
    trained = toy[1].value[toy[1].split == "train"]
    np.testing.assert_array_equal(generator.config["anchors"], fit_anchors(trained))
    assert generator.n_classes == 8 and generator.config["class_names"] == sorted(BINS)
    with pytest.raises(InputError, match="2 of 2 people have no label value"):
        generator.conditions(People(["a", "b"], BINS[:2], ["", ""]))


def test_latents_that_stay_on_disk_give_the_very_same_checkpoint(toy, tmp_path):
    train(toy, tmp_path / "memory", epochs=1)
    train(toy, tmp_path / "disk", epochs=1, max_resident_bytes=0)
    assert (tmp_path / "memory").read_bytes() == (tmp_path / "disk").read_bytes()


def test_shards_draw_people_by_value(toy, tmp_path):
    train(toy, tmp_path / "g", epochs=1)
    values = np.linspace(17, 31, 60)
    people = People(synthetic_ids(60), value_bins(values, CUTS), [""] * 60, values)
    options = {"mode": "genotype", "batch_size": 20, **SAMPLING}
    parts = []
    for shard in range(2):
        out = tmp_path / f"{shard}.npy"
        sample_shard(tmp_path / "g", people, out, n_shards=2, shard=shard, **options)
        parts.append(np.load(out))
    generator = load_latent_generator(tmp_path / "g")
    at = generator.conditions(people)
    whole = generator.sample(at, batch_size=20, **SAMPLING)
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    guided = generator.sample(at, batch_size=20, guidance_scale=2.0, **SAMPLING)
    assert np.isfinite(guided).all() and not np.allclose(guided, whole)


def test_models_without_values_take_the_bins(toy, tmp_path):
    path, people, _ = toy
    fit_block_gaussian(
        EncodedPeople([path], [MASK], LatentRows.of(people, "genotype")),
        checkpoint_path=tmp_path / "g",
        shrinkage=0.02,
    )
    generator = load_latent_generator(tmp_path / "g")
    told = generator.conditions(people)
    assert [generator.config["class_names"][each] for each in told] == people.label.tolist()
