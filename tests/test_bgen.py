"""BGEN files: hard calls as plink2 makes them, every number of bits, people, and damaged files."""

import json
from fractions import Fraction

import numpy as np
import pytest
from bgen_files import PACK, block_of
from bgen_files import write_bgen as write_records
from chromosome_x import x_people, x_store
from cohorts import people_of, store_of
from genotype_files import GT_LINE, need, read_whole, run, vcf_of

from syncohort.cohort.importing import import_chromosome
from syncohort.cohort.variant_checks import file_checks
from syncohort.errors import InputError
from syncohort.formats.bgen_calls import HARD_CALL_THRESHOLD
from syncohort.formats.bgen_file import BgenFile
from syncohort.formats.bgen_writing import write_bgen
from syncohort.formats.oxford import read_sample, write_sample
from syncohort.formats.people_files import read_psam
from syncohort.formats.readers import held_contigs, open_source
from syncohort.genotypes import People
from syncohort.ploidy import ABSENT, doubled

DS_LINE = '##FORMAT=<ID=DS,Number=1,Type=Float,Description="Dosage">'
N_PEOPLE = 23
# how plink2 writes it, whether phased, which allele is REF, and the threshold
WRITTEN = {
    "1.1": (["bgen-1.1", "ref-first"], True, None),
    "1.1 ref-last": (["bgen-1.1", "ref-last"], False, 0.2),
    "1.2 of 8 bits": (["bgen-1.2", "ref-first", "bits=8"], False, None),
    "1.2 of 8 bits, phased": (["bgen-1.2", "ref-last", "bits=8"], True, None),
    "1.3 of 5 bits, phased": (["bgen-1.3", "ref-first", "bits=5"], True, 0.2),
    "1.3 of 16 bits": (["bgen-1.3", "ref-last"], False, 0.0),
    "1.3 of 16 bits, phased": (["bgen-1.3", "ref-first"], True, None),
}


def imputed_vcf(phased: bool, n: int = 60) -> str:
    """SNPs with dosages about the calls, some of them missing."""
    rng = np.random.default_rng(3)
    rows = []
    for at in range(n):
        calls = []
        for a, b in rng.integers(0, 2, (N_PEOPLE, 2)):
            dosage = np.clip(a + b + rng.choice([0, 0.15]) * rng.normal(), 0, 2)
            call = f"{a}{'|' if phased else '/'}{b}:{dosage:.4f}"
            calls.append("./.:." if rng.random() < 0.05 else call)
        rows.append(("chr2", 10 + 10 * at, "A", "CGT"[at % 3], ".", ".", "GT:DS", *calls))
    return vcf_of(rows, people=N_PEOPLE, header=(GT_LINE, DS_LINE), contigs=("chr2",))


@pytest.fixture(scope="module")
def imputed(tmp_path_factory):
    """The same cohort phased and not, as PLINK 2 files with dosages."""
    need("plink2")
    folder = tmp_path_factory.mktemp("imputed")
    for phased in (True, False):
        (folder / "x.vcf").write_text(imputed_vcf(phased))
        vcf = ["--vcf", folder / "x.vcf", "dosage=DS"]
        run("plink2", *vcf, "--make-pgen", "--out", folder / str(phased))
    return folder


