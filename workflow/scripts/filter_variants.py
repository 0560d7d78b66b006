"""Keep the labelled people and the variants that pass the filters."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

import pandas as pd

from syncohort.cohort import filter_variants
from syncohort.genes import read_annotation
from syncohort.genotypes import CohortStore
from syncohort.provenance import job

with job(snakemake):
    genes = snakemake.input.get("genes")
    filter_variants(
        CohortStore(snakemake.input.store),
        pd.read_csv(snakemake.input.people, sep="\t", dtype=str, keep_default_na=False),
        read_annotation(genes, snakemake.params.annotation_format) if genes else None,
        snakemake.output.store,
        snakemake.output.summary,
        max_snps=snakemake.params.max_snps,
        **snakemake.params.filters,
    )
