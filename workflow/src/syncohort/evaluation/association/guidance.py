"""Effects of synthetic people by the guidance scale they were drawn at.

Guidance exaggerates what labels differ in, so that the slope of synthetic on real effects grows
with its scale. The scale to recommend is the one whose slope is nearest 1, in ratio. Slopes are
on the effects of the training people; the holdout people choose nothing.
"""

import numpy as np
import pandas as pd

from syncohort.evaluation.groups import ALL, TRUTH, Group
from syncohort.evaluation.tidy import tidy_value

GUIDANCE_COLUMNS = {  # of the table -> metric and group
    "effect_slope": ("effect_slope", ALL),
    "slope_along_true_effects": ("effect_slope", Group(against=TRUTH)),
    "effect_r": ("effect_r", ALL),
    "power": ("power", ALL),
    "false_discoveries": ("false_discoveries", ALL),
    "score_auc": ("score_auc", ALL),
    "score_r": ("score_r", ALL),
}


def guidance_table(
    metrics: pd.DataFrame, scales: dict[str, float], released: dict[str, str]
) -> pd.DataFrame:
    """One row per point of a guidance curve, by released generator and scale.

    metrics: the tidy tables of `association.measure_association` of all points; scales:
    generator -> guidance scale; released: generator -> the released one whose model it is
    sampled from (itself where it is not named).
    Returns generator (the released one), scale, released (bool: the scale it is released at),
    recommended (bool: its slope is nearest 1 of those above 0; of equals the smaller scale), the
    columns of `GUIDANCE_COLUMNS` (NaN where not measured), slope_low, slope_high, note.
    """
    rows = []
    for name, scale in scales.items():
        found = {
            column: tidy_value(metrics, name, *key) for column, key in GUIDANCE_COLUMNS.items()
        }
        slope = found["effect_slope"]
        rows.append(
            {
                "generator": released.get(name, name),
                "scale": scale,
                "released": name not in released,
                "recommended": False,
                **{column: row["value"] for column, row in found.items()},
                "slope_low": slope["low"],
                "slope_high": slope["high"],
                "note": slope["note"],
            }
        )
    table = pd.DataFrame(rows).sort_values(["generator", "scale"], ignore_index=True)
    for _, part in table[table["effect_slope"] > 0].groupby("generator"):
        nearest = np.abs(np.log(part["effect_slope"])).idxmin()
        table.loc[nearest, "recommended"] = True
    return table