@pytest.mark.parametrize("written", WRITTEN)
def test_calls_are_those_plink2_imports(written, imputed, tmp_path):
    export, phased, threshold = WRITTEN[written]
    export = ["--export", *export, "--out", tmp_path / "b"]
    run("plink2", "--pfile", imputed / str(phased), *export)
    made = ["--bgen", tmp_path / "b.bgen", export[2], "--sample", tmp_path / "b.sample"]
    option = [] if threshold is None else ["--hard-call-threshold", threshold]
    run("plink2", *made, *option, "--make-pgen", "--out", tmp_path / "p")
    ref = export[2].removeprefix("ref-")
    source = open_source("bgen", tmp_path / "b", ref_allele=ref, hard_call_threshold=threshold)
    assert source.sample_ids.tolist() == [f"p{i}" for i in range(N_PEOPLE)]
    variants, calls, known, chunks = read_whole(source, "2", size=7)
    theirs = read_whole(open_source("pgen", tmp_path / "p"), "2")
    assert variants.allele.tolist() == theirs[0].allele.tolist() and not variants.provisional.any()
    assert variants.id.tolist() == theirs[0].id.tolist()
    assert np.array_equal(np.sort(calls), np.sort(theirs[1]))
    het = (calls[..., 0] != calls[..., 1]) & known
    assert np.array_equal(het, (theirs[1][..., 0] != theirs[1][..., 1]) & theirs[2])
    assert het.any() == (phased and not written.startswith("1.1"))
    # plink2 swaps the haplotypes where REF is the first allele: what the file was made of has them
    made_of = tmp_path / "p" if ref == "last" else imputed / str(phased)
    haplotypes = read_whole(open_source("pgen", made_of), "2")[1]
    sure = het & (haplotypes >= 0).all(axis=2)
    assert np.array_equal(calls[sure], haplotypes[sure])
    n_uncertain = sum(chunk.n_uncertain for chunk in chunks)
    assert 0 < n_uncertain < (calls < 0).all(axis=2).sum()


@pytest.mark.parametrize("export", ["bgen-1.2", "bgen-1.3"])
def test_long_alleles_are_those_plink2_imports(export, tmp_path):
    need("plink2")
    rng = np.random.default_rng(4)
    rows = []
    for at, length in enumerate((1, 127, 128, 255, 256, 257, 1_000, 4_096, 65_535, 65_536, 70_000)):
        long = "A" + "".join(rng.choice(list("CGT"), length))
        for i, (ref, alt) in enumerate(((long, "A"), ("A", long), (long, "T" + long[::-1]))):
            calls = [f"{a}|{b}" for a, b in rng.integers(0, 2, (3, 2))]
            place = str(100_000 * (3 * at + i) + 1)
            rows.append(("1", place, ref, alt, ".", ".", "GT", *calls))
    (tmp_path / "x.vcf").write_text(vcf_of(rows))
    made = ["--export", export, "ref-first", "--out", tmp_path / "b"]
    run("plink2", "--vcf", tmp_path / "x.vcf", *made)
    back = ["--bgen", tmp_path / "b.bgen", "ref-first", "--sample", tmp_path / "b.sample"]
    run("plink2", *back, "--make-pgen", "--out", tmp_path / "p")
    options = {"size": 7, "variants": "all"}
    source = open_source("bgen", tmp_path / "b", ref_allele="first")
    variants, calls, *_ = read_whole(source, "1", **options)
    theirs = read_whole(open_source("pgen", tmp_path / "p"), "1", **options)
    assert variants.allele.tolist() == [list(row[2:4]) for row in rows]
    assert variants.allele.tolist() == theirs[0].allele.tolist()
    assert np.array_equal(np.sort(calls), np.sort(theirs[1]))
    words = [["|".join(map(str, call)) for call in row] for row in calls]
    assert words == [list(row[7:]) for row in rows]


