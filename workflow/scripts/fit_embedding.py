"""Fit principal axes and a UMAP to the training people."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.fidelity.embedding import fit_embedding
from syncohort.job import job

with job(snakemake):
    embedding = fit_embedding(
        [CohortStore(path) for path in snakemake.input.real],
        seed=snakemake.params.seed,
    )
    embedding.save(snakemake.output.embedding)
