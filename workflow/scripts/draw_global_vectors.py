"""Draw the global vectors of the synthetic people, before any of their chromosomes."""

from syncohort.files import write_rows
from syncohort.formats.sample_sheet import read_sample_sheet
from syncohort.global_vector.model import load_global_vector
from syncohort.job import job
from syncohort.seeds import keyed_seed

with job(snakemake):
    people = read_sample_sheet(snakemake.input.people)
    vectors = load_global_vector(snakemake.input.model).draw(
        people, keyed_seed(snakemake.params.seed, snakemake.input.key)
    )
    write_rows(snakemake.output.vectors, vectors.shape, [vectors])
