"""Encode training and validation people; nothing that is fitted ever reads the holdout's."""

from syncohort.cohort_store import CohortStore
from syncohort.generators.encoding import encode_people
from syncohort.job import job
from syncohort.representations import load_representation

with job(snakemake):
    encode_people(
        [CohortStore(path) for path in snakemake.input.stores],
        load_representation(snakemake.input.model),
        snakemake.output.latents,
        snakemake.output.rows,
    )
