"""Count stretches without heterozygous calls of the training people of one chromosome, and of pairs of them."""

from syncohort.cohort_store import CohortStore
from syncohort.job import job
from syncohort.synthesis.homozygous_runs import measure_runs

with job(snakemake):
    measure_runs(CohortStore(snakemake.input.store), snakemake.params.seed).save(
        snakemake.output.runs
    )
