"""Decode one chromosome to the draft that its people are drawn a second time from."""

from syncohort.cohort_store import CohortStore
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.job import job
from syncohort.representations import load_representation
from syncohort.seeds import keyed_seed
from syncohort.synthesis.decoding import Decision, decode_cohort, model_of
from syncohort.synthesis.recentring import recentring_of

with job(snakemake):
    models = [load_representation(path) for path in snakemake.input.models]
    model, first_position = model_of(snakemake.wildcards.chrom, models)
    people = read_sample_sheet(snakemake.input.people)
    checkpoint = snakemake.input.get("checkpoint")
    decode_cohort(
        snakemake.input.latents,
        model,
        CohortStore(snakemake.input.store),
        people,
        snakemake.output.store,
        first_position=first_position,
        decision=Decision(**snakemake.params.decoding),
        seed=keyed_seed(snakemake.params.seed, snakemake.input.key),
        recentring=recentring_of(checkpoint, people, model.mode) if checkpoint else None,
    )
