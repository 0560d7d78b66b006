"""Stop the run if the cohort cannot be used."""

from pathlib import Path

from syncohort.cohort.gate import require_usable
from syncohort.job import job

with job(snakemake):
    require_usable(snakemake.input.checks, snakemake.params.page)
    Path(snakemake.output.passed).write_text("yes\n")
