"""Place holdout and synthetic people beside the training people, and compare them."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.fidelity.embedding import Embedding, embed_people
from syncohort.job import job

with job(snakemake):
    embedded = embed_people(
        Embedding.load(snakemake.input.embedding),
        [CohortStore(path) for path in snakemake.input.real],
        [CohortStore(path) for path in snakemake.input.synthetic],
        cohort=snakemake.params.cohort,
        generator=snakemake.wildcards.generator,
        tsne=snakemake.params.tsne,
        minimum_people=snakemake.params.minimum_people,
        seed=snakemake.params.seed,
    )
    embedded.people.to_csv(snakemake.output.embedding, sep="\t", index=False)
    embedded.metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
