"""Split people into train, validation and holdout."""

from syncohort.cohort.splits import split_table
from syncohort.job import job

with job(snakemake):
    split_table(
        snakemake.input.people,
        snakemake.input.kinship or None,
        snakemake.output.people,
        kinship_min=snakemake.params.kinship_min,
        seed=snakemake.params.seed,
        **snakemake.params.shares,
    )
