"""Writing a cohort dataset; what it is and how it is read: `genotypes`.

Axes: V variants, S samples (people), P = 2 ploidy.
"""

import zipfile
from pathlib import Path
from typing import Self

import numpy as np
import zarr
from numcodecs import Blosc

from syncohort.cohort_store import STORED_ROWS
from syncohort.files import all_or_nothing, name_full_disk, private_folder, remove_private_folder
from syncohort.genotypes import PLOIDY, People, Variants, all_true, chunk_shape, slices
from syncohort.ploidy import ABSENT, MISSING

_CALLS, _PHASING = "call_genotype", "call_genotype_phased"
_COMPRESSOR = Blosc(cname="zstd", clevel=5, shuffle=Blosc.SHUFFLE)
# alleles differ in their lowest bit: half the size in a quarter of the time
_CALL_COMPRESSOR = Blosc(cname="zstd", clevel=3, shuffle=Blosc.BITSHUFFLE)


class CohortWriter:
    """Write one chromosome of a cohort: call `append` with its consecutive pieces.

    Pieces wait until they fill a chunk of the store, which is therefore written once, whatever
    their size. Used as a context manager; nothing stays behind at `path` when the block raises.

    n_settled: to be set to how many drawn alleles were taken away; see `CohortStore`.
    """

    def __init__(self, path: str | Path, people: People):
        self._path = Path(path)
        self._people = people
        self._parts = []
        self._phased = True
        self._folder = private_folder(self._path.with_suffix(".arrays"))
        self._arrays = self._folder / "arrays"
        self._root = zarr.open_group(self._arrays, mode="w", zarr_format=2)
        self._height, self._width = chunk_shape(len(people))
        self._waiting = np.empty((self._height, len(people), PLOIDY), dtype=np.int8)
        self._waiting_phasing = np.empty((self._height, len(people)), dtype=bool)
        self._n_rows = 0  # of chunks
        self._phasing_rows = []  # of those that are stored
        for name in (_CALLS, _PHASING):
            (self._arrays / name).mkdir()
        self._n_waiting = 0
        self.n_settled = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, _):
        try:
            if kind is None:
                self._finish()
            name_full_disk(error, self._path)
        except Exception as problem:
            name_full_disk(problem, self._path)
            raise
        finally:
            remove_private_folder(self._folder)

    def append(self, variants: Variants, calls: np.ndarray, phased) -> None:
        """Add the next variants [v] with calls int8 [v, S, P] and phased bool (scalar or [v, S])."""
        least = calls.min(initial=0)
        if least < MISSING:
            least = min(calls[..., 0].min(), calls[..., 1].min() - ABSENT + MISSING)
        if calls.dtype != np.int8 or least < MISSING or calls.max(initial=0) > 1:
            raise ValueError(
                "calls must be int8 with values -1 (missing), 0 (REF) and 1 (ALT), and -2 for the "
                "second allele where there is one copy"
            )
        phased = np.asarray(phased, dtype=bool)
        if not all_true(phased):
            two = calls[..., 1] != ABSENT
            self._phased &= not ((calls[..., 0] != calls[..., 1]) & two & ~phased).any()
        phased = np.broadcast_to(phased, calls.shape[:2])
        self._parts.append(variants)
        for start in range(0, len(variants), len(self._waiting)):
            some = slice(start, start + len(self._waiting))
            self._keep(calls[some], phased[some])

    def _keep(self, calls: np.ndarray, phased: np.ndarray) -> None:
        """Let at most a chunk of variants wait; write a chunk when it is full."""
        fitting = min(len(calls), len(self._waiting) - self._n_waiting)
        place = slice(self._n_waiting, self._n_waiting + fitting)
        self._waiting[place] = calls[:fitting]
        self._waiting_phasing[place] = phased[:fitting]
        self._n_waiting += fitting
        if self._n_waiting == len(self._waiting):
            self._write_waiting()
        if fitting < len(calls):
            self._keep(calls[fitting:], phased[fitting:])

    def _write_waiting(self) -> None:
        if not self._n_waiting:
            return
        self._write_row(_CALLS, self._n_rows, self._waiting[: self._n_waiting])
        if not self._waiting_phasing[: self._n_waiting].all():
            self._write_row(_PHASING, self._n_rows, self._waiting_phasing[: self._n_waiting])
            self._phasing_rows.append(self._n_rows)
        self._n_rows += 1
        self._n_waiting = 0

    def _write_row(self, name: str, row: int, values: np.ndarray) -> None:
        """Write a row of chunks, each from one copy, where Zarr would make three."""
        for column, people in enumerate(slices(values.shape[1], self._width)):
            own = values[:, people]
            chunk = np.zeros((self._height, self._width, *own.shape[2:]), dtype=own.dtype)
            chunk[: own.shape[0], : own.shape[1]] = own
            place = ".".join(map(str, (row, column, 0)[: own.ndim]))
            (self._arrays / name / place).write_bytes(_CALL_COMPRESSOR.encode(chunk))

    def forget_phase(self) -> None:
        """Make every call written so far unphased."""
        self._phasing_rows = list(range(self._n_rows))
        for row in self._phasing_rows:
            self._write_row(_PHASING, row, np.zeros_like(self._waiting_phasing))
        self._waiting_phasing[: self._n_waiting] = False
        self._phased = False

    def _create(self, name, dimensions, *, compressors=_COMPRESSOR, attributes=None, **spec):
        return self._root.create_array(
            name,
            compressors=compressors,
            config={"write_empty_chunks": True},  # so that a missing chunk is a lost one
            attributes={"_ARRAY_DIMENSIONS": list(dimensions), **(attributes or {})},
            **spec,
        )

    def _create_calls(self, n_variants: int) -> None:
        """Describe the arrays whose chunks are written."""
        shape, chunks = (n_variants, len(self._people)), (self._height, self._width)
        self._create(
            _CALLS,
            ("variants", "samples", "ploidy"),
            shape=(*shape, PLOIDY),
            chunks=(*chunks, PLOIDY),
            dtype="int8",
            fill_value=None,
            compressors=_CALL_COMPRESSOR,
        )
        self._create(
            _PHASING,
            ("variants", "samples"),
            shape=shape,
            chunks=chunks,
            dtype="bool",
            fill_value=True,
            compressors=_CALL_COMPRESSOR,
            attributes={STORED_ROWS: self._phasing_rows},
        )

    def _save(self, name, dimensions, values, dtype) -> None:
        values = np.asarray(values)
        shape = values.shape
        chunks = [max(n, 1) for n in shape]
        if dimensions[0] == "variants":  # a whole number of chunks of calls, which vcztools wants
            chunks[0] = -(-chunks[0] // self._height) * self._height
        elif dimensions[0] == "samples":
            chunks[0] = self._width
        array = self._create(
            name,
            dimensions,
            shape=shape,
            chunks=tuple(chunks),
            dtype=dtype,
            fill_value=None,
        )
        if values.size:
            array[...] = values.astype(object) if dtype is str else values.astype(dtype)

    def _finish(self) -> None:
        if not self._parts:
            raise ValueError(f"{self._path}: no variants were written")
        self._write_waiting()
        variants = Variants.concatenate(self._parts)
        self._create_calls(len(variants))
        self._save("contig_id", ["contigs"], [variants.contig], str)
        self._save("variant_contig", ["variants"], np.zeros(len(variants)), "int8")
        self._save("variant_position", ["variants"], variants.position_bp, "int32")
        self._save("variant_id", ["variants"], variants.id, str)
        self._save("variant_allele", ["variants", "alleles"], variants.allele, str)
        self._save("variant_PR", ["variants"], variants.provisional, "bool")  # VCF's INFO/PR
        self._save("variant_male_haploid", ["variants"], variants.male_haploid, "bool")
        self._save("sample_id", ["samples"], self._people.id, str)
        self._save("sample_label", ["samples"], self._people.label, str)
        self._save("sample_split", ["samples"], self._people.split, str)
        self._save("sample_value", ["samples"], self._people.value, "float64")
        self._save("sample_sex", ["samples"], self._people.sex, "int8")
        self._root.attrs.update(
            vcf_zarr_version="0.4",
            source="syncohort",
            phased=self._phased,
            n_settled=self.n_settled,
        )
        zarr.consolidate_metadata(self._arrays)
        files = sorted(file for file in self._arrays.rglob("*") if file.is_file())
        with (
            all_or_nothing(self._path) as (partial,),
            zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive,
        ):
            for file in files:
                # a fixed date, so that equal cohorts are equal files
                entry = zipfile.ZipInfo(str(file.relative_to(self._arrays)))
                archive.writestr(entry, file.read_bytes())
