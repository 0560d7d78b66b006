"""Readers and writers of VCF, PLINK 1 and PLINK 2 against the programs that own the formats."""

import gzip

import numpy as np
import pandas as pd
import pysam
import pytest
from genotype_files import need, run

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.formats.bgen_writing import write_bgen
from syncohort.formats.pgen import write_pgen
from syncohort.formats.plink import write_plink
from syncohort.formats.readers import open_source
from syncohort.formats.sample_sheet import write_sample_sheet
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import People, Variants

HEADER = """##fileformat=VCFv4.2
##contig=<ID=chr20,length=63025520>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
"""
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"
# position, id, REF, ALT, then the GT of people a, b, c
RECORDS = [
    (100, "r1", "A", "C", "0|1", "1|0", "1|1"),
    (110, "two_alts", "A", "C,G", "0|1", "1|2", "2/2"),
    (120, ".", "G", "T", "./.", "0/1", ".|1"),
    (130, "deletion", "GT", "G", "0|1", "0|0", "0|0"),
    (140, "haploid", "C", "A", "1", ".", "0/1"),
    (150, "first", "T", "C", "0/0", "0/1", "1/1"),
    (150, "copy", "T", "C", "1/1", "1/1", "1/1"),
    (160, "x", "T", "C", "0/0", "0/1", "1/1"),
    (160, "y", "T", "G", "0/1", "0/0", "0/0"),
    (170, "monomorphic", "T", ".", "0/0", "0/0", "0/0"),
    (180, "spanning", "T", "<DEL>", "0/0", "0/1", "0/0"),
    (190, "lower", "a", "g", "1/0", "0/0", "0|0"),
]


def vcf_text(records=RECORDS, contig="chr20", header=HEADER, people=("a", "b", "c")) -> str:
    lines = ["\t".join([COLUMNS, *people])]
    for position, name, ref, alt, *calls in records:
        lines.append(
            "\t".join([contig, str(position), name, ref, alt, ".", ".", ".", "GT", *calls])
        )
    return header + "\n".join(lines) + "\n"


def write_bgzip(text: str, path):
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(text.encode())
    return path


def read_all(source, contig, **options):
    """One chromosome in a single piece: variants, calls, phased, n_read, dropped."""
    chunks = list(source.chunks(contig, **options))
    dropped = {}
    for chunk in chunks:
        for reason, count in chunk.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
    return (
        Variants.concatenate([chunk.variants for chunk in chunks]),
        np.concatenate([chunk.calls for chunk in chunks]),
        np.concatenate([chunk.phased for chunk in chunks]),
        sum(chunk.n_read for chunk in chunks),
        dropped,
    )


def make_store(
    path, contig="20", n_variants=11, phased="mixed", seed=1, labels=("case", "control")
):
    """A small chromosome of 13 people with missing calls; phased: all, none or mixed."""
    rng = np.random.default_rng(seed)
    names = np.array([f"P{i}" for i in range(13)])
    people = People(names, rng.choice(labels, 13), np.full(13, "train"))
    alleles = [rng.choice(list("ACGT"), 2, replace=False) for _ in range(n_variants)]
    position = np.sort(rng.integers(1, 60_000_000, n_variants))
    variants = Variants(contig, position, [f"rs{i}" for i in range(n_variants)], alleles)
    calls = rng.integers(0, 2, (n_variants, 13, 2)).astype(np.int8)
    calls[rng.random((n_variants, 13)) < 0.15] = -1
    known = {"all": True, "none": False, "mixed": rng.random((n_variants, 13)) < 0.5}[phased]
    with CohortWriter(path, people) as writer:
        writer.append(variants, calls, known)
    return CohortStore(path)


@pytest.fixture
def stores(tmp_path):
    return [
        make_store(tmp_path / "1.zip", "1", 7, seed=1),
        make_store(tmp_path / "20.zip", "20", 11, seed=1),
    ]


