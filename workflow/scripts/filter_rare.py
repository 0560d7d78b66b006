"""Keep the labelled people and the variants too rare to be modelled that can be drawn."""

from syncohort.cohort.filters import filter_rare
from syncohort.cohort.genes import read_gene_files
from syncohort.cohort.people import read_people
from syncohort.cohort_store import CohortStore
from syncohort.job import job

with job(snakemake):
    genes = read_gene_files(snakemake.input.genes, snakemake.params.annotation_format)
    filter_rare(
        CohortStore(snakemake.input.store),
        read_people(snakemake.input.people),
        genes if snakemake.input.genes else None,
        snakemake.output.store,
        snakemake.output.summary,
        **snakemake.params.filters,
    )
