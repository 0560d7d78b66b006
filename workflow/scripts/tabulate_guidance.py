"""Put the points of the guidance curves into one table."""

from syncohort.evaluation.association.guidance import guidance_table
from syncohort.evaluation.tables import read_tables
from syncohort.job import job

with job(snakemake):
    params = snakemake.params
    table = guidance_table(read_tables(snakemake.input.metrics), params.scales, params.released)
    table.to_csv(snakemake.output.table, sep="\t", index=False)
