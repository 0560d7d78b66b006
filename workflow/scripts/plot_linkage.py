"""Draw linkage disequilibrium by distance."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.fidelity import plot_linkage
from syncohort.job import job

with job(snakemake):
    plot_linkage(read_tables(snakemake.input.tables), snakemake.output.figure)
