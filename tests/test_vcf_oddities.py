"""Odd VCFs that people have: read as bcftools and plink2 do, counted on the page, or refused."""

import gzip
import json
import lzma
import subprocess

import numpy as np
import pytest
import zstandard
from genotype_files import (
    GT_LINE,
    need,
    read_text,
    read_whole,
    run,
    simple_vcf,
    vcf_of,
    write_bgzip,
)

from syncohort.cohort.genotype_checks import ploidy_checks
from syncohort.cohort.importing import import_chromosome
from syncohort.cohort.variant_checks import file_checks
from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.formats.readers import open_source

CALLS = ("0|1", "1|1", "1|0")


def row(position, ref="A", alt="C", *, info=".", formats="GT", calls=CALLS):
    return ("1", position, ref, alt, ".", info, formats, *calls)


def imported(text, tmp_path, multiallelic="drop"):
    """The store, the summary and the table of people of an import of a VCF."""
    (tmp_path / "x.vcf").write_text(text)
    out = [tmp_path / name for name in ("raw.zip", "raw.json", "raw.tsv")]
    source = {"kind": "vcf", "path": str(tmp_path / "x.vcf")}
    import_chromosome(source, "1", multiallelic, *out)
    return CohortStore(out[0]), json.loads(out[1].read_text()), out[2]


# --- phase sets and marks


@pytest.mark.parametrize("start", [1, 2**31 - 3, 2**31, 2**40])
def test_phase_sets_of_any_number_are_told_apart(start, tmp_path):
    line = '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="x">'
    rows = [
        row(10 * (v + 1), formats="GT:PS", calls=[f"0|1:{start + v // 5}"] * 3) for v in range(20)
    ]
    *_, chunks = read_text(vcf_of(rows, header=(GT_LINE, line)), tmp_path / "x.vcf")
    assert (sum(c.n_pairs for c in chunks), sum(c.n_breaks for c in chunks)) == (57, 9)


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("Number=0,Type=Flag", ("PR", ".", "PR")),
        ("Number=1,Type=Integer", ("PR=3", ".", "PR=0")),
        ("Number=.,Type=String", ("PR=a", "PR=PR", ".")),
        ("", ("PR", ".", "PR")),
    ],
)
def test_only_a_flag_marks_a_provisional_reference(declared, values, tmp_path):
    need("plink2")
    lines = [f'##INFO=<ID=PR,{declared},Description="x">'] if declared else []
    rows = [row(10 * (v + 1), info=info) for v, info in enumerate(values)]
    variants, *_ = read_text(vcf_of(rows, header=(GT_LINE, *lines)), tmp_path / "x.vcf")
    run("plink2", "--vcf", tmp_path / "x.vcf", "--make-pgen", "--out", tmp_path / "x")
    run("plink2", "--pfile", tmp_path / "x", "--export", "vcf", "--out", tmp_path / "o")
    table = [line.split("\t") for line in (tmp_path / "o.vcf").read_text().splitlines()]
    marks = ["PR" in fields[7].split(";") for fields in table if fields[0] == "1"]
    assert variants.provisional.tolist() == marks


# --- alleles


@pytest.mark.parametrize("multiallelic", ["drop", "split"])
@pytest.mark.parametrize(
    ("ref", "alt", "reason"),
    [
        ("A", "C,C", "repeated"),
        ("A", "a,C", "repeated"),
        ("A", "A", "monomorphic_code"),
        ("A", "<NON_REF>", "monomorphic_code"),
        ("AT", "GC", "mnp"),
        ("AT", "AC", "mnp"),
        ("A", "*", "spanning"),
        ("A", "A.", "structural"),
        ("A", ".A", "structural"),
        ("A", "]1:55]A", "structural"),
        ("A", "<INS:ME:ALU>", "structural"),
        ("R", "C", "coded"),
        ("A", "N", "coded"),
    ],
)
def test_alleles_that_are_no_snp(ref, alt, reason, multiallelic, tmp_path):
    _, summary, _ = imported(vcf_of([row(10, ref, alt), row(20)]), tmp_path, multiallelic)
    assert summary["dropped"] == {reason: 1}
    assert (summary["n_read"], summary["n_kept"]) == (2, 1)
    checks = {check.name: check for check in file_checks([summary])}
    if reason == "mnp":
        assert "--atomize" in checks["MNPs"].advice
    elif reason == "coded":
        assert "IUPAC" in checks["allele codes"].advice
    else:
        assert not checks


