"""How alike some people are on one chromosome: what their label's allele frequencies tell follows from it."""

import numpy as np

from syncohort.cohort.foreseen_membership import people_looked_at, products_of_people
from syncohort.cohort.joining import read_joined
from syncohort.cohort_store import CohortStore
from syncohort.job import job

with job(snakemake):
    people = read_joined(snakemake.input.people)
    products = products_of_people(
        CohortStore(snakemake.input.store),
        people["sample"].to_numpy(),
        people_looked_at(people, snakemake.params.seed),
        snakemake.params.maf_min,
    )
    np.save(snakemake.output.products, products)
