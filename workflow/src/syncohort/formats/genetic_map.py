"""Genetic maps: how far apart two places of a chromosome are in recombination.

Axes: M points of a map.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from syncohort.errors import InputError, examples
from syncohort.formats.columns import bare, numbers_of, positions_of
from syncohort.formats.fields import heading_fields
from syncohort.formats.tables import TextTable, plink_start
from syncohort.genotypes import normalise_contig

_PLINK_MAP = ("chromosome", "id", "cM", "position")
_NAMED_CONTIG = re.compile(r"(?i)chr(?:om)?[._-]?(\d{1,2}|[XY])(?![0-9a-z])")
_LEAST, _MOST = 0.03, 200  # cM/Mb that no megabase, and no 20 cM, of a human chromosome have
_LAYOUT = (
    "a PLINK .map (no header: chromosome, id, cM, position), or a HapMap map (a header such as "
    "`Chromosome Position(bp) Rate(cM/Mb) Map(cM)`), or deCODE's (Chr Begin End cMperMb cM)"
)


@dataclass(frozen=True)
class GeneticMap:
    """Points of one chromosome: position_bp [M] strictly increasing, cM_at [M] not decreasing.

    Raises ValueError that names the first point that breaks this.
    """

    position_bp: np.ndarray
    cM_at: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "position_bp", np.asarray(self.position_bp, dtype=float))
        object.__setattr__(self, "cM_at", np.asarray(self.cM_at, dtype=float))
        if len(self.position_bp) < 2 or len(self.position_bp) != len(self.cM_at):
            raise ValueError(
                f"{len(self.position_bp)} positions and {len(self.cM_at)} distances; "
                "a map takes 2 points or more"
            )
        back = np.diff(self.position_bp) <= 0
        if back.any():
            at = int(np.argmax(back)) + 1
            raise ValueError(f"position {self.position_bp[at]:.0f} does not come after the last")
        down = np.diff(self.cM_at) < 0
        if down.any():
            at = int(np.argmax(down)) + 1
            raise ValueError(
                f"cM falls from {self.cM_at[at - 1]:g} to {self.cM_at[at]:g} "
                f"at position {self.position_bp[at]:.0f}"
            )

    def cM(self, position_bp) -> np.ndarray:
        """Genetic positions [cM] of positions [bp], not decreasing with them.

        Linear between the points; beyond the ends at the map's mean rate, so that variants
        outside the map still recombine.
        """
        position_bp = np.asarray(position_bp, dtype=float)
        first, last = self.position_bp[[0, -1]]
        rate = (self.cM_at[-1] - self.cM_at[0]) / (last - first)
        beyond = np.minimum(position_bp - first, 0) + np.maximum(position_bp - last, 0)
        return np.interp(position_bp, self.position_bp, self.cM_at) + rate * beyond


def constant_map(cM_per_Mb: float = 1.0) -> GeneticMap:
    """The map of a chromosome that recombines at the same rate [cM/Mb] everywhere."""
    return GeneticMap([0, 1e6], [0, cM_per_Mb])


def read_genetic_map(path: str | Path, contig: str) -> GeneticMap:
    """Read one chromosome of a genetic map, plain or gzipped.

    PLINK .map: no header; chromosome, id, cM, position; positions below 0 are left out, as PLINK
    does. HapMap: a header; [chromosome,] position, rate, cM. deCODE: a header; chromosome, begin,
    end, rate, cM at the end. Several chromosomes may share a file; `{chrom}` in the path stands
    for the chromosome. A file without a column of chromosomes is of the one that its name names, if
    it does. Further points at one position leave the first of them.

    Raises InputError that names file and line, what was found and what is allowed; also for the
    map of another chromosome, a map in Morgans, or of positions that are not in base pairs.
    """
    path = Path(str(path).replace("{chrom}", contig))
    if not path.is_file():
        raise InputError(f"{path}: no such genetic map; expected {_LAYOUT}")
    opened = _open_map(path)
    at_contig, at_position, at_cM = _columns(opened)
    if at_contig is None:
        _require_own_file(path, contig)
    names = [name for name in (at_contig, at_position, at_cM) if name is not None]
    is_plink = tuple(opened.columns) == _PLINK_MAP
    points, others = {}, set()
    for part in opened.chunks(names):
        if at_contig is not None:
            own = {name for name in part[at_contig].unique() if _is_contig(name, contig)}
            others.update(set(part[at_contig].unique()) - own)
            part = part[part[at_contig].isin(own)]
        position_bp = positions_of(part[at_position], path, "position", whole=False)
        cM = numbers_of(part[at_cM], path, "distance [cM]")
        below = (position_bp < 0).to_numpy()
        if below.any() and not is_plink:
            raise InputError(
                f"{path}, line {part.index[int(np.argmax(below))]}: the position "
                f"{part[at_position].iloc[int(np.argmax(below))]} is below 0"
            )
        position_bp, cM = position_bp[~below], cM[~below]
        for position, distance in zip(position_bp.tolist(), cM.tolist(), strict=True):
            points.setdefault(position, distance)
    if not points and others:
        raise InputError(
            f"{path}: no row of chromosome {contig}; it has {examples(sorted(others), 8)}. Where each "
            "chromosome has a file of its own, write {chrom} in the path"
        )
    if points and not any(points.values()):
        raise InputError(
            f"{path}, chromosome {contig}: cM is 0 at every position, which in a PLINK .map means "
            "that it is not known; give a genetic map, or recombination_map: null (1 cM/Mb)"
        )
    try:
        found = GeneticMap(list(points), list(points.values()))
    except ValueError as error:
        raise InputError(f"{path}, chromosome {contig}: {error}") from None
    _require_plausible(found, is_plink, f"{path}, chromosome {contig}")
    return found


def require_column_of_chromosomes(path: str | Path, contigs: list[str]) -> None:
    """Raise InputError for one map of several chromosomes that does not say which are whose."""
    if len(contigs) > 1 and _columns(_open_map(Path(path)))[0] is None:
        raise InputError(
            f"{path}: has no column of chromosomes, so it is the map of one, and the study has "
            f"{examples(contigs)}. Where each chromosome has a file of its own, write {{chrom}} in the "
            "path; or give a map with a column of chromosomes"
        )


def _require_own_file(path: Path, contig: str) -> None:
    """Raise InputError for a file whose name is that of another chromosome."""
    named = _NAMED_CONTIG.findall(path.name)
    if named and not any(_is_contig(name, contig) for name in named):
        raise InputError(
            f"{path}: has no column of chromosomes, and its name says chromosome {examples(named)}, not "
            f"{contig}. Where each chromosome has a file of its own, write {{chrom}} in the path; or "
            "give a map with a column of chromosomes"
        )


def _require_plausible(found: GeneticMap, is_plink: bool, place: str) -> None:
    """Raise InputError for a map that no human chromosome has, with what it may be instead."""
    first, last = found.position_bp[[0, -1]]
    rate = 1e6 * (found.cM_at[-1] - found.cM_at[0]) / (last - first)
    is_low = last - first >= 1e6 and rate < _LEAST
    is_high = rate > _MOST and (
        found.cM_at[-1] - found.cM_at[0] >= 20 or (is_plink and last < 1000)
    )
    if rate > 0 and not is_low and not is_high:
        return
    if rate == 0:
        why = "are the columns in this order?"
    elif rate < _LEAST:
        why = "are the distances in Morgans? Write cM, a hundred times as many."
    else:
        why = "are the positions in kb or Mb, or the columns in another order? Write them in bp."
    raise InputError(
        f"{place}: {rate:.3g} cM/Mb from position {first:,.0f} to {last:,.0f}, where a human "
        f"chromosome has about 1; {why} Expected {_LAYOUT}"
    )


def _open_map(path: Path) -> TextTable:
    """The table of a map: a PLINK .map has no heading."""
    above, row = plink_start(path)
    first = row.split()
    is_heading = above and len(first) == len(heading_fields(above[-1]))
    if first and _is_number(first[-1]) and not is_heading:
        if len(first) != len(_PLINK_MAP):
            raise InputError(
                f"{path}: the first line holds {len(first)} values and no heading; put one such as "
                f"`pos chr cM` above it, or give {_LAYOUT}"
            )
        return TextTable(path, names=_PLINK_MAP, n_above=len(above))
    return TextTable(path)


def _columns(table: TextTable) -> tuple[str | None, str, str]:
    """The columns of chromosome, position and cM.

    Raises:
        InputError: the heading is none of a map.
    """
    if tuple(table.columns) == _PLINK_MAP:
        return "chromosome", "position", "cM"
    distances = [name for name in table.columns if _is_distance(name.lower())]
    rest = [name for name in table.columns if name not in distances]
    position = next((name for name in rest if "pos" in name.lower()), None)
    if position is None and any(bare(name) in ("begin", "start") for name in rest):
        position = next((name for name in rest if bare(name) == "end"), None)  # deCODE
    if position is None or len(distances) != 1:
        raise InputError(
            f"{table.path}, line {table.heading_line}: a heading of {', '.join(table.columns)}; "
            f"{_what_lacks(table.columns, distances)}expected {_LAYOUT}"
        )
    contig = next((name for name in rest if "chr" in name.lower()), None)
    return contig, position, distances[0]


def _what_lacks(columns: list[str], distances: list[str]) -> str:
    names = " ".join(columns).lower()
    if len(distances) > 1:
        return f"several columns of cM ({', '.join(distances)}): leave one; "
    if not distances and "morgan" in names.replace("centimorgan", ""):
        return "distances in Morgans: write cM, a hundred times as many; "
    if not distances and ("rate" in names or "cm/mb" in names or "cmpermb" in names):
        return "a rate, and no cM from the start of the chromosome: add up rate times length; "
    return ""


def _is_distance(name: str) -> bool:
    """Whether a column, in small letters, holds cM from the start of the chromosome."""
    if "rate" in name or "mb" in name or "morgan" in name.replace("centimorgan", ""):
        return False
    return any(part in name for part in ("cm", "map", "centimorgan", "gpos", "genetic"))


def _is_contig(name: str, contig: str) -> bool:
    return normalise_contig(name) == normalise_contig(contig)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
