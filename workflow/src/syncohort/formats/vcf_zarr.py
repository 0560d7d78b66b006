"""VCF Zarr, as vcf2zarr writes it, and cohort datasets, which bear the same names.

Source: the VCF Zarr specification 0.1 to 0.5; Zarr formats 2 and 3, in a folder or a zip file.

Axes: V variants of the store, N records of a chromosome, v of a chunk, S people, 2 alleles.
"""

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import zarr

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.formats.people_files import unique_ids
from syncohort.formats.phase_sets import PhaseSets, first_codes
from syncohort.formats.sites import (
    Choice,
    Sites,
    find_contig,
    make_sites,
    one_allele_each,
    own_calls,
    spellings,
)
from syncohort.formats.source import Calls, Chunk, Source, walk
from syncohort.formats.vcf_text import SET_FIELDS
from syncohort.genotypes import normalise_contig
from syncohort.ploidy import ABSENT

_VARIANTS = ("variant_contig", "variant_position", "variant_allele", "call_genotype")
_NEEDED = (*_VARIANTS, "contig_id", "sample_id")
_METADATA = (".zarray", ".zattrs", "zarr.json", "/")
_OWN = "syncohort"  # source of a cohort dataset
_SPARSE = 4  # so many times more records are read than are used before they are picked out