def call_of(numbers, n_bits, phased, threshold=HARD_CALL_THRESHOLD) -> list:
    """The call of one person in plain Python, with exact numbers: dosages to 1/16384 of an allele."""
    whole = (1 << n_bits) - 1
    first, second = numbers
    dosage = round(Fraction((first + second if phased else 2 * first + second) << 14, whole))
    n_first = round(Fraction(dosage, 1 << 14))
    if abs(dosage - (n_first << 14)) > int(threshold * (1 << 14)):
        return [-1, -1, phased]
    apart = round(Fraction((first - second) << 14, whole)) if phased else 0
    if n_first == 1:
        return [1, 0, True] if apart < -(1 << 13) else [0, 1, apart > 1 << 13]
    return [*2 * [n_first // 2 ^ 1], phased]


@pytest.mark.parametrize("n_bits", [1, 3, 8, 13, 16, 24, 29, 32])
@pytest.mark.parametrize("packing", [0, 1, 2], ids=["plain", "zlib", "zstd"])
def test_every_number_of_bits_against_plain_python(n_bits, packing, tmp_path):
    rng = np.random.default_rng(n_bits)
    whole = (1 << n_bits) - 1
    variants, truth = [], []
    for at, phased in enumerate((True, False)):
        near = rng.choice([0, 0.03, 0.06, 0.12], (40, 2)) * rng.random((40, 2))
        pairs = np.where(rng.random((40, 2)) < 0.5, near, (1 - near) if phased else 0)
        if not phased:
            pairs[::3, 1] = 1 - pairs[::3].sum(axis=1)
        people = [(int(a * whole), int(b * whole)) for a, b in pairs]
        truth.append([call_of(numbers, n_bits, phased) for numbers in people])
        variants.append(("01", 5 + at, ("A", "C"), block_of(people, n_bits, phased)))
    ids = [f"p{i}" for i in range(40)]
    path = write_records(tmp_path / "x.bgen", variants, 40, packing=packing, ids=ids)
    _, calls, phased, _ = read_whole(open_source("bgen", path), "1")
    assert np.array_equal(np.concatenate([calls, phased[..., None]], axis=2), truth)


def test_people_with_one_copy_have_one_allele_and_with_none_no_call(tmp_path):
    people = [(255, 0), (255,), 2, (), 1, (0, 255), (0,), (128,)]
    for n_bits in (8, 7):
        scaled = [tuple(n >> 8 - n_bits for n in one) if isinstance(one, tuple) else one
                  for one in people]  # fmt: skip
        block = block_of(scaled, n_bits)
        path = write_records(
            tmp_path / "x.bgen", [("X", 9, ("A", "C"), block)], 8, ids=list("abcdefgh")
        )
        _, calls, _, chunks = read_whole(open_source("bgen", path), "X")
        unknown = 3 * [[-1, -1]]
        assert calls[0].tolist() == [[0, 0], [0, -2], *unknown, [0, 1], [1, -2], [-1, -1]]
        assert chunks[0].n_uncertain == 1


def test_records_that_are_no_snps_of_two_alleles_are_counted(tmp_path):
    two, three = block_of([(255, 0)]), block_of([(0, 0)], n_alleles=3)
    variants = [
        ("chr3", 30, ("A", "C"), two),
        ("3", 20, ("A", "C", "G"), three),
        ("3", 10, ("AT", "A"), two),
        ("3", 20, ("A", "T"), two),
        ("10", 1, ("A" * 4000, "T"), two),
        ("3", 25, ("G",), two),
    ]
    path = write_records(tmp_path / "x.bgen", variants, 1, ids=["a"])
    assert held_contigs("bgen", str(path)) == ["3", "10"]
    source = open_source("bgen", path)
    assert source.counts() == {"3": 5, "10": 1}
    for multiallelic, n_dropped in (("drop", 2), ("split", 1)):
        found, *_, chunks = read_whole(source, "3", multiallelic=multiallelic)
        assert found.position_bp.tolist() == [20, 30][n_dropped - 1 :] and found.provisional.all()
        expected = {"indel": 1, "multiallelic": n_dropped, "monomorphic_code": 1}
        assert chunks[0].dropped == expected


SAMPLE = "ID_1 ID_2 missing sex pheno bmi site\n0 0 0 D B P D\n"


def test_people_of_a_sample_file(tmp_path):
    block = block_of([(255, 0)] * 3)
    path = write_records(tmp_path / "x.bgen", [("1", 9, ("A", "C"), block)], 3)
    with pytest.raises(InputError, match=r"x\.bgen: names no people; name the \.sample file"):
        open_source("bgen", path)
    (tmp_path / "x.sample").write_text(
        SAMPLE + "f a 0 1 0 20.5 x\nf b 0 2 1 -9 NA\n0 c 0 NA NA 0 0\n"
    )
    people = open_source("bgen", path).people_columns()
    assert people.to_dict("list") == {
        "sample": ["a", "b", "c"],
        "family": ["f", "f", "0"],
        "sex": ["1", "2", ""],
        "pheno": ["1", "2", ""],
        "bmi": ["20.5", "", "0"],
        "site": ["x", "", "0"],
    }
    for ids in (["a", "b", "c"], ["f_a", "f_b", "0_c"]):
        write_records(path, [("1", 9, ("A", "C"), block)], 3, ids=ids)
        assert open_source("bgen", path).sample_ids.tolist() == ["a", "b", "c"]
    write_records(path, [("1", 9, ("A", "C"), block)], 3, ids=["a", "c", "b"])
    with pytest.raises(InputError, match="person 2 is 'b', but 'c' in"):
        open_source("bgen", path)


@pytest.mark.parametrize(
    "sample, message",
    [
        ("a b c\n0 0 0\n", "line 1: a .sample file begins with the names ID_1, ID_2"),
        ("ID_1 ID_2 missing\nx a 0\n", "line 2: expected the type of each column"),
        (SAMPLE + "a a 0 1 2 1 x\n", "line 3: pheno is '2'; a column of type B holds 0"),
        (SAMPLE + "a a 0 1 0 1\n", "line 3"),
        (SAMPLE + "a a 0 1 0 1 x\na a 0 1 0 1 x\n", "sample ids occur more than once: a"),
        (SAMPLE + "a a 0 1 0 1 x\nb b 0 1 0 1 x\n", "2 people, but 1 in"),
        (SAMPLE, "holds no people"),
    ],
    ids=["names", "types", "value", "short row", "twice", "more people", "nobody"],
)
def test_a_sample_file_that_does_not_fit(sample, message, tmp_path):
    path = write_records(tmp_path / "x.bgen", [("1", 9, ("A", "C"), block_of([(255, 0)]))], 1)
    (tmp_path / "x.sample").write_text(sample)
    with pytest.raises(InputError, match=message):
        open_source("bgen", path)


GOOD = block_of([(255, 0), (0, 0)])
BLOCKS = {
    "other people": (block_of([(255, 0)] * 3), "contradicts the header|bytes for 2 people"),
    "alleles": (block_of([(255, 0), (0, 0)], n_alleles=3), "contradicts the header"),
    "sum": (block_of([(255, 1), (0, 0)]), "probabilities that sum to more than 1"),
    "copies": (block_of([(255, 0, 0), (0, 0)]), "people with 3 copies; only diploid"),
    "short": (GOOD[:-1], "bytes for 2 people"),
    "stated copies": (GOOD[:6] + b"\1\1" + GOOD[8:], "a number of copies beside those it states"),
    "no bits": (GOOD[:11] + b"\0" + GOOD[12:], "contradicts the header"),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_genotypes_that_contradict_themselves(name, tmp_path):
    block, message = BLOCKS[name]
    variants = [("1", 9, ("A", "C"), GOOD), ("1", 10, ("A", "C"), block)]
    path = write_records(tmp_path / "x.bgen", variants, 2, ids=["a", "b"])
    with pytest.raises(InputError, match=rf"x\.bgen: variant 2 of 2 \(1:10 rs2\) .*({message})"):
        read_whole(open_source("bgen", path), "1")


def test_a_flipped_bit_of_genotypes_names_file_and_variant(tmp_path):
    rng = np.random.default_rng(1)
    people = [tuple(each) for each in rng.integers(0, 128, (500, 2)).tolist()]
    for packing in (1, 2):
        variants = [("1", 9, ("A", "C"), block_of(people))]
        path = write_records(
            tmp_path / "x.bgen", variants, 500, packing=packing, ids=map(str, range(500))
        )
        content = path.read_bytes()
        start = len(content) - len(PACK[packing](variants[0][3]))
        for place in (start, start + 5, -1)[: 3 if packing == 1 else 2]:  # zstd has no checksum
            damaged = bytearray(content)
            damaged[place] ^= 1 << 6
            path.write_bytes(damaged)
            named = r"x\.bgen: variant 1 of 1 \(1:9 rs1\) cannot be unpacked"
            with pytest.raises(InputError, match=named):
                read_whole(open_source("bgen", path), "1")


MIXED = [  # chromosomes whose records do not lie together, one of them under two names
    (contig, 9 + i, ("A", "C", "G")[: 3 if i == 5 else 2], block_of([(255, 0), (i, 0)]))
    for i, contig in enumerate(["01", "2", "1", "X", "2", "1", "01", "X"])
]


def test_a_chromosome_is_found_by_the_index_as_by_a_walk(tmp_path, monkeypatch):
    plain = write_records(tmp_path / "plain.bgen", MIXED, 2, ids=["a", "b"])
    indexed = write_records(tmp_path / "indexed.bgen", MIXED, 2, ids=["a", "b"], indexed=True)
    expected = open_source("bgen", plain)
    contigs, counts = held_contigs("bgen", plain), expected.counts()
    found = {contig: read_whole(expected, contig) for contig in contigs}
    read = []
    parse = BgenFile._parse
    monkeypatch.setattr(BgenFile, "_parse", lambda *a: read.append(a[2]) or parse(*a))
    source = open_source("bgen", indexed)
    assert held_contigs("bgen", indexed) == contigs and source.counts() == counts
    assert read == []  # all is in the index
    for contig in contigs:
        variants, calls, phased, _ = read_whole(source, contig)
        ours, theirs, as_well, _ = found[contig]
        assert variants.position_bp.tolist() == ours.position_bp.tolist()
        assert (variants.id == ours.id).all() and (calls == theirs).all()
        assert (phased == as_well).all()
    assert sorted(read) == list(range(len(MIXED)))  # every record once
    with pytest.raises(InputError, match="chromosome 7"):
        read_whole(source, "7")


def test_the_index_of_another_file_is_refused(tmp_path):
    path = tmp_path / "x.bgen"
    write_records(path, MIXED, 2, ids=["a", "b"], indexed=True)
    index = tmp_path / "x.bgen.bgi"
    right = index.read_bytes()
    write_records(path, MIXED[::-1], 2, ids=["a", "b"])  # as many bytes, other records
    with pytest.raises(InputError, match=r"x\.bgen\.bgi: is no index of the BGEN file beside it"):
        open_source("bgen", path)
    index.write_bytes(right[:3_000])
    with pytest.raises(InputError, match=r"Make it again \(`bgenix"):
        open_source("bgen", path)
    index.unlink()
    assert open_source("bgen", path).counts() == {"1": 4, "2": 2, "X": 2}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"n_variants": 1}, "goes on behind the 1 variants"),
        ({"n_variants": 3}, "variant 3 of 3 is cut short"),
        ({"flags": 1}, "of no version of BGEN that is read"),
        ({"flags": 2 << 2 | 3}, "of no version of BGEN that is read"),
    ],
    ids=["fewer", "more", "version 1.0", "compression"],
)
def test_a_header_that_does_not_fit(options, message, tmp_path):
    variants = [("1", 9, ("A", "C"), GOOD), ("1", 10, ("A", "C"), GOOD)]
    path = write_records(tmp_path / "x.bgen", variants, 2, ids=["a", "b"], **options)
    with pytest.raises(InputError, match=message):
        read_whole(open_source("bgen", path), "1")


