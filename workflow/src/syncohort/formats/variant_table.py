"""The variants of PLINK files, .bim and .pvar: strict, and by chromosome.

Rows are walked in blocks, and of a whole genome nothing stays but each row's chromosome and its
number of alleles. Axes: V rows of the file.
"""

import re
import zlib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError
from syncohort.formats.columns import LAST_BP
from syncohort.formats.compression import open_unpacked
from syncohort.formats.fields import BLANKS
from syncohort.formats.sites import count_contigs, find_contig, spellings
from syncohort.formats.tables import TextTable, plink_start, require_order
from syncohort.genotypes import normalise_contig

_BIM = ("contig", "id", "cm", "position", "alt", "ref")
_PVAR = {"CHROM": "contig", "POS": "position", "ID": "id", "REF": "ref", "ALT": "alt"}
_SITE = ("position", "id", "ref", "alt")
_MARK = r"(?:^|;)PR(?:;|$)"  # of a provisional REF allele, in INFO


class VariantTable:
    """The rows of a .bim, .pvar or .pvar.zst.

    A .pvar without a heading has the columns of a .bim, and a .bim may lack that of cM, as for
    plink2. Comments after # may stand above the heading and the rows. Allele 1 of a .bim, the one
    PLINK counts, is ALT.

    Attributes: path; counts: rows by chromosome as the file spells it; n_alts: ALT alleles of
    each row, int [V]; lengths_bp: chromosome lengths as far as a heading gives them.

    Raises:
        InputError: no rows, or one whose fields are not those of the heading; names the line.
    """

    def __init__(self, path: Path):
        self.path = path
        above, first = plink_start(path, ("#CHROM",))
        if not first:
            raise InputError(f"{path}: holds no variants")
        self.lengths_bp = _lengths(above)
        self._declares_mark = any(line.startswith("##INFO=<ID=PR,") for line in above)
        if first.startswith("#"):
            separator = "\t" if "\t" in first else BLANKS
            self._text = TextTable(path, separator=separator, n_above=len(above))
            self._names = {name: _PVAR.get(name, name) for name in self._text.columns}
            missing = [name for name in _PVAR if name not in self._names]
            if missing:
                raise InputError(
                    f"{path}, line {len(above) + 1}: the heading lacks {', '.join(missing)}; "
                    f"expected #{', '.join(_PVAR)} above the variants"
                )
        else:
            columns = _BIM if len(first.split()) != 5 else [n for n in _BIM if n != "cm"]
            at = list(columns).index("position")
            require_order(above, first, dict.fromkeys(("POS", "BP", "POSITION"), at), path)
            self._text = TextTable(path, names=columns, n_above=len(above))
            self._names = dict(zip(columns, columns, strict=True))
        self._walk()

    def __len__(self) -> int:
        return len(self._codes)

    def _walk(self) -> None:
        known: dict[str, int] = {}
        codes, n_alts = [], []
        for part in self._parts(("contig", "alt")):
            own, names = pd.factorize(part["contig"])
            codes.append(np.array([known.setdefault(n, len(known)) for n in names])[own])
            n_alts.append(part["alt"].str.count(",").to_numpy() + 1)
        if not codes:
            raise InputError(f"{self.path}: holds no variants")
        self._codes = np.concatenate([part.astype(np.int32) for part in codes])
        self.n_alts = np.concatenate([part.astype(np.int32) for part in n_alts])
        self._known = known
        n_rows = np.bincount(self._codes)
        self.counts = {name: int(n_rows[code]) for name, code in known.items()}

    def _parts(self, names: Iterable[str]):
        own = {new: old for old, new in self._names.items()}
        for part in self._text.chunks([own[name] for name in names]):
            yield part.rename(columns=self._names)

    @cached_property
    def spellings(self) -> dict[str, list[str]]:
        """Chromosomes in natural order with their spellings, without 0, which is PLINK's unplaced."""
        return _placed(self.counts)

    def counts_of_contigs(self) -> dict[str, int]:
        """Rows of each chromosome, without `chr`, and of 0."""
        return {
            contig: sum(self.counts[name] for name in names)
            for contig, names in spellings(self.counts).items()
        }

    def rows(self, contig: str) -> tuple[np.ndarray, pd.DataFrame]:
        """The rows of a chromosome, however it is spelled.

        Returns:
            Which rows of the file they are, int [v], and a table of them: position (int64), id,
            ref, alt, failed (FILTER as it stands) and provisional (bool), as far as it has them.

        Raises:
            InputError: no such chromosome, or a position that is not a whole number, with its line.
        """
        names = find_contig(contig, self.spellings, self.path)
        wanted = np.isin(self._codes, [self._known[name] for name in names])
        held = set(self._names.values())
        columns = [*_SITE, *(name for name in ("FILTER", "INFO") if name in held)]
        parts, start = [], 0
        for part in self._parts(columns):
            own = part[wanted[start : start + len(part)]]
            start += len(part)
            if len(own):
                parts.append(self._typed(own))
        return np.flatnonzero(wanted), pd.concat(parts)

    def _typed(self, part: pd.DataFrame) -> pd.DataFrame:
        marked = False
        if self._declares_mark and "INFO" in part:
            marked = part["INFO"].str.contains(_MARK)
        return part.assign(
            position=_whole_positions(part["position"], self.path),
            failed=part.get("FILTER", ""),
            provisional=marked,
        )[[*_SITE, "failed", "provisional"]]


def held_contigs(path: Path) -> list[str]:
    """The chromosomes of a .bim or .pvar, by its first column alone.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with open_unpacked(path) as file:
            counts = count_contigs(file)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read as {path.name}: {error}") from None
    return list(_placed(name for name in counts if not name.startswith("#")))


def _placed(names: Iterable[str]) -> dict[str, list[str]]:
    held = spellings(names)
    held.pop("0", None)
    return held


def _lengths(lines: list[str]) -> dict[str, int]:
    fields = (re.match(r"##contig=<ID=([^,>]+).*?length=(\d+)", line) for line in lines)
    return {normalise_contig(field[1]): int(field[2]) for field in fields if field}


def _whole_positions(position: pd.Series, path: Path) -> pd.Series:
    numbers = pd.to_numeric(position, errors="coerce").astype(np.float64)
    bad = (~(numbers.abs() <= LAST_BP) | (numbers % 1 != 0)).to_numpy()
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(
            f"{path}, line {position.index[at]}: position {position.iloc[at]!r} is not a whole "
            f"number up to {LAST_BP:,} (base pairs; 0 for unknown)"
        )
    return numbers.astype(np.int64)
