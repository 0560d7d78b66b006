"""One way into every genotype format."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from syncohort.errors import InputError
from syncohort.formats.bgen import BgenSource, bgen_contigs, bgen_files
from syncohort.formats.chromosome_files import (
    ChromosomeFiles,
    find_names,
    has_mark,
    name_for,
    of_chromosome,
)
from syncohort.formats.pgen import PgenSource, pgen_contigs, pgen_files
from syncohort.formats.plink import PlinkSource, plink_contigs, plink_files
from syncohort.formats.sites import spellings
from syncohort.formats.source import Source
from syncohort.formats.vcf import VcfSource, vcf_contigs, vcf_file
from syncohort.formats.vcf_zarr import VcfZarrSource, vcf_zarr_contigs, vcf_zarr_files


class _Format(NamedTuple):
    """How a kind of file is read.

    source: its reader; contigs: chromosomes that it holds; files: those it is read from;
    ending: of a path that names none; companions: keys of the files beside it; options: keys of
    how it is read.
    """

    source: type
    contigs: Callable
    files: Callable
    ending: str = ""
    companions: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


_FORMATS = {
    "vcf": _Format(VcfSource, vcf_contigs, lambda path: [vcf_file(path)]),
    "plink": _Format(PlinkSource, plink_contigs, plink_files, ".bed", ("bim", "fam")),
    "pgen": _Format(PgenSource, pgen_contigs, pgen_files, ".pgen", ("pvar", "psam")),
    "bgen": _Format(
        BgenSource,
        bgen_contigs,
        bgen_files,
        ".bgen",
        ("sample",),
        ("ref_allele", "hard_call_threshold"),
    ),
    "vcf_zarr": _Format(VcfZarrSource, vcf_zarr_contigs, vcf_zarr_files),
}
KINDS = tuple(_FORMATS)


def open_source(kind: str, path: str, **others) -> Source:
    """Open genotypes for reading.

    Args:
        kind: "vcf" (VCF or BCF), "plink" (PLINK 1), "pgen" (PLINK 2), "bgen" or
            "vcf_zarr".
        path: VCF/BCF file; the prefix, the .bed or the .pgen of a PLINK data set; the .bgen; the
            folder or zip file of a VCF Zarr store; with `{chrom}` in it when there is one per
            chromosome.
        others: by the keys of the configuration. bim, fam, pvar, psam, sample: files that are not
            beside the .bed, .pgen or .bgen under its name. ref_allele, hard_call_threshold: see
            `BgenSource`.

    Raises:
        InputError: unknown kind, files that are missing, damaged or do not fit together.
    """
    files, options = _given(kind, path, **others)
    template, source = _template(kind, files), _FORMATS[kind].source
    if template is None:
        return source(**files, **options)
    return ChromosomeFiles(
        lambda name: source(**of_chromosome(files, name, template), **options), template
    )


def held_contigs(kind: str, path: str, **others) -> list[str]:
    """What `open_source(...).contigs()` says, by as little reading as possible.

    Raises:
        InputError: files that are missing or cannot be read.
    """
    files, _ = _given(kind, path, **others)
    template = _template(kind, files)
    if template is not None:
        return list(spellings(find_names(template)))
    return _FORMATS[kind].contigs(**files)


def source_files(contig: str, kind: str, path: str, **others) -> list[Path]:
    """The files one chromosome is read from, found without opening them.

    contig: chromosome, any spelling; kind, path, others: as for `open_source`.

    Raises:
        InputError: a file does not exist.
    """
    files, _ = _given(kind, path, **others)
    template = _template(kind, files)
    if template is not None:
        files = of_chromosome(files, name_for(contig, find_names(template), template), template)
    return _FORMATS[kind].files(**files)


def _given(kind: str, path: str, **others) -> tuple[dict[str, str], dict]:
    """The files that a kind's own reader is given, and its options.

    Raises:
        InputError: unknown kind, or what belongs to another kind.
    """
    if kind not in KINDS:
        raise InputError(f"input.kind: {kind!r} is not a format; use one of {', '.join(KINDS)}")
    form = _FORMATS[kind]
    given = {name: value for name, value in others.items() if value is not None}
    foreign = [name for name in given if name not in form.companions + form.options]
    if foreign:
        raise InputError(
            f"input: {', '.join(foreign)} does not belong to kind {kind!r}; remove the key"
        )
    options = {name: given.pop(name) for name in form.options if name in given}
    return {"path": str(path), **given}, options


def _template(kind: str, files: dict) -> str | None:
    """The path that names a file per chromosome, None where one file holds all.

    Raises:
        InputError: a companion has `{chrom}` and the path has none.
    """
    if not has_mark(*files.values()):
        return None
    if not has_mark(files["path"]):
        raise InputError(
            f"input.path: {files['path']} holds all chromosomes, but another file of input has "
            "{chrom} in its name; write {chrom} in both, or in none"
        )
    path = files["path"]
    return path if path.endswith(_FORMATS[kind].ending) else path + _FORMATS[kind].ending
