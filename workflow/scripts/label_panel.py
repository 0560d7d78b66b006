"""Who the people of the panel are on whom networks are trained first: their labels, and who of them validates."""

import tempfile
from pathlib import Path

from syncohort.cohort.panel_checks import require_other_people
from syncohort.cohort.panel_people import panel_people, write_panel_people
from syncohort.formats.vcf_file import VcfFile
from syncohort.job import job

with job(snakemake):
    params = snakemake.params
    require_other_people(snakemake.input.fits, may_share=params.may_share)
    with tempfile.TemporaryDirectory(prefix="syncohort-panel-") as folder:
        samples = VcfFile(Path(snakemake.input.panel), Path(folder)).samples
    people = panel_people(samples, snakemake.input.get("table") or None, **params.people)
    write_panel_people(people, snakemake.output.people)
