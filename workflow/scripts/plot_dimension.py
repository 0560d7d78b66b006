"""Draw the metrics of a dimension, every generator beside the calibration rows."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.metrics import plot_dimension
from syncohort.job import job

with job(snakemake):
    plot_dimension(
        read_tables([snakemake.input.metrics]),
        snakemake.output.figure,
        dimension=snakemake.wildcards.dimension,
        released=snakemake.params.released,
        calibration=snakemake.params.calibration,
    )
