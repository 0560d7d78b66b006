"""Figures and tables of the GeneticDiffusion paper: from trained models, and as pictures."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from cohorts import linked_calls, people_of, store_of, worded
from conftest import REPOSITORY
from fabricated import metrics as fabricated_metrics
from latent_cohorts import train_diffusion
from threadpoolctl import threadpool_limits

from syncohort.diffusion.denoisers import build_denoiser
from syncohort.diffusion.model import load_generator
from syncohort.errors import InputError
from syncohort.evaluation.groups import ALL, Group
from syncohort.evaluation.models import bottleneck
from syncohort.evaluation.models.costs import measure_costs
from syncohort.evaluation.tables import read_tables
from syncohort.evaluation.tidy import metric_row, tidy
from syncohort.figures import training as paper_figures
from syncohort.figures.training import kept_epoch, plot_bottleneck, plot_mixing, plot_training
from syncohort.generators.encoding import encode_people
from syncohort.report.paper_tables import POPULATIONS, is_papers_task, tabulate_paper, write_page
from syncohort.representations.blocks import assign_genes
from syncohort.representations.gene_pca_fitting import fit_gene_pca

PRINTED = read_tables([REPOSITORY / "resources/genetic_diffusion_tables.tsv"])
SMALL = {
    "kind": "mlp_cnn",
    "mlp": {"widths": [64, 32]},
    "cnn": {"base_width": 32, "multipliers": [1, 2], "attention_at": [], "head_width": 32},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A cohort, its representation, and a mixed network that was trained on it."""
    folder = tmp_path_factory.mktemp("study")
    labels = np.array(["x", "y"], object)[np.arange(150) % 2]
    splits = np.repeat(["train", "validation", "holdout"], [90, 30, 30]).astype(object)
    calls = linked_calls(60, labels, seed=1)
    real = store_of(folder / "1.zarr.zip", calls, people_of(labels, splits))
    drawn = store_of(folder / "drawn.zarr.zip", calls[:, :100], people_of(labels[:100], prefix="s"))
    blocks = assign_genes(real.variants, None, intergenic="own", max_snps=20)
    model = fit_gene_pca(real, blocks, train=splits == "train", mode="haplotype")
    encode_people([real], model, folder / "1.npy", folder / "1.npz")
    train_diffusion(
        [folder / "1.npy"],
        [model.mask],
        np.repeat(np.arange(120) % 2, 2),
        np.repeat(np.arange(120) >= 90, 2),
        ["x", "y"],
        checkpoint_path=folder / "checkpoint",
        denoiser=SMALL,
        schedule="cosine",
        n_steps=50,
        epochs=4,
        batch_size=32,
        learning_rate=1e-2,
        seed=0,
        device="cpu",
        log_path=folder / "losses.tsv",
    )
    return folder, real, drawn, model


# --- figure 6: what the mixed network tells while it is trained


def test_the_table_of_losses_follows_the_mixing_weight(study):
    folder, *_ = study
    losses = read_tables([folder / "losses.tsv"])
    network = load_generator(folder / "checkpoint").network
    times = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9])
    columns = [f"mixing_t{t}" for t in (0.1, 0.3, 0.5, 0.7, 0.9)]
    kept = kept_epoch(losses, 1.0)
    expected = network.mixing_weight(times).detach().numpy()
    np.testing.assert_allclose(kept[columns].astype(float), expected, rtol=1e-5)
    assert losses[columns].nunique().min() > 1  # it is learned


def test_the_kept_epoch_is_the_checkpoints(study):
    folder, *_ = study
    config = load_generator(folder / "checkpoint").config["training"]
    assert kept_epoch(read_tables([folder / "losses.tsv"]), 1.0)["epoch"] == config["best_epoch"]


def losses(epochs=8, *, auc=0.5, mixing=False) -> pd.DataFrame:
    """Validated every second epoch; the lowest loss is at epoch 6."""
    epoch = np.arange(1, epochs + 1)
    validation = np.where(epoch % 2, np.nan, 1 / epoch + 0.5 * (epoch > 6))
    columns = {"epoch": epoch, "validation_loss": validation, "train_loss_fixed": 0.9 * validation}
    columns |= {"reconstruction_error": 2 * validation, "membership_auc": auc + epoch / 100}
    columns |= {"membership_added": auc + epoch / 100}
    columns |= {f"error_t{t}": t + 1 / epoch for t in (0.1, 0.5, 0.9)}
    if mixing:
        columns |= {f"mixing_t{t}": t / epoch for t in (0.1, 0.5, 0.9)}
    return pd.DataFrame(columns)