def expected_rows(stores) -> list[list[str]]:
    """The cohort as rows of a VCF, in plain Python."""
    rows = []
    for store in stores:
        calls, phased = store.read(), store.read_phasing()
        for v in range(len(store.variants)):
            ref, alt = store.variants.allele[v]
            row = [store.contig, str(store.variants.position_bp[v]), store.variants.id[v], ref, alt]
            for s in range(len(store.people)):
                first, second = calls[v, s]
                bar = "|" if phased[v, s] else "/"
                row.append("./." if min(first, second) < 0 else f"{first}{bar}{second}")
            rows.append(row)
    return rows


def as_phased(row, keep_phase: bool):
    """Calls in a form in which phase counts for heterozygous ones alone, or for none."""
    calls = []
    for call in row[5:]:
        alleles = call.replace("|", "/").split("/")
        phased = keep_phase and "|" in call and alleles[0] != alleles[1]
        calls.append("|".join(alleles) if phased else "/".join(sorted(alleles)))
    return row[:5] + calls


def vcf_rows(text: str) -> list[list[str]]:
    fields = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return [row[:5] + [call.split(":")[0] for call in row[9:]] for row in fields]


def test_the_exports_agree_call_by_call(stores, tmp_path):
    need("bcftools", "plink1.9", "plink2")
    expected = expected_rows(stores)
    seen = []
    for store in stores:
        path = tmp_path / f"{store.contig}.vcf.gz"
        write_vcf(store, path)
        # the region makes bcftools use the index
        seen += vcf_rows(run("bcftools", "view", "-H", "-r", store.contig, path))
    assert seen == expected

    prefix = tmp_path / "cohort"
    write_pgen(stores, prefix)
    run("plink2", "--pfile", prefix, "--validate", "--out", tmp_path / "check")
    run("plink2", "--pfile", prefix, "--export", "vcf", "--out", tmp_path / "from_pgen")
    rows = vcf_rows((tmp_path / "from_pgen.vcf").read_text())
    assert [as_phased(r, True) for r in rows] == [as_phased(r, True) for r in expected]

    write_bgen(stores, prefix)
    made = ["--bgen", f"{prefix}.bgen", "ref-first", "--sample", f"{prefix}.sample"]
    run("plink2", *made, "--export", "vcf", "--out", tmp_path / "from_bgen")
    rows = vcf_rows((tmp_path / "from_bgen.vcf").read_text())
    assert [as_phased(r, False) for r in rows] == [as_phased(r, False) for r in expected]

    write_plink(stores, prefix)
    files = ["--bfile", prefix, "--keep-allele-order", "--recode", "vcf-iid"]
    run("plink1.9", *files, "--out", tmp_path / "from_bed")
    rows = vcf_rows((tmp_path / "from_bed.vcf").read_text())
    assert [as_phased(r, False) for r in rows] == [as_phased(r, False) for r in expected]


def test_bed_reader_reads_the_plink_export(stores, tmp_path):
    bed_reader = pytest.importorskip("bed_reader")
    write_plink(stores, tmp_path / "cohort")
    calls = np.concatenate([store.read() for store in stores])
    alt_copies = np.where((calls < 0).any(axis=2), -127, calls.sum(axis=2))
    with bed_reader.open_bed(tmp_path / "cohort.bed") as bed:
        assert np.array_equal(bed.read(dtype="int8"), alt_copies.T)  # counts allele 1
        assert list(bed.allele_1[:7]) == list(stores[0].variants.allele[:, 1])
        assert list(bed.iid) == list(stores[0].people.id)
        assert set(bed.sex) == {0}
        assert list(bed.pheno) == ["2" if x == "case" else "1" for x in stores[0].people.label]


