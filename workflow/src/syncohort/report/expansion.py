"""What the report says of sites that were not modelled but imputed from a public panel."""

import pandas as pd
from markupsafe import Markup

from syncohort.report import html as pages

_COUNTS = {
    "modelled": "modelled sites",
    "used": "of them in the panel, imputed from",
    "swapped": "left out: REF and ALT swapped",
    "other_strand": "left out: other strand",
    "other_alleles": "left out: other alleles",
    "not_in_panel": "not in the panel",
    "imputed": "sites imputed",
}


def expansion_parts(counts: pd.DataFrame, accuracy: pd.DataFrame, panel: str) -> list[Markup]:
    """The part of the report on imputed sites.

    counts, accuracy: of `expansion.expand_cohort`, with the column generator, all chromosomes.
    panel: its name.
    """
    summed = counts.groupby("generator", sort=False)[list(_COUNTS)].sum().astype(int)
    by_bin = accuracy.groupby(["generator", "maf_bin"], sort=False)[["n", "dr2", "n_good"]].sum()
    told = pd.DataFrame(
        {
            "alleles that anybody carries": by_bin["n"].astype(int),
            "mean DR2": by_bin["dr2"] / by_bin["n"],
            "share with DR2 of at least 0.8": by_bin["n_good"] / by_bin["n"],
        }
    )
    told = told.reset_index().rename(columns={"maf_bin": "MAF"})
    return [
        pages.paragraph(f"The panel: {panel}."),
        pages.table(summed.rename(columns=_COUNTS).reset_index()),
        pages.table(told),
    ]
