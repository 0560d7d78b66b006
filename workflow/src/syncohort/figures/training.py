"""Figures 3, 5, 6 and 7 of the GeneticDiffusion paper, of the generators of one run.

Each reads tables and writes one SVG or PNG, by the file's suffix. Figure 4, the UMAP, is
`figures.plot_umap`.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from syncohort.evaluation.tidy import MAF_BINS
from syncohort.figures.style import (
    GREY,
    LABEL_COLOURS,
    OTHER_LABELS,
    SOURCE_COLOURS,
    label_looks,
    save,
    short,
    spread,
    styled,
    withhold,
)

ERROR, MIXING = "error_t", "mixing_t"  # columns of the table of losses, by time
EPOCHS_SHOWN = 12
PANELS_WIDE = 3
_EPOCHS = colormaps["viridis"]


def kept_epoch(losses: pd.DataFrame, membership_max: float) -> pd.Series:
    """The row whose weights were kept: lowest validation loss, the limit's excess first.

    losses: the table that `training.fit` writes; membership_max: the limit of training.
    """
    rows = _validated(losses)
    excess = (rows["membership_added"] - membership_max).clip(lower=0)
    order = rows.assign(excess=excess).sort_values(["excess", "validation_loss"], kind="stable")
    return rows.loc[order.index[0]]


@styled
def plot_training(
    losses: dict[str, pd.DataFrame], path: str | Path, *, membership_max: dict[str, float]
) -> None:
    """Figures 3 and 5: loss, one-shot error and what training people betray, by epoch.

    losses: generator -> the table that `training.fit` writes; membership_max: generator -> the
    limit of its training. Below, one panel per generator: the error by noise level.
    """
    losses = {name: table for name, table in losses.items() if len(_validated(table))}
    if not losses:
        return withhold(path, "Training", "no epoch was validated")
    n_rows = 1 + -(-len(losses) // PANELS_WIDE)
    figure = Figure(figsize=(4.4 * PANELS_WIDE, 3.4 * n_rows + 0.4), layout="constrained")
    axes = figure.subplots(n_rows, PANELS_WIDE, squeeze=False)
    looks = _colours(losses)
    for name, table in losses.items():
        rows, kept = _validated(table), kept_epoch(table, membership_max[name])
        look = {"color": looks[name], "marker": "o" if len(rows) < 30 else "", "markersize": 3}
        axes[0, 0].plot(
            rows["epoch"], rows["train_loss_fixed"], color=looks[name], linestyle=":", linewidth=1
        )
        for ax, column in zip(
            axes[0], ("validation_loss", "reconstruction_error", "membership_added"), strict=True
        ):
            ax.plot(rows["epoch"], rows[column], **look)
            ax.plot(kept["epoch"], kept[column], "*", color=looks[name], markersize=13, zorder=4)
        if membership_max[name] < 1:
            axes[0, 2].axhline(membership_max[name], color="black", linewidth=0.8, linestyle="-.")
    axes[0, 2].axhline(0.5, color="black", linewidth=0.8, linestyle="--")
    axes[0, 0].set(title="Loss", ylabel="loss on validation people")
    axes[0, 1].set(title="One-shot reconstruction", ylabel="error of x₀, validation people")
    axes[0, 2].set(title="Membership inference that training adds", ylabel="AUC (0.5: none)")
    for ax in axes[0]:
        ax.set_xlabel("epoch")
        _logarithmic_when_wide(ax)
    panels = axes[1:].ravel()
    errors = pd.concat([rows[_columns(rows, ERROR)] for rows in map(_validated, losses.values())])
    limits = (0.85 * errors.min().min(), 1.15 * errors.max().max())
    for ax, (name, table) in zip(panels, losses.items(), strict=False):
        _draw_by_noise(ax, table, kept_epoch(table, membership_max[name]), name)
        ax.set_ylim(limits)
    for ax in panels[len(losses) :]:
        ax.remove()
    colours = ScalarMappable(Normalize(0, 1), _EPOCHS)
    figure.colorbar(colours, ax=panels[: len(losses)], label="epoch / last epoch", shrink=0.8)
    handles = [Line2D([], [], color=colour, label=short(name)) for name, colour in looks.items()]
    handles += [
        Line2D([], [], color=GREY, linestyle=":", label="training people, same noise"),
        Line2D([], [], color=GREY, linestyle="", marker="*", markersize=11, label="weights used"),
        Line2D([], [], color="black", linewidth=0.8, linestyle="-.", label="limit"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(6, len(handles)))
    save(figure, path)


@styled
def plot_mixing(
    losses: dict[str, pd.DataFrame], path: str | Path, *, membership_max: dict[str, float]
) -> None:
    """Figure 6: the weight of the CNN in `mlp_cnn`, by noise level and over training.

    losses, membership_max: see `plot_training`.
    """
    losses = {name: table for name, table in losses.items() if len(_validated(table))}
    if not losses:
        return withhold(path, "Mixing of MLP and CNN", "no epoch was validated")
    figure = Figure(figsize=(9.5, 3.8), layout="constrained")
    by_time, by_epoch = figure.subplots(1, 2, sharey=True)
    for name, colour in _colours(losses).items():
        rows = _validated(losses[name])
        columns = _columns(rows, MIXING)
        kept = kept_epoch(losses[name], membership_max[name])
        times = _times(columns, MIXING)
        by_time.plot(times, kept[columns].astype(float), "o-", color=colour, label=short(name))
        mean = rows[columns].mean(axis=1)
        by_epoch.plot(rows["epoch"], mean, color=colour)
        by_epoch.plot(kept["epoch"], mean[kept.name], "*", color=colour, markersize=13)
        by_epoch.fill_between(
            rows["epoch"],
            rows[columns].min(axis=1),
            rows[columns].max(axis=1),
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
    by_time.set(xlabel="t / T (0: no noise)", ylabel="λ, weight of the CNN", title="Weights used")
    by_time.legend()
    by_epoch.set(xlabel="epoch", title="Over training: mean over t, and its range")
    save(figure, path)


@styled
def plot_bottleneck(places: pd.DataFrame, path: str | Path) -> None:
    """Figure 7: t-SNE of the narrowest layer, by where people come from and by label.

    places: `bottleneck.embed_bottleneck`; a row of panels for each part of the network.
    """
    drawn = places.dropna(subset=["tsne1", "tsne2"])
    if drawn.empty:
        return withhold(path, "Bottleneck", f"{len(places)} rows are too few for a t-SNE")
    parts = drawn["group"].unique()
    by_source, by_label = _source_looks(drawn["source"].unique()), label_looks(drawn["label"])
    drawn = drawn.assign(label=drawn["label"].where(drawn["label"].isin(by_label), OTHER_LABELS))
    figure = Figure(figsize=(10.5, 0.8 + 4.2 * len(parts)), layout="constrained")
    for axes, part in zip(figure.subplots(len(parts), 2, squeeze=False), parts, strict=True):
        own = drawn[drawn["group"] == part]
        for ax, column, looks in zip(axes, ("source", "label"), (by_source, by_label), strict=True):
            _scatter(ax, own, column, looks)
            ax.set(title=f"Bottleneck of the {part}, by {column}", xticks=[], yticks=[])
    _legend(figure, by_source, "outside lower left", ncols=6)
    _legend(figure, by_label, "outside right upper", ncols=-(-len(by_label) // (13 * len(parts))))
    save(figure, path)


def _validated(losses: pd.DataFrame) -> pd.DataFrame:
    """The epochs that were validated."""
    return losses.dropna(subset=["validation_loss"])


def _columns(losses: pd.DataFrame, prefix: str) -> list[str]:
    return [name for name in losses.columns if name.startswith(prefix)]


def _times(columns: list[str], prefix: str) -> list[float]:
    """t / T of each column."""
    return [float(name.removeprefix(prefix)) for name in columns]


def _colours(names) -> dict[str, str]:
    return {name: LABEL_COLOURS[i % len(LABEL_COLOURS)] for i, name in enumerate(names)}


def _source_looks(sources) -> dict[str, dict]:
    """Real people in the colours of all pictures, generators in those that are left."""
    real = [name for name in sources if name in SOURCE_COLOURS]
    taken = [SOURCE_COLOURS[name] for name in real]
    free = [each for each in LABEL_COLOURS if each not in taken]
    drawn = [name for name in sources if name not in real]
    colours = dict(zip(real, taken, strict=True))
    colours |= {name: free[i % len(free)] for i, name in enumerate(drawn)}
    return {name: {"color": colour, "marker": "o"} for name, colour in colours.items()}


def _scatter(ax, places: pd.DataFrame, column: str, looks: dict[str, dict]) -> None:
    """Places in the look of what they have in a column."""
    common = {"linestyle": "", "markersize": 3, "alpha": 0.7, "markeredgewidth": 0}
    for name, look in looks.items():
        own = places[places[column] == name]
        ax.plot(own["tsne1"], own["tsne2"], rasterized=True, **common, **look)


def _legend(figure: Figure, looks: dict[str, dict], place: str, *, ncols: int) -> None:
    handles = [
        Line2D([], [], linestyle="", label=short(name), **look) for name, look in looks.items()
    ]
    figure.legend(handles=handles, loc=place, ncols=ncols, fontsize=9)


def _logarithmic_when_wide(ax) -> None:
    """A logarithmic axis where the values span more than a factor of ten."""
    values = np.concatenate([np.ravel(line.get_ydata()).astype(float) for line in ax.lines])
    if np.nanmax(values) > 10 * np.nanmin(values) > 0:
        ax.set_yscale("log")


def _draw_by_noise(ax, table: pd.DataFrame, kept: pd.Series, name: str) -> None:
    """Error against noise level, a line per epoch, the kept one in black."""
    rows = _validated(table)
    columns = _columns(rows, ERROR)
    times, last = _times(columns, ERROR), table["epoch"].max()
    shown = np.unique(np.linspace(0, len(rows) - 1, EPOCHS_SHOWN).round().astype(int))
    for _, row in rows.iloc[shown].iterrows():
        ax.plot(times, row[columns].astype(float), color=_EPOCHS(row["epoch"] / last), linewidth=1)
    ax.plot(times, kept[columns].astype(float), "k*--", markersize=7, linewidth=1)
    ax.set(yscale="log", xlabel="t / T (0: no noise)", ylabel="error of x₀", title=short(name))


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


_RECONSTRUCTION = {
    "allele_concordance": "share of alleles kept",
    "minor_allele_sensitivity": "share of minor alleles kept",
    "heterozygosity_ratio": "heterozygosity, after / before",
    "variance_kept": "share of variance kept",
    "hom_ref_accuracy": "share of REF homozygotes kept",
    "het_accuracy": "share of heterozygotes kept",
    "hom_alt_accuracy": "share of ALT homozygotes kept",
}
