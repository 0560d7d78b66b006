"""Write a synthetic cohort as PLINK 1 files."""

from pathlib import Path

from syncohort.cohort_store import CohortStore
from syncohort.formats.plink import write_plink
from syncohort.job import job

with job(snakemake):
    stores = [CohortStore(path) for path in snakemake.input.stores]
    prefix = Path(snakemake.output.bed).with_suffix("")
    write_plink(stores, prefix, case_label=snakemake.params.case_label)
