"""Say how well people serve as a panel for imputation, beside the real training people."""

from syncohort.evaluation.tables import read_tables
from syncohort.evaluation.utility.imputation import imputation_metrics
from syncohort.job import job

with job(snakemake):
    source = snakemake.wildcards.source
    metrics = imputation_metrics(
        read_tables(snakemake.input.own),
        None if source == "real" else read_tables(snakemake.input.real),
        cohort=snakemake.params.cohort,
        generator=source,
        minimum_people=snakemake.params.minimum_people,
        seed=snakemake.params.seed,
    )
    metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
