"""Indels and sites of several ALT alleles: read, normalised, settled and joined, beside bcftools and plink2."""

import gzip
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import yaml
from clones import clone, snakemake
from genotype_files import need, read_whole, run, vcf_of

from syncohort.cohort.importing import import_chromosome, in_words
from syncohort.cohort.variant_checks import file_checks, unused_check
from syncohort.cohort_store import CohortStore
from syncohort.formats.alleles import trimmed
from syncohort.formats.normalising import NormalisedCounts, normalised
from syncohort.formats.pgen import write_pgen
from syncohort.formats.plink import write_plink
from syncohort.formats.readers import open_source
from syncohort.formats.shared_sites import forget_conflicts, join_calls, records_of, settle
from syncohort.formats.source import Chunk
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotypes import Variants

REAL = "kg3/kg3_hipster8regions_17010snps.hg19.vcf.gz"


class Text:
    """A reference in memory."""

    def __init__(self, bases):
        self.bases = bases

    def read(self, start, end):
        return self.bases[start:end].encode()


def imported(path, folder, contig="1", *, kind="vcf", **options):
    """The store of a chromosome with every kind of variant, and its summary."""
    out = (folder / "x.zarr.zip", folder / "x.json", folder / "x.tsv")
    options = {"variants": "all"} | options
    import_chromosome({"kind": kind, "path": str(path)}, contig, "drop", *out, **options)
    return CohortStore(out[0]), json.loads(out[1].read_text())


def rows_of(text) -> list[tuple]:
    """(position, REF, ALT, *calls) of the lines of a VCF, in one order."""
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return sorted((int(f[1]), f[3], f[4], *(call.split(":")[0] for call in f[9:])) for f in lines)


def random_records(reference, rng, n=300, n_people=4):
    """Records of substitutions and indels of a reference, with bases too many, in its order."""
    records = []
    for position in sorted(rng.integers(2, len(reference) - 12, n)):
        ref = reference[position - 1 : position - 1 + rng.integers(1, 7)]
        alts = set()
        for _ in range(rng.integers(1, 4)):
            start, stop = sorted(rng.integers(0, len(ref) + 1, 2))
            middle = "".join(rng.choice(list("AC"), rng.integers(0, 4)))
            alts.add(ref[:start] + middle + ref[stop:])
        alts = sorted(alts - {ref, ""})
        if alts:
            alleles = rng.integers(0, len(alts) + 1, (n_people, 2))
            calls = [f"{a}|{b}" for a, b in alleles]
            records.append(("1", position, ref, ",".join(alts), ".", ".", "GT", *calls))
    return records


@pytest.mark.parametrize("size", [7, 2000])
def test_variants_are_split_and_normalised_as_bcftools_does(size, tmp_path):
    need("bcftools")
    rng = np.random.default_rng(1)
    # of two letters, so that there are repeats
    reference = "".join(rng.choice(list("AC"), 1500, p=[0.9, 0.1]))
    (tmp_path / "x.fa").write_text(f">1\n{reference}\n")
    text = vcf_of(random_records(reference, rng), people=4)
    counts = NormalisedCounts()
    source = open_source("vcf", str(_written(tmp_path / "x.vcf", text)))
    chunks = list(
        normalised(source.chunks("1", variants="all", size=size), Text(reference), counts)
    )
    ours = [
        (int(position), ref, alt, *(f"{a}|{b}" for a, b in calls))
        for chunk in chunks
        for position, (ref, alt), calls in zip(
            chunk.variants.position_bp, chunk.variants.allele, chunk.calls, strict=True
        )
    ]
    split = rows_of(run("bcftools", "norm", "-m-", "-f", tmp_path / "x.fa", tmp_path / "x.vcf"))
    copies = Counter(row[:3] for row in split)
    assert [row[:3] for row in sorted(ours)] == sorted(copies)
    alone = [row for row in split if copies[row[:3]] == 1]
    assert [row for row in sorted(ours) if copies[row[:3]] == 1] == alone
    assert [row[0] for row in ours] == sorted(row[0] for row in ours)
    assert 10 < counts.n_repeated <= len(split) - len(copies)
    assert counts.n_changed > 100 and counts.n_differing == 0


