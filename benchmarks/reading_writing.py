"""Genotype files read and written, beside the field's programs: processor seconds of one thread.

Every run takes the same cohort; `same_import` and `same_export` compare what they made.
"""

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
from scale import write_cohort
from sizes import Size
from timing import Processor, Timed

CONTIG = "22"
VCF = "cohort.vcf.gz"


def prepare(folder: Path, size: Size) -> None:
    """Write cohort.zip and the same as cohort.vcf.gz, and as plink2.pgen where plink2 is."""
    from syncohort.formats.vcf_writing import write_vcf
    from syncohort.genotypes import CohortStore

    own = size.programs
    write_cohort(folder / "cohort.zip", own.n_people, own.n_variants)
    write_vcf(CohortStore(folder / "cohort.zip"), folder / VCF)
    if shutil.which("plink2"):
        _run(["plink2", "--vcf", folder / VCF, "--make-pgen", "--out", folder / "plink2"])


def _run(command: list) -> Processor:
    with Processor(programs=True) as used:
        subprocess.run([str(each) for each in command], check=True, capture_output=True)
    return used


def _n_calls(size: Size) -> int:
    return size.programs.n_people * size.programs.n_variants


def _program(folder: Path, size: Size, *, command: str) -> Timed | None:
    """A program with its arguments, None where it is not installed."""
    words = command.replace("FOLDER", str(folder)).split()
    if shutil.which(words[0]) is None:
        return None
    used = _run(words)
    return Timed(_n_calls(size), used.seconds, used.peak_mb)


def cyvcf2_loop(folder: Path, size: Size) -> Timed:
    """Every record's alleles as an array, and nothing done with it."""
    code = "import sys, cyvcf2\nfor v in cyvcf2.VCF(sys.argv[1]): v.genotype.array()"
    return Timed(_n_calls(size), *_measured(_run([sys.executable, "-c", code, folder / VCF])))


def _measured(used: Processor) -> tuple[float, float]:
    return used.seconds, used.peak_mb


def import_vcf(folder: Path, size: Size) -> Timed:
    """Our import, the check of the file and the counts for the check page included."""
    from syncohort.cohort.importing import import_chromosome

    outputs = [folder / name for name in ("imported.zip", "imported.json", "imported.tsv")]
    with Processor() as used:
        import_chromosome({"kind": "vcf", "path": str(folder / VCF)}, CONTIG, "drop", *outputs)
    return Timed(_n_calls(size), used.seconds)


def same_import(folder: Path, size: Size) -> None:
    """Raise AssertionError unless the imports hold the calls that the VCF was written from."""
    import zarr

    from syncohort.genotypes import CohortStore

    truth = CohortStore(folder / "cohort.zip")
    found = [CohortStore(folder / "imported.zip").read]
    if (folder / "vcf2zarr").is_dir():
        found.append(zarr.open_group(folder / "vcf2zarr", mode="r")["call_genotype"].__getitem__)
    for part, calls in truth.variant_chunks():
        for read in found:
            np.testing.assert_array_equal(read(part), calls)


def _export(folder: Path, size: Size, *, form: str) -> Timed:
    from syncohort.formats.pgen import write_pgen
    from syncohort.formats.plink import write_plink
    from syncohort.formats.vcf_writing import write_vcf
    from syncohort.genotypes import CohortStore

    with Processor() as used:
        store = CohortStore(folder / "cohort.zip")
        if form == "vcf":
            write_vcf(store, folder / "ours.vcf.gz")
        else:
            {"bed": write_plink, "pgen": write_pgen}[form]([store], folder / "ours")
    return Timed(_n_calls(size), used.seconds)


def _same_file(folder: Path, size: Size, *, end: str) -> None:
    """Raise AssertionError unless plink2's file, where there is one, has the same bytes."""
    theirs = folder / f"theirs{end}"
    if theirs.exists():
        assert theirs.read_bytes() == (folder / f"ours{end}").read_bytes(), end


def same_vcf(folder: Path, size: Size) -> None:
    """Raise AssertionError unless plink2's VCF, where there is one, has the same calls."""
    if (folder / "theirs.vcf.gz").exists():
        ours, theirs = (_calls_text(folder / name) for name in ("ours.vcf.gz", "theirs.vcf.gz"))
        assert ours == theirs


def _calls_text(path: Path) -> list[int]:
    """Digests of the calls of each record of a VCF."""
    import gzip

    with gzip.open(path, "rb") as file:
        return [hash(line.split(b"\t", 9)[9]) for line in file if not line.startswith(b"#")]


_PLINK2 = "plink2 --threads 1 --pfile FOLDER/plink2 --out FOLDER/theirs"
vcf2zarr = partial(
    _program, command=f"vcf2zarr convert --force --no-progress FOLDER/{VCF} FOLDER/vcf2zarr"
)
plink2_import = partial(
    _program,
    command=f"plink2 --threads 1 --vcf FOLDER/{VCF} --make-pgen --out FOLDER/imported_by_plink2",
)
plink2_bed = partial(_program, command=f"{_PLINK2} --make-bed")
plink2_pgen = partial(_program, command=f"{_PLINK2} --make-pgen")
plink2_vcf = partial(_program, command=f"{_PLINK2} --export vcf bgz")
bcftools_view = partial(
    _program, command=f"bcftools view --output-type z --output FOLDER/bcftools.vcf.gz FOLDER/{VCF}"
)
export_bed = partial(_export, form="bed")
export_pgen = partial(_export, form="pgen")
export_vcf = partial(_export, form="vcf")
same_bed = partial(_same_file, end=".bed")
same_pgen = partial(_same_file, end=".pgen")
