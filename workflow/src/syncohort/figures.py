"""Pictures of the report. Each reads a table and writes one SVG or PNG, by the file's suffix.

A picture that would mislead, for want of people or data, is withheld: the file then says why.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from syncohort.evaluation import MAF_BINS, MAJORITY
from syncohort.plotting import (
    GREY,
    LABEL_COLOURS,
    LABEL_MARKERS,
    OTHER_LABELS,
    SOURCE_COLOURS,
    TITLES,
    hexbin,
    label_looks,
    save,
    short,
    spread,
    styled,
    withhold,
)
from syncohort.value_labels import label_order

MIN_PEOPLE_SHOWN = 10


@styled
def plot_frequencies(table: pd.DataFrame, path: str | Path) -> None:
    """Allele frequencies of training and of synthetic people against the holdout's.

    table: `fidelity.Frequencies.variants` of all chromosomes. Above all variants, below the
    minor alleles of at most 10 % in training people.
    """
    used = table.dropna(subset=["train", "holdout", "synthetic"])
    if len(used) < 2:
        return withhold(path, "Allele frequencies", f"{len(used)} variants have calls")
    flip = used["train"].to_numpy() > 0.5
    rare = np.where(flip, 1 - used["train"], used["train"]) <= 0.1
    figure = Figure(figsize=(9.5, 8.2), layout="compressed")
    for row, axes in enumerate(figure.subplots(2, 2)):
        for ax, source in zip(axes, ("train", "synthetic"), strict=True):
            x, y = used["holdout"].to_numpy(float), used[source].to_numpy(float)
            title, kind, extent = f"{TITLES[source]} people", "ALT", 1.0
            if row == 1:  # the same variants on both sides: those that are rare in training
                x, y = np.where(flip, 1 - x, x)[rare], np.where(flip, 1 - y, y)[rare]
                title, kind, extent = f"{title}, rare alleles", "minor-allele", 0.2
            hexbin(ax, x, y, (0, extent), title, "variants")
            ax.set_xlabel(f"{kind} frequency, holdout people")
            ax.set_ylabel(f"{kind} frequency, {TITLES[source].lower()} people")
    save(figure, path)


@styled
def plot_linkage(pairs: pd.DataFrame, path: str | Path) -> None:
    """Linkage by distance in each source, and pair by pair against the holdout.

    pairs: `linkage.linkage` of all chromosomes.
    """
    used = pairs.dropna(subset=["train", "holdout", "synthetic"])
    if len(used) < 100:
        reason = f"{len(used)} pairs of common variants near each other; it takes 100"
        return withhold(path, "Linkage disequilibrium", reason)
    figure = Figure(figsize=(13, 4), layout="compressed")
    decay, *scatters = figure.subplots(1, 3)
    distance_kb = (used["position_2_bp"] - used["position_1_bp"]).to_numpy() / 1_000
    edges = np.unique(np.quantile(distance_kb, np.linspace(0, 1, 21)))
    place = np.clip(np.searchsorted(edges, distance_kb, side="right") - 1, 0, len(edges) - 2)
    for source in ("train", "holdout", "synthetic"):
        above_chance = used[source] ** 2 - 1 / used[f"{source}_df"]
        curve = pd.DataFrame({"kb": distance_kb, "r2": above_chance}).groupby(place).mean()
        broad = {"linewidth": 5, "alpha": 0.4} if source == "train" else {"marker": "o"}
        colour = SOURCE_COLOURS[source]
        decay.plot(curve["kb"], curve["r2"], label=source, color=colour, markersize=3, **broad)
    decay.set(xlabel="distance [kb]", ylabel="mean r², less that of chance")
    decay.set_title("Linkage by distance")
    decay.legend()
    for ax, source in zip(scatters, ("train", "synthetic"), strict=True):
        title = f"{TITLES[source]}, pair by pair"
        hexbin(ax, used["holdout"], used[source], (-1, 1), title, "pairs")
        ax.set(xlabel="r, holdout people", ylabel=f"r, {TITLES[source].lower()} people")
    save(figure, path)


@styled
def plot_effects(effects: pd.DataFrame, path: str | Path) -> None:
    """Effects of SNPs on the disease in synthetic people, against real and against true ones.

    effects: `association.Association.effects`.
    """
    against = {
        "all": ("real", "training people"),
        "causal SNPs": ("effect", "truth, per ALT allele"),
    }
    panels = {}
    for group, (column, words) in against.items():
        used = effects[effects["group"] == group].dropna(subset=[column, "synthetic"])
        if len(used) >= 2:
            panels[words] = used.assign(x=used[column])
    if not panels:
        return withhold(path, "Effect sizes", "too few SNPs with an effect to compare")
    figure = Figure(figsize=(4.6 * len(panels), 4.2))
    for ax, (words, used) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for column in ("holdout", "synthetic"):
            ax.plot(used["x"], used[column], ".", color=SOURCE_COLOURS[column], label=column)
        slope = (used["x"] * used["synthetic"]).sum() / (used["x"] ** 2).sum()
        ends = np.array([used["x"].min(), used["x"].max()])
        ax.plot(ends, ends, color="black", linewidth=0.8, linestyle="--", label="equal")
        ax.plot(ends, slope * ends, color=SOURCE_COLOURS["synthetic"], label=f"slope {slope:.2f}")
        ax.set(
            xlabel=f"effect, {words}", ylabel="effect (log odds ratio)", title=f"{len(used)} SNPs"
        )
        reach = 1.5 * np.abs(used[["x", "synthetic"]].to_numpy()).max()
        ax.set(ylim=(-reach, reach))  # the few holdout people's effects reach far
        ax.legend()
    save(figure, path)


@styled
def plot_pca(embedding: pd.DataFrame, path: str | Path) -> None:
    """People on the training people's principal axes 1 to 4: train, holdout, synthetic.

    embedding: `embedding.embed_people`. In the panels of holdout and synthetic people the
    training people lie behind in grey.
    """
    reason = _too_few(embedding)
    if reason:
        return withhold(path, "Principal components", reason)
    pairs = [("pc1", "pc2"), ("pc3", "pc4")]
    pairs = [pair for pair in pairs if set(pair) <= set(embedding.columns)]
    if not pairs:
        return withhold(path, "Principal components", "there is but one component")
    _draw_people(embedding, pairs, path)


@styled
def plot_umap(embedding: pd.DataFrame, path: str | Path) -> None:
    """People in the UMAP of the training people's principal components; see `plot_pca`."""
    reason = _too_few(embedding)
    if not reason and embedding["umap1"].isna().any():
        reason = "there are too few training people for a UMAP"
    if reason:
        return withhold(path, "UMAP", reason)
    _draw_people(embedding, [("umap1", "umap2")], path)


