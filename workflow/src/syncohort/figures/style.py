"""What the pictures share: colours, a style, and how one is saved or withheld.

Colours and grid are seaborn's "colorblind" palette, which colour-blind people can tell apart, and its
"whitegrid"; written out, for its import takes a second of each picture's two.
"""

import textwrap
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, LogFormatterMathtext, NullFormatter

from syncohort.cohort.value_bins import label_order
from syncohort.files import all_or_nothing

_BLUE, _ORANGE, _GREEN, _RED = "#0173b2", "#de8f05", "#029e73", "#d55e00"
_PINK, _BROWN, _GREY, _SKY = "#cc78bc", "#ca9161", "#949494", "#56b4e9"

SOURCE_COLOURS = {
    "train": _BLUE,
    "validation": _ORANGE,
    "holdout": _GREEN,
    "synthetic": _RED,
    "relatives": _PINK,
}
LABEL_COLOURS = (_BLUE, _RED, _GREEN, _ORANGE, _PINK, _SKY, "#000000", _BROWN)
LABEL_MARKERS = "osD^v"
OTHER_LABELS = "other labels"
GREY = _GREY
VERDICT_COLOURS = {"pass": _GREEN, "look": _ORANGE, "fail": _RED}

STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelcolor": ".15",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans", "sans-serif"],
    "grid.color": ".8",
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "text.color": ".15",
    "xtick.bottom": False,
    "xtick.color": ".15",
    "ytick.color": ".15",
    "ytick.left": False,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#262626",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 150,
    "svg.hashsalt": "syncohort",  # equal tables give equal files
    "text.parse_math": False,  # labels are the user's: a $ in one is a $
}

styled = matplotlib.rc_context(STYLE)

TITLES = {
    "train": "Training",
    "validation": "Validation",
    "holdout": "Holdout",
    "synthetic": "Synthetic",
    "relatives": "Relatives set aside",
}


def label_looks(labels: pd.Series) -> dict[str, dict]:
    """Colour and marker of each label, in the order of `label_order`; of more than 40 the rarest
    share one, "other labels"."""
    room = len(LABEL_COLOURS) * len(LABEL_MARKERS)
    counts = labels.value_counts()
    own = sorted(counts.index[:room] if len(counts) > room else counts.index, key=label_order)
    looks = {}
    for index, label in enumerate(own):
        turn, colour = divmod(index, len(LABEL_COLOURS))
        looks[label] = {"color": LABEL_COLOURS[colour], "marker": LABEL_MARKERS[turn]}
    if len(counts) > room:
        looks |= {OTHER_LABELS: {"color": GREY, "marker": "."}}
    return looks


def short(text: str, limit: int = 24) -> str:
    """A label that fits: beginning and end of a long one."""
    text = str(text)
    half = limit // 2
    return text if len(text) <= limit else f"{text[: half - 1]}…{text[-half:]}"


def spread(n: int) -> np.ndarray:
    """Offsets that keep n marks at one tick apart, and away from the next tick."""
    return (np.arange(n) - (n - 1) / 2) * min(0.16, 0.8 / max(n, 1))


def hexbin(ax, x, y, limits: tuple[float, float], title: str, counted: str) -> None:
    """Density of the points inside a square, with its diagonal and their mean |y - x|."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    low, high = limits
    inside = (x >= low) & (x <= high) & (y >= low) & (y <= high)
    ax.plot(limits, limits, color="black", linewidth=0.8, linestyle="--", zorder=3)
    edge = 0.02 * (high - low)  # what lies on the edge is to be seen whole
    around = (low - edge, high + edge)
    ax.set(xlim=around, ylim=around, aspect="equal", title=title)
    text = f"no {counted}"
    if len(x):
        text = f"mean difference {np.abs(y - x).mean():.4f}"  # of all, shown or not
    if inside.any():
        cells = {"gridsize": 45, "bins": "log", "mincnt": 1, "cmap": "viridis"}
        density = ax.hexbin(x[inside], y[inside], extent=(*limits, *limits), **cells)
        ax.figure.colorbar(density, ax=ax, label=counted)
    box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none"}
    ax.text(0.03, 0.97, text, transform=ax.transAxes, va="top", bbox=box)


def withhold(path: str | Path, title: str, reason: str) -> None:
    """Write the reason in the picture's place."""
    figure = Figure(figsize=(6, 1.8))
    text = "\n".join(textwrap.wrap(f"Not shown: {reason}.", 70))
    figure.text(0.5, 0.72, title, ha="center", va="center", fontsize=12)
    figure.text(0.5, 0.36, text, ha="center", va="center", color="#555555")
    save(figure, path)


def save(figure: Figure, path: str | Path) -> None:
    """Write SVG or PNG, as the suffix says; its folder is made."""
    undated = {"Date": None} if Path(path).suffix == ".svg" else None
    _write_plain_text(figure)
    with (
        matplotlib.rc_context({"text.parse_math": False}),
        all_or_nothing(path) as (partial,),
    ):
        figure.savefig(partial, metadata=undated)


def _write_plain_text(figure: Figure) -> None:
    """Take every text of a figure as it is: labels are the user's, and a $ in one is a $.

    matplotlib writes the numbers of logarithmic axes as formulas; they become plain, too.
    """
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    for axis in figure.findobj(Axis):
        if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
            axis.set_major_formatter(LogFormatter())
            axis.set_minor_formatter(NullFormatter())
