"""See that the release holds what this run releases and nothing else; list it with checksums."""

import os

from syncohort.job import job
from syncohort.synthesis.released import require_released_only, withdraw, write_checksums

with job(snakemake):
    lists = list(snakemake.output.checksums)
    folder = os.path.dirname(os.path.dirname(lists[0]))
    released = list(snakemake.input.released)
    withdraw(folder, [*released, *lists], f"{os.path.dirname(folder)}/withdrawn")
    require_released_only(folder, [*released, *lists])
    for path in lists:
        own = [file for file in released if file.startswith(f"{os.path.dirname(path)}/")]
        write_checksums(path, own)
    for generator, kind in snakemake.params.copies.items():
        print(f"{folder}/{generator}: NOT SYNTHETIC: {kind} copies haplotypes of real people")
