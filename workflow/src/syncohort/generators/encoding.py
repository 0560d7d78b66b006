"""From a cohort and a fitted representation to latents on disk.

Axes: R rows (haplotypes or people), G positions of the latents, K channels.
"""

from pathlib import Path

import numpy as np

from syncohort.cohort_store import CohortStore, common_people
from syncohort.errors import InputError
from syncohort.files import all_or_nothing, write_rows
from syncohort.generators.rows import LatentRows
from syncohort.genotypes import UNSEEN
from syncohort.representations.base import Representation, encode_rows

KIND = "<f2"  # float16: its rounding is far below what a block's components lose


def encode_people(
    stores: list[CohortStore],
    model: Representation,
    latents_path: str | Path,
    rows_path: str | Path,
) -> None:
    """Encode the people of a cohort whom generators may see, in chunks, and say whose the rows are.

    Args:
        stores: one per chromosome of the model.
        model: fitted representation.
        latents_path: .npy to write, float16 [R, G, K], two rows a person in haplotype mode.
        rows_path: .npz to write, see `rows.LatentRows.save`.

    Both files appear together, when complete.

    Raises:
        InputError: nobody is left, or the cohort's variants are not the model's.
    """
    people = common_people(stores)
    rows = LatentRows.of(people, model.mode)
    if not len(rows):
        raise InputError(f"{stores[0].path}: no people to encode into {latents_path}")
    encoded = np.flatnonzero(~np.isin(people.split, UNSEEN))
    with all_or_nothing(latents_path, rows_path) as (latents_partial, rows_partial):
        shape = (len(rows), *model.mask.shape)
        write_rows(latents_partial, shape, encode_rows(stores, [model], encoded), KIND)
        rows.save(rows_partial, model.mask, _male_haploid_positions(model, stores))


def _male_haploid_positions(model: Representation, stores: list[CohortStore]) -> np.ndarray:
    """Positions bool [G] of a model that depend on variants of which men have one copy."""
    found = np.zeros(len(model.mask), dtype=bool)
    for store in stores:
        edges = np.diff(store.variants.male_haploid.astype(np.int8), prepend=0, append=0)
        starts, stops = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            found[model.positions_of(store.contig, slice(start, stop))] = True
    return found
