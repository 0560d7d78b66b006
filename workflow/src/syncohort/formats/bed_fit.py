"""Do a .bed, a .bim and a .fam belong together? A .bed does not say how much it holds.

Axes: V variants of the file, v of those looked at, s people of those looked at.
"""

from pathlib import Path

import numpy as np

from syncohort.errors import InputError

MAGIC = b"\x6c\x1b\x01"
_VARIANTS_LOOKED_AT = 1_000  # all over the file
_BYTES_LOOKED_AT = 50  # of each, with four people a byte: who they are beside the last
_LOG10_CHANCE_MIN = -6  # a last person less likely than that is none
_COPIES = np.array([2, 0, 1, 0])  # of allele 1, by the two bits of a call; 1 is a missing call
_ADVICE = "The files do not belong together; use those of one `plink --make-bed` run."


def require_fitting(bed: Path, bim: Path, fam: Path, n_variants: int, n_people: int) -> list[str]:
    """Stop when a .bed holds other numbers of variants or people than its companions.

    Bytes hold four people, so that up to three more or fewer are told by what the last bytes say:
    of people the .fam does not have, or nothing but zeros (two copies of allele 1) of one it has.

    Args:
        bed, bim, fam: the three files. n_variants: rows of the .bim. n_people: of the .fam.

    Returns:
        What remains in doubt, in sentences.

    Raises:
        InputError: says which numbers would fit.
    """
    with open(bed, "rb") as file:
        start = file.read(3)
    if start != MAGIC:
        raise InputError(
            f"{bed}: starts with bytes {start.hex(' ') or '(none)'}, not {MAGIC.hex(' ')} of a "
            "variant-major PLINK 1 .bed; make it with `plink --make-bed` (an annotation in BED "
            "format belongs into genes.annotation)"
        )
    width = (n_people + 3) // 4
    expected, found = len(MAGIC) + n_variants * width, bed.stat().st_size
    if found != expected:
        raise InputError(
            f"{bed}: has {found:,} bytes, but {n_variants:,} variants ({bim}) of {n_people:,} "
            f"people ({fam}) take {expected:,}.{_fitting(found - len(MAGIC), n_variants, width)} "
            "The file is cut short, or the three do not belong together; use those of one "
            "`plink --make-bed` run."
        )
    codes, last = _last_calls(bed, n_variants, n_people)
    beyond = np.flatnonzero(codes[:, last:].any(axis=0))
    if len(beyond):
        raise InputError(
            f"{bed}: has genotypes of at least {n_people + 1 + beyond.max():,} people where {fam} has "
            f"{n_people:,}. {_ADVICE}"
        )
    if last % 4 == 1 or codes[:, last - 1].any():
        return []
    nothing = (
        f"{bed}: has two copies of allele 1 at all {len(codes):,} variants looked at for the last of "
        f"the {n_people:,} people of {fam}"
    )
    if _log10_chance(codes[:, : last - 1]) < _LOG10_CHANCE_MIN:
        raise InputError(f"{nothing}, so it holds at most {n_people - 1:,} people. {_ADVICE}")
    return [f"{nothing}: make sure that it holds as many people"]


def _fitting(n_bytes: int, n_variants: int, width: int) -> str:
    """The numbers of people or variants that so many bytes are for; "" where none is."""
    fitting = []
    if n_bytes % n_variants == 0:
        most = 4 * (n_bytes // n_variants)
        fitting.append(f"{most - 3:,} to {most:,} people")
    if n_bytes % width == 0:
        fitting.append(f"{n_bytes // width:,} variants")
    return f" That is the size for {' or '.join(fitting)}." if fitting and n_bytes > 0 else ""


def _last_calls(bed: Path, n_variants: int, n_people: int) -> tuple[np.ndarray, int]:
    """Codes of calls [v, s] at the ends of rows, and how many of these s the .fam has."""
    rows = np.unique(np.linspace(0, n_variants - 1, _VARIANTS_LOOKED_AT).astype(np.int64))
    width = (n_people + 3) // 4
    beside = min(_BYTES_LOOKED_AT, width)
    ends = np.empty((len(rows), beside), dtype=np.uint8)
    with open(bed, "rb") as file:
        for i, row in enumerate(rows):
            file.seek(len(MAGIC) + (int(row) + 1) * width - beside)
            ends[i] = np.frombuffer(file.read(beside), dtype=np.uint8)
    bits = np.unpackbits(ends, axis=1, bitorder="little").reshape(len(rows), -1, 2)
    return bits[..., 0] + 2 * bits[..., 1], n_people - (width - beside) * 4


def _log10_chance(codes: np.ndarray) -> float:
    """Chance of somebody with two copies of allele 1 everywhere, given others' calls [v, s].

    Variants are taken as independent unless others have the same calls; a frequency has one more
    copy of either allele.
    """
    codes = np.unique(codes, axis=0)
    copies = _COPIES[codes].sum(axis=1)
    frequency = (copies + 1) / (2 * (codes != 1).sum(axis=1) + 2)
    return float(2 * np.log10(frequency).sum())
