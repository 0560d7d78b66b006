"""Write who is who in a synthetic cohort."""

import shutil

from syncohort.job import job

with job(snakemake):
    shutil.copyfile(snakemake.input.people, snakemake.output.people)
