"""Draw the rare variants of one chromosome of a synthetic cohort given its haplotypes."""

from syncohort.baselines.alleles import copy_validation
from syncohort.cohort_store import CohortStore
from syncohort.job import job
from syncohort.seeds import keyed_seed
from syncohort.synthesis.rare_variants import draw_rare

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    rare = CohortStore(found.rare)
    if params.kind == "validation":
        copy_validation(rare, snakemake.output.store)
    else:
        draw_rare(
            CohortStore(found.real),
            rare,
            CohortStore(found.synthetic),
            snakemake.output.store,
            carriers_min=params.carriers_min,
            seed=keyed_seed(params.seed, found.key),
        )
