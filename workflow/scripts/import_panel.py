"""Read the people of the panel at the cohort's variants."""

from syncohort.cohort.panel_import import import_panel
from syncohort.cohort.people import read_people
from syncohort.cohort_store import CohortStore
from syncohort.job import job

with job(snakemake):
    import_panel(
        CohortStore(snakemake.input.store),
        snakemake.input.panel,
        read_people(snakemake.input.people),
        snakemake.output.store,
        variants=snakemake.params.variants,
        mode=snakemake.params.mode,
    )