@pytest.mark.parametrize("kind", ["vcf", "plink", "pgen"])
def test_what_is_written_reads_back(kind, stores, tmp_path):
    path = {"vcf": "{chrom}.vcf.gz", "plink": "cohort.bed", "pgen": "cohort.pgen"}[kind]
    for store in stores:
        write_vcf(store, tmp_path / f"chr{store.contig}.vcf.gz")
    write_plink(stores, tmp_path / "cohort")
    write_pgen(stores, tmp_path / "cohort")
    source = open_source(kind, str(tmp_path / path).replace("{chrom}", "chr{chrom}"))
    assert source.contigs() == ["1", "20"]
    assert list(source.sample_ids) == list(stores[0].people.id)
    for store in stores:
        variants, calls, phased, n_read, dropped = read_all(source, f"chr{store.contig}")
        assert n_read == len(store.variants) and not dropped
        assert np.array_equal(variants.position_bp, store.variants.position_bp)
        assert np.array_equal(variants.id, store.variants.id)
        assert np.array_equal(variants.allele, store.variants.allele)
        truth, known = store.read(), store.read_phasing()
        if kind == "plink":
            known = np.zeros_like(known)
        unordered = np.sort(truth, axis=2)
        assert np.array_equal(calls, np.where(known[..., None] | (kind == "vcf"), truth, unordered))
        heterozygous = truth[..., 0] != truth[..., 1]
        assert np.array_equal(phased & heterozygous, known & heterozygous)


def test_unphased_cohort_stays_unphased(tmp_path):
    store = make_store(tmp_path / "x.zip", phased="none")
    write_vcf(store, tmp_path / "x.vcf.gz")
    write_pgen([store], tmp_path / "x")
    assert "|" not in gzip.decompress((tmp_path / "x.vcf.gz").read_bytes()).decode()
    write_bgen([store], tmp_path / "x")
    for kind, name in (("vcf", "x.vcf.gz"), ("pgen", "x"), ("bgen", "x")):
        assert not read_all(open_source(kind, str(tmp_path / name)), "20")[2].any()


def test_half_missing_call_is_exported_as_missing(tmp_path):
    need("plink2")
    people = People.unlabelled(["a", "b"])
    variants = Variants("1", [5], ["rs"], [["A", "C"]])
    with CohortWriter(tmp_path / "s.zip", people) as writer:
        writer.append(variants, np.array([[[1, -1], [0, 1]]], dtype=np.int8), True)
    store = CohortStore(tmp_path / "s.zip")
    write_vcf(store, tmp_path / "s.vcf.gz")
    write_plink([store], tmp_path / "s")
    write_pgen([store], tmp_path / "s")
    write_bgen([store], tmp_path / "s")
    text = gzip.decompress((tmp_path / "s.vcf.gz").read_bytes()).decode()
    assert vcf_rows(text)[0][5:] == ["./.", "0|1"]
    names = {"--vcf": ["s.vcf.gz"], "--bfile": ["s"], "--pfile": ["s"], "--bgen": ["s.bgen"]}
    for flag, (name,) in names.items():
        files = [tmp_path / name, *(["ref-first"] if flag == "--bgen" else [])]
        run("plink2", flag, *files, "--missing", "variant-only", "--out", tmp_path / "m")
        assert pd.read_csv(tmp_path / "m.vmiss", sep="\t")["MISSING_CT"][0] == 1


def test_sample_sheet(tmp_path):
    people = People(["a", "b"], ["Han Chinese", ""], ["", ""])
    write_sample_sheet(people, tmp_path / "new" / "people.tsv")
    assert (tmp_path / "new/people.tsv").read_text() == "sample_id\tlabel\na\tHan Chinese\nb\t\n"


@pytest.mark.parametrize("write", [write_vcf, write_plink, write_pgen, write_bgen])
def test_failed_export_leaves_nothing(write, tmp_path, monkeypatch):
    store = make_store(tmp_path / "x.zip")
    for walked in ("variant_chunks", "variant_slices"):
        monkeypatch.setattr(CohortStore, walked, lambda *_, **__: iter([1 / 0]))
    folder = tmp_path / "out"
    with pytest.raises(ZeroDivisionError):
        write(store if write is write_vcf else [store], folder / "x.vcf.gz")
    assert list(folder.iterdir()) == []


