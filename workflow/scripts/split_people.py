"""Stop if the cohort cannot be used; else split people into train, validation and holdout."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.checks import require_usable
from syncohort.provenance import job
from syncohort.splits import split_table

with job(snakemake):
    require_usable(snakemake.input.checks, snakemake.input.page)
    split_table(
        snakemake.input.people,
        snakemake.input.kinship or None,
        snakemake.output.people,
        kinship_min=snakemake.params.kinship_min,
        seed=snakemake.params.seed,
        **snakemake.params.shares,
    )
