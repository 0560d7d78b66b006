"""Genetic maps: how far apart two places of a chromosome are in recombination.

Axes: M points of a map.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from syncohort.errors import InputError
from syncohort.genotypes import normalise_contig

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
    columns, points = None, {}
    for number, fields in _lines(path):
        if columns is None:
            columns = _columns(fields)
            if columns is None:
                raise InputError(f"{path}, line {number}: {' '.join(fields)!r}; expected {_LAYOUT}")
            if not _is_number(fields[-1]):
                continue  # that was the header
        at_contig, at_position, at_cM = columns
        try:
            position_bp, cM = float(fields[at_position]), float(fields[at_cM])
            found = contig if at_contig is None else fields[at_contig]
        except (IndexError, ValueError):
            raise InputError(
                f"{path}, line {number}: {' '.join(fields)!r}; expected {_LAYOUT}"
            ) from None
        if normalise_contig(found) == normalise_contig(contig):
            points.setdefault(position_bp, cM)
    try:
        return GeneticMap(list(points), list(points.values()))
    except ValueError as error:
        raise InputError(f"{path}, chromosome {contig}: {error}") from None


def _lines(path: Path):
    with open(path, "rb") as raw:
        opened = gzip.open if raw.read(2) == b"\x1f\x8b" else open
    with opened(path, "rt") as file:
        for number, line in enumerate(file, start=1):
            if line.strip() and not line.startswith("##"):
                yield number, line.split()


def _columns(first: list[str]) -> tuple[int | None, int, int] | None:
    """Where chromosome, position and cM stand, from the first line; None if it is no map."""
    if _is_number(first[-1]):
        return (0, 3, 2) if len(first) == 4 else None
    names = [name.lower() for name in first]
    if names[-1].startswith("rate") or not any("pos" in name for name in names):
        return None
    position = next(i for i, name in enumerate(names) if "pos" in name)
    contig = next((i for i, name in enumerate(names) if "chr" in name), None)
    return contig, position, len(names) - 1


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