@styled
def plot_tsne(embedding: pd.DataFrame, path: str | Path) -> None:
    """People in a t-SNE of the principal components, drawn for all together; see `plot_pca`."""
    drawn = embedding.dropna(subset=["tsne1", "tsne2"])
    reason = _too_few(drawn)
    if reason:
        return withhold(path, "t-SNE", reason)
    _draw_people(drawn, [("tsne1", "tsne2")], path)


@styled
def plot_reconstruction(table: pd.DataFrame, path: str | Path) -> None:
    """What encoding and decoding keeps, by minor-allele frequency, per group of people.

    table: `reconstruction.combine_chromosomes`.
    """
    table = table[table["metric"].isin(_RECONSTRUCTION)]
    if table.empty:
        return withhold(path, "Reconstruction", "nothing was measured")
    bins = [name for name in ("all", *MAF_BINS) if name in set(table["maf_bin"])]
    metrics = [name for name in _RECONSTRUCTION if name in set(table["metric"])]
    groups = [name for name in SOURCE_COLOURS if name in set(table["group"])]
    figure = Figure(figsize=(4.6 * len(metrics) / 2, 6.4))
    axes = figure.subplots(2, int(np.ceil(len(metrics) / 2)), squeeze=False).ravel()
    for ax, metric in zip(axes, metrics, strict=False):
        for shift, group in zip(spread(len(groups)), groups, strict=True):
            own = table[(table["metric"] == metric) & (table["group"] == group)]
            value = own.set_index("maf_bin")["value"].reindex(bins)
            at = np.arange(len(bins)) + shift
            colour = SOURCE_COLOURS[group]
            ax.plot(at[1:], value.iloc[1:], "o-", color=colour, label=f"{group} people")
            ax.plot(at[0], value.iloc[0], "o", color=colour)
        ax.axhline(1, color="black", linewidth=0.8, linestyle="--")
        ax.axvline(0.5, color=GREY, linewidth=0.8)
        ax.set(xticks=np.arange(len(bins)), xlabel="minor-allele frequency in training")
        ax.set_xticklabels(bins, rotation=30, ha="right")
        ax.set(ylabel=_RECONSTRUCTION[metric], title=metric.replace("_", " "))
        ax.margins(y=0.15)
    for ax in axes[len(metrics) :]:
        ax.remove()
    axes[0].legend()
    save(figure, path)


