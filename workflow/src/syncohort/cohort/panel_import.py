"""The people of a public panel at the sites of a cohort, as a cohort dataset of the cohort's variants.

Axes: V variants of the cohort, v of a chunk, S people of the panel.
"""

import logging
import tempfile
from pathlib import Path

import numpy as np

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError, examples
from syncohort.formats.bcftools import bcftools
from syncohort.formats.sites import find_contig
from syncohort.formats.vcf import VcfSource
from syncohort.formats.vcf_file import VcfFile
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import PLOIDY, People, Variants, site_slices, variants_at_once
from syncohort.ploidy import MISSING

_GAP_BP = 1_000  # what lies between two wanted records is read through sooner than leapt over
log = logging.getLogger(__name__)


def import_panel(
    cohort: CohortStore,
    panel_path: str | Path,
    people: People,
    store_path: str | Path,
    *,
    variants: str,
    mode: str,
) -> int:
    """Write one chromosome of a panel with the variants of a cohort.

    A variant that the panel has not, or with other alleles, is missing in everybody. Memory is that of as many
    variants as a chunk of the panel's people holds.

    Args:
        cohort: the chromosome, filtered.
        panel_path: VCF or BCF.
        people: who is written, see `panel_people`.
        store_path: cohort dataset to write.
        variants: kinds of the cohort's, see `filters.variants` of the configuration.
        mode: "haplotype" for phased people.

    Returns:
        How many variants the panel has.

    Raises:
        InputError: the file lacks the chromosome or some of the people, has nothing in common with the cohort,
            or is not phased.
    """
    found = 0
    with tempfile.TemporaryDirectory(prefix="syncohort-panel-") as name:
        folder = Path(name)
        panel = VcfFile(Path(panel_path), folder)
        (spelling, *_) = find_contig(cohort.contig, panel.contigs, panel_path)
        columns = _columns_of(people, panel)
        with CohortWriter(store_path, people) as writer:
            for part in site_slices(cohort.variants, variants_at_once(len(people))):
                own = cohort.variants[part]
                calls = np.full((len(own), len(people), PLOIDY), MISSING, dtype=np.int8)
                phased = np.ones(calls.shape[:2], dtype=bool)
                excerpt = _excerpt(panel, spelling, own.position_bp, folder)
                found += _fill(calls, phased, own, excerpt, columns, variants)
                if mode == "haplotype":
                    _require_phase(calls, phased, own, panel_path)
                writer.append(own, calls, phased)
            if not found:
                raise InputError(
                    f"{panel_path}: has none of the {len(cohort.variants):,} variants of chromosome "
                    f"{cohort.contig}"
                )
    log.info("the panel has %d of %d variants", found, len(cohort.variants))
    return found


def _columns_of(people: People, panel: VcfFile) -> np.ndarray:
    """Where people [S] stand in a file."""
    place = {sample: i for i, sample in enumerate(panel.samples)}
    missing = [sample for sample in people.id if sample not in place]
    if missing:
        raise InputError(
            f"{panel.path}: lacks people of the panel's first chromosome: {examples(missing)}. The files of "
            "a panel hold the same people"
        )
    return np.array([place[sample] for sample in people.id])


def _excerpt(panel: VcfFile, name: str, positions_bp: np.ndarray, folder: Path) -> Path:
    """A VCF of a panel's records at some positions of a chromosome `name`."""
    wanted, stretches, excerpt = (
        folder / each for each in ("positions.txt", "stretches.txt", "excerpt.vcf.gz")
    )
    positions_bp = np.unique(positions_bp)
    wanted.write_text("".join(f"{name}\t{each}\n" for each in positions_bp))
    parts = np.split(positions_bp, np.flatnonzero(np.diff(positions_bp) > _GAP_BP) + 1)
    stretches.write_text("".join(f"{name}\t{part[0]}\t{part[-1]}\n" for part in parts))
    command = ["view", "--regions-file", str(stretches), "--regions-overlap", "pos"]
    command += ["--targets-file", str(wanted), "--targets-overlap", "pos"]
    command += ["--output-type", "z1", "--output", str(excerpt), panel.indexed(name)]
    bcftools(panel.path, command)
    return excerpt


def _fill(calls, phased, own: Variants, excerpt: Path, columns: np.ndarray, variants: str) -> int:
    """Write an excerpt's calls of the variants [v] that both have; return how many these are."""
    source = VcfSource(str(excerpt))
    if own.contig not in source.counts():
        return 0
    rows = {key: row for row, key in enumerate(_keys(own))}
    filled = set()
    for chunk in source.chunks(own.contig, multiallelic="split", variants=variants):
        both = [(i, rows[key]) for i, key in enumerate(_keys(chunk.variants)) if key in rows]
        if both:
            theirs, ours = map(list, zip(*both, strict=True))
            # a call of one copy, where everybody has two, is half missing
            calls[ours] = np.maximum(chunk.calls[theirs][:, columns], MISSING)
            phased[ours] = chunk.phased[theirs][:, columns]
            filled.update(ours)
    return len(filled)


def _keys(variants: Variants) -> list[tuple]:
    """Position, REF and ALT of each."""
    alleles = variants.allele.tolist()
    return [(at, *pair) for at, pair in zip(variants.position_bp.tolist(), alleles, strict=True)]


def _require_phase(calls, phased, own: Variants, path) -> None:
    """Raise InputError for a heterozygous call that is not phased."""
    torn = (calls[..., 0] != calls[..., 1]) & ~phased & (calls >= 0).all(axis=2)
    if torn.any():
        row = int(torn.any(axis=1).argmax())
        raise InputError(
            f"{path}: pretraining.panel is not phased at {own.contig}:{own.position_bp[row]} ({torn[row].sum():,} "
            "heterozygous calls there), and mode: haplotype learns haplotypes. Phase the panel, or take one that is"
        )
