"""Draw how people were divided."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.summary import read_tables
from syncohort.figures import plot_split
from syncohort.provenance import job

with job(snakemake):
    plot_split(read_tables([snakemake.input.people]), snakemake.output.figure)
