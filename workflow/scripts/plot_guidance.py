"""Draw effects of synthetic people by guidance scale."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.association_figures import plot_guidance
from syncohort.evaluation.summary import read_tables
from syncohort.provenance import job

with job(snakemake):
    plot_guidance(read_tables([snakemake.input.table]), snakemake.output.figure)
