"""Fabricated metrics: what known generators score, after the order of real measurements."""

import numpy as np
import pandas as pd

from syncohort.evaluation.groups import ALL, Group
from syncohort.evaluation.tidy import MAF_BINS, MAJORITY, metric_row, tidy

CALIBRATION = {kind: kind for kind in ("validation", "bootstrap", "independent", "mosaic")}
RELEASED = ["good", "memoriser"]
MOSAICS = {"mosaic": 10_000.0, "mosaic_ne500": 500.0, "mosaic_ne50000": 50_000.0}
LABELS = ("case", "control", "NA")
DISTANCES = ("0-20 kb", "20-50 kb", "50-100 kb")
_SCORES = pd.DataFrame(
    [
        # error, rare, ld_r, slope, het, aa_truth, aa_syn, leak, homer, copies, closest, recovery
        ("good", 0.0115, 0.97, 0.981, 0.98, 0.99, 0.52, 0.55, 0.50, 0.51, 0.0, 1.01, 0.93),
        ("memoriser", 0.0349, 0.11, 0.875, 0.67, 0.74, 0.17, 0.99, 0.70, 0.66, 0.05, 0.80, 0.67),
        ("validation", 0.0136, 1.01, 0.984, 1.00, 1.00, 0.50, 0.52, 0.505, 0.51, 0.0, 1.00, 0.70),
        ("bootstrap", 0.0113, 0.98, 0.983, 0.99, 1.00, 0.52, 0.51, 0.82, 0.72, 1.0, 0.00, 0.94),
        ("independent", 0.0114, 0.99, 0.06, 0.03, 1.00, 1.00, 0.00, 0.50, 0.74, 0.0, 1.30, 0.83),
        ("mosaic", 0.0117, 0.99, 0.978, 0.94, 1.00, 0.63, 0.45, 0.63, 0.72, 0.0, 0.95, 0.88),
        (
            "mosaic_ne500",
            0.0115,
            0.98,
            0.982,
            1.00,
            1.00,
            0.53,
            0.51,
            0.78,
            0.72,
            0.0,
            0.60,
            np.nan,
        ),
        ("mosaic_ne50000", 0.012, 0.99, 0.90, 0.80, 1.0, 0.75, 0.40, 0.55, 0.72, 0.0, 1.0, np.nan),
    ],
    columns=["generator", "error", "rare", "ld_r", "slope", "het", "aa_truth", "aa_syn", "leak"]
    + ["homer", "copies", "closest", "recovery"],
)


def metrics() -> pd.DataFrame:
    """The tidy table of a study with the generators of `RELEASED`, all calibration, a curve."""
    tables = [
        tidy(_rows(scores), cohort="fake", generator=scores.generator)
        for scores in _SCORES.itertuples()
    ]
    real = [
        _row("accuracy", Group(method="mlp"), 0.45, 0.03),
        _row("auc", Group(method="mlp"), 0.9, 0.01),
    ]
    tables.append(tidy(real, cohort="fake", generator="real"))
    commonest = [metric_row("accuracy", ALL, 0.05)]
    return pd.concat([*tables, tidy(commonest, cohort="fake", generator=MAJORITY)])


def _row(metric, group, value, half) -> dict:
    return metric_row(metric, group, value, value - half, value + half)


def _counted(metric, people) -> list[dict]:
    """A count of 1,000 people, beside real people of whom nobody counts."""
    return [
        metric_row(metric, ALL, people, note=f"{people:,} of 1,000 people"),
        metric_row(metric, Group(part="real"), 0, 0, 0, "0 of 200 real people"),
    ]


def _rows(scores) -> list[dict]:
    rows = [
        _row("frequency_error", ALL, scores.error, 2e-4),
        _row("frequency_r", ALL, 0.9965 - scores.error / 10, 3e-4),
        _row("ld_r", ALL, scores.ld_r, 0.002),
        _row("ld_slope", ALL, scores.slope, 0.01),
        _row("heterozygosity_ratio", ALL, scores.het, 0.01),
        metric_row("pca_distance", ALL, 5 * scores.error, note="10 axes"),
        _row("aa_truth", Group(against="holdout"), scores.aa_truth, 0.03),
        _row("aa_syn", Group(against="holdout"), scores.aa_syn, 0.03),
        _row("membership_auc", Group(method="distance"), scores.leak, 0.02),
        _row("membership_auc", Group(method="distance", rows="haplotypes"), scores.leak, 0.015),
        _row("membership_auc", Group(label_size="50-199", method="distance"), scores.leak, 0.02),
        _row("membership_auc", Group(method="frequency"), scores.homer, 0.02),
        _row(
            "membership_auc",
            Group(label_size="200-999", method="frequency"),
            scores.homer,
            0.02,
        ),
        _row("attribute_gain", Group(method="hidden 100 kb"), scores.leak - 0.5, 0.02),
        *_counted("copied_people", round(1_000 * scores.copies)),
        *_counted("near_copies", 1_000 * (scores.copies > 0)),
        _row("identical_share", ALL, scores.copies, 0.001 * (scores.copies > 0)),
        _row("identical_share", Group(part="holdout"), 0, 0),
        _row("closest_record_ratio", Group(method="hamming"), scores.closest, 0.01),
        _row("recovery_rate", Group(method="mlp"), scores.recovery, 0.06),
        _row("recovery_rate", Group(method="mlp", trained_on="4x"), scores.recovery, 0.06),
        _row("accuracy", Group(method="mlp"), 0.45 * scores.recovery, 0.03),
    ]
    rows += [_row("ld_kept", Group(distance_bin=name), scores.slope, 0.05) for name in DISTANCES]
    for name in MAF_BINS[1:]:
        kept = 1 - (1 - scores.rare) / (1 + 10 * (name != MAF_BINS[1]))
        rows.append(_row("minor_frequency_kept", Group(maf_bin=name), kept, 0.01))
    for label in LABELS:
        rows.append(_row("frequency_error", Group(label=label), 2.2 * scores.error, 1e-3))
        row = _row("membership_auc", Group(method="distance", label=label), scores.leak, 0.08)
        if label == "NA":
            row = row | {
                "value": np.nan,
                "low": np.nan,
                "high": np.nan,
                "note": "too few: 9 people",
            }
        rows.append(row)
    return rows
