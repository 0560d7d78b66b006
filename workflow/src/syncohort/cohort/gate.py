"""The gate: what the check found stops the run, or nothing does."""

from pathlib import Path

import pandas as pd

from syncohort.errors import InputError


def require_usable(checks_path: str | Path, page_path: str | Path) -> None:
    """Stop with everything that makes the cohort unusable.

    checks_path: lines that `people_checks.write_checks` wrote; page_path: of the page that shows them.

    Raises:
        InputError: lists the checks of level "stop".
    """
    checks = pd.read_csv(checks_path, sep="\t", keep_default_na=False)
    stops = checks[checks["level"] == "stop"]
    if len(stops):
        lines = [f"{c.name}: {c.found}. {c.advice}" for c in stops.itertuples()]
        problems = "\n  - ".join(lines)
        # another job writes the page, which may not have ended yet
        hint = "" if Path(page_path).exists() else ", which you can ask Snakemake for by this name"
        raise InputError(
            f"The cohort cannot be used as it is ({len(lines)} problem(s)):\n  - {problems}\n"
            f"The whole check: {page_path}{hint}"
        )
