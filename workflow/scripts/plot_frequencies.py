"""Draw allele frequencies, real and synthetic."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.tables import read_tables
from syncohort.figures.fidelity import plot_frequencies
from syncohort.job import job

with job(snakemake):
    plot_frequencies(read_tables(snakemake.input.tables), snakemake.output.figure)
