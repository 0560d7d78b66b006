"""Ask how near each synthetic person comes to a training person."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.privacy.risk import measure_risk
from syncohort.job import job

with job(snakemake):
    risk = measure_risk(
        [CohortStore(path) for path in snakemake.input.real],
        [CohortStore(path) for path in snakemake.input.synthetic],
        cohort=snakemake.params.cohort,
        generator=snakemake.wildcards.generator,
        max_people=snakemake.params.max_people,
        seed=snakemake.params.seed,
        is_validation=snakemake.wildcards.generator == "validation",
    )
    risk.metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
    risk.people.to_csv(snakemake.output.people, sep="\t", index=False)
