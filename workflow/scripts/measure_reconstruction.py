"""Measure what encoding and decoding loses, on training, validation and holdout people."""

from syncohort.cohort_store import CohortStore, common_people
from syncohort.evaluation.models.reconstruction import measure_reconstruction
from syncohort.genotypes import SPLITS
from syncohort.job import job
from syncohort.representations import load_representation

with job(snakemake):
    stores = [CohortStore(path) for path in snakemake.input.stores]
    people = common_people(stores)
    groups = {split: people.split == split for split in SPLITS}
    model = load_representation(snakemake.input.model)
    by_frequency, by_block = measure_reconstruction(stores, model, groups)
    by_frequency.to_csv(snakemake.output.table, sep="\t", index=False)
    by_block.to_csv(snakemake.output.blocks, sep="\t", index=False)
