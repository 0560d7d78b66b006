"""Draw the error by epoch."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.summary import read_tables
from syncohort.figures import plot_losses
from syncohort.provenance import job

with job(snakemake):
    plot_losses(read_tables([snakemake.input.losses]), snakemake.output.figure)
