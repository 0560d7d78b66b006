"""Ask with shadow models who was in the real cohort."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.privacy.shadow_models import attack_with_shadows
from syncohort.evaluation.tables import read_tables
from syncohort.job import job

with job(snakemake):
    metrics = attack_with_shadows(
        [CohortStore(path) for path in snakemake.input.real],
        [CohortStore(path) for path in snakemake.input.synthetic],
        [read_tables([path]) for path in snakemake.input.shadows],
        cohort=snakemake.params.cohort,
        generator=snakemake.wildcards.generator,
        mode=snakemake.params.mode,
        minimum_people=snakemake.params.minimum_people,
        max_people=snakemake.params.max_people,
        seed=snakemake.params.seed,
    )
    metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
