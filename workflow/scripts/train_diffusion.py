"""Train a diffusion model on the latents of training people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.cohort.splits import read_people
from syncohort.diffusion.training import train_diffusion
from syncohort.files import file_fingerprints
from syncohort.generators.rows import training_rows, training_values
from syncohort.job import job
from syncohort.representations import load_representation
from syncohort.training.devices import n_training_processes
from syncohort.training.parallel import run_together

with job(snakemake):
    models = [load_representation(path) for path in snakemake.input.models]
    people, mode = read_people(snakemake.input.people), snakemake.params.mode
    run_together(
        train_diffusion,
        list(snakemake.input.latents),
        [model.mask for model in models],
        *training_rows(people, mode),
        values=training_values(people, mode),
        checkpoint_path=snakemake.output.checkpoint,
        log_path=snakemake.output.losses,
        state_path=snakemake.params.state,
        denoiser=snakemake.params.denoiser,
        representation_fingerprints=file_fingerprints(snakemake.input.models),
        device=snakemake.params.device,
        processes=n_training_processes(snakemake.params.device, snakemake.resources.gpu),
        threads=snakemake.threads,
        seed=snakemake.params.seed,
        **snakemake.params.diffusion,
        **snakemake.params.training,
    )
