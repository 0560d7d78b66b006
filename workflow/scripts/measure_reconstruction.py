"""Measure what encoding and decoding loses, on training and on holdout people."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.reconstruction import measure_reconstruction
from syncohort.genotypes import CohortStore
from syncohort.provenance import job
from syncohort.representations.gene_pca import GenePCA

with job(snakemake):
    store = CohortStore(snakemake.input.store)
    groups = {split: store.people.split == split for split in ("train", "holdout")}
    model = GenePCA.load(snakemake.input.model)
    by_frequency, by_block = measure_reconstruction(store, model, groups)
    by_frequency.to_csv(snakemake.output.table, sep="\t", index=False)
    by_block.to_csv(snakemake.output.blocks, sep="\t", index=False)
