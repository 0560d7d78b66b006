"""A public panel beside a cohort: which of the cohort's sites it has, and with which alleles.

Axes: N sites.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from syncohort.errors import InputError
from syncohort.formats.bcftools import bcftools
from syncohort.formats.shared_sites import Records
from syncohort.formats.sites import find_contig
from syncohort.formats.vcf_file import VcfFile
from syncohort.genotypes import Variants

# What becomes of a modelled site as evidence for what lies around it.
USED, SWAPPED, OTHER_STRAND, OTHER_ALLELES, NOT_IN_PANEL = FATES = (
    "used",
    "swapped",
    "other_strand",
    "other_alleles",
    "not_in_panel",
)
_LEAST_SITES = 20
_DOSAGE = {f"{a}{mark}{b}": a + b for a in (0, 1) for b in (0, 1) for mark in "|/"}
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True)
class Panel:
    """One chromosome of a public panel.

    file: the VCF, name: the chromosome as it spells it; records: position_bp, ref, alt of each record in
    the stretch that is modelled.
    """

    file: VcfFile
    name: str
    records: pd.DataFrame

    @property
    def path(self) -> Path:
        return self.file.path

    @property
    def people(self) -> list[str]:
        """Their ids."""
        return self.file.samples


def read_panel(path: Path, variants: Variants, folder: Path) -> Panel:
    """What a panel holds from the first to the last of some variants; folder: for an index.

    Raises InputError for a file without the chromosome, or that is none.
    """
    file = VcfFile(path, folder)
    (name, *_) = find_contig(variants.contig, file.contigs, path)
    region = f"{name}:{variants.position_bp[0]}-{variants.position_bp[-1]}"
    columns = {"position_bp": np.int64, "ref": str, "alt": str}
    text = bcftools(
        path,
        ["query", "--format", "%POS\t%REF\t%ALT\n", "--regions", region, file.indexed(name)],
        prints="text",
    )
    records = pd.read_csv(
        io.StringIO(text), sep="\t", names=list(columns), dtype=columns, keep_default_na=False
    )
    return Panel(file, name, records)


def fates_of(modelled: Records, records: pd.DataFrame) -> np.ndarray:
    """How each of the modelled sites [N] fits a panel, of `FATES`; records: of `Panel`.

    swapped: REF and ALT are the panel's ALT and REF; other_strand: the complements fit.
    """
    ours = pd.DataFrame(
        {
            "site": np.arange(len(modelled)),
            "position_bp": modelled.position_bp.astype(np.int64),
            "own_ref": modelled.ref,
            "own_alt": modelled.alt,
        }
    )
    pairs = ours.merge(records, on="position_bp", how="left")
    ref, alt = (pairs[name].fillna("") for name in ("ref", "alt"))
    flipped_ref, flipped_alt = ref.str.translate(_COMPLEMENT), alt.str.translate(_COMPLEMENT)

    def fits(first, second) -> pd.Series:
        return (pairs["own_ref"] == first) & (pairs["own_alt"] == second)

    tests = {
        USED: fits(ref, alt),
        SWAPPED: fits(alt, ref),
        OTHER_STRAND: fits(flipped_ref, flipped_alt) | fits(flipped_alt, flipped_ref),
        OTHER_ALLELES: ref != "",
    }
    place = np.select(list(tests.values()), range(len(tests)), len(tests))
    best = pd.Series(place).groupby(pairs["site"]).min()  # of all records at the position
    return np.array(FATES, dtype=object)[best.to_numpy()]


def require_text(panel: Panel) -> None:
    """Raise InputError for a panel that Beagle does not read."""
    if panel.file.is_bcf:
        raise InputError(
            f"{panel.path}: expansion.panel is BCF, which Beagle does not read. Make it VCF: `bcftools "
            "view --output-type z`."
        )


def require_overlap(
    fates: np.ndarray, panel: Panel, contig: str, overlap_min: float, section: str = "expansion"
) -> None:
    """Raise InputError when a panel is of another genome build or has too few of the sites.

    fates [N]: from `fates_of`; section: of the configuration, which names the panel.
    """
    n_here = int((fates != NOT_IN_PANEL).sum())
    n_fitting = int(np.isin(fates, (USED, SWAPPED, OTHER_STRAND)).sum())
    n_used = int((fates == USED).sum())
    found = (
        f"{panel.path}: of {len(fates):,} modelled sites of chromosome {contig} the panel has "
        f"{n_here:,} positions, and {n_used:,} with the same REF and ALT"
    )
    if n_here >= _LEAST_SITES and n_fitting < n_here / 2:
        raise InputError(
            f"{found}. The alleles of most are others: the panel is most likely of another genome "
            "build than the cohort. Take a panel of the cohort's build, or lift one of them over."
        )
    if n_used < max(_LEAST_SITES, overlap_min * len(fates)):
        raise InputError(
            f"{found}; it takes {_LEAST_SITES} and {overlap_min:.0%} ({section}.overlap_min). Is the "
            "panel of the cohort's genome build, and does it hold the whole chromosome? Where REF "
            "and ALT are swapped, set them first: `plink2 --ref-from-fa force --fa GENOME`."
        )


def read_dosages(
    panel: Panel, folder: Path, positions_bp: np.ndarray
) -> tuple[list[tuple], np.ndarray]:
    """Copies of ALT of a panel's people at some positions.

    folder: for a list of the positions.

    Returns:
        sites: position, REF and ALT of the records that are there, [N].
        dosages: int8 [N, people of the panel], -1 where an allele is missing or not the first ALT.
    """
    wanted = folder / "positions.txt"
    wanted.write_text("".join(f"{panel.name}\t{each}\n" for each in positions_bp))
    text = bcftools(
        panel.path,
        [
            *("query", "--format", "%POS\t%REF\t%ALT[\t%GT]\n"),
            *("--regions-file", str(wanted), panel.file.indexed(panel.name)),
        ],
        prints="text",
    )
    sites, dosages = [], []
    for line in text.splitlines():
        position, ref, alt, *calls = line.split("\t")
        sites.append((int(position), ref, alt))
        dosages.append([_DOSAGE.get(call, -1) for call in calls])
    shape = (len(sites), len(panel.people))
    return sites, np.array(dosages, dtype=np.int8).reshape(shape)
