"""Tables of the report that put generators side by side: main metrics, the imposed trait,
guidance scales, what several trainings of one generator differ in, and what withholding changes.
"""

import numpy as np
import pandas as pd

from syncohort.evaluation.groups import (
    ALL,
    CAUSAL,
    REAL,
    SUGGESTIVE,
    TRUTH,
    Group,
    groups_of,
    is_group,
)
from syncohort.evaluation.verdicts.bounds import VALIDATION, number
from syncohort.evaluation.verdicts.metrics import describe, find_metric
from syncohort.report import html as pages
from syncohort.report.tables import bounds_text, value_cell

PRESETS = {  # what a recipe is for, in words
    "genetic_diffusion": "all SNPs of the study with their linkage, whole chromosomes or selected "
    "variants: a cohort for any analysis",
    "genetic_diffusion_paper": "the published recipe for the same, to compare with",
    "genetic_diffusion_few_people": "as genetic_diffusion, for a cohort of few people: leaks less, "
    "and labels are met less exactly",
    "genetic_diffusion_pretrained": "as genetic_diffusion, trained on public people first: remembers "
    "less of the cohort's",
    "snpgen": "the SNPs most associated with a trait, conditional on it: prediction and "
    "association of that trait; what lies between these SNPs is not made",
    "snpgen_paper": "the published recipe for the same, to compare with",
}

MAIN_METRICS = (  # None: of each kind of classifier
    ("copied_people", ALL),
    ("near_copies", ALL),
    ("membership_auc", Group(method="distance")),
    ("membership_auc", Group(method="density ratio")),
    ("membership_auc", Group(method="frequency")),
    ("membership_auc", Group(method="white box")),
    ("membership_auc", Group(method="white box, fitted")),
    ("frequency_error", ALL),
    ("ld_r", ALL),
    ("hwe_rejected_ratio", ALL),
    ("heterozygosity_ratio", ALL),
    ("pca_distance", ALL),
    ("recovery_rate", None),
    ("auc", None),
    ("effect_slope", ALL),
    ("effect_slope", Group(against=TRUTH)),
    ("score_auc", Group(against=REAL)),
    ("score_r", Group(against=REAL)),
)

WITHHELD_METRICS = (
    ("riskiest_person", ALL),
    ("copied_people", ALL),
    ("near_copies", ALL),
    ("closest_record_tail", ALL),
    ("rare_haplotypes", Group(carriers="5")),
    ("membership_auc", Group(method="distance")),
    ("membership_auc", Group(method="density ratio")),
    ("membership_auc", Group(method="windows", window_snps="256")),
    ("membership_tpr", Group(method="distance", fpr="1 %")),
    ("attribute_gain", Group(method="hidden 100 kb")),
    ("frequency_error", ALL),
    ("minor_frequency_kept", Group(maf_bin="1-2 %")),
    ("ld_r", ALL),
    ("ld_slope", ALL),
    ("heterozygosity_ratio", ALL),
    ("fst_r", ALL),
)

TRAIT_METRICS = (
    ("effect_r", Group(against=TRUTH)),
    ("effect_r", Group(snps=CAUSAL)),
    ("effect_slope", Group(against=TRUTH)),
    ("effect_slope", Group(snps=CAUSAL)),
    ("effect_slope", ALL),
    ("power", ALL),
    ("power", Group(snps=SUGGESTIVE)),
    ("false_discoveries", ALL),
    ("false_discoveries", Group(snps=SUGGESTIVE)),
    ("score_auc", ALL),
    ("score_auc", Group(against=REAL)),
    ("score_r", ALL),
    ("score_r", Group(against=REAL)),
    ("auc", None),
)

_SIDE_BY_SIDE = (
    "The main metrics of each released generator, beside validation people and, where there are such, "
    "classifiers and associations of the real training people. Where a generator was trained "
    "several times, mean, standard deviation and range over these trainings follow its own value."
)

_IMPOSED = (
    "A disease or number was drawn from known causal SNPs, so that the truth is known. Effects: "
    "of the causal SNPs as estimated in synthetic people, beside the true ones (correlation), and "
    "how large they are along the true ones, real people's being 1 (slope). Power and false "
    "discoveries: scans of as many synthetic as training people. Polygenic scores and classifiers: "
    "trained on synthetic, tested on real holdout people; the column real is trained on real "
    "people. In brackets intervals over SNPs or people."
)

_TRUTH = ("effect_r", Group(against=TRUTH))  # measured where the true effects are known

_GUIDANCE = {
    "scale": "scale",
    "slope_along_true_effects": "slope along true effects",
    "effect_r": "correlation",
    "power": "power",
    "false_discoveries": "false discoveries",
    "score_auc": "score (AUC)",
    "score_r": "score (r)",
}


