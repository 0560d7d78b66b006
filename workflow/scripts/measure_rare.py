"""Compare rare variants with holdout people's, and ask whether they give away who was in training."""

from syncohort.cohort.genes import read_gene_files
from syncohort.cohort_store import CohortStore
from syncohort.evaluation.fidelity.rare_variants import rare_fidelity_rows
from syncohort.evaluation.privacy.rare_alleles import rare_membership_rows
from syncohort.evaluation.rare_chromosome import RareChromosome
from syncohort.evaluation.tidy import tidy
from syncohort.job import job

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    files = zip(found.real, found.rare, found.synthetic, found.drawn, strict=True)
    chromosomes = [RareChromosome(*map(CohortStore, paths)) for paths in files]
    genes = read_gene_files(found.genes, params.annotation_format)
    rows = [
        *rare_fidelity_rows(chromosomes, genes, seed=params.seed),
        *rare_membership_rows(
            chromosomes,
            minimum_people=params.minimum_people,
            max_people=params.max_people,
            seed=params.seed,
            is_validation=snakemake.wildcards.generator == "validation",
        ),
    ]
    table = tidy(rows, cohort=params.cohort, generator=snakemake.wildcards.generator)
    table.to_csv(snakemake.output.metrics, sep="\t", index=False)
