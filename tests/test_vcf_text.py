"""Lines of a VCF read as arrays: what bcftools and cyvcf2 read, one pass, whatever the block."""

import numpy as np
import pytest
from genotype_files import read_text, read_whole, vcf_of, write_bgzip

from syncohort.errors import InputError
from syncohort.formats import vcf, vcf_text
from syncohort.formats.readers import open_source
from syncohort.formats.vcf_file import VcfFile

DP_LINE = '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">'
GT_LINE = '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">'
PS_LINE = '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">'
PHASED = ("0|0", "0|1", "1|0", "1|1")
UNPHASED = ("0/0", "0/1", "1/1", "./.")
ANY = (*PHASED, *UNPHASED, ".|.", "0|.", "./1", ".", "0", "1")


def random_rows(kinds, n=300, people=7, seed=0):
    """Records, several at one position now and then; kinds: allowed calls, ALT and FORMAT."""
    rng = np.random.default_rng(seed)
    position = np.cumsum(rng.integers(0, 3, n)) + 1
    rows = []
    for v in range(n):
        calls, alt, formats = kinds[rng.integers(len(kinds))]
        words = rng.choice(calls, people)
        if formats != "GT":
            words = [f"{word}:{rng.integers(99)}" for word in words]
        rows.append(("1", position[v], "A", alt, ".", "PR" * (v % 9 == 0) or ".", formats, *words))
    return rows


KINDS = {
    "phased": [(PHASED, "C", "GT")],
    "unphased": [(UNPHASED, "C", "GT")],
    "both": [(PHASED, "C", "GT"), (UNPHASED, "G", "GT"), (PHASED, "CT", "GT")],
    "any": [(ANY, "C", "GT"), (ANY, "T", "GT:DP"), ((*ANY, "1|2", "2/2"), "C,G", "GT")],
    "haploid": [(("0", "1", "."), "C", "GT"), (PHASED, "C", "GT")],
}


def assert_same(one, other):
    for name in ("position_bp", "id", "allele", "provisional"):
        assert np.array_equal(getattr(one[0], name), getattr(other[0], name)), name
    assert np.array_equal(one[1], other[1])
    known = (one[1] >= 0).all(axis=2)
    assert np.array_equal(one[2][known], other[2][known])
    totals = [sum(chunk.n_read for chunk in each[3]) for each in (one, other)]
    assert totals[0] == totals[1]
    dropped = [
        {
            reason: sum(chunk.dropped.get(reason, 0) for chunk in each[3])
            for chunk in each[3]
            for reason in chunk.dropped
        }
        for each in (one, other)
    ]
    assert dropped[0] == dropped[1]


@pytest.mark.parametrize("multiallelic", ["drop", "split"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_lines_are_what_bcftools_and_cyvcf2_read(kind, multiallelic, tmp_path, monkeypatch):
    header = (GT_LINE, DP_LINE, '##INFO=<ID=PR,Number=0,Type=Flag,Description="PR">')
    text = vcf_of(random_rows(KINDS[kind]), people=7, header=header)
    path = write_bgzip(text, tmp_path / "x.vcf.gz")
    monkeypatch.setattr(vcf_text, "_BLOCK_BYTES", 2_000)
    monkeypatch.setattr(vcf_text, "_STEP_CALLS", 50)
    with monkeypatch.context() as alone:
        alone.setattr(vcf.VcfSource, "_other_chunks", None)  # nothing but the lines
        plain = read_whole(open_source("vcf", str(path)), "1", multiallelic=multiallelic)
    monkeypatch.setattr(VcfFile, "first_offset", lambda *_: None)
    other = read_whole(open_source("vcf", str(path)), "1", multiallelic=multiallelic)
    assert len(plain[3]) > 5 > len(other[3])
    assert_same(plain, other)


@pytest.mark.parametrize("multiallelic", ["drop", "split"])
def test_from_an_unusual_line_on_bcftools_reads(multiallelic, tmp_path, monkeypatch):
    kinds = [(PHASED, "C", "GT"), (PHASED, "C,G", "GT")]
    rows = random_rows(kinds)
    rows[200] = (*rows[200][:6], "GT:PS", *(["0|1:7"] * 7))
    text = vcf_of(rows, people=7, header=(GT_LINE, PS_LINE))
    monkeypatch.setattr(vcf_text, "_BLOCK_BYTES", 2_000)
    half = read_text(text, tmp_path / "x.vcf", multiallelic=multiallelic)
    monkeypatch.setattr(VcfFile, "first_offset", lambda *_: None)
    other = read_text(text, tmp_path / "x.vcf", multiallelic=multiallelic)
    assert len(half[3]) > 2
    assert_same(half, other)


def test_a_later_chromosome_is_read_alone(tmp_path):
    rows = [(c, 10 * i, "A", "C", ".", ".", "GT", "0|1") for c in "123" for i in range(1, 50)]
    path = write_bgzip(vcf_of(rows, people=1, contigs="123"), tmp_path / "x.vcf.gz")
    for contig in "213":
        variants, calls, *_ = read_whole(open_source("vcf", str(path)), contig)
        assert variants.contig == contig and len(variants) == len(calls) == 49


def test_records_with_more_or_fewer_calls_than_people_stop(tmp_path):
    rows = [("1", i, "A", "C", ".", ".", "GT", *["0|1"] * 3) for i in range(1, 50)]
    for people in (2, 4):
        rows[30] = ("1", 31, "A", "C", ".", ".", "GT", *["0|1"] * people)
        path = write_bgzip(vcf_of(rows), tmp_path / "x.vcf.gz")
        with pytest.raises(InputError, match=r"x.vcf.gz"):
            read_whole(open_source("vcf", str(path)), "1")
