"""What programs write into VCFs beside the plain case: read right, or refused with cause and cure."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from genotype_files import GT_LINE, need, read_text, read_whole, run, vcf_of, write_bgzip

from syncohort.cohort.genotype_checks import phase_checks
from syncohort.cohort.importing import import_chromosome
from syncohort.cohort.variant_checks import file_checks, unused_check
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.formats.readers import open_source
from syncohort.genotypes import normalise_contig

PS_LINE = '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">'
DP_LINE = '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">'
CALLS = ("0|1", "1|1", "1|0")


def row(position, ref="A", alt="C", *, failed=".", info=".", formats="GT", calls=CALLS):
    return ("1", position, ref, alt, failed, info, formats, *calls)


def imported(path, tmp_path, contig="1", multiallelic="drop", kind="vcf", **options):
    """The store and the summary of an import."""
    out = [tmp_path / name for name in ("raw.zip", "raw.json", "raw.tsv")]
    import_chromosome({"kind": kind, "path": str(path)}, contig, multiallelic, *out, **options)
    return CohortStore(out[0]), json.loads(out[1].read_text())


PLAIN = [[0, 1], [1, 1], [1, 0]]


@pytest.mark.parametrize(
    "text",
    [
        vcf_of([row(10)], header=()),
        vcf_of([row(10, failed="q10", info="AC=3;DB")]),
        vcf_of([row(10, formats="GT:ZZ", calls=[f"{call}:7" for call in CALLS])]),
        vcf_of([row(10, formats="DP:GT", calls=[f"7:{c}" for c in CALLS])], header=(GT_LINE, DP_LINE)),
        vcf_of([row(10, calls=["|0|1", "|1|1", "|1|0"])], version="4.4"),
        vcf_of([row(10, ref="a", alt="c")]),
        vcf_of([row(10, alt="C,<NON_REF>")]),
        vcf_of([row(10, alt="<*>,C", calls=["0|2", "2|2", "2|0"])]),
    ],
    ids=["GT-undeclared", "tags-undeclared", "FORMAT-undeclared", "GT-second", "leading-phase",
         "lower-case", "gVCF", "gVCF-first"],
)  # fmt: skip
@pytest.mark.parametrize("multiallelic", ["drop", "split"])
def test_dialects_read_like_the_plain_case(text, multiallelic, tmp_path):
    variants, calls, *_ = read_text(text, tmp_path / "x.vcf", multiallelic=multiallelic)
    assert variants.allele.tolist() == [["A", "C"]]
    assert calls.tolist() == [PLAIN]


def test_reference_blocks_of_a_gvcf_are_no_variants(tmp_path):
    end = '##INFO=<ID=END,Number=1,Type=Integer,Description="End">'
    block = row(20, alt="<NON_REF>", info="END=40", calls=["0/0"] * 3)
    text = vcf_of([row(10, alt="C,<NON_REF>"), block], header=(GT_LINE, end))
    variants, _, _, chunks = read_text(text, tmp_path / "x.vcf")
    assert variants.position_bp.tolist() == [10]
    assert chunks[0].dropped == {"monomorphic_code": 1}


def test_phase_of_leading_marks(tmp_path):
    calls = ["|0|1", "/0/1", "0|1"]
    _, _, phased, _ = read_text(vcf_of([row(10, calls=calls)], version="4.4"), tmp_path / "x.vcf")
    assert phased.tolist() == [[True, False, True]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (vcf_of([row(10, calls=["|0|1"] * 3)]), "VCF 4.4"),
        (vcf_of([row(10)], header=(GT_LINE.replace("String", "Integer"),)), "declared as text"),
        (vcf_of([row(10, formats="DP", calls="345")], header=(DP_LINE,)), "1:10 A>C has no GT"),
        (vcf_of([row(10, calls=["0|2", "0|0", "0|1"])]), "1:10 A>C has a call of allele 2"),
        (vcf_of([row(10, calls=["0|1"] * 4)]), "1:10 has 4 calls under a heading of 3 people"),
        (vcf_of([row(0), row(10)]), "records at position 0"),
        (vcf_of([row(10)]) + "\n", "empty line"),
        ("\ufeff" + vcf_of([row(10)]), "byte order mark"),
        (vcf_of([row(10)]).replace("\t", " "), "apart by tabs"),
        (vcf_of([row(10, calls=["0\\1"] * 3)]), "two alleles with"),
    ],
)
def test_what_cannot_be_read_says_why(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read_text(text, tmp_path / "x.vcf")


@pytest.mark.parametrize(
    ("alleles", "advice"),
    [
        (("A", "B"), "A/B: codes of a genotyping chip.*--update-alleles"),
        (("1", "2"), "1/2: codes that stand for no base.*--update-alleles"),
        (("0", "1"), "0/1: codes that stand for no base.*tskit"),
        (("3", "4"), "3/4: codes of A, C, G and T.*--alleleACGT"),
        (("X", "Y"), "X/Y, and A, C, G and T are needed"),
    ],
)
def test_allele_codes_are_named_with_their_cure(alleles, advice, tmp_path):
    ref, alt = alleles
    if ref.isalpha() and ref != "A":
        pytest.importorskip("bed_reader")
    path = plink_of(tmp_path, [(ref, alt)] * 4)
    with pytest.raises(InputError, match=advice):
        imported(path, tmp_path, kind="plink")
    # a chromosome with a few of them is used, and the page says so
    path = plink_of(tmp_path, [(ref, alt), ("A", "C"), ("G", "C")])
    _, summary = imported(path, tmp_path, kind="plink")
    (check,) = [check for check in file_checks([summary]) if check.name == "allele codes"]
    assert check.level == "look" and check.found.startswith("1 records")


def plink_of(folder, alleles) -> str:
    """A PLINK 1 data set of three people and the given pairs (A2, A1)."""
    bed_reader = pytest.importorskip("bed_reader")
    counts = np.tile([[0], [1], [2]], (1, len(alleles))).astype("int8")
    bed_reader.to_bed(folder / "x.bed", counts, force_python_only=True)
    lines = [f"1\tv{i}\t0\t{10 + i}\t{a1}\t{a2}" for i, (a2, a1) in enumerate(alleles)]
    (folder / "x.bim").write_text("\n".join(lines) + "\n")
    (folder / "x.fam").write_text("".join(f"p{i} p{i} 0 0 0 -9\n" for i in range(3)))
    return str(folder / "x")


def test_deletions_and_insertions_coded_by_letters_are_indels(tmp_path):
    path = plink_of(
        tmp_path, [("I", "D"), ("D", "I"), ("-", "A"), ("A", "."), ("A", "0"), ("A", "C")]
    )
    _, summary = imported(path, tmp_path, kind="plink")
    assert summary["dropped"] == {"indel": 3, "monomorphic_code": 2}


def test_only_multiallelic_records_advise_to_split(tmp_path):
    (tmp_path / "x.vcf").write_text(vcf_of([row(10, alt="C,G"), row(20, alt="C,*")]))
    with pytest.raises(InputError, match="2 multi-allelic sites.*filters.multiallelic: split"):
        imported(tmp_path / "x.vcf", tmp_path)


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        *[("01", "1"), ("chr01", "1"), ("022", "22"), ("0", "0")],
        *[("NC_000001.11", "1"), ("NC_000021.8", "21"), ("NC_000023.10", "X")],
        *[("21.0", "21"), ("21.5", "21.5"), ("X.0", "X.0")],
        *[("NC_012920.1", "MT"), ("NC_000067.7", "NC_000067.7"), ("NC_000001", "NC_000001")],
        *[("CM000663.2", "1"), ("CM000684.1", "22"), ("CM000685.2", "X"), ("CM000686.2", "Y")],
        *[("CM000994.3", "CM000994.3"), ("J01415.2", "MT"), ("NC_060925.1", "1")],
        *[("NC_060948.1", "Y"), ("CP068277.2", "1"), ("CP068255.2", "X"), ("CP086569.2", "Y")],
        *[
            ("CP068254.1", "MT"),
            ("0X", "X"),
            ("0Y", "Y"),
            ("0M", "MT"),
            ("0MT", "MT"),
            ("XY", "XY"),
        ],
        *[
            ("CHR1", "1"),
            ("Chr1", "1"),
            ("chrM", "MT"),
            ("chr1_KI270706v1_random", "1_KI270706V1_RANDOM"),
            ("chromosome01", "1"),
            ("Chrom_X", "X"),
            ("chr 22", "22"),
            ("chromosome1_random", "CHROMOSOME1_RANDOM"),
        ],
    ],
)
def test_names_of_one_chromosome(name, bare):
    assert normalise_contig(name) == bare


def test_many_contigs_are_shortened_in_messages(tmp_path):
    names = [f"chrUn_{i:06d}" for i in range(2000)]
    rows = [(name, 5, "A", "C", ".", ".", "GT", *CALLS) for name in names]
    path = write_bgzip(vcf_of(rows, contigs=names), tmp_path / "x.vcf.gz")
    with pytest.raises(InputError, match=r"It holds UN_000000.* and 1,970 more") as error:
        list(open_source("vcf", str(path)).chunks("1"))
    assert len(str(error.value)) < 1000


# --- FILTER

FAILING = [row(10, failed="PASS"), row(20, failed="q10"), row(30, failed="q10;s50"), row(40)]
FILTERS = ['##FILTER=<ID=q10,Description="q">', '##FILTER=<ID=s50,Description="s">']


@pytest.mark.parametrize("declared", [True, False])
def test_records_that_fail_a_filter_are_counted_and_dropped_on_request(declared, tmp_path):
    header = (GT_LINE, *(FILTERS if declared else []))
    (tmp_path / "x.vcf").write_text(vcf_of(FAILING, header=header))
    store, summary = imported(tmp_path / "x.vcf", tmp_path)
    assert len(store.variants) == 4
    (check,) = file_checks([summary])
    assert (check.found, check.level) == ("2 (q10 2, s50 1)", "look")
    store, summary = imported(tmp_path / "x.vcf", tmp_path, pass_only=True)
    assert store.variants.position_bp.tolist() == [10, 40]
    (check,) = file_checks([summary])
    assert (check.found, check.level) == ("2 (q10 2, s50 1); left out", "ok")
    assert "that fail a filter (2, 50.0%)" in unused(summary)


def test_pass_only_agrees_with_bcftools_and_reads_a_pvar(tmp_path):
    need("bcftools", "plink2")
    text = vcf_of(FAILING, header=(GT_LINE, *FILTERS))
    (tmp_path / "x.vcf").write_text(text)
    kept = run("bcftools", "view", "-H", "-f", "PASS,.", tmp_path / "x.vcf").splitlines()
    run("plink2", "--vcf", tmp_path / "x.vcf", "--make-pgen", "--out", tmp_path / "x")
    for kind, name in (("vcf", "x.vcf"), ("pgen", "x.pgen")):
        store, summary = imported(tmp_path / name, tmp_path, kind=kind, pass_only=True)
        assert [line.split("\t")[2] for line in kept] == store.variants.id.tolist()
        assert summary["failed"] == {"q10": 1, "q10;s50": 1}


def test_pass_beside_a_filter_is_no_filter(tmp_path):
    (tmp_path / "x.vcf").write_text(vcf_of([row(10, failed="PASS;q10"), row(20)]))
    (check,) = file_checks([imported(tmp_path / "x.vcf", tmp_path)[1]])
    assert check.found == "1 (q10 1)"


def test_a_pvar_may_begin_with_a_byte_order_mark(tmp_path):
    need("plink2")
    (tmp_path / "x.vcf").write_text(vcf_of([row(10)]))
    run("plink2", "--vcf", tmp_path / "x.vcf", "--make-pgen", "--out", tmp_path / "x")
    pvar = tmp_path / "x.pvar"
    pvar.write_bytes(b"\xef\xbb\xbf" + pvar.read_bytes())
    store, _ = imported(tmp_path / "x.pgen", tmp_path, kind="pgen")
    assert store.variants.position_bp.tolist() == [10]


# --- phase sets


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    ("field", "number", "value"),
    [
        ("PS", 1, "{0}7"),
        ("PSL", "P", "b{0},b{0}"),
        ("PID", 1, "{0}7_A_C"),
        ("HP", ".", "{0}7-1,{0}7-2"),
    ],
)
def test_phase_sets_of_other_fields_break_phase(field, number, value, declared, tmp_path):
    line = f'##FORMAT=<ID={field},Number={number},Type=String,Description="x">'
    for sets, breaks in (("123456", 15), ("111111", 0), ("111222", 3)):
        rows = [
            row(10 * v, formats=f"GT:{field}", calls=["0|1:" + value.format(name)] * 3)
            for v, name in enumerate(sets, start=1)
        ]
        text = vcf_of(rows, header=(GT_LINE, *([line] if declared else [])))
        _, _, _, chunks = read_text(text, tmp_path / "x.vcf")
        assert (chunks[0].n_pairs, chunks[0].n_breaks) == (15, breaks)


def test_haplotypes_of_hp_in_either_order_are_one_set(tmp_path):
    line = '##FORMAT=<ID=HP,Number=.,Type=String,Description="x">'
    calls = (["0|1:7-1,7-2"] * 3, ["1|0:7-2,7-1"] * 3)
    rows = [row(10 + v, formats="GT:HP", calls=words) for v, words in enumerate(calls)]
    *_, chunks = read_text(vcf_of(rows, header=(GT_LINE, line)), tmp_path / "x.vcf")
    assert (chunks[0].n_pairs, chunks[0].n_breaks) == (3, 0)


def phased_rows(n, set_of, people=4, seed=0):
    """Rows with PS: set_of(variant, person)."""
    calls = np.random.default_rng(seed).integers(0, 2, (n, people, 2))
    return [
        row(10 + v, formats="GT:PS",
            calls=[f"{a}|{b}:{set_of(v, s)}" for s, (a, b) in enumerate(calls[v])])
        for v in range(n)
    ]  # fmt: skip


def breaks_of(rows) -> tuple[int, int]:
    """Pairs of neighbouring heterozygous calls of a person and those of two sets, one by one."""
    pairs = breaks = 0
    for calls in zip(*(r[7:] for r in rows), strict=True):
        sets = [c.split(":")[1] for c in calls if c[0] != c[2]]
        pairs += max(len(sets) - 1, 0)
        breaks += sum(a != b for a, b in pairwise(sets))
    return pairs, breaks


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    ("set_of", "haplotype", "genotype"),
    [
        (lambda v, s: 1, "ok", "ok"),
        (lambda v, s: ".", "ok", "ok"),
        (lambda v, s: v + 1, "stop", "ok"),
        (lambda v, s: v // 20 + s, "stop", "ok"),
        (lambda v, s: 1 + (v > 500), "look", "ok"),
    ],
)
def test_phase_that_breaks_off(set_of, haplotype, genotype, declared, tmp_path):
    rows = phased_rows(1000, set_of)
    header = (GT_LINE, PS_LINE) if declared else (GT_LINE,)
    (tmp_path / "x.vcf").write_text(vcf_of(rows, people=4, header=header))
    store, summary = imported(tmp_path / "x.vcf", tmp_path)
    expected = breaks_of(rows)
    if expected[1]:
        assert (summary["n_pairs"], summary["n_breaks"]) == expected
    assert store.phased == (haplotype != "stop")
    for mode, level in (("haplotype", haplotype), ("genotype", genotype)):
        (check,) = phase_checks([summary], mode, "none")
        assert check.level == level
        assert ("phase sets (PS) break off" in check.found) == (expected[1] > 0)
    if haplotype == "stop":
        (check,) = phase_checks([summary], "haplotype", "beagle")
        assert check.level == "ok" and "beagle will phase" in check.found


# --- what is not used


def unused(*summaries, maf_min=0.05, variant_missing_max=0.05) -> str:
    options = {"maf_min": maf_min, "variant_missing_max": variant_missing_max}
    return unused_check(list(summaries), **options).found


def test_what_is_not_used_is_counted(tmp_path):
    rows = [row(10), row(20, alt="CT"), row(30, alt="C,G"), row(40, ref="AT", alt="A")]
    rows += [("X", 10 + i, "A", "C", ".", ".", "GT", *CALLS) for i in range(5)]
    path = write_bgzip(vcf_of(rows, contigs=("1", "X")), tmp_path / "x.vcf.gz")
    _, summary = imported(path, tmp_path)
    words = unused(summary)
    assert "chromosomes X (5 records)" in words
    assert "indels (2, 50.0%)" in words and "multi-allelic sites (1, 25.0%)" in words


def test_what_filters_will_take_is_near_what_they_take(tmp_path):
    need("plink2")
    rng = np.random.default_rng(0)
    n, people = 600, 200
    p = rng.beta(0.3, 3, n)
    calls = rng.random((n, people, 2)) < p[:, None, None]
    absent = rng.random((n, people)) < rng.choice([0.01, 0.1], n)[:, None]
    rows = [
        row(10 + i, calls=["./." if gone else f"{int(a)}|{int(b)}"
                           for (a, b), gone in zip(calls[i], absent[i], strict=True)])
        for i in range(n)
    ]  # fmt: skip
    (tmp_path / "x.vcf").write_text(vcf_of(rows, people=people))
    _, summary = imported(tmp_path / "x.vcf", tmp_path)
    command = ["plink2", "--vcf", tmp_path / "x.vcf", "--out", tmp_path / "f"]
    run(*command, "--freq", "--missing", "variant-only")
    frequency = pd.read_csv(tmp_path / "f.afreq", sep="\t")["ALT_FREQS"]
    rare = (np.minimum(frequency, 1 - frequency) < 0.05).sum()
    missing = (pd.read_csv(tmp_path / "f.vmiss", sep="\t")["F_MISS"] > 0.05).sum()
    words = unused(summary)
    found = [int(part.split()[1]) for part in words.split("; ") if part.startswith("about")]
    assert found == pytest.approx([rare, missing], abs=0.02 * n)


def test_an_ordinary_file_leaves_nothing_unused(tmp_path):
    (tmp_path / "x.vcf").write_text(vcf_of([row(10), row(20)]))
    _, summary = imported(tmp_path / "x.vcf", tmp_path)
    assert unused(summary) == "nothing: every record of the files is used"
    assert read_whole(open_source("vcf", str(tmp_path / "x.vcf")), "1")[0].id.tolist() == [
        "v10",
        "v20",
    ]
