"""Test every variant for association with the label in the training people."""

from syncohort.association.scan import write_scan
from syncohort.association.selection import Adjustment, scan_training
from syncohort.cohort.joining import read_joined
from syncohort.cohort_store import CohortStore
from syncohort.job import job

with job(snakemake):
    scan, counts = scan_training(
        [CohortStore(path) for path in snakemake.input.stores],
        read_joined(snakemake.input.people),
        snakemake.params.case_label,
        Adjustment(**snakemake.params.adjustment),
    )
    write_scan(scan, snakemake.output.scan)
    counts.to_csv(snakemake.output.counts, sep="\t", index=False)
    print(counts.to_string(index=False))
