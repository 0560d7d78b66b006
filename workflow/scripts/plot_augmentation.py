"""Draw what synthetic people add to few real ones."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.summary import read_tables
from syncohort.figures import plot_augmentation
from syncohort.provenance import job

with job(snakemake):
    plot_augmentation(read_tables([snakemake.input.metrics]), snakemake.output.figure)
