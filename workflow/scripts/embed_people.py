"""Place real and synthetic people on the training people's principal axes."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.embedding import embed_people, summarise_embedding
from syncohort.genotypes import CohortStore
from syncohort.provenance import job

with job(snakemake):
    embedding = embed_people(
        [CohortStore(path) for path in snakemake.input.real],
        [CohortStore(path) for path in snakemake.input.synthetic],
        seed=snakemake.params.seed,
        max_people=snakemake.params.max_people,
    )
    metrics = summarise_embedding(
        embedding, cohort=snakemake.params.cohort, generator=snakemake.wildcards.generator
    )
    embedding.to_csv(snakemake.output.embedding, sep="\t", index=False)
    metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
