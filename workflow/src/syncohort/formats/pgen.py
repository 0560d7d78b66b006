"""PLINK 2: .pgen, .pvar and .psam, through pgenlib.

Axes: V variants of the file, v of a chunk, S people, 2 alleles.
"""

import csv
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pgenlib

from syncohort import __version__
from syncohort.cohort_store import CohortStore, common_people
from syncohort.errors import InputError
from syncohort.files import all_or_nothing
from syncohort.formats.people_files import read_psam
from syncohort.formats.phenotypes import categories, phenotype_of
from syncohort.formats.plink import check_files
from syncohort.formats.shared_sites import Records, join_calls, records_of
from syncohort.formats.sites import (
    PROVISIONAL_LINE,
    Choice,
    make_sites,
    one_allele_each,
    own_calls,
)
from syncohort.formats.source import Calls, Chunk, Source, walk
from syncohort.formats.variant_table import VariantTable, held_contigs
from syncohort.genotypes import MISSING, People, normalise_contig, slices
from syncohort.ploidy import doubled


def whole_calls(calls: np.ndarray) -> np.ndarray:
    """Calls int8 [v, S, 2] with both alleles missing where one is: PLINK files know no half."""
    return np.where((calls < 0).any(axis=2, keepdims=True), np.int8(MISSING), calls)


_PVAR = ("#CHROM", "POS", "ID", "REF", "ALT")

_WITHIN_X_BP = 75_000_000  # far from both ends of chromosome X
_PGEN_MISSING = -9
_BLOCK_VARIANTS = 1 << 16  # of which a .pgen has one header
_DOSAGE_BITS = 0x60  # of the type of a variant's record
_STEP_ALLELES = 1 << 18  # int32 for pgenlib at once, so that they stay in the processor's cache