def comparison_parts(
    judged: pd.DataFrame, presets: dict[str, str], replicates: pd.DataFrame | None
) -> list[str]:
    """The released generators side by side, where there is more than one training to compare.

    presets: released generator -> its preset, "" for none; replicates:
    `replicates.replicate_table`, where there are several trainings: their mean and spread stand
    behind a value.
    """
    if len(presets) < 2 and replicates is None:
        return []
    table = _comparison(judged, MAIN_METRICS, [*presets, VALIDATION, REAL], replicates)
    words = [
        pages.paragraph(f"{generator} ({preset}): {PRESETS[preset]}.")
        for generator, preset in presets.items()
        if preset in PRESETS
    ]
    return [*words, pages.paragraph(_SIDE_BY_SIDE), table] if table else []


def trait_parts(
    judged: pd.DataFrame, sources: list[str], replicates: pd.DataFrame | None
) -> list[str]:
    """What comes back of a trait whose causal SNPs are known; [] where they are not."""
    known = (judged["metric"] == _TRUTH[0]) & is_group(judged, _TRUTH[1])
    if not judged.loc[known, "value"].notna().any():
        return []
    title = pages.heading("What comes back of the imposed trait", 3)
    table = _comparison(judged, TRAIT_METRICS, sources, replicates)
    return [title, pages.paragraph(_IMPOSED), table]


def withheld_parts(judged: pd.DataFrame, drawn: dict[str, str]) -> list[str]:
    """What leaving out the riskiest people changes, before beside after; [] where nobody is.

    drawn: the name of a released generator with everybody it drew -> the generator.
    """
    return [
        _comparison(judged, WITHHELD_METRICS, [before, after], None)
        for before, after in drawn.items()
    ]


def guidance_parts(table: pd.DataFrame | None) -> list[str]:
    """The guidance curves (`guidance.guidance_table`) in words and as tables; [] without."""
    if table is None:
        return []
    parts = [pages.heading("Which guidance scale", 3)]
    for generator, part in table.groupby("generator", sort=False):
        parts.append(pages.paragraph(f"{generator}: {_advice(part)}"))
        columns = {key: text for key, text in _GUIDANCE.items() if part[key].notna().any()}
        shown = part[list(columns)].rename(columns=columns)
        slopes = zip(part["effect_slope"], part["slope_low"], part["slope_high"], strict=True)
        shown.insert(1, "slope on real effects", [_interval(*slope) for slope in slopes])
        marks = zip(part["released"], part["recommended"], strict=True)
        shown.insert(2, "", [_marks(*each) for each in marks])
        parts.append(pages.table(shown))
    return parts


def _comparison(judged, keys, sources: list[str], replicates: pd.DataFrame | None) -> str:
    """A row per metric and group, a column per source that has any."""
    own = judged[judged["generator"].isin(sources)]
    sources = [source for source in sources if source in set(own["generator"])]
    spread = {}
    if replicates is not None:
        rows = zip(replicates.itertuples(), groups_of(replicates), strict=True)
        spread = {(row.generator, row.metric, each): row for row, each in rows}
    rows = []
    for metric, group in keys:
        of_metric = own[own["metric"] == metric]
        for each in [group] if group else _kinds(of_metric):
            found = {
                row.generator: row for row in of_metric[is_group(of_metric, each)].itertuples()
            }
            if not found:
                continue
            title = describe(find_metric(metric, each), each)
            first = next(found[source] for source in sources if source in found)
            cells = [pages.cell(title), pages.cell(bounds_text(first))]
            for source in sources:
                row = found.get(source)
                text = _spread_text(spread.get((source, metric, each)))
                cells.append(value_cell(row, text) if row is not None else pages.cell(""))
            rows.append("".join(cells))
    return pages.rows_table(["", "passes", *sources], rows, words=True) if rows else ""


def _kinds(rows: pd.DataFrame) -> list[Group]:
    """A group for each kind of classifier, without what else it was trained on."""
    return [Group(method=kind) for kind in dict.fromkeys(rows["method"]) if kind]


def _spread_text(row) -> str:
    if row is None:
        return ""
    return (
        f"; {row.trainings:.0f} trainings: {number(row.mean)} ± {number(row.sd)} "
        f"({number(row.min)} to {number(row.max)})"
    )


def _interval(value: float, low: float, high: float) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{number(value)} [{number(low)}, {number(high)}]" if np.isfinite(low) else number(value)


def _marks(released: bool, recommended: bool) -> str:
    words = {"released": released, "recommended": recommended}
    return ", ".join(word for word, holds in words.items() if holds)


def _advice(part: pd.DataFrame) -> str:
    if not part["recommended"].any():
        reason = next((note for note in part["note"] if note), "no slope above 0")
        return f"no scale to recommend ({reason})."
    best, now = part[part["recommended"]].iloc[0], part[part["released"]].iloc[0]
    text = (
        f"effects are nearest to the training people's at guidance scale {best['scale']:g}, with "
        f"slope {number(best['effect_slope'])}"
    )
    if best["released"]:
        return f"{text}, which the cohort is released at."
    return (
        f"{text}. The cohort is released at scale {now['scale']:g}, with slope "
        f"{number(now['effect_slope'])}."
    )
