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
    verdict = (
        "The run stops here: see the lines marked stop."
        if any(check.level == "stop" for check in checks)
        else "The cohort can be used."
    )
    used = people[people["excluded"] == ""]
    counts = used["label"].value_counts().sort_index().rename_axis("label")
    parts = [
        pages.paragraph("Simulated data: nobody in this cohort exists.", "banner")
        if simulated
        else "",
        pages.paragraph(verdict),
        pages.table(pd.DataFrame(checks).rename(columns={"name": "check"})),
        pages.heading("Variants by chromosome"),
        pages.table(variants),
        pages.heading("People by label"),
        pages.table(counts.rename("people").reset_index()),
    ]
    pages.write_page(path, "Compatibility check", parts)
