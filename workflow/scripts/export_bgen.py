"""Write a synthetic cohort as BGEN, with its .sample."""

from pathlib import Path

from syncohort.cohort_store import CohortStore
from syncohort.formats.bgen_writing import write_bgen
from syncohort.job import job

with job(snakemake):
    stores = [CohortStore(path) for path in snakemake.input.stores]
    write_bgen(
        stores,
        Path(snakemake.output.bgen).with_suffix(""),
        case_label=snakemake.params.case_label,
        statement=snakemake.params.statement,
    )
