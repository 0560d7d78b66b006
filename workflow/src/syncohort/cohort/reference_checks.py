"""The compatibility check's part on the reference genome, and on the sequences to be written."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.cohort.people_checks import Check
from syncohort.cohort.synthetic_people import choose_people, synthetic_ids
from syncohort.errors import InputError
from syncohort.formats.fasta_writing import BASE_BYTES
from syncohort.formats.reference_fit import ReferenceFit
from syncohort.genotypes import rows_per_person

_LARGE_BYTES = 100e9


def reference_checks(
    fits: list[str],
    joined: pd.DataFrame,
    synthesis: dict,
    *,
    exported: bool,
    people: int | list[str] | None,
    mismatch_max: float,
    n_generators: int,
    mode: str,
) -> list[Check]:
    """Whether variants fit the reference, and what the sequences asked for take on the disk.

    Args:
        fits: what `compare_reference` wrote, by chromosome; none without a reference.
        joined: people of a join (`joining.read_joined`).
        synthesis: arguments of `draw_labels`.
        exported: whether sequences are written. people: whose, see `choose_people`.
        mismatch_max: share of variants that may not fit. n_generators: whose people are written.
    """
    if not fits:
        return []
    parts = [ReferenceFit(**json.loads(Path(path).read_text())) for path in fits]
    fit = ReferenceFit.total(parts)
    level = "look" if fit.n_misfits else "ok"
    if exported and any(part.is_beyond(mismatch_max) for part in parts):
        level = "stop"
    checks = [Check("reference genome", fit.in_words(), level, fit.cause())]
    if exported:
        counts = synthesis["counts"].values()
        most = synthesis["n_people"] or sum(counts) or int((joined["excluded"] == "").sum())
        checks.append(_size_check(fit, synthetic_ids(most), people, n_generators, mode))
    return checks


def _size_check(
    fit: ReferenceFit, ids: np.ndarray, people: int | list[str] | None, n_generators: int, mode: str
) -> Check:
    try:
        n_people = len(choose_people(ids, people))
    except InputError as problem:
        return Check("sequences", str(problem), "stop", "See the section `release`.")
    n_sequences = n_people * rows_per_person(mode)
    n_bytes = n_sequences * fit.length_bp * BASE_BYTES
    found = (
        f"{n_sequences:,} of {n_people:,} people, {fit.length_bp / 1e6:,.1f} million bases each: up to "
        f"{_size_in_words(n_bytes)} on the disk for each of {n_generators} generators"
    )
    large = n_bytes * n_generators > _LARGE_BYTES
    return Check(
        "sequences",
        found,
        "look" if large else "ok",
        "Is there room for it? release.fasta.people chooses people." if large else "",
    )


def _size_in_words(n_bytes: float) -> str:
    """Bytes as a person says them."""
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if n_bytes >= size:
            return f"{n_bytes / size:,.1f} {unit}"
    return f"{max(n_bytes / 1e6, 0.1):,.1f} MB"
