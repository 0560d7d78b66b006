"""Fit a Gaussian to the latents of training people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.baselines.block_gaussian import fit_block_gaussian
from syncohort.cohort.splits import read_people
from syncohort.files import file_fingerprints
from syncohort.generators.rows import training_rows
from syncohort.job import job
from syncohort.representations import load_representation

with job(snakemake):
    fit_block_gaussian(
        snakemake.input.latents,
        [load_representation(path).mask for path in snakemake.input.models],
        *training_rows(read_people(snakemake.input.people), snakemake.params.mode),
        checkpoint_path=snakemake.output.checkpoint,
        representation_fingerprints=file_fingerprints(snakemake.input.models),
    )
