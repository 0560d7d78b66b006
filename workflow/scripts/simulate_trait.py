"""Impose a simulated disease with known causal SNPs on the people of the cohort."""

from syncohort.cohort.importing import CALL_COUNTS
from syncohort.cohort.labels import id_column_of, read_label_table
from syncohort.cohort_store import CohortStore
from syncohort.job import job
from syncohort.simulation.trait import simulate_trait

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    table = read_label_table(found.table).drop(columns=list(CALL_COUNTS), errors="ignore")
    trait = simulate_trait(
        [CohortStore(path) for path in found.stores],
        table,
        params.id_column or id_column_of(table),
        seed=params.seed,
        people_path=snakemake.output.people,
        causal_path=snakemake.output.causal,
        **params.trait,
    )
    print(f"{trait.is_case.sum():,} cases of {len(trait.is_case):,} people")
    print(f"genetic variance between groups, taken out: {trait.between_groups:.1%}")
