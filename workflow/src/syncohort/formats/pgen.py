"""PLINK 2: .pgen, .pvar and .psam, through pgenlib.

Axes: V variants of the file, v of a chunk, S people, 2 alleles.
"""

import csv
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pgenlib
import zstandard

from syncohort import __version__
from syncohort.errors import InputError
from syncohort.files import all_or_nothing
from syncohort.formats.people_files import read_psam
from syncohort.formats.plink import check_files, read_bim, whole_positions
from syncohort.formats.sites import (
    CHUNK_VARIANTS,
    Chunk,
    Sites,
    find_contig,
    make_sites,
    spellings,
    walk,
)
from syncohort.genotypes import MISSING, CohortStore, common_people, normalise_contig, slices


def whole_calls(calls: np.ndarray) -> np.ndarray:
    """Calls int8 [v, S, 2] with both alleles missing where one is: PLINK files know no half."""
    return np.where((calls < 0).any(axis=2, keepdims=True), np.int8(MISSING), calls)


_PVAR = {"#CHROM": "contig", "POS": "position", "ID": "id", "REF": "ref", "ALT": "alt"}

_PGEN_MISSING = -9
_BLOCK_ALLELES = 1 << 25  # alleles that pgenlib returns as int32 at once


class PgenSource:
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
        self._variants, self._lengths_bp = _read_pvar(self._pvar)
        self.sample_ids = self._people["sample"].to_numpy(dtype=object)
        self._reader = self._open()

    def _open(self) -> pgenlib.PgenReader:
        n_alleles = self._variants["alt"].str.count(",").to_numpy() + 2
        offsets = np.concatenate([[0], np.cumsum(n_alleles)]).astype(np.uintp)
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
        return list(self._spellings)

    @cached_property
    def _spellings(self) -> dict[str, list[str]]:
        held = spellings(self._variants["contig"].unique())
        held.pop("0", None)
        return held

    def contig_length(self, contig: str) -> int | None:
        """Length of a chromosome [bp] if the header of the .pvar says it."""
        return self._lengths_bp.get(normalise_contig(contig))

    def chunks(
        self, contig: str, *, multiallelic: str = "drop", size: int = CHUNK_VARIANTS
    ) -> Iterator[Chunk]:
        """Walk along a chromosome in chunks of at most `size` biallelic SNPs.

        Under "split" each ALT allele of a record is a variant, and the others are missing
        there, as in a VCF.

        Raises:
            InputError: the chromosome is not in the file, or the file is damaged.
        """
        names = find_contig(contig, self._spellings, self._pvar)
        rows = np.flatnonzero(self._variants["contig"].isin(names))
        table = self._variants.iloc[rows]
        sites = make_sites(contig, table["position"], table["id"], table["ref"], table["alt"])
        allele = np.ones(len(sites), dtype=np.int32)
        if multiallelic == "split":
            sites, record, allele = _split(sites)
            rows = rows[record]

        def read(part: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
            return *self._read(rows[part], allele[part]), 0

        yield from walk(sites, multiallelic, size, read)

    def _read(self, rows: np.ndarray, allele: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Calls int8 [v, S, 2] of the given ALT alleles of rows of the .pvar; phased [v, S]."""
        n_people = len(self.sample_ids)
        calls = np.empty((len(rows), n_people, 2), dtype=np.int8)
        phased = np.empty((len(rows), n_people), dtype=bool)
        step = max(1, _BLOCK_ALLELES // (2 * n_people))
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
            is_alt = codes == allele[block, None]
            values = np.where(is_alt, 1, np.where(codes == 0, 0, MISSING))
            calls[block] = values.reshape(-1, n_people, 2)
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


def _split(sites: Sites) -> tuple[Sites, np.ndarray, np.ndarray]:
    """One record per ALT allele, with the index of its record and its number, from 1."""
    alleles = [alt.split(",") for alt in sites.alt]
    counts = np.array([len(alts) for alts in alleles], dtype=np.int64)
    record = np.repeat(np.arange(len(sites)), counts)
    number = np.concatenate([np.arange(1, count + 1) for count in counts]).astype(np.int32)
    alt = [allele for alts in alleles for allele in alts]
    fields = (sites.position[record], sites.id[record], sites.ref[record], alt)
    return make_sites(sites.contig, *fields), record, number


def _read_pvar(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """The variants of a .pvar or .bim, and the chromosome lengths in its header."""
    if path.suffix == ".bim":
        return read_bim(path), {}
    lengths = {}
    try:
        with _open_text(path) as file:
            heading, above = _heading(file)
            for line in above:
                if field := re.match(r"##contig=<ID=([^,>]+).*?length=(\d+)", line):
                    lengths[normalise_contig(field[1])] = int(field[2])
            columns = heading.split("\t")
            missing = [name for name in _PVAR if name not in columns]
            if missing:
                raise InputError(
                    f"{path}, line {len(above) + 1}: the heading lacks {', '.join(missing)}; "
                    f"expected {', '.join(_PVAR)}, separated by tabs, above the variants"
                )
            table = pd.read_csv(
                file,
                sep="\t",
                names=columns,
                usecols=list(_PVAR),
                dtype=str,
                keep_default_na=False,
                quoting=csv.QUOTE_NONE,
            )
    except (OSError, ValueError, EOFError, zstandard.ZstdError) as error:
        raise InputError(f"{path}: cannot be read as .pvar: {error}") from None
    table = table.rename(columns=_PVAR)
    return table.assign(position=whole_positions(table["position"], path, len(above) + 2)), lengths


def _open_text(path: Path):
    if path.suffix == ".zst":
        return zstandard.open(path, "rt", encoding="utf-8")
    return open(path, encoding="utf-8")


def _heading(file) -> tuple[str, list[str]]:
    """The first line that does not start with ##, and those above it; `file` stands behind."""
    above = []
    for line in file:
        if not line.startswith("##"):
            return line.rstrip("\r\n"), above
        above.append(line)
    return "", above


def write_pgen(stores: list[CohortStore], prefix: str | Path) -> None:
    """Write a cohort as PLINK 2 .pgen, .pvar and .psam, heterozygous calls phased as stored.

    The .psam has the column label, spelled as plink2 takes it (`_psam_labels`), and value where
    people have one; the sample sheet keeps labels as they are.

    Args:
        stores: chromosomes in order, of the same people.
        prefix: path without extension.
    """
    people = common_people(stores)
    with all_or_nothing(*(f"{prefix}{end}" for end in (".pgen", ".pvar", ".psam"))) as partials:
        pgen, pvar, psam = partials
        table = pd.DataFrame({"#IID": people.id, "label": _psam_labels(people.label)})
        if people.has_values:
            table["value"] = people.value
        table.to_csv(
            psam, sep="\t", index=False, na_rep="NA", float_format="%.6g", quoting=csv.QUOTE_NONE
        )
        with open(pvar, "w", encoding="utf-8") as file:
            file.write(f"##source=SynCohort {__version__}\n")
            file.writelines(f"##contig=<ID={store.contig}>\n" for store in stores)
            file.write("\t".join(_PVAR) + "\n")
            for store in stores:
                file.writelines(_pvar_lines(store))
        phased = any(_knows_phase(store) for store in stores)
        # not as a context manager: closing one that is not full hides the error behind its own
        writer = pgenlib.PgenWriter(
            str(pgen).encode(),
            len(people),
            variant_ct=sum(len(store.variants) for store in stores),
            nonref_flags=False,
            hardcall_phase_present=phased,
        )
        for store in stores:
            _append(writer, store, phased)
        writer.close()


def _psam_labels(labels: np.ndarray) -> list[str]:
    """Labels [S] as plink2 reads them: all numbers, with NA for none, or all names, with NONE.

    A name may hold no blanks (underscores stand for them) and not begin like a number
    (an underscore is put before it).
    """
    names = ["_".join(str(label).split()) for label in labels]
    if all(re.fullmatch(r"[-+]?\d+(\.\d*)?", name) for name in names if name):
        return [name or "NA" for name in names]
    return [re.sub(r"^(?=[-+.\d])", "_", name) or "NONE" for name in names]


def _pvar_lines(store: CohortStore) -> Iterator[str]:
    variants = store.variants
    columns = zip(variants.position_bp, variants.id, variants.allele, strict=True)
    for position, name, (ref, alt) in columns:
        yield f"{store.contig}\t{position}\t{name}\t{ref}\t{alt}\n"


def _knows_phase(store: CohortStore) -> bool:
    return any(store.read_phasing(part).any() for part in store.variant_slices())


def _append(writer: pgenlib.PgenWriter, store: CohortStore, phased: bool) -> None:
    n_people = len(store.people)
    step = max(1, _BLOCK_ALLELES // (2 * n_people))
    for part, calls in store.variant_chunks():
        phasing = store.read_phasing(part) if phased else None
        for some in slices(len(calls), step):
            codes = whole_calls(calls[some]).reshape(-1, 2 * n_people).astype(np.int32)
            codes[codes == MISSING] = _PGEN_MISSING
            if phased:
                writer.append_partially_phased_batch(codes, phasing[some])
            else:
                writer.append_alleles_batch(codes)