@styled
def plot_split(people: pd.DataFrame, path: str | Path) -> None:
    """How many people of each label are in training, validation and holdout.

    people: columns label and split, one row per person.
    """
    if people.empty:
        return withhold(path, "Split of people", "there are no people")
    counts = people.groupby(["label", "split"]).size().unstack(fill_value=0)
    order, splits = sorted(counts.index, key=label_order), ["train", "validation", "holdout"]
    counts = counts.reindex(index=order, columns=splits, fill_value=0)
    figure = Figure(figsize=(7.5, 1.6 + 0.28 * len(counts)))
    ax = figure.subplots()
    place, left = np.arange(len(counts)), np.zeros(len(counts))
    for split in counts:
        ax.barh(place, counts[split], left=left, color=SOURCE_COLOURS[split])
        ax.containers[-1].set_label(f"{split} ({counts[split].sum():,})")
        left += counts[split].to_numpy()
    for y, row in enumerate(counts.to_numpy()):
        parts = " + ".join(f"{n:,}" for n in row)
        ax.text(row.sum(), y, f" {parts}", va="center", fontsize=8)
    ax.set(yticks=place, xlabel="people", title=f"Split of {len(people):,} people")
    ax.set_yticklabels([short(label) for label in counts.index])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.2, y=0.01)
    figure.legend(loc="outside lower center", ncols=3)
    save(figure, path)


@styled
def plot_utility(metrics: pd.DataFrame, path: str | Path) -> None:
    """Scores on the holdout after training on each source of people, with intervals.

    metrics: tidy table; the rows of the classifiers' scores and recovery rates are drawn.
    """
    used = metrics[metrics["metric"].isin(_UTILITY)].dropna(subset=["value"])
    if used.empty:
        notes = metrics.loc[metrics["metric"].isin(_UTILITY), "note"]
        reason = next((note for note in notes if note), "nothing was measured")
        return withhold(path, "Classifiers of the label", reason)
    shown = [name for name in _UTILITY if name in set(used["metric"])]
    sources = list(dict.fromkeys(used["generator"]))
    sources.sort(key=lambda name: (name == MAJORITY, name != "real"))
    groups = [group for group in dict.fromkeys(used["group"]) if group != "all"]
    looks = _classifier_looks(groups) | {"all": {"color": GREY, "marker": "o"}}
    shifts = dict(zip(groups, spread(len(groups)), strict=True)) | {"all": 0}
    height = 1.9 + max(0.45, 0.1 * len(groups)) * len(sources)
    figure = Figure(figsize=(3.1 * len(shown) + 2, height))
    axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for ax, metric in zip(axes, shown, strict=True):
        for group, look in looks.items():
            own = used[(used["metric"] == metric) & (used["group"] == group)]
            place = own["generator"].map(sources.index) + shifts[group]
            error = np.abs(own[["low", "high"]].sub(own["value"], axis=0)).fillna(0).to_numpy().T
            ax.errorbar(
                own["value"], place, xerr=error, linestyle="", capsize=2, markersize=5, **look
            )
        if metric == "recovery_rate":
            ax.axvline(1, color="black", linewidth=0.8, linestyle="--", zorder=0)
        ax.set(xlabel=_UTILITY[metric], title=metric.replace("_", " "), xlim=(0, None))
        ax.xaxis.set_major_locator(MaxNLocator(4))
    axes[0].set(yticks=range(len(sources)))
    axes[0].set_yticklabels([_trained_on(name) for name in sources])
    axes[0].margins(y=0.15)
    axes[0].invert_yaxis()
    handles = [Line2D([], [], linestyle="", label=group, **looks[group]) for group in groups]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(6, len(handles)))
    save(figure, path)


