"""Draw people on the training people's principal axes."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.people import plot_pca
from syncohort.job import job

with job(snakemake):
    plot_pca(read_tables([snakemake.input.embedding]), snakemake.output.figure)
