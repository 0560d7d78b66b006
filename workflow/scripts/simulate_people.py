"""Write who is in the demo cohort."""

from syncohort.job import job
from syncohort.simulation.demo import demo_people

with job(snakemake):
    people = demo_people(snakemake.params.people_per_population, snakemake.params.families)
    people.to_csv(snakemake.output.people, sep="\t", index=False, lineterminator="\n")
