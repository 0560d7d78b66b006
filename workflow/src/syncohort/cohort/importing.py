"""From the user's genotype files to a cohort dataset of each chromosome."""

import json
from pathlib import Path

import numpy as np

from syncohort.errors import InputError
from syncohort.formats.readers import open_source
from syncohort.genotypes import CohortStore, CohortWriter, People, is_missing, variants_at_once


def import_chromosome(
    source: dict, contig: str, multiallelic: str, store_path, summary_path, people_path
) -> None:
    """Read one chromosome of the user's genotypes into a cohort dataset of biallelic SNPs.

    Args:
        source: arguments of `open_source`. contig: chromosome, any spelling.
        multiallelic: "drop" or "split".
        store_path: cohort dataset to write; nothing is filtered by frequency yet.
        summary_path: JSON with counts of variants read, dropped by reason and kept.
        people_path: TSV, missing calls of each person (and what the files say of people).
    """
    opened = open_source(**source)
    people = People.unlabelled(opened.sample_ids)
    missing = np.zeros(len(people), dtype=np.int64)
    dropped: dict[str, int] = {}
    n_read = n_kept = n_haploid = 0
    size = variants_at_once(len(people))
    with CohortWriter(store_path, people) as writer:
        for chunk in opened.chunks(contig, multiallelic=multiallelic, size=size):
            n_read += chunk.n_read
            n_kept += len(chunk.variants)
            for reason, count in chunk.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
            n_haploid += chunk.n_haploid
            missing += is_missing(chunk.calls).sum(axis=0)
            writer.append(chunk.variants, chunk.calls, chunk.phased)
        if n_kept == 0:
            raise InputError(
                f"{source['path']}, chromosome {contig}: no biallelic SNP among {n_read:,} records "
                f"({_reasons(dropped)}). Leave the chromosome out with input.chromosomes."
            )
    store = CohortStore(store_path)
    summary = {
        "contig": store.contig,
        "n_read": n_read,
        "n_kept": n_kept,
        "dropped": dropped,
        "phased": store.phased,
        "n_haploid": n_haploid,
        "last_position_bp": int(store.variants.position_bp[-1]),
        "contig_length_bp": opened.contig_length(contig),
    }
    Path(summary_path).write_text(json.dumps(summary, indent=1) + "\n")
    table = opened.people_columns().assign(n_missing=missing)
    table.to_csv(people_path, sep="\t", index=False)


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items()) or "none dropped"
