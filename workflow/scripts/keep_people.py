"""Write one chromosome of a synthetic cohort without the people who are withheld."""

from syncohort.cohort_store import CohortStore
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.job import job
from syncohort.synthesis.withholding import keep_people

with job(snakemake):
    people = read_sample_sheet(snakemake.input.people)
    keep_people(CohortStore(snakemake.input.store), people, snakemake.output.store)
