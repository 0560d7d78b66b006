"""Write a synthetic cohort as PLINK 2 files."""

from pathlib import Path

from syncohort.cohort_store import CohortStore
from syncohort.formats.pgen import write_pgen
from syncohort.job import job

with job(snakemake):
    stores = [CohortStore(path) for path in snakemake.input.stores]
    prefix = Path(snakemake.output.pgen).with_suffix("")
    write_pgen(
        stores,
        prefix,
        case_label=snakemake.params.case_label,
        statement=snakemake.params.statement,
    )
