"""Train a diffusion model on the latents of training people."""

import numpy as np

from syncohort.cohort.people import read_people
from syncohort.diffusion.sizing import sized_recipe
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
    params = snakemake.params
    sections = {
        "denoiser": params.denoiser,
        "diffusion": params.diffusion,
        "training": params.training,
    }
    scores = np.load(snakemake.input.scores) if snakemake.input.get("scores") else None
    run_together(
        train_diffusion,
        encoded,
        *sized_recipe(sections, n_rows, snakemake.input.blocks),
        work,
        seed=snakemake.params.seed,
        scores=scores,
        representation_fingerprints=file_fingerprints(snakemake.input.models),
        device=device,
        processes=n_training_processes(device, snakemake.resources.gpu),
    )
