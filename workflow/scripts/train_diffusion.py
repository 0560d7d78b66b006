"""Train a diffusion model on the latents of training people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.devices import n_training_processes
from syncohort.generator_training import train_diffusion, training_rows, training_values
from syncohort.latents import file_fingerprints
from syncohort.parallel import run_together
from syncohort.provenance import job
from syncohort.representations import load_representation
from syncohort.splits import read_people

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