class VcfZarrSource(Source):
    """People and genotypes of a VCF Zarr store.

    path is a folder or a zip file. People are sample_id and, of a cohort dataset, their label.

    Raises:
        InputError: no such store, one without genotypes, or a damaged one.
    """

    def __init__(self, path: str):
        self._path = vcf_zarr_files(path)[0]
        with self._damage_is_named():
            self._root = _open(self._path)
            missing = [name for name in _NEEDED if name not in self._root]
            if missing:
                raise InputError(
                    f"{self._path}: lacks {', '.join(missing)}; a VCF Zarr store with genotypes has "
                    "them (`vcf2zarr convert`)"
                )
            own = {name for name in self._root if name.startswith("sample_")}
            people = {"sample": _texts(self._root["sample_id"][:])}
            if "sample_label" in own:
                people["label"] = _texts(self._root["sample_label"][:])
            self._contigs = _texts(self._root["contig_id"][:]).tolist()
            self._codes = self._root["variant_contig"][:].astype(np.int64)
            self._require_shapes(len(people["sample"]))
            self.notes: list[str] = self._absent_chunks()
        self._people = pd.DataFrame(people)
        self._people["sample"] = unique_ids(None, self._people["sample"], self._path)
        self.sample_ids = self._people["sample"].to_numpy(dtype=object)

    def _require_shapes(self, n_people: int) -> None:
        n = len(self._codes)
        lengths = {name: self._root[name].shape[0] for name in _VARIANTS}
        if set(lengths.values()) != {n}:
            raise InputError(f"{self._path}: arrays of different numbers of variants: {lengths}")
        shape = self._root["call_genotype"].shape
        if shape[1] != n_people:
            raise InputError(
                f"{self._path}: genotypes of {shape[1]:,} people, and {n_people:,} sample ids"
            )
        if n and not 0 <= self._codes.min() <= self._codes.max() < len(self._contigs):
            raise InputError(f"{self._path}: variants of chromosomes that contig_id does not name")

    def _absent_chunks(self) -> list[str]:
        """A note where chunks of genotypes are not stored, which Zarr reads as if they were 0."""
        calls = self._root["call_genotype"]
        n = math.prod(map(_pieces, calls.shape, calls.shards or calls.chunks))
        stored = _files_of(self._path, "call_genotype")
        n_absent = n - sum(not name.endswith(_METADATA) for name in stored)
        if not n_absent:
            return []
        note = (
            f"{self._path}: {n_absent:,} of {n:,} chunks of genotypes are not stored, which means "
            f"that every allele there is {calls.fill_value}; a copy may have lost them"
        )
        return [note]

    def people_columns(self) -> pd.DataFrame:
        """A table of str: sample, and label of a cohort dataset."""
        return self._people.copy()

    def contigs(self) -> list[str]:
        """Chromosomes that hold records, without `chr`, in natural order."""
        return list(self._spellings())

    def _spellings(self) -> dict[str, list[str]]:
        return spellings(self._contigs[code] for code in np.unique(self._codes))

    def counts(self) -> dict[str, int]:
        """Records of each chromosome, without `chr`."""
        held = np.bincount(self._codes, minlength=len(self._contigs))
        counts = dict(zip(self._contigs, held.tolist(), strict=True))
        return {contig: sum(map(counts.get, own)) for contig, own in self._spellings().items()}

    def contig_length(self, contig: str) -> int | None:
        """Length of a chromosome [bp] if the store says it."""
        if "contig_length" not in self._root:
            return None
        names = [normalise_contig(name) for name in self._contigs]
        length_bp = self._root["contig_length"][names.index(normalise_contig(contig))]
        return int(length_bp) if length_bp > 0 else None

    def _chunks(self, contig: str, size: int, choice: Choice) -> Iterator[Chunk]:
        own = find_contig(contig, self._spellings(), self._path)
        codes = [self._contigs.index(name) for name in own]
        rows = np.flatnonzero(np.isin(self._codes, codes))
        with self._damage_is_named():
            records = self._sites(contig, rows)
        sites, record, number = one_allele_each(records, choice)
        listed = np.array([alt.count(",") + 1 for alt in records.alt], dtype=int)
        sets = PhaseSets(len(self.sample_ids))

        def read(part: np.ndarray) -> Calls:
            with self._damage_is_named():
                own, n_alt = rows[record[part]], listed[record[part]]
                calls = self._alleles(own, n_alt)
                for i in np.flatnonzero(n_alt > 1):
                    calls[i] = own_calls(calls[i], number[part][i], choice.variants)
                phased = self._phased(own, calls.shape[:2])
                n_pairs, n_breaks = sets.n_pairs, sets.n_breaks
                if fields := self._phase_sets(own):
                    for one in zip(calls, phased, *fields, strict=True):
                        sets.add(*one[:2], first_codes(one[2:]))
                return Calls(calls, phased, sets.n_pairs - n_pairs, sets.n_breaks - n_breaks)

        yield from walk(sites, size, choice, read)

    def _sites(self, contig: str, rows: np.ndarray) -> Sites:
        """The records at rows [N], which rise."""
        alleles = _texts(self._at("variant_allele", rows))
        names = np.full(len(rows), ".", dtype=object)
        if "variant_id" in self._root:
            names = _texts(self._at("variant_id", rows))
            names[names == ""] = "."
            if "variant_id_mask" in self._root:
                names[self._at("variant_id_mask", rows)] = "."
        return make_sites(
            contig,
            self._at("variant_position", rows),
            names,
            alleles[:, 0],
            _alt_texts(alleles[:, 1:]),
            self._failed(rows),
            self._at("variant_PR", rows) if "variant_PR" in self._root else None,
        )

    def _failed(self, rows: np.ndarray) -> np.ndarray | None:
        """The filters that records fail, [N] str joined by semicolons."""
        if not {"variant_filter", "filter_id"} <= set(self._root):
            return None
        names = _texts(self._root["filter_id"][:])
        kinds, which = np.unique(self._at("variant_filter", rows), axis=0, return_inverse=True)
        texts = [";".join(names[kind & (names != "PASS")]) for kind in kinds.astype(bool)]
        return np.array(texts, dtype=object)[which.reshape(-1)]

    def _at(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Some rows of an array, read in one piece unless they lie far apart."""
        array = self._root[name]
        if not len(rows):
            return array[:0]
        low, high = int(rows.min()), int(rows.max()) + 1
        if high - low > _SPARSE * len(rows):
            return array.oindex[rows]
        piece = array[low:high]
        return piece if len(piece) == len(rows) and rows[0] == low else piece[rows - low]

    def _alleles(self, rows: np.ndarray, n_alt: np.ndarray) -> np.ndarray:
        """Calls int8 [v, S, 2] of records at rows [v], by the numbers of their alleles.

        n_alt: [v], how many ALT alleles each lists.
        """
        alleles = self._at("call_genotype", rows)
        if alleles.shape[2] > 2 and (alleles[..., 2:] != ABSENT).any():
            raise InputError(
                f"{self._path}: has calls of {alleles.shape[2]} alleles; only diploid genotypes are "
                "read"
            )
        calls = np.full((*alleles.shape[:2], 2), ABSENT, dtype=np.int8)
        calls[..., : alleles.shape[2]] = alleles[..., :2]
        if (alleles.max(axis=(1, 2), initial=ABSENT) > n_alt).any():
            raise InputError(
                f"{self._path}: a call is of an allele that its record does not list. Make the "
                "store again."
            )
        return calls

    def _phase_sets(self, rows: np.ndarray) -> list[np.ndarray]:
        """Every field of phase sets that the store has, of records at rows [v], by preference."""
        names = [f"call_{name}" for name in SET_FIELDS if f"call_{name}" in self._root]
        fields = (self._at(name, rows) for name in names)
        return [each if each.dtype.kind in "iuf" else _texts(each) for each in fields]

    def _phased(self, rows: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Which calls of records at rows are phased, bool [v, S]; none where the store is silent."""
        if "call_genotype_phased" not in self._root:
            return np.zeros(shape, dtype=bool)
        return self._at("call_genotype_phased", rows).astype(bool)

    @contextmanager
    def _damage_is_named(self) -> Iterator[None]:
        """Turn what a damaged store raises into an InputError that names it."""
        try:
            yield
        except InputError:
            raise
        except (
            Exception
        ) as error:  # of zarr, of each codec, of zip and of JSON: they share no class
            raise InputError(
                f"{self._path}: cannot be read as a VCF Zarr store ({error}). It is none, or damaged "
                "or cut short; make it again."
            ) from error


def _open(path: Path) -> zarr.Group:
    if path.is_dir():
        return zarr.open_group(path, mode="r")
    root = zarr.open_group(zarr.storage.ZipStore(path, mode="r"), mode="r")
    if root.attrs.get("source") == _OWN:
        CohortStore(path)  # which knows what chunks there must be
    return root


def _files_of(store: Path, array: str) -> list[str]:
    """Names of the files of an array of a store."""
    if store.is_dir():
        return [str(file) for file in (store / array).rglob("*") if file.is_file()]
    with zipfile.ZipFile(store) as archive:
        return [name for name in archive.namelist() if name.startswith(f"{array}/")]


def _pieces(n: int, size: int) -> int:
    return -(-n // size)


def _texts(values: np.ndarray) -> np.ndarray:
    """An array of str, whatever kind of text Zarr has it in."""
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    return np.asarray(values, dtype=object)


def _alt_texts(alleles: np.ndarray) -> np.ndarray:
    """ALT alleles [N, A] joined by commas, "" standing for none; "." where there is none at all."""
    if alleles.shape[1] == 1:
        return np.where(alleles[:, 0] == "", ".", alleles[:, 0])
    return np.array([",".join(filter(None, own)) or "." for own in alleles], dtype=object)


def vcf_zarr_contigs(path: str) -> list[str]:
    """The chromosomes that a VCF Zarr store holds."""
    return VcfZarrSource(path).contigs()


def vcf_zarr_files(path: str) -> list[Path]:
    """The store at a path, a folder or a file. Raises InputError when it does not exist."""
    if not Path(path).exists():
        raise InputError(f"input.path: {path}: no such file or folder")
    return [Path(path)]
