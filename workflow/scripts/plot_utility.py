"""Draw how classifiers do on holdout people."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.utility import plot_utility
from syncohort.job import job

with job(snakemake):
    plot_utility(read_tables([snakemake.input.metrics]), snakemake.output.figure)