def test_ids_that_occur_twice_stop(tmp_path):
    path = write_records(tmp_path / "x.bgen", [("1", 9, ("A", "C"), GOOD)], 2, ids=["a", "a"])
    with pytest.raises(InputError, match=r"x\.bgen: sample ids occur more than once: a"):
        open_source("bgen", path)


@pytest.mark.parametrize("n_uncertain, level", [(1, "ok"), (4, "look")])
def test_probabilities_that_are_no_calls_are_on_the_check_page(n_uncertain, level, tmp_path):
    people = [(255, 0)] * (40 - n_uncertain) + [(0, 200)] * n_uncertain
    variants = [("1", 9 + at, ("A", "C"), block_of(people)) for at in range(2)]
    ids = [f"p{i}" for i in range(40)]
    path = write_records(tmp_path / "x.bgen", variants, 40, ids=ids)
    made = [tmp_path / name for name in ("x.zip", "x.json", "x.tsv")]
    import_chromosome({"kind": "bgen", "path": str(path)}, "1", "drop", *made)
    checks = {check.name: check for check in file_checks([json.loads(made[1].read_text())])}
    assert checks["imputed genotypes"].level == level
    assert f"{2 * n_uncertain} of 80 probabilities" in checks["imputed genotypes"].found
    assert "provisional at 2 of 2" in checks["reference alleles"].found


