"""Fit the autoencoder of all chromosomes' SNPs on training people; validation people choose."""

from syncohort.cohort_store import CohortStore
from syncohort.job import job
from syncohort.representations.snp_vae_training import (
    SnpVAESettings,
    fit_snp_vae,
    network_settings,
)
from syncohort.training.settings import TrainingSettings, Workplace

with job(snakemake):
    section = network_settings(**snakemake.params.vae)
    training = TrainingSettings(**section.pop("training"))
    work = Workplace(
        result_path=snakemake.output.model,
        log_path=snakemake.output.losses,
        state_path=snakemake.params.state,
        threads=snakemake.threads,
    )
    fit_snp_vae(
        [CohortStore(path) for path in snakemake.input.stores],
        SnpVAESettings.of(section),
        training,
        work,
        mode=snakemake.params.mode,
        seed=snakemake.params.seed,
        device=snakemake.resources.device,
    )
