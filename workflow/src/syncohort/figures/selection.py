"""The picture of the selection of variants."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from syncohort.evaluation.association.selection import effect_correlation, standardised_effects
from syncohort.figures.style import GREY, SOURCE_COLOURS, save, styled


@styled
def plot_selection(
    quantiles: pd.DataFrame,
    summary: pd.Series,
    tested: pd.DataFrame,
    sentence: str,
    path: str | Path,
) -> None:
    """p-values against those of chance, and effects of the chosen against those in other people.

    quantiles, summary: of `selection.Choice`; tested: of `selection.check_selection`;
    sentence: of `verdict`, written below.
    """
    figure = Figure(figsize=(10, 5.4))
    left, right = figure.subplots(1, 2)
    _draw_quantiles(left, quantiles, summary)
    _draw_effects(right, tested, summary["source"] == "training people")
    figure.supxlabel("\n".join(textwrap.wrap(sentence, 130)), fontsize=9, x=0.02, ha="left")
    save(figure, path)


def _draw_quantiles(ax, quantiles, summary) -> None:
    ends = [0, quantiles["expected"].max()]
    ax.plot(ends, ends, color="black", linewidth=0.8, linestyle="--", label="chance")
    colour = SOURCE_COLOURS["train"]
    ax.plot(quantiles["expected"], quantiles["observed"], ".", color=colour, label="variants")
    last = -np.log10(max(summary["last_p"], np.finfo(float).tiny))
    ax.axhline(last, color=GREY, linewidth=0.8, label="last variant chosen")
    inflation = summary["inflation"]
    title = "p-values" if np.isnan(inflation) else f"p-values, λ = {inflation:.2f}"
    ax.set(xlabel="expected −log10 p", ylabel="−log10 p", title=f"{title} ({summary['source']})")
    ax.legend()


def _draw_effects(ax, tested, ours: bool) -> None:
    first, second = standardised_effects(tested)
    others = "validation" if ours else "train"
    words = {"validation": "validation people", "train": "training people"}[others]
    r, low, high = effect_correlation(tested)
    ax.set_title(f"chosen variants in {words}")
    unit = "per SD of the genotype"
    ax.set_xlabel(f"effect where chosen, {unit}")
    ax.set_ylabel(f"effect in {words}, {unit}")
    if np.isnan(r):
        text = f"not shown: only {tested['fewest'].min():,} people with the rarer label"
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center")
        return
    ends = np.array([first.min(), first.max()])
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.plot(ends, ends, color="black", linewidth=0.8, linestyle="--", label="equal")
    colour = SOURCE_COLOURS[others]
    ax.plot(first, second, ".", color=colour, markersize=4, label=f"{len(first):,} variants")
    ax.plot([], [], " ", label=f"r {r:.2f} ({low:.2f} to {high:.2f})")
    ax.legend()
