"""Learn a shadow model of latents, draw its cohort, and see how near everybody is to it."""

from functools import partial

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.privacy.shadow_latents import draw_latents_of
from syncohort.evaluation.privacy.shadow_models import score_shadow
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.job import job

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    draw = partial(
        draw_latents_of,
        block_paths=found.blocks,
        pca=params.pca,
        generator=params.generator,
        recentred=params.recentred,
        mode=params.mode,
        seed=params.draw_seed,
        device=snakemake.resources.device,
        threads=snakemake.threads,
        memory_mb=snakemake.resources.most_mb,
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
