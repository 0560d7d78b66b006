"""Sum up the metrics of several trainings of each released generator."""

from syncohort.evaluation.tables import read_tables
from syncohort.evaluation.verdicts.replicates import replicate_table
from syncohort.job import job

with job(snakemake):
    table = replicate_table(read_tables([snakemake.input.metrics]), snakemake.params.replicates)
    table.to_csv(snakemake.output.table, sep="\t", index=False)
