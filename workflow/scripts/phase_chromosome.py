"""Phase one chromosome with Beagle, holdout people apart."""

from syncohort.cohort.phasing import phase_chromosome
from syncohort.cohort_store import CohortStore
from syncohort.job import job

with job(snakemake):
    phase_chromosome(
        CohortStore(snakemake.input.store),
        snakemake.output.store,
        recombination_map=snakemake.input.recombination_map or None,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        memory_mb=snakemake.resources.mem_mb,
    )
