"""All metrics of a study in one tidy table, and the page that shows them."""

from pathlib import Path

import numpy as np
import pandas as pd

from syncohort import pages
from syncohort.evaluation import REAL_TRAIN
from syncohort.evaluation.utility import MAJORITY, recovery_rate

# metric -> what good looks like; the order of the page
GOOD = {
    "frequency_error": "as small as that of real people",
    "frequency_r": "near 1, but it is for almost any generator",
    "minor_frequency_kept": "near 1; below, rare alleles were lost",
    "heterozygosity_ratio": "near 1; below, people are too alike",
    "heterozygosity_spread": "near 1; below, people differ too little from each other",
    "ld_r": "as near 1 as that of real people",
    "ld_slope": "near 1; below, linkage is too weak",
    "ld_kept": "near 1 at every distance; below, long haplotypes are lost",
    "pca_distance": "as small as that of real people",
    "accuracy": "as high as trained on real people",
    "balanced_accuracy": "as high as trained on real people",
    "auc": "as high as trained on real people",
    "recovery_rate": "near 1, which alone proves little",
    "trained_people": "",
}
_CALIBRATION = (REAL_TRAIN, "real", MAJORITY)
_NAMES = {
    *("cohort", "generator", "metric", "group", "note", "contig", "id", "label", "source"),
    *("maf_bin", "person", "classifier", "predicted", "distance_bin", "sample", "split"),
    "device",
}


def read_tables(paths) -> pd.DataFrame:
    """Read tables (TSV) and put them one below the other.

    Columns that hold names stay text, whatever they look like: a label may be called 1 or NA.
    """
    return pd.concat([_read(path) for path in paths], ignore_index=True)


def _read(path: str | Path) -> pd.DataFrame:
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    for column in table.columns.difference(_NAMES):
        table[column] = pd.to_numeric(table[column], errors="coerce")
    return table


def collect_metrics(
    metrics: pd.DataFrame,
    real_predictions: pd.DataFrame,
    predictions: dict[str, pd.DataFrame],
    *,
    cohort: str,
    seed: int,
) -> pd.DataFrame:
    """Put the tidy tables of all stages and the recovery rate of every generator into one.

    metrics: tidy tables of all sources, one below the other. predictions: of the classifiers
    trained on each generator's people. Rows that several stages wrote, such as those of
    the real training people, appear once.
    """
    rates = [
        recovery_rate(table, real_predictions, cohort=cohort, generator=name, seed=seed)
        for name, table in predictions.items()
    ]
    table = pd.concat([metrics, *rates], ignore_index=True)
    return table.drop_duplicates(["generator", "metric", "group"], ignore_index=True)


def write_metrics_page(metrics: pd.DataFrame, path: str | Path) -> None:
    """Write the metrics as a page: one row per metric and group, one column per source."""
    sources = [
        *(name for name in dict.fromkeys(metrics["generator"]) if name not in _CALIBRATION),
        *(name for name in _CALIBRATION if name in set(metrics["generator"])),
    ]
    shown = metrics.assign(text=[_text(row) for row in metrics.itertuples()])
    wide = shown.pivot(index=["metric", "group"], columns="generator", values="text").fillna("")
    parts = []
    for metric in (name for name in GOOD if name in wide.index.get_level_values(0)):
        table = wide.loc[metric, sources]
        table = table.loc[:, (table != "").any()].reset_index()
        # "all" first, then in the order the groups were measured
        order = dict.fromkeys(["all", *metrics.loc[metrics["metric"] == metric, "group"]])
        table = table.set_index("group").reindex([g for g in order if g in set(table["group"])])
        parts += [pages.heading(metric.replace("_", " "))]
        parts += [pages.paragraph(f"Good: {GOOD[metric]}.")] if GOOD[metric] else []
        parts.append(pages.table(table.reset_index()))
    notes = metrics.loc[metrics["note"] != "", ["generator", "metric", "group", "note"]]
    parts += [pages.heading("Notes"), pages.table(notes)]
    pages.write_page(path, "All metrics", parts)


def _text(row) -> str:
    if not np.isfinite(row.value):
        return row.note or "-"
    interval = f" [{row.low:.3g}, {row.high:.3g}]" if np.isfinite(row.low) else ""
    return f"{row.value:.4g}{interval}"
