"""Pictures of allele frequencies and linkage."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from syncohort.figures.style import (
    SOURCE_COLOURS,
    TITLES,
    hexbin,
    save,
    styled,
    withhold,
)


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
    decay.set(xlabel="distance [kb]", ylabel="mean r² above chance")
    decay.set_title("Linkage by distance")
    decay.legend()
    for ax, source in zip(scatters, ("train", "synthetic"), strict=True):
        title = f"{TITLES[source]}, pair by pair"
        hexbin(ax, used["holdout"], used[source], (-1, 1), title, "pairs")
        ax.set(xlabel="r, holdout people", ylabel=f"r, {TITLES[source].lower()} people")
    save(figure, path)
