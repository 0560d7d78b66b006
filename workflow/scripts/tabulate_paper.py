"""Put the tables of this run beside those of the GeneticDiffusion paper."""

from syncohort.cohort.people import read_people
from syncohort.evaluation.tables import read_tables
from syncohort.job import job
from syncohort.report.paper_tables import is_papers_task, tabulate_paper, write_page

with job(snakemake):
    same_task = is_papers_task(read_people(snakemake.input.people).label)
    comparison = tabulate_paper(
        read_tables([snakemake.input.metrics]),
        read_tables(snakemake.input.costs),
        read_tables([snakemake.input.printed]),
        sources=snakemake.params.sources,
        same_task=same_task,
    )
    comparison.to_csv(snakemake.output.table, sep="\t", index=False)
    write_page(comparison, snakemake.output.page, same_task=same_task)
