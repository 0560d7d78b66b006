"""Measure what chromosomes share: the global vectors' fit and leak, by themselves."""

import numpy as np

from syncohort.evaluation.models.global_vector import measure_global_vector
from syncohort.generators.rows import read_rows_and_positions
from syncohort.global_vector.model import load_global_vector
from syncohort.job import job

with job(snakemake):
    rows, *_ = read_rows_and_positions(snakemake.input.rows[0])
    metrics = measure_global_vector(
        load_global_vector(snakemake.input.model),
        np.load(snakemake.input.scores),
        rows,
        np.load(snakemake.input.vectors),
        cohort=snakemake.params.cohort,
        generator=snakemake.wildcards.generator,
        minimum_people=snakemake.params.minimum_people,
        seed=snakemake.params.seed,
    )
    metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
