"""Draw effects of SNPs on the disease, synthetic against real."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.association import plot_effects
from syncohort.job import job

with job(snakemake):
    plot_effects(read_tables([snakemake.input.effects]), snakemake.output.figure)