def test_a_ref_that_differs_from_the_reference_stays_where_it_is():
    counts = NormalisedCounts()
    variants = Variants("1", [4, 5], ["a", "b"], [("TA", "T"), ("AA", "A")])
    calls = np.zeros((2, 1, 2), dtype=np.int8)
    chunk = Chunk(variants, calls, np.ones((2, 1), dtype=bool), 2, {}, 0)
    whole, *rest = normalised([chunk], Text("CAAAAAC"), counts)
    found = Variants.concatenate([whole.variants, *(each.variants for each in rest)])
    assert found.position_bp.tolist() == [1, 4]
    assert found.allele.tolist() == [["CA", "C"], ["TA", "T"]]
    assert (counts.n_changed, counts.n_differing) == (1, 1)


def test_symbols_stay_out_and_are_counted_by_kind(tmp_path):
    alleles = [
        ("A", "C,<DEL>"), ("A", "<DEL:ME:ALU>"), ("AT", "A,*"), ("A", "A]2:7]"), ("AT", "GC"),
        ("A", "AN"), ("A", "<CN0>,<CN2>"), ("A", "AT"),
    ]  # fmt: skip
    rows = [
        ("1", 10 * i, ref, alt, ".", ".", "GT", "0|1", "1|2" if "," in alt else "1|1", ".|.")
        for i, (ref, alt) in enumerate(alleles, start=1)
    ]
    store, summary = imported(_written(tmp_path / "x.vcf", vcf_of(rows)), tmp_path)
    assert store.variants.allele.tolist() == [["A", "C"], ["AT", "A"], ["AT", "GC"], ["A", "AT"]]
    # another ALT is not this one
    assert store.read()[0].tolist() == [[0, 1], [1, 0], [-1, -1]]
    assert summary["kinds"] == {"snp": 1, "indel": 2, "mnp": 1}
    found = unused_check([summary], maf_min=0, variant_missing_max=1).found
    assert "structural variants (5, 45.5%: 2 <DEL>, 1 breakends, 1 <CN0>, 1 <CN2>)" in found
    assert "spanning deletions (*) (1" in found and "not every base is known" in found
    checks = {check.name: check for check in file_checks([summary])}
    assert checks["kinds of variants"].found.startswith("2 indels, 1 SNPs, 1 MNPs")
    assert "input.reference" in checks["normalised variants"].advice


def test_calls_of_three_alleles_are_forgotten_and_ids_stay_apart(tmp_path):
    rows = [
        ("1", 10, "A", "C", ".", ".", "GT", "1|0", "1/1", "0/1"),
        ("1", 10, "AT", "A", ".", ".", "GT", "1|0", "0/1", "0/1"),
        ("1", 20, "A", "C,G", ".", ".", "GT", "1|2", "0|2", "2|2"),
        ("1", 30, "CA", "C,CT", ".", ".", "GT", "1|2", "0|2", "2|2"),  # of two positions
    ]
    store, summary = imported(_written(tmp_path / "x.vcf", vcf_of(rows)), tmp_path)
    assert summary["n_forgotten"] == 2 and summary["n_shared_sites"] == 2
    assert (store.read()[:2, :2] == -1).all()
    write_vcf(store, tmp_path / "y.vcf.gz")
    lines = [line.split("\t") for line in _lines_of(tmp_path / "y.vcf.gz")]
    assert [line[3:5] for line in lines[:2]] == [["AT", "CT,A"], ["A", "C,G"]]
    assert [line[9:] for line in lines[:2]] == [["./.", "./.", "1/2"], ["1|2", "0|2", "2|2"]]
    write_plink([store], tmp_path / "y")
    names = [line.split()[1] for line in (tmp_path / "y.bim").read_text().splitlines()]
    assert names[:4] == ["v10:A:C", "v10:AT:A", "v20:A:C", "v20:A:G"]
    assert names[4:] == ["v30:CA:C", "v30:A:T"]


@pytest.mark.parametrize("phased", [True, False])
def test_one_copy_has_one_alt_allele_of_a_site(phased):
    variants = Variants("X", [9, 9], [".", "."], [("A", "C"), ("A", "G")])
    one, none = (1, -2), (0, -2)
    calls = np.array([[one, one, none, (0, 1)], [none, one, one, (0, 1)]], dtype=np.int8)
    phasing = np.full((2, 4), phased)
    assert forget_conflicts(calls, phasing, variants) == 1 + phased
    codes, _ = join_calls(records_of(variants), calls, phasing)
    assert codes.tolist() == [[[1, -2], [-1, -2], [2, -2], [-1, -1] if phased else [1, 2]]]


