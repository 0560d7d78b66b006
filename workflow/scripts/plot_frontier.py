"""Draw fidelity against leakage."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.summary import read_tables
from syncohort.metric_figures import plot_frontier
from syncohort.provenance import job

with job(snakemake):
    plot_frontier(
        read_tables([snakemake.input.metrics]),
        snakemake.output.figure,
        released=snakemake.params.released,
        calibration=snakemake.params.calibration,
        mosaics=snakemake.params.mosaics,
    )
