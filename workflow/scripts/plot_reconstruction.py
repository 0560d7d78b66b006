"""Draw what encoding and decoding loses."""

from syncohort.evaluation.models.reconstruction import combine_chromosomes
from syncohort.evaluation.tables import read_tables
from syncohort.figures.training import plot_reconstruction
from syncohort.job import job

with job(snakemake):
    tables = [read_tables([path]) for path in snakemake.input.tables]
    plot_reconstruction(combine_chromosomes(tables), snakemake.output.figure)
