"""Ask how near each synthetic person comes to a training person."""

import pandas as pd

from syncohort.cohort_store import CohortStore
from syncohort.evaluation.privacy.risk import measure_risk
from syncohort.evaluation.privacy.segments import measure_segments
from syncohort.formats.genetic_map import constant_map, read_genetic_map
from syncohort.job import job

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    real, synthetic = (
        [CohortStore(path) for path in paths] for paths in (found.real, found.synthetic)
    )
    options = {
        "cohort": params.cohort,
        "generator": snakemake.wildcards.generator,
        "max_people": params.max_people,
        "seed": params.seed,
        "is_validation": snakemake.wildcards.generator == "validation",
    }
    risk = measure_risk(real, synthetic, **options)
    tables = [risk.metrics]
    if params.mode == "haplotype":
        paths = found.recombination_map or [None] * len(real)
        maps = [
            read_genetic_map(path, store.contig) if path else constant_map()
            for path, store in zip(paths, real, strict=True)
        ]
        options["minimum_people"] = params.minimum_people
        tables.append(measure_segments(real, synthetic, maps, **options))
    pd.concat(tables, ignore_index=True).to_csv(snakemake.output.metrics, sep="\t", index=False)
    risk.people.to_csv(snakemake.output.people, sep="\t", index=False)
