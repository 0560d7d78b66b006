"""Draw one chromosome of a baseline's cohort straight from the training people."""

from syncohort.baselines.alleles import copy_validation, draw_alleles
from syncohort.cohort_store import CohortStore
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.job import job
from syncohort.seeds import keyed_seed

with job(snakemake):
    store, settings = CohortStore(snakemake.input.real), dict(snakemake.params.generator)
    if snakemake.input.genetic_map:  # the path of this chromosome
        settings["recombination_map"] = snakemake.input.genetic_map
    if snakemake.input.model:  # of which the other settings are a part
        settings = {"kind": settings["kind"], "model": snakemake.input.model}
    if settings["kind"] == "validation":
        copy_validation(store, snakemake.output.store)
    else:
        draw_alleles(
            store,
            read_sample_sheet(snakemake.input.people),
            snakemake.output.store,
            seed=keyed_seed(snakemake.params.seed, snakemake.input.key),
            **settings,
        )
