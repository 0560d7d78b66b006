"""Draw people on the training people's principal axes."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.tables import read_tables
from syncohort.figures.people import plot_pca
from syncohort.job import job

with job(snakemake):
    plot_pca(read_tables([snakemake.input.embedding]), snakemake.output.figure)
