"""Draw figures 3 and 5 of the paper: loss and errors of all diffusion models."""

from syncohort.evaluation.tables import read_losses
from syncohort.figures.training import plot_training
from syncohort.job import job

with job(snakemake):
    limits = snakemake.params.membership_max
    files = iter(snakemake.input.losses)
    plot_training(
        {
            name: read_losses([next(files) for _ in range(n_networks)])
            for name, n_networks in snakemake.params.networks.items()
        },
        snakemake.output.figure,
        membership_max=limits,
    )