def test_what_atomize_writes_is_read(tmp_path):
    need("bcftools")
    (tmp_path / "x.vcf").write_text(vcf_of([row(10, "AT", "GC"), row(20)]))
    text = run("bcftools", "norm", "--atomize", tmp_path / "x.vcf")
    variants, calls, *_ = read_text(text, tmp_path / "y.vcf")
    assert variants.position_bp.tolist() == [10, 11, 20]
    assert (calls == calls[2]).all()


def test_split_alleles_of_a_gvcf_keep_their_numbers(tmp_path):
    calls = ("0|2", "3|3", "1|2")
    text = vcf_of([row(10, alt="<NON_REF>,C,G", calls=calls)])
    variants, found, *_ = read_text(text, tmp_path / "x.vcf", multiallelic="split")
    assert variants.allele.tolist() == [["A", "C"], ["A", "G"]]
    assert found.tolist() == [
        [[0, 1], [-1, -1], [-1, 1]],
        [[0, -1], [1, 1], [-1, -1]],
    ]


@pytest.mark.parametrize("options", [{"multiallelic": "split"}, {"variants": "all"}])
@pytest.mark.parametrize("formats", ["GT", "GT:PS"])
def test_a_call_of_an_allele_that_is_not_listed_is_refused_as_by_plink2(formats, options, tmp_path):
    need("plink2")
    line = '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="x">'
    calls = [f"{call}{':7' * (formats != 'GT')}" for call in ("0|3", "1|2", "0|0")]
    text = vcf_of([row(10, alt="C,G", formats=formats, calls=calls)], header=(GT_LINE, line))
    with pytest.raises(InputError, match="1:10 A>C,G has a call of allele 3, which it does not"):
        read_text(text, tmp_path / "x.vcf", **options)
    asked = ["plink2", "--vcf", tmp_path / "x.vcf", "--freq", "--out", tmp_path / "x"]
    assert subprocess.run(asked, capture_output=True, check=False).returncode != 0


# --- lines and ids


@pytest.mark.parametrize("at", [0, 1, 5])
@pytest.mark.parametrize("formats", ["GT", "GT:ZZ"])
def test_calls_beyond_the_heading_are_found_in_every_record(at, formats, tmp_path):
    calls = [tuple(f"{c}{':7' * (formats != 'GT')}" for c in CALLS)] * 6
    calls[at] = (*calls[at], calls[at][0])
    rows = [row(10 * (v + 1), formats=formats, calls=c) for v, c in enumerate(calls)]
    with pytest.raises(InputError, match=f"1:{10 * (at + 1)} has 4 calls under a heading of 3"):
        read_text(vcf_of(rows), tmp_path / "x.vcf")


@pytest.mark.parametrize("packed", ["plain", "gzip", "bgzip"])
@pytest.mark.parametrize("formats", ["GT", "GT:PS"])
@pytest.mark.parametrize("second", ["1", "2"])
def test_a_second_heading_is_refused_as_by_bcftools(packed, formats, second, tmp_path):
    need("bcftools")
    line = '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="x">'
    calls = [call + ":7" * (formats != "GT") for call in CALLS]
    first, other, last = (
        vcf_of(
            [(name, 10 * (v + at), *row(1, formats=formats, calls=own)[2:]) for v in range(3)],
            header=(GT_LINE, line),
            contigs=("1", "2", "3"),
        )
        for at, name, own in ((1, "1", calls), (4, second, calls[::-1]), (9, "3", calls[::-1]))
    )
    text = first + other.replace("p0\tp1\tp2", "p2\tp1\tp0") + last[last.index("\n3") + 1 :]
    path = tmp_path / "x.vcf"
    if packed == "bgzip":
        write_bgzip(text, path)
    else:
        path.write_bytes(gzip.compress(text.encode()) if packed == "gzip" else text.encode())
    asked = subprocess.run(["bcftools", "view", "-H", path], capture_output=True, check=False)
    assert asked.returncode != 0
    with pytest.raises(InputError, match="begins with # stands among the records"):
        read_whole(open_source("vcf", str(path)), second)


