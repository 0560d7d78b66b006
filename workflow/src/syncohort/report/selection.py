"""What the report says of the selection of variants: one plain sentence, and counts."""

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from syncohort.report import html as pages
from syncohort.report.templates import fill


def selection_parts(counts_path: str | Path, verdict_path: str | Path) -> list[Markup]:
    """The part of the report on the selection: the sentence of `verdict` and every step's count."""
    counts = pd.read_csv(counts_path, sep="\t")
    verdict = Path(verdict_path).read_text().strip()
    return [fill("selection.html", verdict=verdict, counts=pages.table(counts))]
