"""Write one chromosome of a synthetic cohort as VCF."""

from syncohort.cohort_store import CohortStore
from syncohort.formats.vcf_writing import write_vcf
from syncohort.job import job

with job(snakemake):
    write_vcf(
        CohortStore(snakemake.input.store),
        snakemake.output.vcf,
        threads=snakemake.threads,
        people=snakemake.params.statement,
    )
