"""REF alleles that may not be the reference genome's are marked as plink2 marks them."""

import numpy as np
import pytest
from cohorts import people_of
from genotype_files import need, read_whole, run

from syncohort.cohort_store import CohortStore
from syncohort.formats.pgen import provisional_flags, write_pgen
from syncohort.formats.plink import write_plink
from syncohort.formats.readers import open_source
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import Variants

N = 9
MIXED = np.arange(N) % 3 == 0
PATTERNS = {"none": np.zeros(N, bool), "all": np.ones(N, bool), "mixed": MIXED}


@pytest.fixture(params=PATTERNS)
def cohort(request, tmp_path):
    """A chromosome and which of its REF alleles are provisional."""
    provisional = PATTERNS[request.param]
    ids = [f"v{i}" for i in range(N)]
    variants = Variants("1", 100 * np.arange(1, N + 1), ids, [("A", "C")] * N, provisional)
    calls = np.random.default_rng(0).integers(0, 2, (N, 8, 2)).astype(np.int8)
    with CohortWriter(tmp_path / "c.zip", people_of(["a"] * 8)) as writer:
        writer.append(variants, calls, phased=False)
    return CohortStore(tmp_path / "c.zip"), provisional


def marks_of(vcf) -> list[bool]:
    rows = [line.split("\t") for line in vcf.read_text().splitlines() if line[0] != "#"]
    return ["PR" in row[7].split(";") for row in rows]


def test_the_store_keeps_the_mark_through_slices(cohort):
    store, provisional = cohort
    assert np.array_equal(store.variants.provisional, provisional)
    assert np.array_equal(store.variants[2:7].provisional, provisional[2:7])
    halves = [store.variants[:4], store.variants[4:]]
    assert np.array_equal(Variants.concatenate(halves).provisional, provisional)


def test_plink2_sees_the_mark_in_every_export(cohort, tmp_path):
    need("plink2")
    store, provisional = cohort
    write_vcf(store, tmp_path / "c.vcf.gz")
    write_pgen([store], tmp_path / "c")
    for option, path in (("--vcf", tmp_path / "c.vcf.gz"), ("--pfile", tmp_path / "c")):
        run("plink2", option, path, "--export", "vcf", "--out", tmp_path / "out")
        assert marks_of(tmp_path / "out.vcf") == provisional.tolist()
    run("plink2", "--pfile", tmp_path / "c", "--validate", "--out", tmp_path / "out")


def test_the_mark_is_read_back(cohort, tmp_path):
    store, provisional = cohort
    write_vcf(store, tmp_path / "c.vcf.gz")
    write_pgen([store], tmp_path / "c")
    write_plink([store], tmp_path / "c")
    for kind, name, expected in (
        ("vcf", "c.vcf.gz", provisional),
        ("pgen", "c.pgen", provisional),
        ("plink", "c.bed", np.ones(N, bool)),  # .bim files do not say it
    ):
        variants, *_ = read_whole(open_source(kind, str(tmp_path / name)), "1")
        assert np.array_equal(variants.provisional, expected), kind


def test_files_of_plink2_are_read_as_plink2_means_them(cohort, tmp_path):
    need("plink2")
    store, provisional = cohort
    write_vcf(store, tmp_path / "c.vcf.gz")
    # without INFO in the .pvar the .pgen alone says it
    run(
        "plink2",
        "--vcf",
        tmp_path / "c.vcf.gz",
        "--make-pgen",
        "pvar-cols=-info",
        "--out",
        tmp_path / "p",
    )
    assert "PR" not in (tmp_path / "p.pvar").read_text()
    assert np.array_equal(provisional_flags(tmp_path / "p.pgen", N), provisional)
    write_plink([store], tmp_path / "b")
    run("plink2", "--bfile", tmp_path / "b", "--make-pgen", "--out", tmp_path / "q")
    variants, *_ = read_whole(open_source("pgen", str(tmp_path / "q")), "1")
    assert variants.provisional.all()


def test_flags_of_more_variants_than_one_block(tmp_path):
    need("plink2")
    n = 70_000
    provisional = np.random.default_rng(1).random(n) < 0.5
    lines = ["##fileformat=VCFv4.2", "##contig=<ID=1>",
             '##INFO=<ID=PR,Number=0,Type=Flag,Description="Provisional reference allele">',
             '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
             "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tp0\tp1"]  # fmt: skip
    lines += [
        f"1\t{i + 1}\tv{i}\tA\tC\t.\t.\t{'PR' if mark else '.'}\tGT\t0/1\t0/0"
        for i, mark in enumerate(provisional)
    ]
    (tmp_path / "x.vcf").write_text("\n".join(lines) + "\n")
    run("plink2", "--vcf", tmp_path / "x.vcf", "--make-pgen", "--out", tmp_path / "x")
    assert np.array_equal(provisional_flags(tmp_path / "x.pgen", n), provisional)


def test_no_synthetic_record_passes_a_filter(cohort, tmp_path):
    need("bcftools")
    store, _ = cohort
    write_vcf(store, tmp_path / "c.vcf.gz")
    assert set(run("bcftools", "query", "-f", "%FILTER\n", tmp_path / "c.vcf.gz").split()) == {"."}