def test_vcf_records_dropped_at_multiallelic_sites(tmp_path):
    source = open_source("vcf", str(write_bgzip(vcf_text(), tmp_path / "x.vcf.gz")))
    assert source.contigs() == ["20"]
    assert source.contig_length("20") == 63_025_520
    assert source.people_columns().to_dict("list") == {"sample": ["a", "b", "c"]}
    variants, calls, phased, n_read, dropped = read_all(source, "20")
    assert list(variants.id) == ["r1", ".", "haploid", "first", "lower"]
    assert list(variants.position_bp) == [100, 120, 140, 150, 190]
    assert variants.allele[-1].tolist() == ["A", "G"]
    assert calls.tolist() == [
        [[0, 1], [1, 0], [1, 1]],
        [[-1, -1], [0, 1], [-1, 1]],
        [[1, -2], [-1, -2], [0, 1]],
        [[0, 0], [0, 1], [1, 1]],
        [[1, 0], [0, 0], [0, 0]],
    ]
    assert phased[[0, 1, 3]].tolist() == [[True] * 3, [False, False, True], [False] * 3]
    assert phased[4].tolist() == [False, False, True]
    assert n_read == len(RECORDS)
    assert dropped == {
        "multiallelic": 3, "indel": 1, "structural": 1, "monomorphic_code": 1, "duplicate": 1,
    }  # fmt: skip


def test_vcf_split_makes_other_alleles_missing(tmp_path):
    source = open_source("vcf", str(write_bgzip(vcf_text(), tmp_path / "x.vcf.gz")))
    variants, calls, phased, n_read, dropped = read_all(source, "20", multiallelic="split")
    assert n_read == len(RECORDS) + 1
    assert dropped == {"indel": 1, "structural": 1, "monomorphic_code": 1, "duplicate": 1}
    split = {tuple(a): c.tolist() for a, c in zip(variants.allele[1:3], calls[1:3], strict=True)}
    # a: A|C, b: C|G, c: G/G; whoever carries the other ALT does not carry REF
    assert split == {
        ("A", "C"): [[0, 1], [1, -1], [-1, -1]],
        ("A", "G"): [[0, -1], [-1, 1], [1, 1]],
    }
    assert phased[1].tolist() == [True, True, False]
    assert list(variants.position_bp).count(160) == 2


