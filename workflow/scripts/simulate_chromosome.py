"""Simulate one chromosome of the demo cohort and its genes."""

from syncohort.job import job
from syncohort.simulation.demo import simulate_chromosome

with job(snakemake):
    params = snakemake.params
    simulate_chromosome(
        snakemake.wildcards.chrom,
        people_per_population=params.people_per_population,
        n_families=params.families,
        length_bp=round(params.chromosome["length_mb"] * 1e6),
        n_variants=params.chromosome["variants"],
        seed=params.seed,
        vcf_path=snakemake.output.vcf,
        genes_path=snakemake.output.genes,
    )
