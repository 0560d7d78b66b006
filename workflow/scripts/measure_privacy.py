"""Ask whether a synthetic cohort gives away who was in the real one."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.privacy.measure import measure_privacy
from syncohort.job import job

with job(snakemake):
    privacy = measure_privacy(
        [CohortStore(path) for path in snakemake.input.real],
        [CohortStore(path) for path in snakemake.input.synthetic],
        cohort=snakemake.params.cohort,
        generator=snakemake.wildcards.generator,
        mode=snakemake.params.mode,
        minimum_people=snakemake.params.minimum_people,
        max_people=snakemake.params.max_people,
        seed=snakemake.params.seed,
        is_validation=snakemake.wildcards.generator == "validation",
    )
    privacy.metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
    privacy.people.to_csv(snakemake.output.people, sep="\t", index=False)
