"""Turn the sampled latents of one chromosome into genotypes."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.decoding import Decision, decode_cohort
from syncohort.formats.exports import read_sample_sheet
from syncohort.genotypes import CohortStore
from syncohort.provenance import job
from syncohort.representations.gene_pca import GenePCA

with job(snakemake):
    models = [GenePCA.load(path) for path in snakemake.input.models]
    place = [model.contig for model in models].index(snakemake.wildcards.chrom)
    decode_cohort(
        snakemake.input.latents,
        models[place],
        CohortStore(snakemake.input.store),
        read_sample_sheet(snakemake.input.people),
        snakemake.output.store,
        first_block=sum(model.n_blocks for model in models[:place]),
        decision=Decision(**snakemake.params.decoding),
    )
