"""Draw figures 3 and 5 of the paper: loss and errors of all diffusion models."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.training import plot_training
from syncohort.job import job

with job(snakemake):
    limits = snakemake.params.membership_max
    plot_training(
        {
            name: read_tables([path])
            for name, path in zip(limits, snakemake.input.losses, strict=True)
        },
        snakemake.output.figure,
        membership_max=limits,
    )
