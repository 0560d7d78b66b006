"""Fit what the chromosomes of a person share: axes of the latents, and how scores are drawn."""

import numpy as np

from syncohort.cohort.people import read_people
from syncohort.files import write_rows
from syncohort.generators.rows import EncodedPeople
from syncohort.global_vector.fitting import fit_global_vector
from syncohort.job import job

with job(snakemake):
    found = fit_global_vector(
        EncodedPeople.read(
            snakemake.input.latents,
            snakemake.input.rows,
            read_people(snakemake.input.people),
            snakemake.params.mode,
        ),
        n_axes=snakemake.params.n_axes,
        residual_from_class_mean=snakemake.params.residual_from_class_mean,
        seed=snakemake.params.seed,
    )
    found.model.save(snakemake.output.model)
    for name in ("axes", "offsets", "scores"):
        numbers = np.asarray(getattr(found, name))
        write_rows(snakemake.output[name], numbers.shape, [numbers])
