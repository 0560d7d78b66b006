"""Read one chromosome of the user's genotypes into a cohort dataset."""

from syncohort.cohort.importing import import_chromosome
from syncohort.job import job

with job(snakemake):
    import_chromosome(
        snakemake.params.source,
        snakemake.wildcards.chrom,
        snakemake.params.multiallelic,
        snakemake.output.store,
        snakemake.output.summary,
        snakemake.output.people,
        variants=snakemake.params.variants,
        reference=snakemake.input.reference,
        pass_only=snakemake.params.pass_only,
        region=snakemake.params.region,
        build=snakemake.params.build,
    )
