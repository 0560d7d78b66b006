"""Give every genotyped person a label, or the reason why the person is left out."""

from syncohort.cohort.joining import join_people, write_join, write_key
from syncohort.job import job

with job(snakemake):
    labels = {"table": snakemake.input.labels or None, **snakemake.params.labels}
    joined = join_people(snakemake.input.people, snakemake.input.summaries, labels)
    write_join(joined, snakemake.output.people, snakemake.output.notes)
    write_key(joined.people, snakemake.input.summaries[0], snakemake.output.key)
