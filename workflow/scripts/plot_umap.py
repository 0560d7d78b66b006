"""Draw the UMAP of real and synthetic people."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.people import plot_umap
from syncohort.job import job

with job(snakemake):
    plot_umap(read_tables([snakemake.input.embedding]), snakemake.output.figure)
