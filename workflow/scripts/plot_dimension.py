"""Draw the metrics of each dimension, every generator beside the calibration rows."""

from pathlib import Path

from syncohort.evaluation.tables import read_tables
from syncohort.figures.metrics import plot_dimension
from syncohort.job import job

with job(snakemake):
    judged = read_tables([snakemake.input.metrics])
    for figure in snakemake.output.figures:
        plot_dimension(
            judged,
            figure,
            dimension=Path(figure).stem,
            released=snakemake.params.released,
            calibration=snakemake.params.calibration,
        )
