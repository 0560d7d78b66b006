"""Small genotype files that several test files read."""

import shutil
import subprocess

import numpy as np
import pysam
import pytest

from syncohort.formats.readers import open_source
from syncohort.genotypes import Variants

GT_LINE = '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">'


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def run(*command) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def vcf_of(records, *, people=3, header=(GT_LINE,), version="4.2", contigs=("1",)) -> str:
    """A VCF of rows of (chromosome, position, REF, ALT, FILTER, INFO, FORMAT, *calls)."""
    lines = [f"##fileformat=VCFv{version}", *(f"##contig=<ID={name}>" for name in contigs), *header]
    names = [f"p{i}" for i in range(people)]
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names]
    lines.append("\t".join(columns))
    for contig, position, ref, alt, failed, info, formats, *calls in records:
        row = [contig, position, f"v{position}", ref, alt, ".", failed, info, formats, *calls]
        lines.append("\t".join(map(str, row)))
    return "\n".join(lines) + "\n"


def simple_vcf(n, *, people=3, start=1, contig="1", seed=0) -> str:
    """n phased SNPs."""
    calls = np.random.default_rng(seed).integers(0, 2, (n, people, 2))
    rows = [
        (contig, start + 10 * i, "A", "C", ".", ".", "GT", *(f"{a}|{b}" for a, b in calls[i]))
        for i in range(n)
    ]
    return vcf_of(rows, people=people, contigs=(contig,))


def write_bgzip(text: str, path):
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(text.encode())
    return path


def read_whole(source, contig, **options):
    """One chromosome: variants, calls, phased and the chunks themselves."""
    chunks = list(source.chunks(contig, **options))
    return (
        Variants.concatenate([chunk.variants for chunk in chunks]),
        np.concatenate([chunk.calls for chunk in chunks]),
        np.concatenate([chunk.phased for chunk in chunks]),
        chunks,
    )


def read_text(text, path, contig="1", **options):
    """Write a VCF without compression and read a chromosome of it."""
    path.write_text(text)
    return read_whole(open_source("vcf", str(path)), contig, **options)
