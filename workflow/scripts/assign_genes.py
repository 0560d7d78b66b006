"""Cut a chromosome into gene blocks."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.genes import assign_genes, read_annotation
from syncohort.genotypes import CohortStore
from syncohort.provenance import job

with job(snakemake):
    genes = snakemake.input.get("genes")
    blocks = assign_genes(
        CohortStore(snakemake.input.store).variants,
        read_annotation(genes, snakemake.params.annotation_format) if genes else None,
        # SNPs outside genes are already gone where the configuration drops them
        intergenic=snakemake.params.intergenic,
        max_snps=snakemake.params.max_snps,
    )
    blocks.table.to_csv(snakemake.output.blocks, sep="\t", index=False)
