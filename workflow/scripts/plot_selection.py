"""Draw what the selection of variants found, and say whether it can be trusted."""

import sys

sys.path.insert(0, f"{snakemake.scriptdir}/../src")

from pathlib import Path

from syncohort.association import read_scan
from syncohort.evaluation.summary import read_tables
from syncohort.provenance import job
from syncohort.selection_report import plot_selection, verdict

with job(snakemake):
    found = snakemake.input
    summary = read_tables([found.summary]).iloc[0]
    tested = read_scan(found.effects)
    sentence = verdict(summary, tested)
    quantiles = read_tables([found.quantiles])
    plot_selection(quantiles, summary, tested, sentence, snakemake.output.figure)
    Path(snakemake.output.verdict).write_text(sentence + "\n")
    print(sentence)
