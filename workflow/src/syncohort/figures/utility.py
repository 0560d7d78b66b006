"""Pictures of what classifiers learn from synthetic people."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from syncohort.dosages import IMPUTATION_BINS
from syncohort.evaluation.groups import ALL, Group, groups_of, in_words, is_group
from syncohort.evaluation.tidy import MAJORITY
from syncohort.figures.style import (
    GREY,
    LABEL_COLOURS,
    LABEL_MARKERS,
    save,
    short,
    spread,
    styled,
    withhold,
)


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
    groups = [group for group in dict.fromkeys(groups_of(used)) if group != ALL]
    looks = _classifier_looks(groups) | {ALL: {"color": GREY, "marker": "o"}}
    shifts = dict(zip(groups, spread(len(groups)), strict=True)) | {ALL: 0}
    height = 1.9 + max(0.45, 0.1 * len(groups)) * len(sources)
    figure = Figure(figsize=(3.1 * len(shown) + 2, height))
    axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for ax, metric in zip(axes, shown, strict=True):
        for group, look in looks.items():
            own = used[(used["metric"] == metric) & is_group(used, group)]
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
    handles = [
        Line2D([], [], linestyle="", label=in_words(group), **looks[group]) for group in groups
    ]
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
        return withhold(path, "Few real people, with synthetic people added", reason)
    used = used.assign(share=100 * used["real_share"].astype(float))
    kinds, sources = (list(dict.fromkeys(used[name])) for name in ("method", "generator"))
    sources.sort(key=lambda name: name != "real")
    figure = Figure(figsize=(4.2 * len(kinds) + 1, 3.8))
    axes = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for ax, kind in zip(axes, kinds, strict=True):
        for source, colour in zip(sources, LABEL_COLOURS * len(sources), strict=False):
            own = used[(used["method"] == kind) & (used["generator"] == source)].sort_values(
                "share"
            )
            error = np.abs(own[["low", "high"]].sub(own["value"], axis=0)).fillna(0).to_numpy().T
            label = "real people alone" if source == "real" else f"and those of {short(source)}"
            look = {"color": colour, "capsize": 2, "marker": "o", "markersize": 4}
            ax.errorbar(own["share"], own["value"], yerr=error, label=label, **look)
        ax.set(xlabel="share of the real training people [%]", title=kind)
    axes[0].set_ylabel("accuracy on holdout people")
    axes[-1].legend()
    save(figure, path)


@styled
def plot_imputation(metrics: pd.DataFrame, path: str | Path, *, panels: list[str]) -> None:
    """r2 of imputed holdout people by frequency, from each panel, with intervals.

    metrics: tidy table; the rows of imputation_r2 are drawn. panels: sources, in this order.
    """
    rows = metrics[metrics["metric"] == "imputation_r2"]
    used = rows.dropna(subset=["value"])
    if used.empty:
        reason = next((note for note in rows["note"] if note), "nothing was measured")
        return withhold(path, "Holdout people, imputed from each panel", reason)
    bins = [name for name in IMPUTATION_BINS if name in set(used["maf_bin"])]
    figure = Figure(figsize=(1.6 * len(bins) + 4, 3.8))
    ax = figure.subplots()
    for panel, shift, colour, marker in zip(
        panels,
        spread(len(panels)),
        LABEL_COLOURS * len(panels),
        LABEL_MARKERS * len(panels),
        strict=False,
    ):
        own = used[used["generator"] == panel]
        place = own["maf_bin"].map(bins.index) + shift
        error = np.abs(own[["low", "high"]].sub(own["value"], axis=0)).fillna(0).to_numpy().T
        label = "real training people" if panel == "real" else short(panel)
        look = {"color": colour, "marker": marker, "linestyle": "", "capsize": 2}
        ax.errorbar(place, own["value"], yerr=error, label=label, markersize=5, **look)
    ax.set(xlabel="minor allele frequency in training people", ylabel="r² of dosages", ylim=(0, 1))
    ax.set_xticks(range(len(bins)), bins)
    figure.legend(loc="outside right center")
    save(figure, path)


_UTILITY = {
    "accuracy": "share of holdout people classified correctly",
    "balanced_accuracy": "mean over labels",
    "auc": "area under the ROC curve",
    "recovery_rate": "accuracy / accuracy trained on real",
}


def _classifier_looks(groups: list[Group]) -> dict[Group, dict]:
    """A colour for each kind of classifier, a marker for what else it was trained on."""
    kinds = list(dict.fromkeys(group.method for group in groups))
    extras = list(dict.fromkeys(group.trained_on for group in groups))
    return {
        group: {
            "color": LABEL_COLOURS[kinds.index(group.method)],
            "marker": LABEL_MARKERS[extras.index(group.trained_on) % len(LABEL_MARKERS)],
        }
        for group in groups
    }


def _trained_on(source: str) -> str:
    return "the commonest label" if source == MAJORITY else f"trained on {short(source)}"