@pytest.mark.parametrize("multiallelic", ["drop", "split"])
def test_chunk_size_changes_nothing(multiallelic, tmp_path):
    source = open_source("vcf", str(write_bgzip(vcf_text(), tmp_path / "x.vcf.gz")))
    whole = read_all(source, "20", multiallelic=multiallelic)
    chunks = list(source.chunks("20", multiallelic=multiallelic, size=1))
    assert {len(chunk.variants) for chunk in chunks} == {1}
    pieces = read_all(source, "20", multiallelic=multiallelic, size=1)
    for a, b in zip(whole[1:], pieces[1:], strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(whole[0].id, pieces[0].id)


def test_chromosome_without_snps_gives_one_empty_chunk(tmp_path):
    text = vcf_text([r for r in RECORDS if r[1] == "deletion"])
    source = open_source("vcf", str(write_bgzip(text, tmp_path / "x.vcf.gz")))
    (chunk,) = source.chunks("20")
    assert chunk.calls.shape == (0, 3, 2) and chunk.dropped == {"indel": 1}


def _plain(text, path):
    path.write_text(text)


def _gzip(text, path):
    path.write_bytes(gzip.compress(text.encode()))


def _bcf(text, path):
    plain = path.with_suffix(".txt")
    plain.write_text(text)
    run("bcftools", "view", "-Ob", "-o", path, plain)
    plain.unlink()


def _bcf_unpacked(text, path):
    _bcf(text, path)
    packed = path.rename(path.with_suffix(".packed"))
    run("bcftools", "view", "-Ou", "-o", path, packed)
    packed.unlink()


def _no_contig_line(text, path):
    write_bgzip("".join(x for x in text.splitlines(True) if "##contig" not in x), path)


@pytest.mark.parametrize("write", [_plain, _gzip, _bcf, _bcf_unpacked, _no_contig_line])
def test_every_kind_of_vcf_file_reads_the_same(write, tmp_path):
    need("bcftools")
    text = vcf_text(RECORDS[:3])
    folder = tmp_path / "users"
    folder.mkdir()
    write(text, folder / "x.vcf.gz")
    variants, calls, *_ = read_all(open_source("vcf", str(folder / "x.vcf.gz")), "20")
    assert list(variants.position_bp) == [100, 120]
    assert calls[0].tolist() == [[0, 1], [1, 0], [1, 1]]
    assert [file.name for file in folder.iterdir()] == ["x.vcf.gz"]  # no index beside it


@pytest.mark.parametrize("multiallelic", ["drop", "split"])
def test_real_vcf_against_a_loop_over_samples(multiallelic, real_data):
    path = str(real_data / "kg3/kg3_hipster8regions_17010snps.hg19.vcf.gz")
    variants, calls, phased, n_read, dropped = read_all(
        open_source("vcf", path), "chr4", multiallelic=multiallelic
    )
    with pysam.VariantFile(path) as file:
        records = [
            (r.pos, r.ref, r.alts, [s["GT"] for s in r.samples.values()], r)
            for r in file.fetch("4")
        ]
    expected = []
    for position, ref, alts, genotypes, _ in records:
        if multiallelic == "drop" and len(alts) > 1:
            continue
        for number, alt in enumerate(alts, 1):
            if len(ref) == len(alt) == 1:
                code = {0: 0, number: 1}
                rows = [[code.get(allele, -1) for allele in call] for call in genotypes]
                expected.append((position, ref, alt, rows))
    expected.sort(key=lambda row: row[:3])
    found = sorted(
        (int(p), *a, c.tolist())
        for p, a, c in zip(variants.position_bp, variants.allele, calls, strict=True)
    )
    assert found == expected
    assert phased.all()
    assert len(variants) + sum(dropped.values()) == n_read
    n_alts = sum(len(record[2]) for record in records)
    assert n_read == (n_alts if multiallelic == "split" else len(records))


@pytest.mark.parametrize("multiallelic", ["drop", "split"])
def test_real_pgen_reads_like_the_vcf_it_came_from(multiallelic, real_data, tmp_path):
    need("plink2")
    vcf = real_data / "kg3/kg3_hipster8regions_17010snps.hg19.vcf.gz"
    make = ["--chr", "4", "--make-pgen", "vzs", "--out", tmp_path / "x"]
    run("plink2", "--vcf", vcf, *make)
    source = open_source("pgen", str(tmp_path / "x.pgen"))
    assert source.contigs() == ["4"] and source.contig_length("4") == 191_154_276
    ours = read_all(source, "4", multiallelic=multiallelic)
    theirs = read_all(open_source("vcf", str(vcf)), "4", multiallelic=multiallelic)
    order = np.lexsort([theirs[0].allele[:, 1].astype(str), theirs[0].position_bp])
    mine = np.lexsort([ours[0].allele[:, 1].astype(str), ours[0].position_bp])
    assert np.array_equal(ours[0].allele[mine], theirs[0].allele[order])
    assert np.array_equal(ours[0].id[mine], theirs[0].id[order])
    # plink2 keeps no half-missing calls, so the calls with another ALT differ in nothing but that
    assert np.array_equal(ours[1][mine], theirs[1][order])
    heterozygous = ours[1][..., 0] != ours[1][..., 1]
    assert ours[2][heterozygous].all()
    assert (ours[3], ours[4]) == (theirs[3], theirs[4])


def test_real_plink_allele_orientation(real_data, tmp_path):
    need("plink2")
    bed_reader = pytest.importorskip("bed_reader")
    stem = str(real_data / "hapmap3/hapmap3_957_14079")
    source = open_source("plink", f"{stem}.hg18", bim=f"{stem}.hg19.bim")
    variants, calls, phased, *_ = read_all(source, "chr22", size=100)
    bim = pd.read_csv(f"{stem}.hg19.bim", sep="\t", header=None)
    rows = bim[bim[0] == 22].sort_values(3, kind="stable")
    assert list(variants.id) == list(rows[1])
    assert not phased.any()

    with bed_reader.open_bed(f"{stem}.hg18.bed") as bed:
        counts = bed.read(index=np.s_[:, rows.index.to_numpy()], dtype="int8").T  # of column 5
    assert (counts == -127).sum() > 100
    dosage = np.where((calls < 0).any(axis=2), -127, calls.sum(axis=2))
    assert np.array_equal(dosage, counts)
    assert np.array_equal(variants.allele[:, 1], rows[4]) and np.array_equal(
        variants.allele[:, 0], rows[5]
    )

    files = ["--bed", f"{stem}.hg18.bed", "--bim", f"{stem}.hg18.bim", "--fam", f"{stem}.hg18.fam"]
    run("plink2", *files, "--chr", "22", "--export", "vcf", "--out", tmp_path / "x")
    theirs = {row[2]: row for row in vcf_rows((tmp_path / "x.vcf").read_text())}
    code = {"0/0": 0, "0/1": 1, "1/1": 2, "./.": -127}
    for v, name in enumerate(variants.id):
        assert theirs[name][3:5] == list(variants.allele[v])
        assert [code[call] for call in theirs[name][5:]] == dosage[v].tolist()


def write_bed(folder, bim_lines, fam_lines, counts):
    """A PLINK 1 data set from counts of allele 1 [S, V], -127 missing, by bed-reader."""
    bed_reader = pytest.importorskip("bed_reader")
    bed_reader.to_bed(folder / "x.bed", np.array(counts, dtype="int8"), force_python_only=True)
    (folder / "x.bim").write_text("\n".join(bim_lines) + "\n")
    (folder / "x.fam").write_text("\n".join(fam_lines) + "\n")
    return str(folder / "x")


FAM = ["F1 1 0 0 1 -9", "F2 1 0 0 2 2", "F2 2 0 1 0 1"]
BIM = [
    "0\tunplaced\t0\t10\tA\tC",
    "2\tlate\t0\t900\tA\tC",
    "2\tmono\t0\t100\t0\tC",
    "2\tindel\t0\t200\tAT\tA",
    "2\tnowhere\t0\t0\tG\tC",
    "2\tearly\t0\t300\tT\tC",
    "2\tswapped_copy\t0\t300\tC\tT",
    "2\tother_alt\t0\t900\tG\tC",
    "23\tx\t0\t5\tT\tC",
]


def test_plink_records_sorted_and_dropped(tmp_path):
    counts = [
        [0, 2, 0, 0, 0, 1, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 0, 2, 0],
        [0, -127, 0, 0, 0, 2, 0, 0, 0],
    ]
    source = open_source("plink", write_bed(tmp_path, BIM, FAM, counts))
    assert source.contigs() == ["2", "X"]
    assert list(source.sample_ids) == ["F1_1", "F2_1", "F2_2"]  # IID 1 is in two families
    assert source.people_columns().iloc[2].tolist() == ["F2_2", "F2", "", "F2_1", "", "1"]
    variants, calls, _, n_read, dropped = read_all(source, "2")
    assert list(variants.id) == ["early"] and n_read == 7
    assert variants.allele.tolist() == [["C", "T"]]
    assert dropped == {
        "no_position": 1, "monomorphic_code": 1, "indel": 1, "multiallelic": 2, "duplicate": 1,
    }  # fmt: skip
    variants, calls, *_ = read_all(source, "chr2", multiallelic="split", size=1)
    assert list(variants.id) == ["early", "late", "other_alt"]
    assert calls.tolist() == [
        [[0, 1], [0, 0], [1, 1]],
        [[1, 1], [0, 1], [-1, -1]],
        [[0, 0], [1, 1], [0, 0]],
    ]


def test_pgen_people_and_companion_files(tmp_path):
    need("plink2")
    store = make_store(tmp_path / "x.zip", phased="all", labels=("GBR", "FIN"))
    write_pgen([store], tmp_path / "x")
    labels = open_source("pgen", str(tmp_path / "x")).people_columns()
    assert list(labels.columns) == ["sample", "label"]
    assert list(labels["label"]) == list(store.people.label)

    rows = [f"F{i}\t{i % 9 + 1}\t{i % 2 + 1}\tcase" for i in range(13)]
    text = "##comment\n#FID\tIID\tSEX\tstatus\n" + "\n".join(rows) + "\n"
    (tmp_path / "family.psam").write_text(text)
    source = open_source("pgen", str(tmp_path / "x"), psam=str(tmp_path / "family.psam"))
    assert source.sample_ids[0] == "F0_1" and source.sample_ids[12] == "F12_4"
    assert list(source.people_columns().columns) == ["sample", "family", "sex", "status"]

    run("plink2", "--pfile", tmp_path / "x", "--make-bpgen", "--out", tmp_path / "b")
    run("plink2", "--pfile", tmp_path / "x", "--make-pgen", "vzs", "--out", tmp_path / "z")
    truth = read_all(open_source("pgen", str(tmp_path / "x.pgen")), "20")
    for name in ("b", "z"):
        again = read_all(open_source("pgen", str(tmp_path / name)), "20")
        assert np.array_equal(again[1], truth[1]) and np.array_equal(again[2], truth[2])
        assert np.array_equal(again[0].allele, truth[0].allele)


def bad_vcf(make, tmp_path):
    path = tmp_path / "bad.vcf.gz"
    make(path)
    source = open_source("vcf", str(path))
    list(source.chunks("20"))


LONG = vcf_text([(p, "rs", "A", "C", "0|1", "0|0", "1|1") for p in range(1, 30_000)])


def _without_end_block(path):
    path.write_bytes(write_bgzip(LONG, path).read_bytes()[:-28])


def _cut_in_the_middle(path):
    path.write_bytes(write_bgzip(LONG, path).read_bytes()[:3000])


def _cut_gzip(path):
    _gzip(LONG, path)
    path.write_bytes(path.read_bytes()[:3000])


def _damaged_block(path):
    data = bytearray(write_bgzip(LONG, path).read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_without_end_block, "cut short"),
        (_cut_in_the_middle, "cut short"),
        (_cut_gzip, "cut short"),
        (lambda path: _plain(LONG[:-3], path), "last line does not end"),
        (lambda path: _plain(LONG[:-8] + "\n", path), "2 calls under a heading of 3 people"),
        (_damaged_block, "cannot be read as VCF"),
        (lambda path: path.write_text(""), "empty"),
        (lambda path: path.write_text("a,b\n1,2\n"), "cannot be read as VCF"),
        (lambda path: None, "no such file"),
        (lambda path: write_bgzip(vcf_text(people=("a", "b", "a")), path), "(?s)'a'.*id of its own"),
        (lambda path: write_bgzip(vcf_text(people=("a x", "b", "c")), path), "a x"),
        (lambda path: write_bgzip(vcf_text().replace("GT\t0|1\t1|0\t1|1", "DP\t3\t4\t5"), path), "chr20:100.*no GT"),
        (lambda path: write_bgzip(vcf_text().replace("1|0", "1|0|0"), path), "3 alleles"),
        (lambda path: write_bgzip(vcf_text(contig="chr21"), path), "It holds 21"),
        (lambda path: write_bgzip(vcf_text(RECORDS[::-1]), path), "bcftools sort"),
        (lambda path: write_bgzip(HEADER + COLUMNS[:-7] + "\n", path), "holds no people"),
        (lambda path: write_bgzip(vcf_text([]), path), "holds no variants"),
    ],
)  # fmt: skip
def test_bad_vcf_ends_in_one_message(make, message, tmp_path):
    with pytest.raises(InputError, match=message) as error:
        bad_vcf(make, tmp_path)
    assert "bad.vcf.gz" in str(error.value)


