"""Fit a Gaussian to the latents of training people."""

from syncohort.baselines.block_gaussian import fit_block_gaussian
from syncohort.cohort.people import read_people
from syncohort.files import file_fingerprints
from syncohort.generators.rows import EncodedPeople
from syncohort.job import job

with job(snakemake):
    encoded = EncodedPeople.read(
        snakemake.input.latents,
        snakemake.input.rows,
        read_people(snakemake.input.people),
        snakemake.params.mode,
    )
    fit_block_gaussian(
        encoded,
        checkpoint_path=snakemake.output.checkpoint,
        representation_fingerprints=file_fingerprints(snakemake.input.models),
    )
