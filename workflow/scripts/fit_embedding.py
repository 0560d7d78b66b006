"""Fit principal axes and a UMAP to the training people."""

from syncohort.evaluation.fidelity.embedding import fit_embedding
from syncohort.genotypes import CohortStore
from syncohort.job import job

with job(snakemake):
    embedding = fit_embedding(
        [CohortStore(path) for path in snakemake.input.real],
        seed=snakemake.params.seed,
    )
    embedding.save(snakemake.output.embedding)
