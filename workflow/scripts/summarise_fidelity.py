"""Sum up the chromosomes' comparisons in one tidy table."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

import pandas as pd

from syncohort.evaluation.fidelity import summarise_frequencies, summarise_heterozygosity
from syncohort.evaluation.linkage import summarise_linkage
from syncohort.evaluation.summary import read_tables
from syncohort.provenance import job

with job(snakemake):
    names = {"cohort": snakemake.params.cohort, "generator": snakemake.wildcards.generator}
    frequencies, labels = (
        read_tables(snakemake.input.frequencies),
        read_tables(snakemake.input.labels),
    )
    counts = read_tables(snakemake.input.heterozygosity)
    tables = [
        summarise_frequencies(frequencies, labels, **names),
        summarise_heterozygosity(counts, seed=snakemake.params.seed, **names),
        summarise_linkage(read_tables(snakemake.input.linkage), **names),
    ]
    pd.concat(tables).to_csv(snakemake.output.metrics, sep="\t", index=False)
