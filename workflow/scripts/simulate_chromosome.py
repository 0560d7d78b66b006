"""Simulate one chromosome of the demo cohort and its genes."""

from syncohort.job import job
from syncohort.simulation.demo import simulate_chromosome

with job(snakemake):
    demo = snakemake.params.demo
    simulate_chromosome(
        snakemake.wildcards.chrom,
        people_per_population=demo["people_per_population"],
        n_families=demo["families"],
        length_bp=round(demo["length_mb"] * 1e6),
        n_variants=demo["variants"],
        seed=snakemake.params.seed,
        vcf_path=snakemake.output.vcf,
        genes_path=snakemake.output.genes,
    )
