"""One way into every genotype format."""

from pathlib import Path

from syncohort.errors import InputError
from syncohort.formats.pgen import PgenSource, pgen_files
from syncohort.formats.plink import PlinkSource, plink_files
from syncohort.formats.vcf import VcfSource, vcf_file

KINDS = ("vcf", "plink", "pgen")


def open_source(
    kind: str, path: str, *, bim=None, fam=None, pvar=None, psam=None
) -> VcfSource | PlinkSource | PgenSource:
    """Open genotypes for reading.

    A source has `sample_ids` [S], `people_columns()` (a table: column sample and what
    the files say of people), `contigs()` (chromosomes without `chr`, in natural order),
    `contig_length(contig)` (bp or None) and `chunks(contig, multiallelic=, size=)`.

    Args:
        kind: "vcf" (VCF or BCF), "plink" (PLINK 1) or "pgen" (PLINK 2).
        path: VCF/BCF file, with `{chrom}` in it when there is one per chromosome; or
            the prefix, the .bed or the .pgen of a PLINK data set.
        bim, fam, pvar, psam: files that are not beside the .bed or .pgen under its name.

    Raises:
        InputError: unknown kind, files that are missing, damaged or do not fit together.
    """
    if kind not in KINDS:
        raise InputError(f"input.kind: {kind!r} is not a format; use one of {', '.join(KINDS)}")
    given = {"bim": bim, "fam": fam, "pvar": pvar, "psam": psam}
    allowed = {"vcf": (), "plink": ("bim", "fam"), "pgen": ("pvar", "psam")}[kind]
    foreign = [name for name, value in given.items() if value is not None and name not in allowed]
    if foreign:
        raise InputError(
            f"input: {', '.join(foreign)} does not belong to kind {kind!r}; remove the key"
        )
    if kind == "vcf":
        return VcfSource(path)
    if kind == "plink":
        return PlinkSource(path, bim=bim, fam=fam)
    return PgenSource(path, pvar=pvar, psam=psam)


def source_files(contig: str, kind: str, path: str, **others) -> list[Path]:
    """The files one chromosome is read from, found without opening them.

    contig: chromosome, any spelling; kind, path, others: as for `open_source`.

    Raises:
        InputError: a file does not exist.
    """
    if kind == "vcf":
        return [vcf_file(path, contig)]
    return (plink_files if kind == "plink" else pgen_files)(path, **others)
