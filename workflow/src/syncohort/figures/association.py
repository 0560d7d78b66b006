"""Pictures of associations: effects of synthetic people by guidance scale."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from syncohort.figures.style import (
    GREY,
    LABEL_COLOURS,
    SOURCE_COLOURS,
    save,
    short,
    styled,
    withhold,
)

_TITLE = "Effects by guidance scale"


@styled
def plot_guidance(table: pd.DataFrame, path: str | Path) -> None:
    """Slope and correlation of synthetic on real effects against the guidance scale.

    table: `guidance.guidance_table`, as `summary.read_tables` reads it.
    """
    used = table.dropna(subset=["effect_slope"])
    if used.empty:
        reason = next((note for note in table["note"] if note), "nothing was measured")
        return withhold(path, _TITLE, reason)
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    slope, correlation = figure.subplots(1, 2)
    slope.axhspan(0.8, 1.2, color=GREY, alpha=0.15, linewidth=0)
    slope.axhline(1, color="black", linewidth=0.8, linestyle="--", zorder=0)
    for colour, (name, part) in zip(
        LABEL_COLOURS * len(used), used.groupby("generator"), strict=False
    ):
        part = part.sort_values("scale")
        ends = np.abs(part[["slope_low", "slope_high"]].sub(part["effect_slope"], axis=0))
        slope.errorbar(
            part["scale"],
            part["effect_slope"],
            yerr=ends.fillna(0).to_numpy().T,
            capsize=2,
            marker="o",
            markersize=4,
            color=colour,
            label=short(name),
        )
        correlation.plot(part["scale"], part["effect_r"], marker="o", markersize=4, color=colour)
        for ax, column in ((slope, "effect_slope"), (correlation, "effect_r")):
            for mark, kind in _MARKS.items():
                at = part[part[mark]]
                ax.plot(at["scale"], at[column], color=colour, linestyle="", **kind)
    slope.set(xlabel="guidance scale", ylabel="slope of synthetic on real effects")
    correlation.set(xlabel="guidance scale", ylabel="correlation with real effects")
    for ax in (slope, correlation):
        ax.xaxis.set_major_locator(MaxNLocator(6))
    handles, _ = slope.get_legend_handles_labels()
    handles += [
        Line2D([], [], color="black", linestyle="", label=mark, **kind)
        for mark, kind in _MARKS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)))
    save(figure, path)


_MARKS = {
    "released": {"marker": "s", "markersize": 10, "fillstyle": "none"},
    "recommended": {"marker": "*", "markersize": 13},
}


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
