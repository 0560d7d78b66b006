"""Look at genotypes, labels and annotation before anything expensive runs."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

import pandas as pd

from syncohort.cohort.checks import check_cohort
from syncohort.cohort.genes import read_gene_files
from syncohort.job import job
from syncohort.report.check_page import write_check_page

with job(snakemake):
    genes = read_gene_files(snakemake.input.genes, snakemake.params.annotation_format)
    checks, people, variants = check_cohort(
        snakemake.input.stores,
        snakemake.input.summaries,
        snakemake.input.people,
        genes if snakemake.input.genes else None,
        pd.read_csv(snakemake.input.builds, sep="\t"),
        snakemake.output.checks,
        snakemake.output.people,
        labels={"table": snakemake.input.labels or None, **snakemake.params.labels},
        **snakemake.params.checks,
    )
    write_check_page(
        snakemake.output.page,
        checks,
        people,
        variants,
        simulated=snakemake.params.checks["simulated"],
    )
