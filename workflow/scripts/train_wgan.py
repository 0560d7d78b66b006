"""Train a Wasserstein GAN on the latents of training people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.baselines.wgan_training import train_wgan
from syncohort.cohort.splits import read_people
from syncohort.files import file_fingerprints
from syncohort.generators.rows import training_rows
from syncohort.job import job
from syncohort.representations import load_representation

with job(snakemake):
    train_wgan(
        snakemake.input.latents,
        [load_representation(path).mask for path in snakemake.input.models],
        *training_rows(read_people(snakemake.input.people), snakemake.params.mode),
        checkpoint_path=snakemake.output.checkpoint,
        representation_fingerprints=file_fingerprints(snakemake.input.models),
        device=snakemake.params.device,
        seed=snakemake.params.seed,
    )
