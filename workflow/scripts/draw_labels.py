"""Choose how many synthetic people carry each label."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.formats.exports import write_sample_sheet
from syncohort.provenance import job
from syncohort.splits import read_people
from syncohort.synthesis import draw_people

with job(snakemake):
    real = read_people(snakemake.input.people)
    people = draw_people(real, seed=snakemake.params.seed, **snakemake.params.synthesis)
    write_sample_sheet(people, snakemake.output.people)