def test_more_alt_alleles_than_digits(tmp_path):
    alts = ",".join("A" + "T" * i for i in range(1, 13))
    rows = [("1", 10, "A", alts, ".", ".", "GT", "12|3", "0|11", "./.")]
    store, _ = imported(_written(tmp_path / "x.vcf", vcf_of(rows)), tmp_path)
    write_vcf(store, tmp_path / "y.vcf.gz")
    (line,) = _lines_of(tmp_path / "y.vcf.gz")
    assert line.split("\t")[4:5] == [alts] and line.split("\t")[9:] == ["12|3", "0|11", "./."]


@pytest.mark.parametrize("n_alts", [127, 128])
@pytest.mark.parametrize("together", [True, False])
def test_sites_of_more_alt_alleles_than_can_be_numbered_are_left_out(n_alts, together, tmp_path):
    alts = ["A" + "T" * i for i in range(1, n_alts + 1)]
    calls = ["0|0"] * (n_alts - 1)
    if together:
        rows = [("1", 10, "A", ",".join(alts), ".", ".", "GT", f"{n_alts}|0", *calls)]
    else:
        rows = [("1", 10, "A", alt, ".", ".", "GT", "0|0", *calls) for alt in alts[:-1]]
        rows += [("1", 10, "A", alts[-1], ".", ".", "GT", "1|0", *calls)]
    rows += [("1", 20, "A", "C", ".", ".", "GT", "0|1", *calls)]
    path = _written(tmp_path / "x.vcf", vcf_of(rows, people=n_alts))
    store, summary = imported(path, tmp_path)
    write_vcf(store, tmp_path / "y.vcf.gz")
    lines = _lines_of(tmp_path / "y.vcf.gz")
    if n_alts == 127:
        assert summary["dropped"] == {} and lines[0].split("\t")[9] == "127|0"
    else:
        assert summary["dropped"] == {"many_alleles": 1 if together else 128}
    assert lines[-1].split("\t")[9] == "0|1" and len(lines) == 1 + (n_alts == 127)
    assert "of sites with more than 127 ALT alleles" in in_words({"many_alleles": 1})[0]


@pytest.mark.parametrize("mode", ["haplotype", "genotype"])
def test_settled_rows_keep_the_highest_scores(mode):
    rng = np.random.default_rng(0)
    places = 1 if mode == "haplotype" else 2
    position = np.sort(rng.integers(0, 40, 60))
    variants = Variants("1", position, ["."] * 60, [("A", "C")] * 60)
    rows = rng.integers(0, places + 1, (50, 60)).astype(np.int8)
    scores = rng.normal(rows, 0.3)
    given = rows.copy()
    n_removed = settle(rows, scores, variants, mode)
    assert n_removed == given.sum() - rows.sum() > 0
    for row, before, score in zip(rows, given, scores, strict=True):
        for place in range(40):
            at = np.flatnonzero(position == place)
            copies = [(score[v] - k, v) for v in at for k in range(before[v])]
            kept = Counter(v for _, v in sorted(copies, reverse=True)[:places])
            assert [row[v] for v in at] == [kept[v] for v in at]


@pytest.fixture(scope="module")
def real(real_data, tmp_path_factory):
    """The real variants of a chromosome, imported."""
    folder = tmp_path_factory.mktemp("real")
    return folder, *imported(real_data / REAL, folder, "5")


def test_real_variants_come_back_as_bcftools_splits_them(real, real_data):
    need("bcftools")
    folder, store, summary = real
    assert summary["kinds"]["indel"] > 100 and summary["n_shared_sites"] >= 20
    write_vcf(store, folder / "5.vcf.gz")
    for file in (real_data / REAL, folder / "5.vcf.gz"):
        run("bcftools", "view", "-r", "5,chr5", "-Ob", "-o", folder / "one.bcf", file)
        text = run("bcftools", "norm", "-m-", folder / "one.bcf")
        rows = [row for row in rows_of(text) if "<" not in row[2]]
        rows = sorted((*trimmed(*row[:3]), *row[3:]) for row in rows)
        if file == real_data / REAL:
            expected = rows
    assert [row[:3] for row in rows] == [row[:3] for row in expected]
    differing = sum(row != other for row, other in zip(rows, expected, strict=True))
    assert differing <= 2 * summary["n_forgotten"]