@pytest.mark.parametrize("multiallelic", ["drop", "split"])
def test_positions_beyond_every_chromosome_are_refused(multiallelic, tmp_path):
    last = 2**31 - 2
    options = {"multiallelic": multiallelic}
    variants, *_ = read_text(vcf_of([row(10), row(last)]), tmp_path / "x.vcf", **options)
    assert variants.position_bp.tolist() == [10, last]
    with pytest.raises(InputError, match="x.vcf: chromosome 1: position 2,147,483,653 is beyond"):
        read_text(vcf_of([row(10), row(last + 7)]), tmp_path / "x.vcf", **options)


def test_a_position_of_a_bim_beyond_every_chromosome_is_refused(tmp_path):
    (tmp_path / "x.bed").write_bytes(b"\x6c\x1b\x01\xff")
    (tmp_path / "x.bim").write_text(f"1\tv\t0\t{2**31}\tC\tA\n")
    (tmp_path / "x.fam").write_text("".join(f"p{i} p{i} 0 0 0 -9\n" for i in range(4)))
    with pytest.raises(InputError, match="x.bim, line 1: position '2147483648' is not a whole"):
        read_whole(open_source("plink", str(tmp_path / "x")), "1")


def test_ids_with_blanks_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"1:10 has the id 'v 10'.*--set-id"):
        imported(vcf_of([row(10), row(20)]).replace("v10", "v 10"), tmp_path)
    # of a record that is not used it does not matter
    imported(vcf_of([row(10, alt="CT"), row(20)]).replace("v10", "v 10"), tmp_path)


def test_ids_too_long_for_plink_are_refused(tmp_path):
    text = vcf_of([row(10), row(20)])
    assert len(imported(text.replace("v10", "v" * 15_900), tmp_path)[0].variants) == 2
    with pytest.raises(InputError, match=r"1:10 has an id of 15,901 characters \(v{30}\.\.\."):
        imported(text.replace("v10", "v" * 15_901), tmp_path)


def test_letters_that_are_no_utf8(tmp_path):
    texts = {
        "header": simple_vcf(3).replace("##contig", "##source=Zo\u00eb\n##contig", 1),
        "info": simple_vcf(3).replace("\t.\tGT", "\tX=Zo\u00eb\tGT"),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.vcf").write_bytes(text.encode("latin-1"))
        assert len(read_whole(open_source("vcf", str(tmp_path / f"{name}.vcf")), "1")[0]) == 3
    people = simple_vcf(3).replace("\tp0", "\tZo\u00eb")
    (tmp_path / "p.vcf").write_bytes(people.encode("latin-1"))
    with pytest.raises(InputError, match="sample ids that are no UTF-8"):
        open_source("vcf", str(tmp_path / "p.vcf"))
    (tmp_path / "p.vcf").write_text(people)
    assert open_source("vcf", str(tmp_path / "p.vcf")).sample_ids[0] == "Zo\u00eb"


@pytest.mark.parametrize(
    ("pack", "words"), [(lzma.compress, "with xz"), (zstandard.compress, "with zstd")]
)
def test_other_compressions_are_named(pack, words, tmp_path):
    (tmp_path / "x.vcf.gz").write_bytes(pack(simple_vcf(3).encode()))
    with pytest.raises(InputError, match=words):
        open_source("vcf", str(tmp_path / "x.vcf.gz"))


def test_people_without_any_call_are_named(tmp_path):
    import pandas as pd

    calls = (".", "0/1", "1/1")
    text = vcf_of([row(10 * (v + 1), calls=calls) for v in range(5)])
    _, summary, table = imported(text, tmp_path)
    people = pd.read_csv(table, sep="\t", dtype=str)
    (check,) = ploidy_checks([summary], [people], people, np.ones(3, bool), "haplotype")
    assert check.level == "look" and check.found.startswith("1 (p0)")
    assert "chromosome 1" in check.name


def test_a_bed_as_pgen(tmp_path):
    need("plink2")
    (tmp_path / "x.vcf").write_text(simple_vcf(5))
    run("plink2", "--vcf", tmp_path / "x.vcf", "--make-bed", "--out", tmp_path / "x")
    (tmp_path / "x.bed").rename(tmp_path / "x.pgen")
    variants, calls, phased, _ = read_whole(open_source("pgen", str(tmp_path / "x")), "1")
    expected = read_whole(open_source("vcf", str(tmp_path / "x.vcf")), "1")[1]
    assert np.array_equal(calls.sum(axis=2), expected.sum(axis=2))
    assert variants.provisional.all() and not phased.any()
