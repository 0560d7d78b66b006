"""Draw people on the training people's principal axes."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.summary import read_tables
from syncohort.figures import plot_pca
from syncohort.provenance import job

with job(snakemake):
    plot_pca(read_tables([snakemake.input.embedding]), snakemake.output.figure)
