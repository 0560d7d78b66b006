"""Draw how well holdout people are imputed from each panel."""

from syncohort.evaluation.tables import read_tables
from syncohort.figures.utility import plot_imputation
from syncohort.job import job

with job(snakemake):
    metrics = read_tables([snakemake.input.metrics])
    plot_imputation(metrics, snakemake.output.figure, panels=snakemake.params.panels)
