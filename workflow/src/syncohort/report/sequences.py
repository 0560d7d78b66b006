"""What the report says of the DNA sequences of a release."""

import pandas as pd
from markupsafe import Markup

from syncohort.report import html as pages

_COUNTS = {
    "n_sequences": "sequences",
    "n_bases": "bases",
    "n_changes": "places that differ from the reference",
    "n_overlapping": "alleles left out: they overlap",
    "n_overlapping_variants": "variants that these are of",
    "n_unplaced": "variants left out: the reference has no allele of theirs",
    "n_swapped": "variants whose ALT the reference has",
    "n_uncoded": "variants without a code",
    "n_one_copy": "sequences of men's X",
}


def sequence_parts(counts: pd.DataFrame) -> list[Markup]:
    """The part of the report on DNA sequences.

    counts: fields of `fasta_writing.Written`, with the column generator, all chromosomes.
    """
    summed = counts.groupby("generator", sort=False)[list(_COUNTS)].sum()
    held = [name for name in _COUNTS if name in ("n_sequences", "n_bases") or summed[name].any()]
    references = ", ".join(counts["reference"].unique())
    return [
        pages.paragraph(f"The reference: {references}."),
        pages.table(summed[held].rename(columns=_COUNTS).reset_index()),
    ]