def test_vcf_files_per_chromosome(tmp_path):
    write_bgzip(vcf_text(contig="chr20"), tmp_path / "c20.vcf.gz")
    write_bgzip(vcf_text(contig="3", header=HEADER.replace("chr20", "3")), tmp_path / "c3.vcf.gz")
    source = open_source("vcf", str(tmp_path / "c{chrom}.vcf.gz"))
    assert source.contigs() == ["3", "20"]
    assert read_all(source, "chr3")[0].contig == "3"
    with pytest.raises(InputError, match="chromosome 4. It holds 3, 20"):
        list(source.chunks("4"))

    write_bgzip(vcf_text(people=("a", "c", "b")), tmp_path / "c20.vcf.gz")
    with pytest.raises(InputError, match="in another order"):
        read_all(open_source("vcf", str(tmp_path / "c{chrom}.vcf.gz")), "20")
    write_bgzip(vcf_text(), tmp_path / "cchr20.vcf.gz")
    with pytest.raises(InputError, match="several files fit"):
        read_all(open_source("vcf", str(tmp_path / "c{chrom}.vcf.gz")), "20")
    with pytest.raises(InputError, match="no file fits"):
        open_source("vcf", str(tmp_path / "nothing{chrom}.vcf.gz"))


def test_bed_that_does_not_fit(tmp_path):
    path = write_bed(tmp_path, BIM, FAM, np.zeros((3, 9)))
    bed = tmp_path / "x.bed"
    whole = bed.read_bytes()
    bed.write_bytes(whole[:-2])
    with pytest.raises(InputError, match="has 10 bytes, but 9 variants .* of 3 people .* take 12"):
        open_source("plink", path)
    bed.write_bytes(b"chr1\t5\t6\n")
    with pytest.raises(InputError, match="63 68 72, not 6c 1b 01"):
        open_source("plink", path)
    with pytest.raises(InputError, match=r"(?s)do not exist \(2\).*input.bim.*input.fam"):
        open_source("plink", path, bim=str(tmp_path / "no.bim"), fam=str(tmp_path / "no.fam"))


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("x.fam", [*FAM[:2], FAM[0]], "occur more than once: F1_1"),
        (
            "x.fam",
            [FAM[0], "F2 1 0 0 2", FAM[2]],
            "line 2: found 5 fields, expected 6: family, sample",
        ),
        ("x.fam", [FAM[0], FAM[1] + " more", FAM[2]], "line 2: found 7 fields, expected 6"),
        ("x.fam", ["1 2 3"] * 3, "line 1: found 3 fields, expected 6"),
        ("x.fam", [""], "holds no people; expected columns family"),
        ("x.bim", [*BIM[:3], "2\trs\t0\t1e-1\tA\tC", *BIM[4:]], "line 4: position '1e-1'"),
    ],
)
def test_bad_plink_tables_name_the_line(name, lines, message, tmp_path):
    path = write_bed(tmp_path, BIM, FAM, np.zeros((3, 9)))
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=message):
        list(open_source("plink", path).chunks("2"))


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("x.pvar", lambda text: text + "20\t9\trs\tA\tC\n", "not the .pgen of 12 variants"),
        ("x.psam", lambda text: text + "P13\tcase\n", "and 14 people"),
        ("x.psam", lambda text: text.replace("P12", "P11"), "occur more than once: P11"),
        ("x.psam", lambda text: text + "P13\n", "line 15: found 1 field, the heading has 2"),
        ("x.pvar", lambda text: text.replace("REF", "reference"), "line 3: the heading lacks REF"),
        ("x.pvar", lambda text: text.replace("\trs10", "?\trs10"), "line 14: position"),
        ("x.pvar", lambda text: "", "holds no variants"),
        (
            "x.pvar",
            lambda text: text + "20\t9\trs\tA\tC\tmore\n",
            "line 15: found 6 fields, the heading has 5",
        ),
    ],
)
def test_bad_pgen_companions(name, edit, message, tmp_path):
    write_pgen([make_store(tmp_path / "x.zip")], tmp_path / "x")
    text = (tmp_path / name).read_text()
    (tmp_path / name).write_text(edit(text))
    with pytest.raises(InputError, match=message):
        list(open_source("pgen", str(tmp_path / "x")).chunks("20"))


def test_cut_pgen_ends_in_one_message(tmp_path):
    write_pgen([make_store(tmp_path / "x.zip", n_variants=300)], tmp_path / "x")
    data = (tmp_path / "x.pgen").read_bytes()
    for length in (5, len(data) // 2, len(data) - 40):
        (tmp_path / "x.pgen").write_bytes(data[:length])
        with pytest.raises(InputError, match="x.pgen.*damaged"):
            read_all(open_source("pgen", str(tmp_path / "x")), "20")


def test_source_that_does_not_exist():
    with pytest.raises(InputError, match="not a format; use one of vcf, plink, pgen"):
        open_source("gen", "x")
    with pytest.raises(InputError, match="bim does not belong to kind 'vcf'"):
        open_source("vcf", "x.vcf", bim="x.bim")
    with pytest.raises(InputError, match="(?s)input.path: x.pgen.*input.pvar.*input.psam"):
        open_source("pgen", "x")
