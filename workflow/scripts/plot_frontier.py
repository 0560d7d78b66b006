"""Draw fidelity against leakage."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

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
