"""Draw the cohort of a shadow model, and see how near everybody is to it."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.privacy.shadow_models import score_shadow
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.job import job

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    maps = found.genetic_map or [None] * len(found.real)
    scores = score_shadow(
        [CohortStore(path) for path in found.real],
        read_sample_sheet(found.people),
        [params.generator | ({"recombination_map": path} if path else {}) for path in maps],
        shadow=int(snakemake.wildcards.shadow),
        mode=params.mode,
        max_people=params.max_people,
        draw_seed=params.draw_seed,
        seed=params.seed,
    )
    scores.to_csv(snakemake.output.scores, sep="\t", index=False)
