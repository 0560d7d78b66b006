"""Fit the hidden Chow-Liu trees of a chromosome to the training people."""

from syncohort.baselines.hidden_chow_liu import fit_hidden_chow_liu
from syncohort.baselines.panel import Panel
from syncohort.cohort_store import CohortStore
from syncohort.job import job

with job(snakemake):
    store = CohortStore(snakemake.input.real)
    people = store.people[store.people.split == "train"]
    fit_hidden_chow_liu(
        store,
        Panel.of(store, people),
        snakemake.output.model,
        seed=snakemake.params.seed,
        **snakemake.params.trees,
    )
