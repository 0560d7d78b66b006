"""Scan the real training people, or a synthetic cohort, for association with the disease."""

from syncohort.association.scan import write_scan
from syncohort.cohort_store import CohortStore
from syncohort.evaluation.association.measure import scan_cohort
from syncohort.job import job

with job(snakemake):
    params = snakemake.params
    scan = scan_cohort(
        [CohortStore(path) for path in snakemake.input.real],
        [CohortStore(path) for path in snakemake.input.synthetic] or None,
        case_label=params.case_label,
        n_components=params.n_components,
        minimum_people=params.minimum_people,
        seed=params.seed,
    )
    write_scan(scan, snakemake.output.scan)
