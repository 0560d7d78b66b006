"""Draw allele frequencies, real and synthetic."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.fidelity import plot_frequencies
from syncohort.job import job

with job(snakemake):
    plot_frequencies(read_tables(snakemake.input.tables), snakemake.output.figure)
