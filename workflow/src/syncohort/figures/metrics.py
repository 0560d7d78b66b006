"""Pictures of the judged metrics: every generator beside the calibration generators.

Each takes the table of `calibration.judge` and writes one SVG or PNG, by the file's suffix.
"""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, ScalarFormatter

from syncohort.evaluation.groups import ALL, LABEL_SIZES, Group, groups_of, is_group
from syncohort.evaluation.privacy.membership import ATTACKS, METRIC
from syncohort.evaluation.verdicts.bounds import VALIDATION, Bounds
from syncohort.evaluation.verdicts.metrics import (
    BOOTSTRAP,
    BOUND_COLUMNS,
    DIMENSIONS,
    METRICS,
    describe,
    find_metric,
)
from syncohort.evaluation.verdicts.privacy_metrics import INDEPENDENT
from syncohort.figures.style import (
    GREY,
    LABEL_COLOURS,
    VERDICT_COLOURS,
    save,
    short,
    styled,
    withhold,
)

LEAK = (METRIC, Group(method="distance"))
PANELS_WIDE = 3
_CORNERS = {VALIDATION: ("s", "black"), BOOTSTRAP: ("X", "#8A2D1C"), INDEPENDENT: ("v", GREY)}
_VERDICT_MARKERS = {"pass": "o", "look": "D", "fail": "X"}  # for those who see no colours
_SIDE_KEYS = ["label", "label_size", "rows", "noise"]  # parts of a metric, in tables alone
_FOLLOWING = ("membership_excess", "membership_tpr")  # of the rows of another metric


@styled
def plot_frontier(
    judged: pd.DataFrame,
    path: str | Path,
    *,
    released: list[str],
    calibration: dict[str, str],
    mosaics: dict[str, float],
) -> None:
    """Linkage against leakage: what each generator pays in privacy for its fidelity.

    calibration: kind -> name of its generator; mosaics: name -> effective size Ne.
    """
    judged = judged.sort_values("generator", key=lambda names: ~names.isin(released), kind="stable")
    leak = _of(judged, *LEAK)
    bins = judged.loc[judged["metric"] == "ld_kept", "distance_bin"].drop_duplicates()
    second = [("ld_kept", Group(distance_bin=name)) for name in bins[1:2]]
    panels = [("ld_slope", ALL), *second]
    if not (len(leak) and any(len(_of(judged, *panel)) for panel in panels)):
        return withhold(path, "Fidelity against leakage", "linkage or membership was not measured")
    figure = Figure(figsize=(6.2 * len(panels), 5.2), layout="constrained")
    for ax, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        kept = _of(judged, *panel)
        _shade_corner(ax, leak, kept)
        line = [name for name in sorted(mosaics, key=mosaics.get) if name in kept.index]
        line = [name for name in line if name in leak.index]
        ax.plot(leak["value"][line], kept["value"][line], color=GREY, linewidth=1.2, zorder=1)
        for name in line:
            _cross(ax, leak.loc[name], kept.loc[name], marker=".", color=GREY)
            _name(ax, leak.loc[name], kept.loc[name], f"Ne {mosaics[name]:,.0f}", GREY, above=True)
        for kind, (marker, colour) in _CORNERS.items():
            name = calibration.get(kind)
            if name in leak.index and name in kept.index:
                _cross(ax, leak.loc[name], kept.loc[name], marker=marker, color=colour)
                _name(ax, leak.loc[name], kept.loc[name], kind, colour)
        for index, name in enumerate(released):
            if name in leak.index and name in kept.index:
                look = {"marker": "o", "color": LABEL_COLOURS[index % len(LABEL_COLOURS)]}
                _cross(ax, leak.loc[name], kept.loc[name], markersize=9, **look)
                _name(ax, leak.loc[name], kept.loc[name], short(name), look["color"], bold=True)
        title = describe(find_metric(*panel), panel[1])
        ax.set(xlabel="membership inference by distance (AUC; 0.5 is chance)", ylabel=title.lower())
        ax.set_title(title)
        ax.margins(0.12)
    handles = [Line2D([], [], color=GREY, marker=".", label="mosaic, by Ne")]
    handles.append(Line2D([], [], color=VERDICT_COLOURS["pass"], linewidth=8, alpha=0.25))
    handles[-1].set_label("both pass")
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    save(figure, path)


