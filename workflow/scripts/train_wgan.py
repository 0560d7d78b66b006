"""Train a Wasserstein GAN on the latents of training people."""

from syncohort.baselines.wgan_training import Recipe, train_wgan
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
    train_wgan(
        encoded,
        Recipe(seed=snakemake.params.seed),
        checkpoint_path=snakemake.output.checkpoint,
        representation_fingerprints=file_fingerprints(snakemake.input.models),
        device=snakemake.resources.device,
    )
