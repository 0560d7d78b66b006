"""Where men have two copies of chromosome X: the regions at its ends that it shares with Y.

Source of bounds and lengths: Genome Reference Consortium, assembly regions PAR#1 and PAR#2 of
GRCh37 and GRCh38; plink2's --split-par has the same.

Axes: V variants.
"""

from dataclasses import dataclass

import numpy as np

from syncohort.errors import InputError
from syncohort.genotypes import Variants

CONTIG = "X"


@dataclass(frozen=True)
class _Build:
    """Of chromosome X: its length, the end of its first shared region, the start of its second."""

    length_bp: int
    first_end_bp: int
    second_start_bp: int


_BUILDS = {
    "GRCh37": _Build(155_270_560, 2_699_520, 154_931_044),
    "GRCh38": _Build(156_040_895, 2_781_479, 155_701_383),
}
WITHOUT = "none"  # the files have no such region under the name X


def build_of_x(given: str | None, length_bp: int | None, path: str) -> str:
    """The build that the shared regions are taken from.

    given: input.build; length_bp: of X, as the file says it, None where it does not.

    Raises InputError where neither says which, or they say different ones.
    """
    by_length = {build.length_bp: name for name, build in _BUILDS.items()}.get(length_bp)
    if by_length is not None and given not in (None, WITHOUT, by_length):
        raise InputError(
            f"{path}: says that chromosome X is {length_bp:,} bp long, which is {by_length}, and "
            f"input.build is {given}: correct input.build, or leave it out"
        )
    if given is not None or by_length is not None:
        return given or by_length
    said = "does not say how long chromosome X is" if length_bp is None else (
        f"says that chromosome X is {length_bp:,} bp long, which no build known here is"
    )  # fmt: skip
    raise InputError(
        f"{path}: {said}, and the build tells where men have two copies of it. Set input.build to "
        f"{' or '.join(_BUILDS)}, or to {WITHOUT} where these regions are not in the files under the name X."
    )


def with_male_haploid(variants: Variants, build: str, path: str) -> Variants:
    """Variants [V] of chromosome X that know of which of them men have one copy.

    Raises InputError for a position beyond the end of X.
    """
    position_bp = variants.position_bp
    outside = np.ones(len(variants), dtype=bool)
    if build != WITHOUT:
        x = _BUILDS[build]
        if position_bp.max(initial=0) > x.length_bp:
            raise InputError(
                f"{path}: a variant of chromosome X at {position_bp.max():,}, beyond its end in "
                f"{build} ({x.length_bp:,}): correct input.build"
            )
        outside = (position_bp > x.first_end_bp) & (position_bp < x.second_start_bp)
    columns = (position_bp, variants.id, variants.allele, variants.provisional)
    return Variants(variants.contig, *columns, outside)
