"""Count stretches without heterozygous calls of the training people of one chromosome, and of pairs of them."""

from syncohort.cohort_store import CohortStore
from syncohort.global_vector.pairing import Partners
from syncohort.job import job
from syncohort.synthesis.homozygous_runs import measure_runs

with job(snakemake):
    store, partners = CohortStore(snakemake.input.store), Partners.load(snakemake.input.partners)
    measure_runs(store, partners).save(snakemake.output.runs)
