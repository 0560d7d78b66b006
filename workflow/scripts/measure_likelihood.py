"""Measure how likely people are under a baseline's model, and whether it knows them."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.models.likelihood import measure_likelihood
from syncohort.job import job

with job(snakemake):
    params = snakemake.params
    metrics = measure_likelihood(
        [CohortStore(path) for path in snakemake.input.real],
        snakemake.input.models,
        cohort=params.cohort,
        generator=snakemake.wildcards.generator,
        minimum_people=params.minimum_people,
        max_people=params.max_people,
        seed=params.seed,
    )
    metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
