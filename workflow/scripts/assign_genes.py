"""Cut a chromosome into gene blocks."""

from syncohort.cohort.genes import read_gene_files
from syncohort.cohort_store import CohortStore
from syncohort.job import job
from syncohort.representations.blocks import assign_genes

with job(snakemake):
    blocks = assign_genes(
        CohortStore(snakemake.input.store).variants,
        read_gene_files(snakemake.input.genes, snakemake.params.annotation_format),
        intergenic=snakemake.params.intergenic,
        max_snps=snakemake.params.max_snps,
    )
    blocks.write(snakemake.output.blocks)
