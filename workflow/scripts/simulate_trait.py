"""Impose a simulated disease with known causal SNPs on the people of the cohort."""

from syncohort.cohort.importing import CALL_COUNTS
from syncohort.cohort.labels import read_label_table, require_id_column
from syncohort.cohort_store import CohortStore, common_people
from syncohort.job import job
from syncohort.simulation.trait import simulate_trait

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    table = read_label_table(found.table).drop(columns=list(CALL_COUNTS), errors="ignore")
    stores = [CohortStore(path) for path in found.stores]
    sample_ids = common_people(stores).id
    trait = simulate_trait(
        stores,
        table,
        require_id_column(table, params.id_column, sample_ids, found.table),
        seed=params.seed,
        people_path=snakemake.output.people,
        causal_path=snakemake.output.causal,
        **params.trait,
    )
    print(f"{trait.is_case.sum():,} cases of {len(trait.is_case):,} people")
    print(f"genetic variance between groups, taken out: {trait.between_groups:.1%}")
