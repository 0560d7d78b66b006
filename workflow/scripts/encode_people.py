"""Encode training and validation people; nothing that is fitted ever reads the holdout's."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.genotypes import CohortStore, common_people
from syncohort.job import job
from syncohort.representations import load_representation
from syncohort.representations.base import encode_people

with job(snakemake):
    stores = [CohortStore(path) for path in snakemake.input.stores]
    encode_people(
        stores,
        load_representation(snakemake.input.model),
        common_people(stores).split != "holdout",
        snakemake.output.latents,
    )
