"""Genotype files read and written, ours and by the field's programs, from the same cohort.

Our own files lie beside the programs' and are compared with them.
"""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import zarr
from genotype_data import write_stores
from real_programs import Line

from syncohort.cohort.importing import import_chromosome
from syncohort.cohort_store import CohortStore
from syncohort.formats.pgen import write_pgen
from syncohort.formats.plink import write_plink
from syncohort.formats.vcf_writing import write_vcf

VCF = "cohort.vcf.gz"


def prepare(
    folder: Path, n_people: int, n_variants: int, vcf: Path | None, repeats: int = 1
) -> None:
    """Write a cohort as a store, as VCF, and as PGEN where plink2 is; see `write_stores`."""
    write_stores(folder, n_people, n_variants, vcf, repeats)
    for place in (folder, folder / "few"):
        write_vcf(CohortStore(place / "cohort.zip"), place / VCF)
    if shutil.which("plink2"):
        command = ["plink2", "--vcf", VCF, "--make-pgen", "--out", "k"]
        subprocess.run(command, cwd=folder, capture_output=True, check=True)


def imported(folder: Path) -> None:
    """The check of the file and the counts for the check page included."""
    contig = CohortStore(folder / "cohort.zip").variants.contig
    outputs = [folder / name for name in ("imported.zip", "imported.json", "imported.tsv")]
    import_chromosome({"kind": "vcf", "path": str(folder / VCF)}, contig, "drop", *outputs)


def as_bed(folder: Path) -> None:
    write_plink([CohortStore(folder / "cohort.zip")], folder / "ours")


def as_pgen(folder: Path) -> None:
    write_pgen([CohortStore(folder / "cohort.zip")], folder / "ours")


def as_vcf(folder: Path) -> None:
    """With its index."""
    write_vcf(CohortStore(folder / "cohort.zip"), folder / "ours.vcf.gz")


def _require_calls(folder: Path, read) -> str:
    """read: slice of variants -> calls int8 [V, S, 2]."""
    for part, calls in CohortStore(folder / "cohort.zip").variant_chunks():
        np.testing.assert_array_equal(read(part), calls)
    return "all calls equal"


def _compare_import(folder: Path) -> str:
    return _require_calls(folder, CohortStore(folder / "imported.zip").read)


def _compare_vcf2zarr(folder: Path) -> str:
    _compare_import(folder)
    theirs = zarr.open_group(folder / "vcf2zarr", mode="r")
    return _require_calls(folder, theirs["call_genotype"].__getitem__)


def _compare_bytes(end: str):
    def compare(folder: Path) -> str:
        assert (folder / f"o{end}").read_bytes() == (folder / f"ours{end}").read_bytes(), end
        return "the same bytes"

    return compare


def _calls_text(path: Path) -> list[int]:
    """Digests of the calls of each record of a VCF."""
    with gzip.open(path, "rb") as file:
        return [hash(line.split(b"\t", 9)[9]) for line in file if not line.startswith(b"#")]


def _compare_vcf(folder: Path) -> str:
    assert _calls_text(folder / "ours.vcf.gz") == _calls_text(folder / "o.vcf.gz")
    return "all calls equal"


_LOOP = "import sys, cyvcf2\nfor v in cyvcf2.VCF(sys.argv[1]): v.genotype.array()"
_VCF2ZARR = ("vcf2zarr", "convert", "--force", "--no-progress", VCF, "vcf2zarr")
_PLINK2 = ("plink2", "--threads", "1", "--pfile", "k", "--out", "o")
_BCFTOOLS = ("bcftools", "view", "--output-type", "z", "--output", "o.vcf.gz", VCF)

LINES = (
    Line(
        "import a VCF",
        imported.__name__,
        (sys.executable, "-c", _LOOP, VCF),
        _compare_import,
        "a loop of cyvcf2 that keeps nothing",
    ),
    Line("import a VCF", imported.__name__, _VCF2ZARR, _compare_vcf2zarr),
    Line(
        "import a VCF",
        imported.__name__,
        ("plink2", "--threads", "1", "--vcf", VCF, "--make-pgen", "--out", "i"),
        _compare_import,
    ),
    Line("export PLINK 1", as_bed.__name__, (*_PLINK2, "--make-bed"), _compare_bytes(".bed")),
    Line("export PGEN", as_pgen.__name__, (*_PLINK2, "--make-pgen"), _compare_bytes(".pgen")),
    Line("export VCF", as_vcf.__name__, (*_PLINK2, "--export", "vcf", "bgz"), _compare_vcf),
    Line("export VCF", as_vcf.__name__, _BCFTOOLS, _compare_vcf),
)
