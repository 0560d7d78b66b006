"""Draw the cohort of a shadow model, and see how near everybody is to it."""

from functools import partial

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.privacy.shadow_alleles import draw_alleles_of
from syncohort.evaluation.privacy.shadow_models import score_shadow
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.job import job

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    draw = partial(
        draw_alleles_of,
        maps=found.genetic_map,
        seed=params.draw_seed,
        **params.generator,
    )
    scores = score_shadow(
        [CohortStore(path) for path in found.real],
        read_sample_sheet(found.people),
        draw,
        shadow=int(snakemake.wildcards.shadow),
        mode=params.mode,
        max_people=params.max_people,
        seed=params.seed,
    )
    scores.to_csv(snakemake.output.scores, sep="\t", index=False)
