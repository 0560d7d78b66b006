"""Choose how many synthetic people carry each label."""

from syncohort.cohort.people import read_people
from syncohort.cohort.synthetic_people import draw_people
from syncohort.formats.sample_sheet import write_sample_sheet
from syncohort.job import job
from syncohort.seeds import keyed_seed

with job(snakemake):
    real = read_people(snakemake.input.people)
    people = draw_people(
        real,
        seed=keyed_seed(snakemake.params.seed, snakemake.input.key),
        **snakemake.params.synthesis,
    )
    write_sample_sheet(people, snakemake.output.people)