def test_options_of_bgen_belong_to_bgen_alone(tmp_path):
    for key in ("ref_allele", "hard_call_threshold", "sample"):
        with pytest.raises(InputError, match=f"{key} does not belong to kind 'vcf'"):
            open_source("vcf", tmp_path / "x.vcf", **{key: 0.1})


@pytest.mark.parametrize("phased", [True, False], ids=["phased", "unphased"])
def test_what_is_written_is_read_by_plink2_and_by_us(phased, tmp_path):
    need("plink2")
    calls = np.random.default_rng(2).integers(0, 2, (30, 8, 2)).astype(np.int8)
    calls[5, 1] = calls[7, 3, 0] = -1
    people = people_of(["case", "control"] * 4)
    store = store_of(tmp_path / "s.zip", calls, people, phased=phased)
    write_bgen([store], tmp_path / "b", statement="nobody here exists")
    assert b"people=nobody here exists" in (tmp_path / "b.bgen").read_bytes()[:60]
    calls[7, 3] = -1
    expected = calls if phased else np.sort(calls)
    _, found, known, _ = read_whole(open_source("bgen", tmp_path / "b"), "1")
    assert np.array_equal(found, expected) and known.all() == phased
    # plink2 keeps haplotypes in their order where REF is the last allele, so REF is ALT for it here
    made = ["--bgen", tmp_path / "b.bgen", "ref-last", "--sample", tmp_path / "b.sample"]
    run("plink2", *made, "--make-pgen", "--out", tmp_path / "p")
    variants, theirs, *_ = read_whole(open_source("pgen", tmp_path / "p"), "1")
    assert np.array_equal(
        np.where(theirs < 0, -1, 1 - theirs if phased else 1 - theirs[..., ::-1]), expected
    )
    assert variants.allele[:, ::-1].tolist() == store.variants.allele.tolist()
    psam = read_psam(tmp_path / "p.psam")
    assert psam["phenotype"].tolist() == ["2", "1"] * 4
    assert psam["sample"].tolist() == people.id.tolist()


