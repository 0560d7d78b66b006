"""Train a diffusion model on the latents of training people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.generator_training import train_diffusion, training_rows
from syncohort.latents import file_fingerprints
from syncohort.provenance import job
from syncohort.representations.gene_pca import GenePCA
from syncohort.splits import read_people

with job(snakemake):
    models = [GenePCA.load(path) for path in snakemake.input.models]
    labels, is_validation, class_names = training_rows(
        read_people(snakemake.input.people), snakemake.params.mode
    )
    train_diffusion(
        snakemake.input.latents,
        [model.mask for model in models],
        labels,
        is_validation,
        class_names,
        checkpoint_path=snakemake.output.checkpoint,
        log_path=snakemake.output.losses,
        state_path=snakemake.params.state,
        denoiser=snakemake.params.denoiser,
        gene_pca_fingerprints=file_fingerprints(snakemake.input.models),
        device=snakemake.params.device,
        threads=snakemake.threads,
        seed=snakemake.params.seed,
        **snakemake.params.diffusion,
        **snakemake.params.training,
    )