@styled
def plot_dimension(
    judged: pd.DataFrame,
    path: str | Path,
    *,
    dimension: str,
    released: list[str],
    calibration: dict[str, str],
) -> None:
    """One panel per metric of a dimension: generators above, calibration generators below.

    What follows from other panels, `_FOLLOWING`, is left to the tables. Green: values that pass; yellow: that deserve a look.
    """
    sources = [*released, *(name for name in calibration.values() if name not in released)]
    own = judged[(judged["dimension"] == dimension) & judged["generator"].isin(sources)]
    own = own[~own["metric"].isin(_FOLLOWING)]
    own = own[(own["verdict"] != "") & (own[_SIDE_KEYS] == "").all(axis=1) & own["value"].notna()]
    panels = list(dict.fromkeys(zip(own["metric"], groups_of(own), strict=True)))
    panels.sort(key=lambda panel: METRICS.index(find_metric(*panel)))
    if not panels:
        return withhold(path, DIMENSIONS[dimension], "nothing was measured")
    n_rows = -(-len(panels) // PANELS_WIDE)
    figure = Figure(
        figsize=(3.6 * PANELS_WIDE + 1.4, (1.05 + 0.24 * len(sources)) * n_rows + 0.3),
        layout="constrained",
    )
    axes = figure.subplots(n_rows, PANELS_WIDE, sharey=True, squeeze=False).ravel()
    for ax, (metric, group) in zip(axes, panels, strict=False):
        _draw_panel(ax, own[(own["metric"] == metric) & is_group(own, group)], sources)
        title = describe(find_metric(metric, group), group)
        ax.set_title("\n".join(textwrap.wrap(title, 44)), fontsize=9)
    for ax in axes[len(panels) :]:
        ax.remove()
    axes[0].set_ylim(len(sources) - 0.5, -0.5)
    axes[0].set_yticks(range(len(sources)), [short(name) for name in sources])
    for ax in axes[: len(panels) : PANELS_WIDE]:
        for tick in ax.get_yticklabels()[: len(released)]:
            tick.set_fontweight("bold")
    save(figure, path)


@styled
def plot_labels(
    judged: pd.DataFrame,
    people: pd.DataFrame,
    path: str | Path,
    *,
    released: list[str],
    calibration: dict[str, str],
) -> None:
    """Membership inference by the number of training people of a label: points are labels,
    lines are labels of one size together.

    people: columns label and split.
    """
    size = people.loc[people["split"] == "train", "label"].astype(str).value_counts()
    looks = {name: LABEL_COLOURS[index % len(LABEL_COLOURS)] for index, name in enumerate(released)}
    looks |= {calibration[k]: _CORNERS[k][1] for k in (VALIDATION, BOOTSTRAP) if k in calibration}
    used = judged[(judged["metric"] == METRIC) & judged["generator"].isin(looks)]
    used = used.dropna(subset=["value"])
    used = used[(used["label"] != "") | (used["label_size"] != "")]
    attacks = [name for name in ATTACKS if name in set(used["method"])]
    if not attacks:
        reason = "no group of labels has enough holdout people to tell"
        return withhold(path, "Membership inference, by size of the label", reason)
    figure = Figure(figsize=(4.2 * len(attacks), 3.9), layout="constrained")
    axes = figure.subplots(1, len(attacks), sharey=True, squeeze=False)[0]
    for ax, attack in zip(axes, attacks, strict=True):
        ax.axhline(0.5, color="black", linewidth=0.8, linestyle="--", zorder=0)
        for (name, colour), shift in zip(
            looks.items(), np.linspace(-1, 1, len(looks)), strict=True
        ):
            part = used[(used["generator"] == name) & (used["method"] == attack)]
            for row in part.itertuples():
                _draw_label(ax, row, size, colour, 1.05**shift)
        ax.set(xscale="log", xlabel="training people with the label", title=f"by {attack}")
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.xaxis.set_minor_formatter(NullFormatter())
        if len(size):
            ax.set_xticks(
                [
                    t
                    for t in (5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 20_000)
                    if t <= 2 * size.max() and 2 * t >= size.min()
                ]
            )
    axes[0].set_ylabel("membership inference (AUC; 0.5 is chance)")
    handles = [
        Line2D([], [], color=colour, marker="o", label=short(name))
        for name, colour in looks.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    save(figure, path)


def _draw_label(ax, row, size, colour, shift) -> None:
    """A label as a point at its size, labels of a size as a line with a band."""
    if row.label:
        at = size.get(row.label, np.nan) * shift
        ax.errorbar(at, row.value, yerr=_error(row), fmt="o", color=colour, markersize=3, alpha=0.5)
        return
    low, below = LABEL_SIZES[row.label_size]
    low = max(low, 1)
    span = [low, below if np.isfinite(below) else max(size.max(), low)]
    ax.plot(span, [row.value] * 2, color=colour, linewidth=2)
    if np.isfinite(row.low):
        ax.fill_between(span, row.low, row.high, color=colour, alpha=0.12, linewidth=0)


def _draw_panel(ax, rows: pd.DataFrame, sources: list[str]) -> None:
    rank = {source: index for index, source in enumerate(sources)}
    rows = rows.sort_values("generator", key=lambda names: names.map(rank), kind="stable")
    judged = rows[~rows[list(BOUND_COLUMNS)].isna().any(axis=1)]
    ends = [*rows["value"], *rows["low"].dropna(), *rows["high"].dropna()]
    if len(judged):  # the bounds of the first: a released generator, if there is one
        bounds = Bounds(*judged[list(BOUND_COLUMNS)].iloc[0])
        ends += [end for end in (bounds.pass_low, bounds.pass_high) if np.isfinite(end)]
    low, high = min(ends), max(ends)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
    low, high = low - room, high + room
    if len(judged):
        _band(ax, bounds.look_low, bounds.look_high, (low, high), VERDICT_COLOURS["look"], 0.12)
        _band(ax, bounds.pass_low, bounds.pass_high, (low, high), VERDICT_COLOURS["pass"], 0.22)
    for row in rows.itertuples():
        colour = VERDICT_COLOURS.get(row.verdict, GREY)
        ax.errorbar(
            row.value,
            sources.index(row.generator),
            xerr=_error(row),
            fmt=_VERDICT_MARKERS.get(row.verdict, "o"),
            color=colour,
            capsize=2,
            markersize=6,
        )
    ax.set_xlim(low, high)
    ax.locator_params(axis="x", nbins=4)
    ax.grid(axis="y", visible=False)


def _band(ax, low, high, limits, colour, alpha) -> None:
    ax.axvspan(max(low, limits[0]), min(high, limits[1]), color=colour, alpha=alpha, linewidth=0)


def _of(judged: pd.DataFrame, metric: str, group: Group) -> pd.DataFrame:
    """The measured rows of one group of a metric, by generator."""
    own = judged[(judged["metric"] == metric) & is_group(judged, group)]
    return own.dropna(subset=["value"]).set_index("generator")


def _shade_corner(ax, leak: pd.DataFrame, kept: pd.DataFrame) -> None:
    """Where both pass: the bounds that apply to whoever has them first."""
    known = kept.dropna(subset=["pass_low"])
    limit = leak.dropna(subset=["pass_high"])
    if known.empty or limit.empty:
        return
    low, high = known[["pass_low", "pass_high"]].iloc[0]
    colour = VERDICT_COLOURS["pass"]
    ax.fill_between(
        [min(leak["value"].min(), 0.5) - 0.02, limit["pass_high"].iloc[0]],
        low,
        min(high, max(kept["value"].max(), low) + 0.1),
        color=colour,
        alpha=0.18,
        linewidth=0,
    )


def _cross(ax, leak, kept, **look) -> None:
    """A point with the intervals of both values."""
    ax.errorbar(
        leak["value"],
        kept["value"],
        xerr=_error(leak),
        yerr=_error(kept),
        linestyle="",
        capsize=2,
        linewidth=1,
        **look,
    )


def _name(ax, leak, kept, text: str, colour, bold: bool = False, above: bool = False) -> None:
    ax.annotate(
        text,
        (leak["value"], kept["value"]),
        xytext=(-7, 7) if above else (7, -12),
        horizontalalignment="right" if above else "left",
        textcoords="offset points",
        color=colour,
        fontsize=9,
        fontweight="bold" if bold else "normal",
    )


def _error(row) -> np.ndarray | None:
    """Lengths [2, 1] of the interval's two sides."""
    if not (np.isfinite(row.low) and np.isfinite(row.high)):
        return None
    return np.maximum([[row.value - row.low], [row.high - row.value]], 0)
