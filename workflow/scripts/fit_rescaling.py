"""Find by how much the predictions of a trained network are to be scaled."""

import numpy as np
import torch

from syncohort.cohort.people import read_people
from syncohort.diffusion.model import load_generator
from syncohort.diffusion.rescaling import fit_rescaling
from syncohort.files import file_fingerprints
from syncohort.generators.rows import EncodedPeople
from syncohort.job import job

with job(snakemake):
    torch.set_num_threads(snakemake.threads)
    encoded = EncodedPeople.read(
        snakemake.input.latents,
        snakemake.input.rows,
        read_people(snakemake.input.people),
        snakemake.params.mode,
    )
    models = file_fingerprints(snakemake.input.models)
    fit_rescaling(
        load_generator(snakemake.input.checkpoint, models),
        encoded,
        scores=np.load(snakemake.input.scores) if snakemake.input.get("scores") else None,
        seed=snakemake.params.seed,
        device=snakemake.resources.device,
    ).save(snakemake.output.rescaling)
