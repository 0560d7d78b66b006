"""Fit the gene-wise principal components of a chromosome on training people."""

from syncohort.cohort_store import CohortStore
from syncohort.job import job
from syncohort.representations.blocks import Blocks
from syncohort.representations.gene_pca_fitting import fit_gene_pca

with job(snakemake):
    store = CohortStore(snakemake.input.store)
    model = fit_gene_pca(
        store,
        Blocks.read(snakemake.input.blocks),
        train=store.people.split == "train",
        mode=snakemake.params.mode,
        threads=snakemake.threads,
        **snakemake.params.pca,
    )
    model.save(snakemake.output.model)
    model.blocks.to_csv(snakemake.output.blocks, sep="\t", index=False)