@pytest.mark.parametrize(("limit", "expected"), [(1.0, 6), (0.55, 4), (0.5, 2)])
def test_weights_within_the_limit_are_kept_else_those_that_exceed_least(limit, expected):
    assert kept_epoch(losses(), limit)["epoch"] == expected


# --- figure 7: the narrowest layer


@pytest.mark.parametrize("part", ["mlp", "cnn"])
def test_activations_are_those_of_the_layer(study, part):
    """With no noise to speak of, a hand-made pass gives the same numbers."""
    folder, *_ = study
    generator = load_generator(folder / "checkpoint")
    latents, labels = np.load(folder / "1.npy")[:70], np.arange(70) // 2 % 2
    found = bottleneck.activations(generator, iter(np.split(latents, 2)), labels, seed=1)
    again = bottleneck.activations(generator, iter(np.split(latents, 2)), labels, seed=1)
    np.testing.assert_array_equal(found[part], again[part])
    process, network = generator.process(torch.device("cpu")), generator.network.eval()
    x0 = latents.copy()
    generator.normalisation.apply(x0, labels)
    times, own = torch.full((70,), 5), torch.from_numpy(labels)  # 0.1 of 50 steps
    guess = process.prior.guess(
        torch.from_numpy(x0) * process.levels(times)[0], *process.levels(times)
    )
    with torch.no_grad():
        if part == "mlp":
            h = guess.flatten(1)
            for down in network.mlp.down:
                h, _ = down(h)
            expected = network.mlp.bottleneck(h)
        else:
            layer = []
            network.cnn.middle.register_forward_hook(lambda *given: layer.append(given[2]))
            network.cnn(guess, times / 50, own, residual=False)
            expected = layer[0].flatten(1)
    assert found[part].shape == expected.shape
    each = np.corrcoef(found[part].ravel(), expected.numpy().ravel())[0, 1]
    assert each > 0.9  # but for the noise of a tenth of the way


def test_networks_without_a_bottleneck_are_refused(study):
    network = build_denoiser("local", torch.ones(4, 3, dtype=torch.bool), 2)
    with pytest.raises(InputError, match="LocalDenoiser has no bottleneck; use mlp, cnn or"):
        bottleneck.narrowest_layers(network)


def test_every_source_is_placed_by_both_parts(study, monkeypatch, tmp_path):
    folder, real, drawn, model = study
    monkeypatch.setattr(bottleneck, "PEOPLE", 25)
    generator = load_generator(folder / "checkpoint")
    with threadpool_limits(1):  # as in a job; threads that spin take minutes where others work
        places = bottleneck.embed_bottleneck(
            generator, [real], {"mine": [drawn]}, [model], seed=0, device="cpu"
        )
    counts = places.groupby(["group", "source"]).size()
    assert (counts == 50).all() and len(counts) == 6  # two haplotypes each
    assert np.isfinite(places[["tsne1", "tsne2"]]).all(axis=None)
    places.to_csv(tmp_path / "places.tsv", sep="\t", index=False)
    again = read_tables([tmp_path / "places.tsv"])  # names stay names
    assert (again[["group", "source", "label"]] == places[["group", "source", "label"]]).all(
        axis=None
    )
    monkeypatch.setattr(bottleneck, "PEOPLE", 10)
    few = bottleneck.embed_bottleneck(
        generator, [real], {"mine": [drawn]}, [model], seed=0, device="cpu"
    )
    assert few["tsne1"].isna().all()


# --- table 5


