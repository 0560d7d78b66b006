"""Draw how membership is told, by the size of the label."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.metrics import plot_labels
from syncohort.job import job

with job(snakemake):
    plot_labels(
        read_tables([snakemake.input.metrics]),
        read_tables([snakemake.input.people], ["label", "split"]),
        snakemake.output.figure,
        released=snakemake.params.released,
        calibration=snakemake.params.calibration,
    )
