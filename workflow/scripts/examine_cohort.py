"""Look at genotypes, labels and annotation before anything expensive runs."""

import pandas as pd

from syncohort.cohort.checks import examine_cohort
from syncohort.cohort.genes import read_gene_files
from syncohort.cohort.joining import read_join
from syncohort.cohort.people_checks import write_checks
from syncohort.job import job

with job(snakemake):
    genes = read_gene_files(snakemake.input.genes, snakemake.params.annotation_format)
    checks, variants = examine_cohort(
        snakemake.input.stores,
        snakemake.input.summaries,
        snakemake.input.imported,
        read_join(snakemake.input.people, snakemake.input.notes),
        genes if snakemake.input.genes else None,
        pd.read_csv(snakemake.input.builds, sep="\t"),
        **snakemake.params.study,
    )
    write_checks(checks, snakemake.output.checks)
    variants.to_csv(snakemake.output.variants, sep="\t", index=False)
