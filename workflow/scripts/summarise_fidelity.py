"""Sum up the chromosomes' comparisons in one tidy table."""

from syncohort.evaluation.fidelity.measure import Fidelity, summarise_fidelity
from syncohort.evaluation.tables import read_tables
from syncohort.job import job

with job(snakemake):
    tables = {name: read_tables(snakemake.input[name]) for name in Fidelity.names()}
    metrics = summarise_fidelity(
        Fidelity(**tables),
        cohort=snakemake.params.cohort,
        generator=snakemake.wildcards.generator,
        minimum_people=snakemake.params.minimum_people,
        seed=snakemake.params.seed,
    )
    metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
