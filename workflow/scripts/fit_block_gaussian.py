"""Fit a Gaussian to the latents of training people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.baselines.block_gaussian import fit_block_gaussian
from syncohort.generator_training import training_rows
from syncohort.latents import file_fingerprints
from syncohort.provenance import job
from syncohort.representations import load_representation
from syncohort.splits import read_people

with job(snakemake):
    fit_block_gaussian(
        snakemake.input.latents,
        [load_representation(path).mask for path in snakemake.input.models],
        *training_rows(read_people(snakemake.input.people), snakemake.params.mode),
        checkpoint_path=snakemake.output.checkpoint,
        representation_fingerprints=file_fingerprints(snakemake.input.models),
        **snakemake.params.fitting,
    )
