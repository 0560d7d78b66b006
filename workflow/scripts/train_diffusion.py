"""Train a diffusion model on the latents of training people."""

import numpy as np

from syncohort.cohort.people import read_people
from syncohort.diffusion.settings import DiffusionSettings, DiffusionTraining
from syncohort.diffusion.sight import with_layers
from syncohort.diffusion.sizing import sized_denoiser, sized_training
from syncohort.diffusion.training import train_diffusion
from syncohort.files import file_fingerprints
from syncohort.generators.rows import EncodedPeople
from syncohort.job import job
from syncohort.training.devices import n_training_processes
from syncohort.training.parallel import run_together
from syncohort.training.settings import Workplace

with job(snakemake):
    encoded = EncodedPeople.read(
        snakemake.input.latents,
        snakemake.input.rows,
        read_people(snakemake.input.people),
        snakemake.params.mode,
    )
    work = Workplace(
        result_path=snakemake.output.checkpoint,
        log_path=snakemake.output.losses,
        state_path=snakemake.params.state,
        threads=snakemake.threads,
        memory_mb=snakemake.resources.most_mb,
    )
    device = snakemake.resources.device
    n_rows = int((~encoded.rows.is_validation).sum())
    denoiser = sized_denoiser(snakemake.params.denoiser, n_rows)
    training = sized_training(snakemake.params.training, n_rows)
    scores = np.load(snakemake.input.scores) if snakemake.input.get("scores") else None
    run_together(
        train_diffusion,
        encoded,
        with_layers(denoiser, snakemake.input.blocks),
        DiffusionSettings(**snakemake.params.diffusion),
        DiffusionTraining(**training),
        work,
        seed=snakemake.params.seed,
        scores=scores,
        representation_fingerprints=file_fingerprints(snakemake.input.models),
        device=device,
        processes=n_training_processes(device, snakemake.resources.gpu),
    )
