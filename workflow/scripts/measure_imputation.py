"""Impute thinned holdout people of one chromosome from synthetic or real people."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.utility.imputation import impute_holdout
from syncohort.formats.beagle import Beagle
from syncohort.job import job

with job(snakemake):
    beagle = Beagle(
        "evaluation.imputation is true",
        "evaluation.imputation: false",
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        memory_mb=snakemake.resources.mem_mb,
    )
    panel = snakemake.input.panel
    sums = impute_holdout(
        CohortStore(snakemake.input.real),
        CohortStore(panel) if panel else None,
        beagle,
        seed=snakemake.params.seed,
    )
    sums.to_csv(snakemake.output.sums, sep="\t", index=False)
