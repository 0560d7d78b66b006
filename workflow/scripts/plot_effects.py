"""Draw effects of SNPs on the disease, synthetic against real."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.tables import read_tables
from syncohort.figures.association import plot_effects
from syncohort.job import job

with job(snakemake):
    plot_effects(read_tables([snakemake.input.effects]), snakemake.output.figure)
