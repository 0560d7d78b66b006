"""Keep the labelled people and the variants that pass the filters."""

from syncohort.cohort.filters import filter_variants
from syncohort.cohort.genes import read_gene_files
from syncohort.cohort.people import read_people
from syncohort.cohort_store import CohortStore
from syncohort.job import job

with job(snakemake):
    genes = read_gene_files(snakemake.input.genes, snakemake.params.annotation_format)
    filter_variants(
        CohortStore(snakemake.input.store),
        read_people(snakemake.input.people),
        genes if snakemake.input.genes else None,
        snakemake.output.store,
        snakemake.output.summary,
        **snakemake.params.filters,
    )
