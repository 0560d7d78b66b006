"""Choose the variants most associated with the label."""

import pandas as pd

from syncohort.association.scan import read_scan
from syncohort.association.selection import choose_variants
from syncohort.cohort_store import CohortStore
from syncohort.formats.summary_statistics import read_summary_statistics
from syncohort.job import job

with job(snakemake):
    found, output = snakemake.input, snakemake.output
    statistics = read_summary_statistics(found.statistics) if found.statistics else None
    choice = choose_variants(
        [CohortStore(path) for path in found.stores],
        read_scan(found.scan),
        statistics,
        **snakemake.params.choice,
    )
    counts = pd.concat([pd.read_csv(found.counts, sep="\t"), choice.counts])
    for table, path in (
        (choice.variants, output.variants),
        (counts, output.counts),
        (choice.quantiles, output.quantiles),
        (choice.summary, output.summary),
    ):
        table.to_csv(path, sep="\t", index=False, float_format="%.9g")
    print(counts.to_string(index=False))
