"""Compare one chromosome of the user's genotypes with the reference genome."""

import json
from pathlib import Path

from syncohort.cohort_store import CohortStore
from syncohort.formats.fasta import open_sequence
from syncohort.formats.reference_fit import ReferenceFit
from syncohort.job import job

with job(snakemake):
    variants = CohortStore(snakemake.input.store).variants
    with open_sequence(snakemake.input.reference, snakemake.wildcards.chrom) as sequence:
        fit, _ = ReferenceFit.of(sequence, variants)
    print(f"{sequence.path}, {sequence.name}: {fit.in_words()}")
    Path(snakemake.output.fit).write_text(json.dumps(vars(fit), indent=1) + "\n")
