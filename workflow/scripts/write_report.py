"""Write the report."""

import json
from pathlib import Path

from syncohort.evaluation.tables import read_tables
from syncohort.job import job
from syncohort.report.expansion import expansion_parts
from syncohort.report.page import Material, Study, write_metrics_page, write_report
from syncohort.report.paper_tables import is_papers_task, paper_parts
from syncohort.report.rare_variants import rare_parts
from syncohort.report.selection import selection_parts
from syncohort.report.sequences import sequence_parts

with job(snakemake):
    found = snakemake.input
    summaries = [json.loads(Path(path).read_text()) for path in found.variants]
    variants = {summary["contig"]: summary["n_kept"] for summary in summaries}
    study = Study(**snakemake.params.study, variants=variants)
    people = read_tables([found.people], ["label", "split"])
    paper = []
    if found.get("paper"):
        same_task = is_papers_task(people["label"])
        paper = paper_parts(read_tables([found.paper]), same_task=same_task)
    selection = []
    if found.selection:
        selection = selection_parts(found.selection_counts, found.selection)
    expansion = []
    if found.get("expansion"):
        counts, accuracy = read_tables(found.expansion), read_tables(found.imputed)
        expansion = expansion_parts(counts, accuracy, snakemake.params.panel)
    sequences = []
    if found.get("sequences"):
        sequences = sequence_parts(read_tables(found.sequences))
    judged, rare = read_tables([found.metrics]), []
    if found.get("rare"):
        counts = [json.loads(Path(path).read_text()) for path in found.rare]
        rare = rare_parts(judged, counts, study.sources)
    material = Material(
        judged=judged,
        checklist=read_tables([found.checklist]),
        labels=read_tables([found.labels]),
        people=people,
        checks=read_tables([found.checks, found.relatives]),
        drawn_people=len(read_tables([found.drawn], ["label"])),
        synthetic_people=len(read_tables([found.synthetic], ["label"])),
        pictures=found.pictures,
        captions=snakemake.params.captions,
        released=found.checksums,
        benchmarks=snakemake.params.benchmarks,
        paper=paper,
        guidance=read_tables([found.guidance]) if found.get("guidance") else None,
        replicates=read_tables([found.replicates]) if found.get("replicates") else None,
        selection=selection,
        expansion=expansion,
        sequences=sequences,
        rare=rare,
    )
    write_report(study, material, snakemake.output.report)
    write_metrics_page(study, material.judged, material.checklist, snakemake.output.page)
