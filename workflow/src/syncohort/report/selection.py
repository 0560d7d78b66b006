"""What the report says of the selection of variants: one plain sentence, and counts."""

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from syncohort.association.harmonise import COUNTS, STEP
from syncohort.report import html as pages
from syncohort.report.templates import fill


def selection_parts(counts_path: str | Path, verdict_path: str | Path) -> list[Markup]:
    """The part of the report on the selection: the sentence of `verdict` and every step's count."""
    counts = pd.read_csv(counts_path, sep="\t")
    verdict = Path(verdict_path).read_text().strip()
    used = statistics_sentence(dict(zip(counts["step"], counts["count"], strict=True)))
    return [fill("selection.html", verdict=verdict, used=used, counts=pages.table(counts))]


def statistics_sentence(counts: dict[str, int]) -> str:
    """Which share of external summary statistics was used; "" where there were none.

    counts: of the steps of a selection; see `harmonise.COUNTS`.
    """
    if STEP.format("rows") not in counts:
        return ""
    n = {name: counts[STEP.format(name)] for name in COUNTS}
    usable = n["rows"] - n["unusable"]

    def share(number: int) -> str:
        return f"{number:,} ({number / max(usable, 1):.0%})"

    return (
        f"Of {usable:,} variants of the summary statistics with an effect and a p-value, "
        f"{share(usable - n['not_in_cohort'])} are at sites of the cohort, and {share(n['aligned'])} fit "
        f"its alleles and are used. Of these the effect of {n['flipped']:,} was turned, for it was that "
        f"of REF, and {n['complemented']:,} are of the other strand. At sites of the cohort were left "
        f"out: {n['ambiguous']:,} that fit either strand or several variants, {n['other_alleles']:,} "
        f"with other alleles, {n['repeated']:,} copies."
    )
