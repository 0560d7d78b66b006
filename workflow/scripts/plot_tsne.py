"""Draw the t-SNE of real and synthetic people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.tables import read_tables
from syncohort.figures.people import plot_tsne
from syncohort.job import job

with job(snakemake):
    plot_tsne(read_tables([snakemake.input.embedding]), snakemake.output.figure)
