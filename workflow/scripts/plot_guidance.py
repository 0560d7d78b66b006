"""Draw effects of synthetic people by guidance scale."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.association import plot_guidance
from syncohort.job import job

with job(snakemake):
    plot_guidance(read_tables([snakemake.input.table]), snakemake.output.figure)
