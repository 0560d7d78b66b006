"""Draw fidelity against leakage."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.metrics import plot_frontier
from syncohort.job import job

with job(snakemake):
    plot_frontier(
        read_tables([snakemake.input.metrics]),
        snakemake.output.figure,
        released=snakemake.params.released,
        calibration=snakemake.params.calibration,
        mosaics=snakemake.params.mosaics,
    )
