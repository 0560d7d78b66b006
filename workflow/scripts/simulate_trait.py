"""Give the people of the demo cohort a disease with known causal SNPs."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.provenance import job
from syncohort.traits import simulate_trait

with job(snakemake):
    trait = simulate_trait(
        snakemake.input.vcfs,
        people_per_population=snakemake.params.people_per_population,
        n_families=snakemake.params.families,
        seed=snakemake.params.seed,
        people_path=snakemake.output.people,
        causal_path=snakemake.output.causal,
        **snakemake.params.trait,
    )
    print(f"genetic variance between populations: {trait.between_populations:.1%}")
