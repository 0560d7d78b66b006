"""Split people into train, validation and holdout."""

from syncohort.cohort.splits import split_table
from syncohort.job import job
from syncohort.seeds import keyed_seed

with job(snakemake):
    line = split_table(
        snakemake.input.people,
        snakemake.input.kinship or None,
        snakemake.output.people,
        kinship_min=snakemake.params.kinship_min,
        seed=keyed_seed(snakemake.params.seed, snakemake.input.key),
        **snakemake.params.shares,
    )
    line.to_csv(snakemake.output.relatives, sep="\t", index=False)
