"""Choose which synthetic people are released: all but the riskiest."""

from syncohort.evaluation.tables import read_tables
from syncohort.formats.sample_sheet import read_sample_sheet, write_sample_sheet
from syncohort.job import job
from syncohort.synthesis.withholding import withhold

with job(snakemake):
    drawn = read_sample_sheet(snakemake.input.people)
    risk = read_tables([snakemake.input.risk], ["nearness", "p"])
    kept = withhold(drawn, risk, snakemake.params.share)
    write_sample_sheet(kept, snakemake.output.people)
    print(f"{len(drawn) - len(kept):,} of {len(drawn):,} people are withheld")
