"""Draw what encoding and decoding loses."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.reconstruction import combine_chromosomes
from syncohort.evaluation.summary import read_tables
from syncohort.figures import plot_reconstruction
from syncohort.provenance import job

with job(snakemake):
    tables = [read_tables([path]) for path in snakemake.input.tables]
    plot_reconstruction(combine_chromosomes(tables), snakemake.output.figure)
