"""Draw the t-SNE of real and synthetic people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.summary import read_tables
from syncohort.figures import plot_tsne
from syncohort.provenance import job

with job(snakemake):
    plot_tsne(read_tables([snakemake.input.embedding]), snakemake.output.figure)
