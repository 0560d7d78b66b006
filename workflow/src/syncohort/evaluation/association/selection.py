"""Were the variants chosen by more than chance?"""

import numpy as np
import pandas as pd

from syncohort.evaluation.intervals import bootstrap, percentile_interval
from syncohort.genotypes import PLOIDY

MIN_VARIANTS = 10  # fewer effects are not compared
MOSTLY_CHANCE, PARTLY_CHANCE = 0.5, 0.1
INFLATED = 1.2


def effect_correlation(tested: pd.DataFrame) -> tuple[float, float, float]:
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
    drawn = bootstrap(correlation, len(first), rng=rng)
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


def standardised_effects(tested: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Effects that chose and effects in other people, per standard deviation of the genotype.

    Rare alleles' effects per allele are large and uncertain; in these units all are alike.
    tested: from `check_selection`; variants without both are left out.
    """
    frequency = tested["frequency"].to_numpy(float)
    deviation = np.sqrt(PLOIDY * frequency * (1 - frequency))
    first, second = (tested[name].to_numpy(float) * deviation for name in ("beta", "tested_beta"))
    known = np.isfinite(first) & np.isfinite(second)
    return first[known], second[known]
