"""Draw what the selection of variants found, and say whether it can be trusted."""

from pathlib import Path

from syncohort.association.scan import read_scan
from syncohort.evaluation.association.selection import verdict
from syncohort.evaluation.tables import read_tables
from syncohort.figures.selection import plot_selection
from syncohort.job import job

with job(snakemake):
    found = snakemake.input
    summary = read_tables([found.summary]).iloc[0]
    tested = read_scan(found.effects)
    sentence = verdict(summary, tested)
    quantiles = read_tables([found.quantiles])
    plot_selection(quantiles, summary, tested, sentence, snakemake.output.figure)
    Path(snakemake.output.verdict).write_text(sentence + "\n")
    print(sentence)
