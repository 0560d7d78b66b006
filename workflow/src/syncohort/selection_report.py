"""What the report says of the selection of variants: counts, a picture, one plain sentence."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from syncohort import pages
from syncohort.evaluation import percentile_interval
from syncohort.plotting import GREY, SOURCE_COLOURS, save, styled
from syncohort.selection import standardised_effects

MIN_VARIANTS = 10  # fewer effects are not compared
MOSTLY_CHANCE, PARTLY_CHANCE = 0.5, 0.1
INFLATED = 1.2


def effect_correlation(tested: pd.DataFrame, *, draws: int = 1_000) -> tuple[float, float, float]:
    """Correlation about the origin of the effects that chose with those in other people.

    About the origin, because which allele is ALT decides an effect's sign. tested: from
    `selection.check_selection`. With an interval that resamples variants; NaN with fewer than 10.
    """
    first, second = standardised_effects(tested)
    if len(first) < MIN_VARIANTS:
        return np.nan, np.nan, np.nan

    def correlation(of) -> float:
        return float(
            first[of] @ second[of] / np.linalg.norm(first[of]) / np.linalg.norm(second[of])
        )

    rng = np.random.default_rng(0)
    drawn = [correlation(rng.integers(len(first), size=len(first))) for _ in range(draws)]
    return correlation(slice(None)), *percentile_interval(drawn)


def verdict(summary: pd.Series, tested: pd.DataFrame) -> str:
    """Whether the cohort is large enough to choose variants by association, in plain words."""
    share = min(summary["by_chance"] / summary["as_small"], 1)
    ours = summary["source"] == "training people"
    found = (
        f"Of {summary['tested']:,} variants {summary['as_small']:,} have a p-value as small as "
        f"the last one chosen ({summary['last_p']:.2g}); chance alone would give about "
        f"{summary['by_chance']:,.0f}."
    )
    words = [found]
    if share > MOSTLY_CHANCE:
        words.append(
            f"So most of the choice (about {share:.0%}) is what chance picks: "
            + (
                "this cohort is too small to choose so many variants by association; give the "
                "summary statistics of a larger study, or choose fewer."
                if ours
                else "these summary statistics cannot choose so many variants; choose fewer."
            )
        )
    elif share > PARTLY_CHANCE:
        words.append(f"So about {share:.0%} of the choice may be chance.")
    else:
        words.append("So hardly any was chosen by chance.")
    if summary["inflation"] > INFLATED:
        words.append(
            f"All p-values are inflated (λ {summary['inflation']:.2f}): by many causal variants, "
            "or by ancestry and relatives that the covariates miss."
        )
    others = "validation" if ours else "training"
    r, low, high = effect_correlation(tested)
    if np.isnan(r):
        fewest, people = tested["fewest"].min(), tested["people"].max()
        words.append(
            f"The effects cannot be checked in the {people:,} {others} people: {fewest:,} of the "
            "rarer label are too few."
        )
    else:
        chance = "no more than chance gives" if low <= 0 else "chance gives 0"
        words.append(
            f"The effects correlate {r:.2f} ({low:.2f} to {high:.2f}) with those in "
            f"{tested['people'].max():,} {others} people, who had no part in the choice; {chance}."
        )
    return " ".join(words)


def selection_parts(counts_path: str | Path, verdict_path: str | Path) -> list[str]:
    """The part of the report on the selection: the sentence of `verdict` and every step's count."""
    counts = pd.read_csv(counts_path, sep="\t")
    sentence = Path(verdict_path).read_text().strip()
    return [pages.paragraph(sentence), pages.details("Step by step", [pages.table(counts)])]


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
    ax.axhline(last, color=GREY, linewidth=0.8, label="last one chosen")
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
    ax.set_xlabel(f"effect that chose, {unit}")
    ax.set_ylabel(f"effect in {words}, {unit}")
    if np.isnan(r):
        text = f"not shown: {tested['fewest'].min():,} people of the rarer label"
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center")
        return
    ends = np.array([first.min(), first.max()])
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.plot(ends, ends, color="black", linewidth=0.8, linestyle="--", label="equal")
    colour = SOURCE_COLOURS[others]
    ax.plot(first, second, ".", color=colour, markersize=4, label=f"{len(first):,} variants")
    ax.plot([], [], " ", label=f"r {r:.2f} ({low:.2f} to {high:.2f})")
    ax.legend()
