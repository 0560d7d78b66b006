"""The cohort dataset: one Zarr store per chromosome, real and synthetic alike.

Arrays carry the names of the VCF Zarr specification, so xarray and vcztools
open them; `sample_label`, `sample_split`, `sample_value`, `sample_sex` and `variant_male_haploid`
are ours. A store is one zip file,
written beside its final name and moved there when complete.

Axes: V variants, S samples (people), P = 2 ploidy.
"""

import itertools
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import fields, replace
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import zarr

from syncohort.call_bits import AlleleBits, CallChunks
from syncohort.errors import InputError
from syncohort.genotypes import (
    CHUNK_SAMPLES,
    HELD_CALLS,
    People,
    Variants,
    site_slices,
    slices,
)

# attribute of call_genotype_phased: which rows of its chunks are stored; others are all phased
STORED_ROWS = "stored_chunk_rows"


class CohortStore:
    """Read access to one chromosome of a cohort. Metadata is in memory, calls stay on disk.

    Attributes: path, variants (`Variants`), people (`People`), phased (bool: every
    heterozygous call is phased), n_settled (of a synthetic cohort: ALT alleles that were taken
    away, because a site had more of them than places, see `shared_sites.settle`).
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if not self.path.exists():
            raise InputError(f"{self.path}: no such cohort dataset")
        with self._damage_is_named(KeyError, ValueError):
            self._open()

    def _open(self) -> None:
        root = zarr.open_group(zarr.storage.ZipStore(self.path, mode="r"), mode="r")
        self._archive = zipfile.ZipFile(self.path)
        arrays = dict(root.arrays())
        self._require_chunks(arrays)
        self._calls = CallChunks(self._archive, arrays["call_genotype"])
        self._phasing = arrays["call_genotype_phased"]
        self._phasing_rows = set(self._phasing.attrs[STORED_ROWS])
        site = ("position", "id", "allele", "PR", "male_haploid")
        contig = str(arrays["contig_id"][0])
        self.variants = Variants(contig, *(arrays[f"variant_{name}"][:] for name in site))
        self.people = People(*(arrays[f"sample_{each.name}"][:] for each in fields(People)))
        self.phased = bool(root.attrs["phased"])
        self.n_settled = int(root.attrs["n_settled"])

    @contextmanager
    def _damage_is_named(self, *further: type[Exception]) -> Iterator[None]:
        """Turn what a damaged store raises, `further` errors too, into an InputError that names it.

        Every chunk is checked against its CRC when it is read.
        """
        try:
            yield
        except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, *further) as error:
            raise InputError(
                f"{self.path}: the cohort dataset is damaged or cut short ({error}); remove it and "
                "run again"
            ) from error

    def _require_chunks(self, arrays: dict[str, zarr.Array]) -> None:
        """Raise for a chunk that is not there, which Zarr would read as zeros."""
        held = set(self._archive.namelist())
        for name, array in arrays.items():
            counts = (-(-n // chunk) for n, chunk in zip(array.shape, array.chunks, strict=True))
            rows, *further = map(range, counts)
            for place in itertools.product(array.attrs.get(STORED_ROWS, rows), *further):
                chunk = f"{name}/{'.'.join(map(str, place))}"
                if chunk not in held:
                    raise ValueError(f"chunk {chunk} is missing")

    @property
    def contig(self) -> str:
        return self.variants.contig

    def with_split(self, split: np.ndarray) -> Self:
        """The same chromosome with its people in other parts of the split, [S] str."""
        other = copy(self)
        other.people = replace(self.people, split=split)
        return other

    def read(self, variants=slice(None), samples=slice(None)) -> np.ndarray:
        """Calls int8 [V', S', P] of a slice of variants and a slice, mask or index of samples."""
        with self._damage_is_named():
            return self._calls.read(variants, samples)

    def read_bits(self, variants: slice) -> AlleleBits:
        """Calls of a slice of variants and everybody, eight times smaller than those of `read`."""
        with self._damage_is_named():
            return AlleleBits.joined([found for _, found in self._calls.bits(variants)])

    def read_phasing(self, variants=slice(None), samples=slice(None)) -> np.ndarray:
        """Whether each call is phased, bool [V', S']; selects as `read` does."""
        with self._damage_is_named():
            rows = range(len(self.variants))[variants]
            first, last = (row // self._phasing.chunks[0] for row in (rows.start, rows.stop - 1))
            if self._phasing_rows.isdisjoint(range(first, last + 1)):
                return np.ones((len(rows), len(np.arange(len(self.people))[samples])), dtype=bool)
            return _select(self._phasing, variants, samples)

    def people_chunks(self, samples=None, size: int = CHUNK_SAMPLES) -> Iterator[tuple]:
        """Walk over people: yield (indices [s], calls int8 [V, s, P]).

        samples: mask or indices of the people to visit (default all), visited in the
        order given. Memory is bounded by `size`, never by the cohort.
        """
        index = np.arange(len(self.people)) if samples is None else np.asarray(samples)
        if index.dtype == bool:
            index = np.flatnonzero(index)
        for some in slices(len(index), size):
            yield index[some], self.read(samples=index[some])

    def variant_slices(self) -> Iterator[slice]:
        """Consecutive slices of the variants, each a chunk of the store; see `site_slices`."""
        return site_slices(self.variants, self._phasing.chunks[0])

    def variant_chunks(self, samples=slice(None)) -> Iterator[tuple]:
        """Walk along the chromosome: yield (slice of variants, calls int8 [v, S', P]).

        Memory is bounded by `HELD_CALLS`, never by the cohort.
        """
        for part in self.variant_slices():
            yield part, self.read(part, samples)


def common_people(stores: list[CohortStore]) -> People:
    """The people of a cohort, given its chromosomes.

    Raises:
        InputError: the chromosomes do not hold the same people in the same order.
    """
    first = stores[0]
    for store in stores[1:]:
        if not np.array_equal(store.people.id, first.people.id):
            raise InputError(
                f"{store.path} and {first.path} hold different people, or the same in another "
                "order. The chromosomes of a cohort must come from one run; remake them."
            )
    return first.people


def _select(array, variants, samples) -> np.ndarray:
    if isinstance(samples, slice):
        return array[variants, samples]
    index = np.asarray(samples)
    if index.dtype == bool:
        index = np.flatnonzero(index)
    if not len(index):
        return array.oindex[variants, index]
    low, high = index.min(), index.max() + 1
    if not _is_dense(len(index), high - low, len(np.arange(array.shape[0])[variants])):
        return array.oindex[variants, index]
    span = array[variants, low:high]
    if len(index) == high - low and (np.diff(index) == 1).all():
        return span
    return np.take(span, index - low, axis=1)


def _is_dense(n_people: int, span: int, n_variants: int) -> bool:
    """Whether people are best chosen from all of a span that is read: 5 times as fast, and held."""
    return span <= 1.5 * n_people or (span <= 8 * n_people and span * n_variants <= 2 * HELD_CALLS)


SITE_COLUMNS = ["contig", "position_bp", "id", "effect_allele", "other_allele"]


def site_table(store: CohortStore, part: slice = slice(None)) -> pd.DataFrame:
    """The variants of a chromosome, or of a slice of it, as the columns `SITE_COLUMNS`."""
    variants = store.variants[part]
    columns = (variants.position_bp, variants.id, variants.allele[:, 1], variants.allele[:, 0])
    table = pd.DataFrame(dict(zip(SITE_COLUMNS[1:], columns, strict=True)))
    table.insert(0, "contig", store.contig)
    return table
