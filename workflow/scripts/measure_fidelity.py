"""Compare one chromosome of a synthetic cohort with holdout people."""

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.fidelity.measure import Fidelity, measure_fidelity
from syncohort.formats.genetic_map import constant_map, read_genetic_map
from syncohort.job import job

with job(snakemake):
    real, synthetic = CohortStore(snakemake.input.real), CohortStore(snakemake.input.synthetic)
    path = snakemake.input.get("recombination_map")
    tables = measure_fidelity(
        real,
        synthetic,
        genetic_map=read_genetic_map(path, real.contig) if path else constant_map(),
        window_kb=snakemake.params.window_kb,
        seed=snakemake.params.seed,
    )
    for name in Fidelity.names():
        getattr(tables, name).to_csv(snakemake.output[name], sep="\t", index=False)
