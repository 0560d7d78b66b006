"""Draw effects of SNPs on the disease, synthetic against real."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.summary import read_tables
from syncohort.figures import plot_effects
from syncohort.provenance import job

with job(snakemake):
    plot_effects(read_tables([snakemake.input.effects]), snakemake.output.figure)