@pytest.mark.parametrize("phased", [True, False], ids=["phased", "unphased"])
def test_men_have_one_copy_of_x_in_a_written_file(phased, tmp_path):
    need("plink2")
    people = x_people(12)
    store = x_store(tmp_path / "x.zip", people, phased=phased, missing=0.1)
    write_bgen([store], tmp_path / "x")
    source = open_source("bgen", tmp_path / "x", ref_allele="first")
    assert source.people_columns()["sex"].astype(int).tolist() == people.sex.tolist()
    truth = store.read()
    calls = read_whole(source, "X")[1]
    absent = truth[..., 1] == ABSENT
    assert np.array_equal(calls[..., 1] == ABSENT, absent & (truth[..., 0] >= 0))
    truth = np.where((truth == -1).any(axis=2, keepdims=True), np.int8(-1), truth)
    assert np.array_equal(np.sort(doubled(calls)), np.sort(doubled(truth)))
    made = ["--bgen", tmp_path / "x.bgen", "ref-first", "--sample", tmp_path / "x.sample"]
    run("plink2", *made, "--make-pgen", "--out", tmp_path / "p")
    theirs = read_whole(open_source("pgen", tmp_path / "p"), "X")[1]
    assert np.array_equal(np.sort(doubled(theirs)), np.sort(doubled(truth)))


def test_labels_and_numbers_of_a_written_sample_file(tmp_path):
    missing = np.array([0, 0.25, 0])
    people = People(["a", "b", "c"], ["Han Chinese", "", "CEU"], [""] * 3)
    write_sample(people, missing, tmp_path / "x.sample")
    lines = (tmp_path / "x.sample").read_text().splitlines()
    assert lines[:2] == ["ID_1 ID_2 missing sex label", "0 0 0 D D"]
    assert lines[2:] == ["a a 0 NA Han_Chinese", "b b 0.25 NA NA", "c c 0 NA CEU"]
    people = People(["a", "b"], ["low", "high"], [""] * 2, [1.5, np.nan])
    write_sample(people, missing[:2], tmp_path / "x.sample")
    assert read_sample(tmp_path / "x.sample")["phenotype"].tolist() == ["1.5", ""]
