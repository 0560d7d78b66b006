"""What the report says of rare variants that were drawn given the haplotypes around them."""

from collections import Counter

import pandas as pd

from syncohort.evaluation.groups import RARE
from syncohort.evaluation.privacy.rare_alleles import RARE_ATTACKS
from syncohort.evaluation.verdicts.metrics import DIMENSIONS
from syncohort.report import html as pages
from syncohort.report.tables import dimension_table


def rare_parts(judged: pd.DataFrame, counts: list[dict], sources: list[str]) -> list[str]:
    """The part of the report on rare variants.

    judged: from `judging.judge`. counts: of `filters.filter_rare`, of each chromosome. sources: generators in
    the order of their columns.
    """
    dropped = sum((Counter(each["dropped"]) for each in counts), Counter())
    drawn = sum(each["n_kept"] for each in counts)
    rows = [("drawn", drawn), *((f"left out: {name}", n) for name, n in dropped.items() if n)]
    table = pages.table(pd.DataFrame(rows, columns=["variants of the cohort", "number"]))
    own = judged[(judged["snps"] == RARE) | judged["method"].isin(RARE_ATTACKS)]
    measured = [name for name in DIMENSIONS if (own["dimension"] == name).any()]
    return [table, *(dimension_table(own, name, sources) for name in measured)]
