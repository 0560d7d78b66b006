"""Encode training and validation people; nothing that is fitted ever reads the holdout's."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.genotypes import CohortStore
from syncohort.provenance import job
from syncohort.representations.gene_pca import GenePCA, encode_people

with job(snakemake):
    store = CohortStore(snakemake.input.store)
    encode_people(
        store,
        GenePCA.load(snakemake.input.model),
        store.people.split != "holdout",
        snakemake.output.latents,
    )
