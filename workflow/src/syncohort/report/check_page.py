"""The page of the compatibility check."""

from pathlib import Path

import pandas as pd

from syncohort.report import html as pages


def write_check_page(
    path: str | Path,
    checks: list,
    people: pd.DataFrame,
    variants: pd.DataFrame,
    *,
    simulated: bool,
) -> None:
    """Write what `cohort.checks` found as one HTML page.

    simulated: whether the cohort is a simulated one, which the page says first.
    """
    levels = [check.level for check in checks]
    used = people[people["excluded"] == ""]
    counts = used["label"].value_counts().sort_index().rename_axis("label")
    pages.write(
        path,
        "check.html",
        title="Compatibility check",
        simulated=simulated,
        n_stop=levels.count("stop"),
        n_look=levels.count("look"),
        checks=pages.table(pd.DataFrame(checks).rename(columns={"name": "check"})),
        variants=pages.table(variants),
        labels=pages.table(counts.rename("people").reset_index()),
    )
