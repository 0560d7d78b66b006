"""Write sequences of one chromosome of a synthetic cohort as FASTA."""

import json
from pathlib import Path

from syncohort.cohort.synthetic_people import choose_people
from syncohort.formats.fasta import open_sequence
from syncohort.formats.fasta_writing import write_fasta
from syncohort.genotypes import CohortStore
from syncohort.job import job

with job(snakemake):
    store = CohortStore(snakemake.input.store)
    params = snakemake.params
    with open_sequence(snakemake.input.reference, store.contig) as sequence:
        written = write_fasta(
            store,
            sequence,
            snakemake.output.fasta,
            people=choose_people(store.people.id, params.export["people"]),
            mode=params.mode,
            about=f"{params.statement}; on the reference {sequence.path.name}",
            mismatch_max=params.export["mismatch_max"],
            threads=snakemake.threads,
        )
    Path(snakemake.output.summary).write_text(json.dumps(vars(written), indent=1) + "\n")
