"""Global vectors of the panel's people, on the axes of the cohort's."""

import numpy as np

from syncohort.cohort.people import read_people
from syncohort.files import write_rows
from syncohort.generators.rows import EncodedPeople
from syncohort.global_vector.fitting import scores_of_others
from syncohort.global_vector.model import load_global_vector
from syncohort.job import job

with job(snakemake):
    found = snakemake.input
    scores = scores_of_others(
        EncodedPeople.read(
            found.latents, found.rows, read_people(found.people), snakemake.params.mode
        ),
        np.load(found.axes, mmap_mode="r"),
        load_global_vector(found.model).scale,
        snakemake.params.residual_from_class_mean,
    )
    write_rows(snakemake.output.scores, scores.shape, [scores])
