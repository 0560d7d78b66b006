"""Train a Wasserstein GAN on the latents of training people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.baselines.wgan_training import train_wgan
from syncohort.generator_training import training_rows
from syncohort.latents import file_fingerprints
from syncohort.provenance import job
from syncohort.representations.gene_pca import GenePCA
from syncohort.splits import read_people

with job(snakemake):
    train_wgan(
        snakemake.input.latents,
        [GenePCA.load(path).mask for path in snakemake.input.models],
        *training_rows(read_people(snakemake.input.people), snakemake.params.mode),
        checkpoint_path=snakemake.output.checkpoint,
        gene_pca_fingerprints=file_fingerprints(snakemake.input.models),
        device=snakemake.params.device,
        seed=snakemake.params.seed,
        **snakemake.params.fitting,
    )
