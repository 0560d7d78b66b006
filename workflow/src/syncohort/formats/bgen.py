"""BGEN 1.1, 1.2 and 1.3: hard calls of the probabilities, read chunk by chunk.

Axes: V variants of the file, v of a chunk, S people, 2 alleles.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError
from syncohort.formats.bgen_calls import (
    HARD_CALL_THRESHOLD,
    UNCERTAIN,
    Malformed,
    layout_1_codes,
    layout_2_codes,
    to_calls,
)
from syncohort.formats.bgen_file import BgenFile, Record
from syncohort.formats.oxford import read_sample, require_same_people
from syncohort.formats.people_files import unique_ids
from syncohort.formats.plink import check_files
from syncohort.formats.sites import Choice, find_contig, make_sites, spellings
from syncohort.formats.source import Calls, Chunk, Source, walk


class BgenSource(Source):
    """People and hard calls of a BGEN file.

    People are those of the .sample file, if there is one, and must be those that the file itself
    names; else they are these.

    Args:
        path: the .bgen, or its name without the ending.
        sample: .sample file that is not beside the .bgen under its name.
        ref_allele: "first" or "last" of the two alleles is REF. None: the first, as biobanks
            write it, and provisional.
        hard_call_threshold: alleles, at least 0, below 0.5; a dosage further from a whole number is
            no call. None: `HARD_CALL_THRESHOLD`.

    Raises:
        InputError: a file is missing or damaged, or they do not fit together.
    """

    def __init__(
        self,
        path: str,
        *,
        sample: str | None = None,
        ref_allele: str | None = None,
        hard_call_threshold: float | None = None,
    ):
        bgen, *others = bgen_files(path, sample=sample)
        self._file = BgenFile(bgen)
        self._ref_allele = ref_allele
        self._threshold = (
            HARD_CALL_THRESHOLD if hard_call_threshold is None else hard_call_threshold
        )
        self._people = _people_of(self._file, *others)
        self.sample_ids = self._people["sample"].to_numpy(dtype=object)
        self.notes: list[str] = []

    def people_columns(self) -> pd.DataFrame:
        """A table of str: sample, and what else the .sample file says; see `read_sample`."""
        return self._people.copy()

    def contigs(self) -> list[str]:
        """Chromosomes without `chr`, in natural order."""
        return list(spellings(self._file.contigs()))

    def counts(self) -> dict[str, int]:
        """Records of each chromosome, without `chr`."""
        if not self._file.counts:
            self._file.contigs()
        held = self._file.counts
        return {contig: sum(map(held.get, own)) for contig, own in spellings(held).items()}

    def _chunks(self, contig: str, size: int, choice: Choice) -> Iterator[Chunk]:
        """A record of more than two alleles is always left out."""
        records = self._file.records_of(contig)
        find_contig(contig, spellings(self._file.counts), self._file.path)
        step = -1 if self._ref_allele == "last" else 1
        alleles = [each[::step] for each in records.alleles]
        sites = make_sites(
            contig,
            records.position,
            records.id,
            [first for first, *_ in alleles],
            [",".join(others) or "." for _, *others in alleles],
            provisional=self._ref_allele is None,
        )

        def read(part: np.ndarray) -> Calls:
            return self._read([records[row] for row in part])

        yield from walk(sites, size, choice, read)

    def _read(self, records: list[Record]) -> Calls:
        """The calls of records with two alleles."""
        n_people = self._file.n_people
        codes = np.empty((len(records), n_people), dtype=np.uint8)
        is_phased = np.zeros(len(records), dtype=bool)
        with open(self._file.path, "rb", buffering=0) as file:
            for i, record in enumerate(records):
                try:
                    block = self._file.genotypes(file.fileno(), record)
                    if self._file.layout == 1:
                        codes[i] = layout_1_codes(block, n_people, self._threshold)
                    else:
                        codes[i], is_phased[i] = layout_2_codes(block, n_people, self._threshold)
                except Malformed as problem:
                    raise self._file.error(self._file.named(record), problem) from None
        calls, phased = to_calls(codes, is_phased, ref_last=self._ref_allele == "last")
        return Calls(calls, phased, n_uncertain=int((codes == UNCERTAIN).sum()))


def _people_of(file: BgenFile, sample: Path | None = None) -> pd.DataFrame:
    """The people [S] of a file, with what its .sample file says of them if there is one."""
    if sample is None:
        if file.sample_ids is None:
            raise InputError(
                f"{file.path}: names no people; name the .sample file that came with it in "
                "input.sample"
            )
        ids = unique_ids(None, pd.Series(file.sample_ids, dtype=object), file.path)
        return pd.DataFrame({"sample": ids})
    people = read_sample(sample)
    require_same_people(people, file, sample)
    return people


def bgen_contigs(path: str, *, sample: str | None = None) -> list[str]:
    """The chromosomes of a BGEN file, by its index, or by a walk over its records."""
    return list(spellings(BgenFile(bgen_files(path, sample=sample)[0]).contigs()))


def bgen_files(path: str, *, sample: str | None = None) -> list[Path]:
    """The .bgen and, where it is named or lies beside it under its name, the .sample.

    Raises:
        InputError: names every file that does not exist.
    """
    bgen = Path(str(path).removesuffix(".bgen") + ".bgen")
    beside = bgen.with_suffix(".sample")
    named = Path(sample) if sample else beside if beside.is_file() else None
    files = {"path": bgen} | ({"sample": named} if named else {})
    check_files(files)
    return list(files.values())