@styled
def plot_augmentation(metrics: pd.DataFrame, path: str | Path) -> None:
    """Accuracy after training on few real people, alone and with synthetic people added.

    metrics: tidy table; the rows of augmented_accuracy are drawn, one panel per classifier.
    """
    used = metrics[metrics["metric"] == "augmented_accuracy"].dropna(subset=["value"])
    if used.empty:
        notes = metrics.loc[metrics["metric"] == "augmentation_gain", "note"]
        reason = next((note for note in notes if note), "nothing was measured")
        return withhold(path, "Few real people, and synthetic ones added", reason)
    parts = used["group"].str.extract(r"(?P<kind>.+), (?P<share>[\d.]+) % real")
    used = used.assign(kind=parts["kind"], share=parts["share"].astype(float))
    kinds, sources = (list(dict.fromkeys(used[name])) for name in ("kind", "generator"))
    sources.sort(key=lambda name: name != "real")
    figure = Figure(figsize=(4.2 * len(kinds) + 1, 3.8))
    axes = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for ax, kind in zip(axes, kinds, strict=True):
        for source, colour in zip(sources, LABEL_COLOURS * len(sources), strict=False):
            own = used[(used["kind"] == kind) & (used["generator"] == source)].sort_values("share")
            error = np.abs(own[["low", "high"]].sub(own["value"], axis=0)).fillna(0).to_numpy().T
            label = "real people alone" if source == "real" else f"and those of {short(source)}"
            look = {"color": colour, "capsize": 2, "marker": "o", "markersize": 4}
            ax.errorbar(own["share"], own["value"], yerr=error, label=label, **look)
        ax.set(xlabel="share of the real training people [%]", title=kind)
    axes[0].set_ylabel("accuracy on holdout people")
    axes[-1].legend()
    save(figure, path)


_RECONSTRUCTION = {
    "allele_concordance": "share of alleles kept",
    "minor_allele_sensitivity": "share of minor alleles kept",
    "heterozygosity_ratio": "heterozygosity, after / before",
    "variance_kept": "share of variance kept",
    "hom_ref_accuracy": "share of homozygotes of REF kept",
    "het_accuracy": "share of heterozygotes kept",
    "hom_alt_accuracy": "share of homozygotes of ALT kept",
}
_UTILITY = {
    "accuracy": "share of holdout people right",
    "balanced_accuracy": "mean over labels",
    "auc": "area under the ROC curve",
    "recovery_rate": "accuracy / accuracy after real",
}


def _classifier_looks(groups: list[str]) -> dict[str, dict]:
    """A colour for each kind of classifier, a marker for what else it was trained on."""
    kinds = list(dict.fromkeys(group.split(", ")[0] for group in groups))
    extras = list(dict.fromkeys(group.partition(", ")[2] for group in groups))
    return {
        group: {
            "color": LABEL_COLOURS[kinds.index(group.split(", ")[0])],
            "marker": LABEL_MARKERS[extras.index(group.partition(", ")[2]) % len(LABEL_MARKERS)],
        }
        for group in groups
    }


def _trained_on(source: str) -> str:
    return "the commonest label" if source == MAJORITY else f"trained on {short(source)}"


def _too_few(embedding: pd.DataFrame) -> str:
    """Why people cannot be shown, or nothing."""
    for source in ("train", "holdout", "synthetic"):
        people = int((embedding["source"] == source).sum())
        if people < MIN_PEOPLE_SHOWN:
            return f"{people} {source} people; it takes {MIN_PEOPLE_SHOWN}"
    return ""


def _draw_people(embedding: pd.DataFrame, pairs: list[tuple[str, str]], path) -> None:
    looks = label_looks(embedding["label"])
    names = [short(label) for label in looks]
    n_columns = int(np.ceil(len(names) / (14 * len(pairs))))
    legend_inches = n_columns * (0.5 + 0.08 * max(map(len, names)))
    shown = embedding["label"].where(embedding["label"].isin(looks), OTHER_LABELS)
    figure = Figure(figsize=(11 + legend_inches, 0.6 + 3.6 * len(pairs)))
    grid = figure.subplots(len(pairs), 3, sharex="row", sharey="row", squeeze=False)
    train = embedding[embedding["source"] == "train"]
    for axes, (x, y) in zip(grid, pairs, strict=True):
        for ax, source in zip(axes, ("train", "holdout", "synthetic"), strict=True):
            own = embedding["source"] == source
            if source != "train":
                ax.plot(train[x], train[y], ".", color="#DDDDDD", markersize=2, rasterized=True)
            for label, look in looks.items():
                part = embedding[own & (shown == label)]
                ax.plot(
                    part[x],
                    part[y],
                    linestyle="",
                    markersize=3.5,
                    alpha=0.75,
                    markeredgewidth=0,
                    rasterized=True,
                    **look,
                )
            ax.set(xlabel=_axis_name(x), title=f"{TITLES[source]} ({own.sum():,} people)")
        axes[0].set_ylabel(_axis_name(y))
    handles = [Line2D([], [], linestyle="", **look) for look in looks.values()]
    figure.legend(handles, names, loc="outside right upper", ncols=n_columns, fontsize=9)
    save(figure, path)


def _axis_name(column: str) -> str:
    return column.replace("pc", "PC ").replace("umap", "UMAP ").replace("tsne", "t-SNE ")