def test_costs_are_counted_and_collected(study, tmp_path):
    folder, *_ = study
    for name, seconds, memory in (("train", 7.0, 300), ("0", 2.0, 100), ("1", 3.0, 200)):
        pd.DataFrame({"s": [seconds], "max_rss": [memory]}).to_csv(
            tmp_path / f"{name}.tsv", sep="\t", index=False
        )
    for shard, rows in (("0", 12), ("1", 28)):
        np.save(tmp_path / f"{shard}.npy", np.zeros((rows, 2, 2)))
    options = {
        "name": "mine",
        "rows_per_genome": 2,
        "training_benchmarks": [tmp_path / "train.tsv"],
        "sampling_benchmarks": [tmp_path / "0.tsv", tmp_path / "1.tsv"],
    }
    files = (
        [folder / "checkpoint"],
        [folder / "losses.tsv"],
        [],
        [tmp_path / "0.npy", tmp_path / "1.npy"],
    )
    plain = {"steps": 10, "spacing": "time", "guidance_scale": 1.0, "refined_from": None}
    row = measure_costs(*files, sampling=plain, **options).iloc[0]
    network = load_generator(folder / "checkpoint").network
    assert row["parameters"] == sum(each.numel() for each in network.parameters())
    assert row["gflop_per_genome"] == pytest.approx(row["gflop_per_pass"] * 10 * 2)
    assert row["genomes_per_second"] == 20 / 5
    assert (row["training_memory_mb"], row["sampling_memory_mb"]) == (300, 200)
    assert (row["denoiser"], row["classes"], row["training_epochs"]) == ("mlp_cnn", 2, 4)
    assert 0 < row["training_seconds"] < 600
    panels = (*files[:2], [folder / "losses.tsv"], files[3])
    twice = measure_costs(*panels, sampling=plain, **options).iloc[0]
    assert twice["training_seconds"] == pytest.approx(2 * row["training_seconds"])
    guided = measure_costs(*files, sampling=plain | {"guidance_scale": 2.0}, **options).iloc[0]
    assert guided["gflop_per_genome"] == pytest.approx(2 * row["gflop_per_genome"])
    again = plain | {"refined_from": 0.5}  # five of ten steps a second time
    twice = measure_costs(*files, sampling=again, **options).iloc[0]
    assert twice["gflop_per_genome"] == pytest.approx(1.5 * row["gflop_per_genome"])
    (tmp_path / "0.tsv").unlink()
    row = measure_costs(*files, sampling=plain, **options).iloc[0]
    assert np.isnan(row["genomes_per_second"]) and row["parameters"] > 0


# --- the paper's values


def printed(table, metric) -> pd.DataFrame:
    own = PRINTED[(PRINTED["table"] == table) & (PRINTED["metric"] == metric)]
    return worded(own).pivot(index="group", columns="source", values="value")


def test_the_shipped_values_agree_with_one_another():
    """A recovery rate is a ratio of accuracies, a privacy loss a difference of means."""
    accuracy, recovery = printed(6, "accuracy"), printed(2, "recovery_rate")
    for source in recovery:
        expected = accuracy[source] / accuracy["real"]
        np.testing.assert_allclose(recovery[source], expected[recovery.index], atol=6e-4)
    mean = (printed(4, "aa_truth") + printed(4, "aa_syn")) / 2
    loss = printed(4, "privacy_loss").loc["all"]
    np.testing.assert_allclose(
        loss,
        (mean.loc["against holdout people"] - mean.loc["against training people"])[loss.index],
        atol=1e-9,
    )


def test_the_papers_work_is_ours_at_its_size():
    """What Table 5 leaves out is what its remarks say: the MLP has nothing of the kind."""
    work, weights = printed(5, "gflop_per_pass").loc["all"], printed(5, "parameters").loc["all"]
    assert work["mlp"] == pytest.approx(2 * weights["mlp"] / 1e9, rel=0.01)
    assert work["mlp_cnn"] == pytest.approx(work["mlp"] + work["cnn"], abs=0.01)
    attention = 12 * 2 * 2 * (18_432 / 16 + 2) ** 2 * 384 / 1e9  # QK and the weighted sum
    assert work["transformer"] == pytest.approx(73.78 - attention, rel=0.01)


