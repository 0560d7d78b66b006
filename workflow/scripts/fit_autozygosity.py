"""What share of the genome is autozygous in each label, and in stretches of what length."""

from syncohort.job import job
from syncohort.synthesis.autozygosity import fit_autozygosity
from syncohort.synthesis.homozygous_runs import Runs

with job(snakemake):
    fit_autozygosity([Runs.load(path) for path in snakemake.input.runs]).save(
        snakemake.output.model
    )
