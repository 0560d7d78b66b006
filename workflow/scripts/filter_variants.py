"""Keep the labelled people and the variants that pass the filters."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.cohort import filter_variants
from syncohort.genes import read_gene_files
from syncohort.genotypes import CohortStore
from syncohort.provenance import job
from syncohort.splits import read_people

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
