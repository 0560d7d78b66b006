"""Pictures: what they name, when they are withheld, and that equal tables give equal files."""

import re

import numpy as np
import pandas as pd
import pytest
from fabricated import CALIBRATION, MOSAICS, RELEASED
from fabricated import metrics as fabricated_metrics
from matplotlib.image import imread

from syncohort.evaluation.groups import ALL, Group
from syncohort.evaluation.tidy import MAF_BINS, MAJORITY, metric_row, tidy
from syncohort.evaluation.verdicts.judging import judge
from syncohort.figures import association, fidelity, training, utility
from syncohort.figures import metrics as metric_figures
from syncohort.figures.people import plot_pca, plot_split, plot_tsne, plot_umap
from syncohort.figures.style import OTHER_LABELS, SOURCE_COLOURS, label_looks, short


def frequencies(n=500, *, low=0.0) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    p = rng.uniform(low, 1 - low, n)
    columns = {name: rng.binomial(200, p) / 200 for name in ("train", "holdout", "synthetic")}
    return pd.DataFrame(columns).clip(low, 1 - low)


def pairs(n=400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    columns = {name: rng.uniform(-1, 1, n) for name in ("train", "holdout", "synthetic")}
    distance = rng.integers(1, 200_000, n)
    fixed = {f"{name}_df": 100 for name in columns}
    return pd.DataFrame({"position_1_bp": 10, "position_2_bp": 10 + distance} | columns | fixed)


def embedding(labels, *, holdout=60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    source = np.repeat(["train", "holdout", "synthetic"], [120, holdout, 120])
    places = {name: rng.normal(size=len(source)) for name in ("pc1", "pc2", "pc3", "pc4")}
    for name in ("umap1", "umap2", "tsne1", "tsne2"):
        places[name] = rng.normal(size=len(source))
    return pd.DataFrame({"source": source, "label": np.resize(labels, len(source))} | places)


def reconstruction() -> pd.DataFrame:
    rows = [
        (metric, group, name, 0.99, 100.0)
        for metric in ("allele_concordance", "minor_allele_sensitivity", "variance_kept")
        for group in ("train", "holdout")
        for name in ("all", *MAF_BINS[1:])
    ]
    rows.append(("numbers_per_snp", "all", "all", 0.5, 100.0))
    return pd.DataFrame(rows, columns=["metric", "group", "maf_bin", "value", "n"])


def people(labels=("case", "control")) -> pd.DataFrame:
    split = np.repeat(["train", "validation", "holdout"], [30, 4, 6])
    return pd.DataFrame({"label": np.resize(labels, 40), "split": split})


def metrics() -> pd.DataFrame:
    mlp = Group(method="mlp")
    scores = [
        metric_row(metric, Group(method=kind), 0.8, 0.7, 0.9)
        for metric in ("accuracy", "auc")
        for kind in ("mlp", "logistic")
    ]
    recovery = [
        metric_row("recovery_rate", mlp, 1.0, 0.9, 1.1),
        metric_row("recovery_rate", mlp._replace(trained_on="4x"), 1.1, 1.0, 1.2),
    ]
    commonest = [metric_row("accuracy", ALL, 0.5)]
    rows = {"generator_a": scores + recovery, "real": scores, MAJORITY: commonest}
    tables = [tidy(own, cohort="demo", generator=name) for name, own in rows.items()]
    return pd.concat(tables, ignore_index=True)


def effects() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    real = rng.normal(size=30)
    return pd.DataFrame(
        {
            "group": ["all"] * 20 + ["causal SNPs"] * 10,
            "real": real,
            "synthetic": 0.5 * real,
            "holdout": real + rng.normal(size=30),
            "effect": np.where(np.arange(30) < 20, np.nan, real),
        }
    )


def judged(dimension="") -> pd.DataFrame:
    table = judge(fabricated_metrics(), CALIBRATION)
    return table[table["dimension"].str.contains(dimension)]


def label_people() -> pd.DataFrame:
    return pd.DataFrame({"label": ["case"] * 60 + ["control"] * 300, "split": "train"})


def augmentation() -> pd.DataFrame:
    rows = [
        metric_row("augmented_accuracy", Group(method="mlp", real_share=share), 0.5, 0.4, 0.6)
        for share in ("0.05", "0.2")
    ]
    tables = [tidy(rows, cohort="demo", generator=name) for name in ("generator_a", "real")]
    return pd.concat(tables, ignore_index=True)


PICTURES = {
    "plot_frequencies": frequencies,
    "plot_linkage": pairs,
    "plot_pca": lambda: embedding(["case", "control"]),
    "plot_umap": lambda: embedding(["case", "control"]),
    "plot_reconstruction": reconstruction,
    "plot_split": people,
    "plot_tsne": lambda: embedding(["case", "control"]),
    "plot_effects": effects,
    "plot_utility": metrics,
    "plot_augmentation": augmentation,
}
CALIBRATED = {"released": RELEASED, "calibration": CALIBRATION}
METRIC_PICTURES = {
    "plot_frontier": ((), {"mosaics": MOSAICS}),
    "plot_dimension": ((), {"dimension": "linkability"}),
    "plot_labels": ((label_people(),), {}),
}


def words(path) -> list[str]:
    """The texts in an SVG; matplotlib writes each as a comment beside its outlines."""
    return re.findall(r"<!-- (.*?) -->", path.read_text())


PLOTS = {
    each.__name__: each
    for each in (
        association.plot_effects,
        fidelity.plot_frequencies,
        fidelity.plot_linkage,
        plot_pca,
        plot_split,
        plot_tsne,
        plot_umap,
        training.plot_reconstruction,
        utility.plot_augmentation,
        utility.plot_utility,
    )
}


def drawn(tmp_path, name, table) -> list[str]:
    path = tmp_path / "picture.svg"
    PLOTS[name](table, path)
    return words(path)


def drawn_metrics(tmp_path, name, table) -> list[str]:
    path = tmp_path / "picture.svg"
    others, options = METRIC_PICTURES[name]
    getattr(metric_figures, name)(table, *others, path, **CALIBRATED, **options)
    return words(path)


@pytest.mark.parametrize("name", PICTURES)
def test_equal_tables_give_equal_pictures(tmp_path, name):
    paths = [tmp_path / "new" / "first.svg", tmp_path / "second.svg"]
    for path in paths:
        PLOTS[name](PICTURES[name](), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert not any("Not shown" in text for text in words(paths[0]))


def test_the_suffix_decides_the_format(tmp_path):
    plot_split(people(), tmp_path / "split.png")
    pixels = imread(tmp_path / "split.png")
    assert pixels.shape[1] > 800 and pixels[..., :3].std() > 0.05  # not blank


@pytest.mark.parametrize(
    ("name", "table", "reason"),
    [
        ("plot_frequencies", frequencies().iloc[:1], "1 variants have calls"),
        ("plot_linkage", pairs(99), "99 pairs of common variants near each other"),
        ("plot_pca", embedding(["a"], holdout=9), "9 holdout people; it takes 10"),
        ("plot_umap", embedding(["a"], holdout=0), "0 holdout people; it takes 10"),
        ("plot_umap", embedding(["a"]).assign(umap1=np.nan), "too few training people"),
        ("plot_tsne", embedding(["a"]).assign(tsne1=np.nan), "0 train people; it takes 10"),
        ("plot_augmentation", metrics(), "nothing was measured"),
        ("plot_effects", effects().iloc[:1], "too few SNPs with an effect"),
        ("plot_reconstruction", reconstruction().iloc[:0], "nothing was measured"),
        ("plot_split", people().iloc[:0], "there are no people"),
        (
            "plot_utility",
            metrics().assign(value=np.nan, note="needs 2 labels or more"),
            "needs 2 labels or more",
        ),
    ],
)
def test_a_picture_is_withheld_with_the_reason(tmp_path, name, table, reason):
    text = " ".join(drawn(tmp_path, name, table))
    assert "Not shown" in text and reason in text


@pytest.mark.parametrize("name", ["plot_pca", "plot_umap"])
def test_every_label_is_in_the_legend(tmp_path, name):
    labels = [f"POP{i}" for i in range(26)]
    found = drawn(tmp_path, name, embedding(labels))
    assert set(labels) <= set(found)
    assert {"Training (120 people)", "Holdout (60 people)"} <= set(found)
    looks = label_looks(pd.Series(labels)).values()
    assert len({(look["color"], look["marker"]) for look in looks}) == 26


def test_the_rarest_of_very_many_labels_share_a_look(tmp_path):
    labels = [f"L{i}" for i in range(60) for _ in range(60 - i)]
    looks = label_looks(pd.Series(labels))
    assert set(looks) == {f"L{i}" for i in range(40)} | {OTHER_LABELS}
    assert OTHER_LABELS in drawn(tmp_path, "plot_umap", embedding(labels[::6]))


def test_bins_of_a_value_are_in_the_order_of_their_values(tmp_path):
    bins = ["below 18.5", "18.5 to 25", "25 to 30", "100 and above"]
    assert list(label_looks(pd.Series(sorted(bins)))) == bins
    table = pd.DataFrame({"label": sorted(bins), "split": "train"})
    assert [text for text in drawn(tmp_path, "plot_split", table) if text in bins] == bins


def test_long_labels_stay_apart():
    names = [f"a very long name of population number {i}" for i in range(12)]
    assert len({short(name) for name in names}) == 12
    assert max(len(short(name)) for name in names) <= 24


def test_the_split_is_counted_by_label(tmp_path):
    table = people()
    found = drawn(tmp_path, "plot_split", table)
    for label, own in table.groupby("label"):
        counts = own["split"].value_counts()
        assert label in found
        assert any(
            text.strip() == f"{counts['train']} + {counts['validation']} + {counts['holdout']}"
            for text in found
        )
    assert {"train (30)", "validation (4)", "holdout (6)"} <= set(found)


def test_augmentation_names_its_sources_real_people_first(tmp_path):
    found = drawn(tmp_path, "plot_augmentation", augmentation())
    order = ["real people alone", "and those of generator_a"]
    assert [text for text in found if text in order] == order and "mlp" in found


def test_the_slope_of_effects_is_named(tmp_path):
    found = drawn(tmp_path, "plot_effects", effects())
    assert found.count("slope 0.50") == 2 and {"20 SNPs", "10 SNPs"} <= set(found)


def test_real_training_comes_first_and_the_majority_last(tmp_path):
    found = drawn(tmp_path, "plot_utility", metrics())
    order = ["trained on real", "trained on generator_a", "the commonest label"]
    assert [text for text in found if text in order] == order
    assert "recovery rate" in found and "mlp" in found
    assert {"mlp", "mlp, 4x", "logistic"} <= set(found)


def test_frequencies_without_rare_alleles_are_drawn(tmp_path):
    found = drawn(tmp_path, "plot_frequencies", frequencies(low=0.2))
    assert sum(text.startswith("mean difference") for text in found) == 2
    assert found.count("no variants") == 2


def test_sources_have_colours_of_their_own():
    assert len(set(SOURCE_COLOURS.values())) == len(SOURCE_COLOURS) == 5


# --- judged metrics


@pytest.mark.parametrize("name", METRIC_PICTURES)
def test_equal_judged_tables_give_equal_pictures(tmp_path, name):
    found = [drawn_metrics(tmp_path / str(turn), name, judged()) for turn in range(2)]
    files = [tmp_path / str(turn) / "picture.svg" for turn in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert set(RELEASED) <= set(found[0]) and "validation" in found[0]
    assert not any("Not shown" in text for text in found[0])


@pytest.mark.parametrize(
    ("name", "table", "reason"),
    [
        ("plot_frontier", judged("utility"), "linkage or membership was not measured"),
        ("plot_dimension", judged("utility"), "nothing was measured"),
        ("plot_labels", judged("linkage"), "no group of labels has enough holdout people"),
    ],
)
def test_a_picture_of_what_was_not_measured_is_withheld(tmp_path, name, table, reason):
    text = " ".join(drawn_metrics(tmp_path, name, table))
    assert "Not shown" in text and reason in text


def test_the_frontier_joins_the_mosaics_by_size_and_names_the_corners(tmp_path):
    found = drawn_metrics(tmp_path, "plot_frontier", judged())
    assert {"validation", "bootstrap", "independent", *RELEASED} <= set(found)
    assert {"Ne 500", "Ne 10,000", "Ne 50,000"} <= set(found)
    assert {"Linkage: slope on the holdout's", "Linkage kept, 20-50 kb"} <= set(found)


def test_a_dimension_shows_each_metric_once_and_no_single_labels(tmp_path):
    found = drawn_metrics(tmp_path, "plot_dimension", judged())
    assert found.count("Membership inference AUC, distance") == 1
    assert not any("label" in text for text in found)


def test_labels_are_drawn_alone_and_by_size(tmp_path):
    assert {"by distance", "by frequency"} <= set(drawn_metrics(tmp_path, "plot_labels", judged()))
