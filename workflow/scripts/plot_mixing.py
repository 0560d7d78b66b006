"""Draw figure 6 of the paper: the weight of the CNN in mixed networks."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.training import plot_mixing
from syncohort.job import job

with job(snakemake):
    limits = snakemake.params.membership_max
    plot_mixing(
        {
            name: read_tables([path])
            for name, path in zip(limits, snakemake.input.losses, strict=True)
        },
        snakemake.output.figure,
        membership_max=limits,
    )
