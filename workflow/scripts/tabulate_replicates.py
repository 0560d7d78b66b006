"""Sum up the metrics of several trainings of each released generator."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.replicates import replicate_table
from syncohort.evaluation.summary import read_tables
from syncohort.provenance import job

with job(snakemake):
    table = replicate_table(read_tables([snakemake.input.metrics]), snakemake.params.replicates)
    table.to_csv(snakemake.output.table, sep="\t", index=False)
