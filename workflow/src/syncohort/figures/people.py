"""Pictures of the report. Each reads a table and writes one SVG or PNG, by the file's suffix.

A picture that would mislead, for want of people or data, is withheld: the file then says why.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from syncohort.cohort.value_bins import label_order
from syncohort.figures.style import (
    OTHER_LABELS,
    SOURCE_COLOURS,
    TITLES,
    label_looks,
    save,
    short,
    styled,
    withhold,
)
from syncohort.genotypes import RELATIVES, SPLITS

MIN_PEOPLE_SHOWN = 10


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
        return withhold(path, "Principal components", "there is only one component")
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
def plot_split(people: pd.DataFrame, path: str | Path) -> None:
    """How many people of each label are in training, validation and holdout, or relatives set aside.

    people: columns label and split, one row per person.
    """
    if people.empty:
        return withhold(path, "Split of people", "there are no people")
    counts = people.groupby(["label", "split"]).size().unstack(fill_value=0)
    splits = [*SPLITS, *({RELATIVES} & set(counts))]
    order = sorted(counts.index, key=label_order)
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
    ax.margins(x=0.25, y=0.01)
    figure.legend(loc="outside lower center", ncols=len(splits))
    save(figure, path)


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
