"""Write one chromosome of a synthetic cohort with the sites of a public panel between its own."""

from syncohort.cohort_store import CohortStore
from syncohort.formats.beagle import Beagle
from syncohort.job import job
from syncohort.seeds import child_seed, keyed_seed
from syncohort.synthesis.expansion import expand_cohort

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    beagle = Beagle(
        "expansion.panel is set",
        "expansion.panel: null",
        seed=child_seed(keyed_seed(params.seed, found.key)),
        threads=snakemake.threads,
        memory_mb=snakemake.resources.mem_mb,
    )
    counts, accuracy = expand_cohort(
        CohortStore(found.store),
        found.panel,
        snakemake.output.vcf,
        beagle,
        recombination_map=found.recombination_map or None,
        overlap_min=params.overlap_min,
        people=params.statement,
        threads=snakemake.threads,
    )
    for table, path in (
        (counts, snakemake.output.counts),
        (accuracy, snakemake.output.accuracy),
    ):
        table.insert(0, "generator", snakemake.wildcards.generator)
        table.to_csv(path, sep="\t", index=False)