def our_metrics() -> pd.DataFrame:
    further = [
        metric_row("privacy_loss", ALL, 0.01),
        metric_row("aa_truth", Group(against="train"), 0.4),
    ]
    few = [metric_row("augmented_accuracy", Group(method="mlp", real_share="0.05"), 0.3, 0.2, 0.4)]
    with_real = [metric_row("accuracy", Group(method="mlp", trained_on="with real"), 0.77)]
    tables = [fabricated_metrics()]
    tables += [tidy(rows, cohort="fake", generator="good") for rows in (further, few, with_real)]
    return pd.concat(tables, ignore_index=True)


def costs() -> pd.DataFrame:
    return pd.DataFrame({"generator": ["good"], "denoiser": ["local"], "parameters": [12345]})


def comparison(same_task) -> pd.DataFrame:
    return tabulate_paper(
        our_metrics(), costs(), PRINTED, sources=["good", "validation"], same_task=same_task
    )


def test_the_papers_values_stand_beside_ours_where_the_task_is_the_same(tmp_path):
    assert is_papers_task(np.array(POPULATIONS.split() * 3, object))
    assert not is_papers_task(["YRI", "CEU"])
    table = comparison(True)
    assert set(table["table"]) == {2, 3, 4, 5, 6}
    own = worded(table)[worded(table)["group"] == "mlp"].set_index(["metric", "source"])["value"]
    assert own["recovery_rate", "paper: mlp_cnn"] == 0.9302
    assert own["recovery_rate", "good"] == 0.93 and own["accuracy", "real"] == 0.45
    assert not table["source"].isin(["memoriser", "mosaic"]).any()
    assert "with real" not in set(table["trained_on"])
    write_page(table, tmp_path / "paper.html", same_task=True)
    page = (tmp_path / "paper.html").read_text()
    for words in ("paper: MLP+CNN", "0.93 [0.87, 0.99]", "310,094,848", "12,345", "mlp, 4x"):
        assert words in page


def test_another_task_has_the_papers_costs_alone(tmp_path):
    table = comparison(False)
    theirs = table[table["source"].str.startswith("paper")]
    assert set(theirs["table"]) == {5} and set(table["table"]) == {2, 3, 4, 5, 6}
    write_page(table, tmp_path / "paper.html", same_task=False)
    assert "tells other labels than the paper" in (tmp_path / "paper.html").read_text()


# --- pictures


def places() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    sources = np.repeat(["train", "holdout", "first", "second"], 30)
    table = pd.DataFrame({"source": sources, "label": np.resize(["a", "b", "c"], 120)})
    table[["tsne1", "tsne2"]] = rng.normal(size=(120, 2))
    return pd.concat([table.assign(group=part) for part in ("mlp", "cnn")])


def drawn(tmp_path, plot, *arguments, **options) -> list[str]:
    """The texts in a picture that is drawn twice, with equal bytes."""
    paths = [tmp_path / "new/first.svg", tmp_path / "second.svg"]
    for path in paths:
        plot(*arguments, path, **options)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    return re.findall(r"<!-- (.*?) -->", paths[0].read_text())


def test_all_models_are_in_the_picture_of_training(tmp_path):
    tables = {f"model {i}": losses(mixing=True) for i in range(4)}
    limits = dict.fromkeys(tables, 0.62) | {"model 0": 1.0}
    found = drawn(tmp_path, plot_training, tables, membership_max=limits)
    assert found.count("model 3") == 2 and {"weights used", "limit", "epoch / last epoch"} <= set(
        found
    )
    found = drawn(tmp_path, plot_mixing, tables, membership_max=limits)
    assert {"model 0", "Weights used"} <= set(found)
    found = drawn(tmp_path, plot_bottleneck, places())
    assert {"train", "second", "c", "Bottleneck of the cnn, by label"} <= set(found)


@pytest.mark.parametrize(
    ("name", "table", "options", "reason"),
    [
        ("plot_training", {"a": losses(1)}, {"membership_max": {"a": 1}}, "no epoch was validated"),
        ("plot_mixing", {"a": losses(1)}, {"membership_max": {"a": 1}}, "no epoch was validated"),
        ("plot_bottleneck", places().assign(tsne1=np.nan), {}, "240 rows are too few for a t-SNE"),
    ],
)
def test_a_picture_is_withheld_with_the_reason(tmp_path, name, table, options, reason):
    text = " ".join(drawn(tmp_path, getattr(paper_figures, name), table, **options))
    assert "Not shown" in text and reason in text