class PgenSource(Source):
    """People and genotypes of a PLINK 2 data set.

    path is the .pgen or the prefix; beside it stand a .pvar, .pvar.zst or .bim and a .psam
    or .fam, unless pvar and psam name them. A person's id is the IID; where IIDs repeat
    over families, FID_IID for all.

    Raises:
        InputError: a file is missing, malformed, or does not fit the others.
    """

    def __init__(self, path: str, *, pvar: str | None = None, psam: str | None = None):
        self._pgen, self._pvar, self._psam = pgen_files(path, pvar=pvar, psam=psam)
        self._people = read_psam(self._psam)
        self._variants = VariantTable(self._pvar)
        self.sample_ids = self._people["sample"].to_numpy(dtype=object)
        self._reader = self._open()

    def _open(self) -> pgenlib.PgenReader:
        offsets = np.concatenate([[0], np.cumsum(self._variants.n_alts + 1)]).astype(np.uintp)
        try:
            return pgenlib.PgenReader(
                str(self._pgen).encode(),
                raw_sample_ct=len(self.sample_ids),
                variant_ct=len(self._variants),
                allele_idx_offsets=offsets,
            )
        except (RuntimeError, AssertionError) as error:
            raise InputError(
                f"{self._pgen}: {_message(error)} The file is damaged, or is not the .pgen of "
                f"{len(self._variants):,} variants ({self._pvar}) and {len(self.sample_ids):,} "
                f"people ({self._psam}); use the files of one `plink2 --make-pgen` run."
            ) from None

    def people_columns(self) -> pd.DataFrame:
        """A table of str: sample, and family, father, mother, sex as far as the file has them,
        then its phenotype columns under their own names."""
        return self._people.copy()

    def contigs(self) -> list[str]:
        """Chromosomes without `chr`, in natural order."""
        return list(self._variants.spellings)

    def counts(self) -> dict[str, int]:
        """Records of each chromosome, without `chr`."""
        return self._variants.counts_of_contigs()

    def contig_length(self, contig: str) -> int | None:
        """Length of a chromosome [bp] if the header of the .pvar says it."""
        return self._variants.lengths_bp.get(normalise_contig(contig))

    def _chunks(self, contig: str, size: int, choice: Choice) -> Iterator[Chunk]:
        rows, table = self._variants.rows(contig)
        columns = (table[name] for name in ("position", "id", "ref", "alt", "failed"))
        marked = self._header[0][rows] | table["provisional"].to_numpy(dtype=bool)
        sites = make_sites(contig, *columns, provisional=marked)
        sites, record, allele = one_allele_each(sites, choice)
        rows = rows[record]

        def read(part: np.ndarray) -> Calls:
            return Calls(*self._read(rows[part], allele[part], choice.variants))

        yield from walk(sites, size, choice, read)

    @cached_property
    def _header(self) -> tuple[np.ndarray, int]:
        return _read_header(self._pgen, len(self._variants))

    @property
    def notes(self) -> list[str]:
        """What was odd about the files, in sentences."""
        note = (
            f"{self._pgen}: {self._header[1]:,} variants have dosages (imputed): their hard calls "
            "are used, and a call too far from one is missing"
        )
        return [note] if self._header[1] else []

    def _read(
        self, rows: np.ndarray, allele: np.ndarray, variants: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Calls int8 [v, S, 2] of the given ALT alleles of rows of the .pvar; phased [v, S].

        variants: see `own_calls`.
        """
        n_people = len(self.sample_ids)
        calls = np.empty((len(rows), n_people, 2), dtype=np.int8)
        phased = np.empty((len(rows), n_people), dtype=bool)
        step = max(1, _STEP_ALLELES // (2 * n_people))
        for start in range(0, len(rows), step):
            block = slice(start, start + step)
            codes = np.empty((len(rows[block]), 2 * n_people), dtype=np.int32)
            try:
                self._reader.read_alleles_and_phasepresent_list(
                    rows[block].astype(np.uint32), codes, phased[block]
                )
            except RuntimeError as error:
                raise InputError(
                    f"{self._pgen}: {_message(error)} The file is damaged; make it again."
                ) from None
            codes = np.maximum(codes, MISSING)  # pgenlib says -9
            found = own_calls(codes, allele[block, None], variants)
            calls[block] = found.reshape(-1, n_people, 2)
        # pgenlib calls homozygous genotypes phased even where the file knows no phase at all
        return calls, phased & self._reader.hardcall_phase_present()


def pgen_files(path: str, *, pvar: str | None = None, psam: str | None = None) -> list[Path]:
    """The .pgen, the variants' and the people's file of a data set; see `PgenSource`.

    Raises:
        InputError: names every file that does not exist.
    """
    prefix = str(path).removesuffix(".pgen")
    files = [
        Path(f"{prefix}.pgen"),
        Path(pvar or _first_file(prefix, (".pvar", ".pvar.zst", ".bim"))),
        Path(psam or _first_file(prefix, (".psam", ".fam"))),
    ]
    check_files(dict(zip(("path", "pvar", "psam"), files, strict=True)))
    return files


def _first_file(prefix: str, ends: tuple[str, ...]) -> str:
    present = [end for end in ends if Path(prefix + end).is_file()]
    return prefix + (present or ends)[0]


def _message(error: Exception) -> str:
    text = error.args[0] if error.args else "cannot be read"
    text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return text.strip().rstrip(".") + "."


def provisional_flags(path: Path, n_variants: int) -> np.ndarray:
    """Which REF alleles a .pgen calls provisional, bool [V]; none if it leaves that to the .pvar."""
    return _read_header(path, n_variants)[0]


def _read_header(path: Path, n_variants: int) -> tuple[np.ndarray, int]:
    """Provisional REF alleles, bool [V], and how many variants have dosages beside hard calls.

    Source: the PGEN file format's header (its byte 11 and the headers of blocks of variants).
    """
    with open(path, "rb") as file:
        start = file.read(12)
        mode = start[2]
        if mode == 0x01:  # a .bed
            return np.ones(n_variants, dtype=bool), 0
        kinds = start[11]
        is_mixed, has_flags = mode == 0x10, kinds >> 6 == 3
        n_dosages = n_variants if mode in (0x03, 0x04) else 0
        n_blocks = -(-n_variants // _BLOCK_VARIANTS)
        file.seek(8 * n_blocks if is_mixed else 0, 1)  # where each block's variants begin
        flags = []
        for block in range(n_blocks if is_mixed or has_flags else 0):
            n = min(_BLOCK_VARIANTS, n_variants - block * _BLOCK_VARIANTS)
            if is_mixed:
                types = np.frombuffer(file.read(n if kinds & 4 else (n + 1) // 2), dtype=np.uint8)
                n_dosages += int((types & _DOSAGE_BITS > 0).sum()) if kinds & 4 else 0
                file.seek(n * ((kinds & 3) + 1) + n * ((kinds >> 4) & 3), 1)
            if has_flags:
                packed = np.frombuffer(file.read((n + 7) // 8), dtype=np.uint8)
                flags.append(np.unpackbits(packed, count=n, bitorder="little"))
    if has_flags:
        return np.concatenate(flags).astype(bool), n_dosages
    return np.full(n_variants, kinds >> 6 == 2), n_dosages


def pgen_contigs(path: str, *, pvar: str | None = None, psam: str | None = None) -> list[str]:
    """The chromosomes of a PLINK 2 data set, by the first column of the variants' file alone."""
    file = pgen_files(path, pvar=pvar, psam=psam)[1]
    return held_contigs(file)


def write_pgen(
    stores: list[CohortStore],
    prefix: str | Path,
    case_label: str | None = None,
    statement: str = "",
) -> None:
    """Write a cohort as PLINK 2 .pgen, .pvar and .psam, heterozygous calls phased as stored.

    Variants of one position are one variant of several ALT alleles, see `shared_sites`. Of one copy
    the allele stands twice, as PLINK has it. Variants of chromosome X at which men have two copies
    are on PAR1 and PAR2, as plink2 --split-par names them.

    The .psam has SEX where it is known, and one more column beside the ids: PHENO1 with what the
    .fam of `write_plink` says, or label, as plink2's categories, where PLINK knows no phenotype.
    The sample sheet keeps labels as they are.

    Args:
        stores: chromosomes in order, of the same people.
        prefix: path without extension.
        case_label: see `phenotype_of`.
        statement: what the headers of .pvar and .psam say of the people, "" for nothing.
    """
    said = f"##people={statement}\n" if statement else ""
    people = common_people(stores)
    with all_or_nothing(*(f"{prefix}{end}" for end in (".pgen", ".pvar", ".psam"))) as partials:
        pgen, pvar, psam = partials
        _write_psam(people, case_label, psam, said)
        with open(pvar, "w", encoding="utf-8") as file:
            file.write(f"##source=SynCohort {__version__}\n{said}")
            records = [records_of(store.variants) for store in stores]
            contigs = [_contigs_of(*each) for each in zip(stores, records, strict=True)]
            names = dict.fromkeys(name for own in contigs for name in own)
            file.writelines(f"##contig=<ID={name}>\n" for name in names)
            provisional = np.concatenate([own.provisional for own in records])
            columns = [*_PVAR]
            if provisional.any():
                file.write(PROVISIONAL_LINE + "\n")
                columns.append("INFO")
            file.write("\t".join(columns) + "\n")
            for own, names in zip(records, contigs, strict=True):
                file.writelines(_pvar_lines(own, names, with_info=provisional.any()))
        phased = any(_knows_phase(store) for store in stores)
        # not as a context manager: closing one that is not full hides the error behind its own
        writer = pgenlib.PgenWriter(
            str(pgen).encode(),
            len(people),
            variant_ct=sum(map(len, records)),
            # all or none; where they differ the .pgen refers to the .pvar
            nonref_flags=bool(provisional.any()) if len(set(provisional)) < 2 else None,
            allele_ct_limit=1 + max(own.n_alts.max() for own in records),
            hardcall_phase_present=phased,
        )
        for store in stores:
            _append(writer, store, phased)
        writer.close()


def _write_psam(people: People, case_label: str | None, path: Path, said: str) -> None:
    phenotype = phenotype_of(people, case_label)
    if phenotype.kind == "none":
        column = {"label": categories(people.label)}
    else:
        column = {"PHENO1": phenotype.code}
    sex = {"SEX": np.where(people.sex > 0, people.sex.astype(str), "NA")}
    table = pd.DataFrame({"#IID": people.id, **(sex if people.has_sexes else {}), **column})
    with open(path, "w", encoding="utf-8") as file:
        file.write(said)
        table.to_csv(file, sep="\t", index=False, quoting=csv.QUOTE_NONE)


def _contigs_of(store: CohortStore, records: Records) -> list[str]:
    """Chromosome of each record as plink2 names it, [N]."""
    if store.contig != "X":
        return [store.contig] * len(records)
    is_own = np.isin(records.position_bp, store.variants.position_bp[store.variants.male_haploid])
    shared = np.where(records.position_bp < _WITHIN_X_BP, "PAR1", "PAR2")
    return np.where(is_own, "X", shared).tolist()


def _pvar_lines(records: Records, contigs: list[str], *, with_info: bool) -> Iterator[str]:
    for contig, (position, name, ref, alt, marked) in zip(contigs, records.lines(), strict=True):
        mark = ("\tPR" if marked else "\t.") if with_info else ""
        yield f"{contig}\t{position}\t{name}\t{ref}\t{alt}{mark}\n"


def _knows_phase(store: CohortStore) -> bool:
    return any(store.read_phasing(part).any() for part in store.variant_slices())


def _append(writer: pgenlib.PgenWriter, store: CohortStore, phased: bool) -> None:
    n_people = len(store.people)
    for part, calls in store.variant_chunks():
        records = records_of(store.variants[part])
        phasing = store.read_phasing(part) if phased or records.sites else np.zeros(calls.shape[:2])
        calls, phasing = join_calls(records, calls, phasing.astype(bool))
        n_alleles = (records.n_alts + 1).astype(np.uint32)
        lacking = calls.min(initial=0) < 0
        if lacking:
            calls = whole_calls(doubled(calls))
        for some in slices(len(calls), max(1, _STEP_ALLELES // (2 * n_people))):
            codes = calls[some].reshape(-1, 2 * n_people).astype(np.int32)
            if lacking:
                codes[codes == MISSING] = _PGEN_MISSING
            if phased:
                writer.append_partially_phased_batch(codes, phasing[some], n_alleles[some])
            else:
                writer.append_alleles_batch(codes, allele_cts=n_alleles[some])
