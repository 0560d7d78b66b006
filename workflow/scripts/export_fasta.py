"""Write sequences of one chromosome of a synthetic cohort as FASTA."""

import pandas as pd

from syncohort.cohort.synthetic_people import choose_people
from syncohort.cohort_store import CohortStore
from syncohort.formats.fasta import open_sequence
from syncohort.formats.fasta_writing import write_fasta
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
    table = pd.DataFrame([{"generator": snakemake.wildcards.generator, **vars(written)}])
    table.to_csv(snakemake.output.counts, sep="\t", index=False)
