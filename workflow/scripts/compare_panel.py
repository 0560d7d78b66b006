"""Compare one chromosome of the public panel with the cohort: its sites, and who its people are."""

from syncohort.cohort.panel_checks import PanelFit
from syncohort.cohort_store import CohortStore
from syncohort.job import job

with job(snakemake):
    params = snakemake.params
    fit = PanelFit.of(
        CohortStore(snakemake.input.store),
        snakemake.input.panel,
        params.maf_min,
        params.overlap_min,
        snakemake.wildcards.section,
    )
    print(f"{fit.n_sites:,} sites were compared; {len(fit.pairs):,} pairs of people are the same")
    fit.write(snakemake.output.fit)
