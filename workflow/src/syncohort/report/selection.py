"""What the report says of the selection of variants: counts, a picture, one plain sentence."""

from pathlib import Path

import pandas as pd

from syncohort.report import html as pages


def selection_parts(counts_path: str | Path, verdict_path: str | Path) -> list[str]:
    """The part of the report on the selection: the sentence of `verdict` and every step's count."""
    counts = pd.read_csv(counts_path, sep="\t")
    sentence = Path(verdict_path).read_text().strip()
    return [pages.paragraph(sentence), pages.details("Step by step", [pages.table(counts)])]
