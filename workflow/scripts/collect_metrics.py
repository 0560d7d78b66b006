"""Put every metric into one table, with the recovery rates."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from syncohort.evaluation.summary import collect_metrics, read_tables, write_metrics_page
from syncohort.provenance import job

with job(snakemake):
    found = snakemake.input
    metrics = collect_metrics(
        read_tables([*found.fidelity, *found.embedding, *found.utility]),
        read_tables([found.real_predictions]),
        {
            name: read_tables([path])
            for name, path in zip(snakemake.params.generators, found.predictions, strict=True)
        },
        cohort=snakemake.params.cohort,
        seed=snakemake.params.seed,
    )
    metrics.to_csv(snakemake.output.metrics, sep="\t", index=False)
    write_metrics_page(metrics, snakemake.output.page)
