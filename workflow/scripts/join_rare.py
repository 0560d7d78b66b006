"""Join the rare variants of one chromosome of a synthetic cohort with the others."""

from syncohort.cohort_store import CohortStore, site_table
from syncohort.job import job
from syncohort.synthesis.rare_variants import join_rare

with job(snakemake):
    rare = CohortStore(snakemake.input.rare)
    join_rare(CohortStore(snakemake.input.common), rare, snakemake.output.store)
    site_table(rare).to_csv(snakemake.output.sites, sep="\t", index=False)
