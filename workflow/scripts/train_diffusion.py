"""Train a diffusion model on the latents of training people, or first on those of a panel's people."""

import numpy as np

from syncohort.cohort.people import read_people
from syncohort.diffusion.sizing import sized_denoiser, sized_recipe
from syncohort.diffusion.training import train_diffusion
from syncohort.files import file_fingerprints
from syncohort.generators.rows import EncodedPeople
from syncohort.genotypes import rows_per_person
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
    if snakemake.input.get("cohort"):  # other people's rows train a network that is made for these
        people = read_people(snakemake.input.cohort)
        n_cohort = rows_per_person(params.mode) * int((people.split == "train").sum())
        sections["denoiser"] = sized_denoiser(sections["denoiser"], n_cohort)
    scores = np.load(snakemake.input.scores) if snakemake.input.get("scores") else None
    run_together(
        train_diffusion,
        encoded,
        *sized_recipe(sections, n_rows, snakemake.input.blocks),
        work,
        seed=snakemake.params.seed,
        scores=scores,
        representation_fingerprints=file_fingerprints(snakemake.input.models),
        start_path=snakemake.input.get("start") or None,
        device=device,
        processes=n_training_processes(device, snakemake.resources.gpu),
    )
