"""Compare one chromosome of a synthetic cohort with unseen real people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.fidelity import allele_frequencies, heterozygous_counts
from syncohort.evaluation.linkage import linkage
from syncohort.genotypes import CohortStore
from syncohort.provenance import job

with job(snakemake):
    real, synthetic = CohortStore(snakemake.input.real), CohortStore(snakemake.input.synthetic)
    frequencies = allele_frequencies(real, synthetic)
    tables = {
        "frequencies": frequencies.variants,
        "labels": frequencies.labels,
        "heterozygosity": heterozygous_counts(real, synthetic),
        "linkage": linkage(
            real,
            synthetic,
            window_kb=snakemake.params.window_kb,
            seed=snakemake.params.seed,
        ),
    }
    for name, table in tables.items():
        table.to_csv(snakemake.output[name], sep="\t", index=False)