def test_alleles_are_counted_as_plink2_counts_them(real, real_data):
    need("plink2")
    folder, store, _ = real
    write_plink([store], folder / "plink")
    write_pgen([store], folder / "pgen")
    run("plink2", "--vcf", real_data / REAL, "--chr", 5, "--make-pgen", "--out", folder / "given")
    counted = {}
    for name, flag in (("given", "--pfile"), ("pgen", "--pfile"), ("plink", "--bfile")):
        run("plink2", flag, folder / name, "--freq", "counts", "--out", folder / name)
        tables = (
            (folder / f"{name}.{end}") for end in ("pvar" if flag == "--pfile" else "bim", "acount")
        )
        counted[name] = _counts(*tables)
    assert counted["pgen"] == counted["plink"]
    assert counted["pgen"] == {key: n for key, n in counted["given"].items() if "<" not in key[2]}
    own = store.read().clip(0).sum(axis=(1, 2))
    sites = zip(store.variants.position_bp.tolist(), store.variants.allele.tolist(), strict=True)
    assert counted["pgen"] == {(at, *pair): n for (at, pair), n in zip(sites, own, strict=True)}
    read = read_whole(open_source("pgen", str(folder / "pgen")), "5", variants="all")
    assert np.array_equal(read[1], store.read())


def _counts(sites, counts) -> dict[tuple, int]:
    """Copies of each ALT allele by plink2, by position and alleles."""
    lines = [line.split() for line in sites.read_text().splitlines() if not line.startswith("#")]
    is_bim = sites.suffix == ".bim"
    places = [(f[3], f[5], f[4]) if is_bim else (f[1], f[3], f[4]) for f in lines]
    found = {}
    rows = (line.split() for line in counts.read_text().splitlines()[1:])
    for (position, ref, alts), row in zip(places, rows, strict=True):
        for alt, n in zip(alts.split(","), row[4].split(","), strict=True):
            found[trimmed(int(position), ref, alt)] = int(n)
    return found


def _written(path, text):
    path.write_text(text)
    return path


def _lines_of(path) -> list[str]:
    return [line for line in gzip.open(path, "rt").read().splitlines() if line[0] != "#"]


@pytest.mark.slow
def test_a_study_of_every_variant_releases_sites_joined_again(tmp_path):
    need("bcftools", "plink2")
    rng = np.random.default_rng(2)
    reference = "".join(rng.choice(list("AC"), 6000, p=[0.7, 0.3]))
    folder = clone(tmp_path / "clone")
    _written(folder / "x.fa", f">1\n{reference}\n")
    _written(folder / "x.vcf", vcf_of(random_records(reference, rng, 150, 60), people=60))
    _written(folder / "x.tsv", "id\tlabel\n" + "".join(f"p{i}\tall\n" for i in range(60)))
    study = {
        "cohort": "indels",
        "input": {"kind": "vcf", "path": "x.vcf", "reference": "x.fa"},
        "filters": {"variants": "all"},
        "labels": {"table": "x.tsv", "label_column": "label"},
        "genes": {"intergenic": "own"},
        "generators": {"drawn": {"kind": "independent"}},
    }
    (folder / "x.yaml").write_text(yaml.safe_dump(study))
    release = folder / "results/indels/release/drawn"
    files = (
        release / name for name in ("vcf/1.vcf.gz", "pgen/synthetic.pgen", "plink/synthetic.bed")
    )
    done = snakemake(folder, *(str(file.relative_to(folder)) for file in files), study="x.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (folder / "results/indels/examine_cohort/checks.tsv").read_text()
    assert "sites of several ALT alleles" in page and "further to the left" in page
    used = CohortStore(folder / "results/indels/filter_variants/1.zarr.zip").variants
    sites = zip(used.position_bp.tolist(), used.allele.tolist(), strict=True)
    split = rows_of(run("bcftools", "norm", "-m-", "-f", folder / "x.fa", release / "vcf/1.vcf.gz"))
    assert [row[:3] for row in split] == sorted((at, *pair) for at, pair in sites)
    drawn = np.array([[call.split("|") for call in row[3:]] for row in split]).astype(int)
    for options in (
        ("--pfile", release / "pgen/synthetic"),
        ("--bfile", release / "plink/synthetic"),
    ):
        run("plink2", *options, "--freq", "counts", "--out", folder / "counts")
        counts = pd.read_csv(folder / "counts.acount", sep="\t", dtype=str)["ALT_CTS"]
        assert sum(map(int, ",".join(counts).split(","))) == drawn.sum()
