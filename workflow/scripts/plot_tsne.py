"""Draw the t-SNE of real and synthetic people."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.people import plot_tsne
from syncohort.job import job

with job(snakemake):
    plot_tsne(read_tables([snakemake.input.embedding]), snakemake.output.figure)
