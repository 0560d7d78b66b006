"""Fetch a file of a public data set."""

from pathlib import Path

from syncohort.job import job
from syncohort.resources.download import fetch
from syncohort.resources.registry import RemoteFile

with job(snakemake):
    fetch(RemoteFile(**snakemake.params.remote), Path(snakemake.output[0]))
