"""Draw what synthetic people add to few real ones."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.utility import plot_augmentation
from syncohort.job import job

with job(snakemake):
    plot_augmentation(read_tables([snakemake.input.metrics]), snakemake.output.figure)
