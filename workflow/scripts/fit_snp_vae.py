"""Fit the autoencoder of all chromosomes' SNPs on training people; validation people choose."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.genotypes import CohortStore
from syncohort.job import job
from syncohort.representations.snp_vae_training import fit_snp_vae, network_settings

with job(snakemake):
    fit_snp_vae(
        [CohortStore(path) for path in snakemake.input.stores],
        mode=snakemake.params.mode,
        model_path=snakemake.output.model,
        log_path=snakemake.output.losses,
        state_path=snakemake.params.state,
        device=snakemake.params.device,
        threads=snakemake.threads,
        seed=snakemake.params.seed,
        **network_settings(**snakemake.params.vae),
    )
