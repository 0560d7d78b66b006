"""Write one chromosome of the cohort with its chosen variants alone."""

import json
from pathlib import Path

from syncohort.association.scan import read_scan
from syncohort.association.selection import select_variants
from syncohort.cohort_store import CohortStore
from syncohort.job import job

with job(snakemake):
    store = CohortStore(snakemake.input.store)
    chosen = read_scan(snakemake.input.variants)
    n_kept = select_variants(store, chosen, snakemake.output.store)
    summary = {"contig": store.contig, "n_read": len(store.variants), "n_kept": n_kept}
    Path(snakemake.output.summary).write_text(json.dumps(summary, indent=1) + "\n")
    print(f"{n_kept:,} of {len(store.variants):,} variants")
