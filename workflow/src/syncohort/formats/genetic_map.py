"""Genetic maps: how far apart two places of a chromosome are in recombination.

Axes: M points of a map.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from syncohort.errors import InputError
from syncohort.formats.columns import numbers_of
from syncohort.formats.tables import TextTable, first_fields
from syncohort.genotypes import normalise_contig

_PLINK_MAP = ("chromosome", "id", "cM", "position")
_LAYOUT = (
    "a PLINK .map (no header: chromosome, id, cM, position), or a HapMap map (a header such as "
    "`Chromosome Position(bp) Rate(cM/Mb) Map(cM)`)"
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

    PLINK .map: no header; chromosome, id, cM, position. HapMap: a header; [chromosome,]
    position, rate, cM. Several chromosomes may share a file; `{chrom}` in the path stands
    for the chromosome. Further points at one position leave the first of them.

    Raises InputError that names file and line, what was found and what is allowed.
    """
    path = Path(str(path).replace("{chrom}", contig))
    if not path.is_file():
        raise InputError(f"{path}: no such genetic map; expected {_LAYOUT}")
    opened = _open_map(path)
    at_contig, at_position, at_cM = _columns(opened)
    names = [name for name in (at_contig, at_position, at_cM) if name is not None]
    points = {}
    for part in opened.chunks(names):
        if at_contig is not None:
            own = {name for name in part[at_contig].unique() if _is_contig(name, contig)}
            part = part[part[at_contig].isin(own)]
        position_bp = numbers_of(part[at_position], path, "position")
        cM = numbers_of(part[at_cM], path, "distance [cM]")
        for position, distance in zip(position_bp.tolist(), cM.tolist(), strict=True):
            points.setdefault(position, distance)
    if points and not any(points.values()):
        raise InputError(
            f"{path}, chromosome {contig}: cM is 0 at every position, which in a PLINK .map means "
            "that it is not known; give a genetic map, or recombination_map: null (1 cM/Mb)"
        )
    try:
        return GeneticMap(list(points), list(points.values()))
    except ValueError as error:
        raise InputError(f"{path}, chromosome {contig}: {error}") from None


def _open_map(path: Path) -> TextTable:
    """The table of a map: a PLINK .map has no heading."""
    first = first_fields(path)
    if first and _is_number(first[-1]):
        return TextTable(path, names=_PLINK_MAP)
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
    if position is None or len(distances) != 1:
        raise InputError(
            f"{table.path}, line {table.heading_line}: a heading of {', '.join(table.columns)}; expected {_LAYOUT}"
        )
    contig = next((name for name in rest if "chr" in name.lower()), None)
    return contig, position, distances[0]


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
