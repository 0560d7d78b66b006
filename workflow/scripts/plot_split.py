"""Draw how people were divided."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.people import plot_split
from syncohort.job import job

with job(snakemake):
    plot_split(read_tables([snakemake.input.people], ["label", "split"]), snakemake.output.figure)
