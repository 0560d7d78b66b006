"""Test the chosen variants once more in people who had no part in the choice."""

from syncohort.association.scan import read_scan, write_scan
from syncohort.association.selection import Adjustment, check_selection
from syncohort.cohort.joining import read_joined
from syncohort.cohort_store import CohortStore
from syncohort.job import job

with job(snakemake):
    params = snakemake.params
    tested = check_selection(
        [CohortStore(path) for path in snakemake.input.stores],
        read_joined(snakemake.input.people),
        read_scan(snakemake.input.variants),
        params.split,
        params.case_label,
        Adjustment(**params.adjustment),
        minimum_people=params.minimum_people,
    )
    write_scan(tested, snakemake.output.effects)
