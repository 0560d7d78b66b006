"""Say in the folder of a release what it is."""

import json
import os
from pathlib import Path

from syncohort.evaluation.tables import read_tables
from syncohort.job import job
from syncohort.report.release_record import Released, write_release_record

with job(snakemake):
    found, params = snakemake.input, snakemake.params
    variants, rare = {}, {}
    for counts, files in ((variants, found.variants), (rare, found.rare)):
        summaries = [json.loads(Path(path).read_text()) for path in files]
        counts.update({each["contig"]: each["n_kept"] for each in summaries})
    sequences = []
    if found.sequences:
        table = read_tables(found.sequences).drop(columns="generator")
        sequences = table.to_dict("records")
    released = Released(
        **params.released,
        generator=snakemake.wildcards.generator,
        inputs=params.inputs,
        variants=variants,
        rare=rare,
        sequences=sequences,
    )
    write_release_record(
        released,
        judged=read_tables([found.metrics]),
        checklist=read_tables([found.checklist]),
        people=read_tables([found.people], ["sample", "label", "split"]),
        labels=read_tables([found.synthetic], ["label"])["label"],
        key=Path(found.key).read_text(),
        n_drawn=len(read_tables([found.drawn], ["label"])),
        folder=os.path.dirname(snakemake.output.readme),
    )
