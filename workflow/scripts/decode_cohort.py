"""Turn the sampled latents of one chromosome into genotypes."""

from syncohort.cohort_store import CohortStore
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.job import job
from syncohort.representations import load_representation
from syncohort.seeds import keyed_seed
from syncohort.synthesis.autozygosity import Autozygosity
from syncohort.synthesis.decoding import Decision, decode_cohort, model_of
from syncohort.synthesis.recentring import recentring_of

with job(snakemake):
    models = [load_representation(path) for path in snakemake.input.models]
    model, first_position = model_of(snakemake.wildcards.chrom, models)
    people = read_sample_sheet(snakemake.input.people)
    checkpoint, found = (snakemake.input.get(name) for name in ("checkpoint", "autozygosity"))
    decode_cohort(
        snakemake.input.latents,
        model,
        CohortStore(snakemake.input.store),
        people,
        snakemake.output.store,
        first_position=first_position,
        decision=Decision(**snakemake.params.decoding),
        seed=keyed_seed(snakemake.params.seed, snakemake.input.key),
        autozygosity=Autozygosity.load(found) if found else None,
        people_seed=keyed_seed(snakemake.params.people_seed, snakemake.input.key),
        recentring=recentring_of(checkpoint, people, model.mode) if checkpoint else None,
    )
