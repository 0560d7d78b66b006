"""Write who is who in a synthetic cohort."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

import shutil

from syncohort.job import job

with job(snakemake):
    shutil.copyfile(snakemake.input.people, snakemake.output.people)
