"""Draw figure 7 of the paper: the t-SNE of a network's narrowest layer."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.training import plot_bottleneck
from syncohort.job import job

with job(snakemake):
    plot_bottleneck(read_tables([snakemake.input.places]), snakemake.output.figure)
