"""Draw the metrics of a dimension, every generator beside the calibration rows."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.summary import read_tables
from syncohort.metric_figures import plot_dimension
from syncohort.provenance import job

with job(snakemake):
    plot_dimension(
        read_tables([snakemake.input.metrics]),
        snakemake.output.figure,
        dimension=snakemake.wildcards.dimension,
        released=snakemake.params.released,
        calibration=snakemake.params.calibration,
    )
