"""Count and collect what a diffusion model costs."""

from syncohort.evaluation.models.costs import measure_costs
from syncohort.genotypes import rows_per_person
from syncohort.job import job

with job(snakemake):
    costs = measure_costs(
        snakemake.input.checkpoints,
        snakemake.input.losses,
        snakemake.input.panel_losses,
        snakemake.input.latents,
        name=snakemake.wildcards.generator,
        rows_per_genome=rows_per_person(snakemake.params.mode),
        sampling=snakemake.params.sampling,
        training_benchmarks=snakemake.params.training_benchmarks,
        sampling_benchmarks=snakemake.params.sampling_benchmarks,
    )
    costs.to_csv(snakemake.output.costs, sep="\t", index=False)
