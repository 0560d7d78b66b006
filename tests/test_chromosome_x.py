"""Chromosome X from files to files: one copy stays one, and counts once."""

import json

import numpy as np
import pandas as pd
import pytest
from chromosome_x import x_calls, x_people, x_store, x_variants
from genotype_files import need, read_whole, run

from syncohort.cohort.filters import filter_variants
from syncohort.cohort.hardy_weinberg import smallest_p_values
from syncohort.cohort.importing import import_chromosome
from syncohort.formats.pgen import write_pgen
from syncohort.formats.plink import write_plink
from syncohort.formats.readers import open_source
from syncohort.formats.sample_sheet import read_sample_sheet, write_sample_sheet
from syncohort.formats.vcf_writing import write_vcf
from syncohort.genotypes import CohortStore, People, to_rows
from syncohort.packed_calls import PackedCalls, masks
from syncohort.ploidy import ABSENT, MALE, doubled, has_one_copy, of_known_sex

PEOPLE = x_people(60)
ONE_COPY = has_one_copy(x_variants().male_haploid, PEOPLE.sex)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return x_store(tmp_path_factory.mktemp("x") / "X.zip", PEOPLE, missing=0.03)


def imported(tmp_path, path, kind, *, people=PEOPLE, contig="X", build="GRCh37") -> CohortStore:
    """What the study uses of a file: imported, with the people's sex, no variant filtered."""
    out = [tmp_path / name for name in ("raw.zip", "raw.json", "raw.tsv")]
    import_chromosome({"kind": kind, "path": str(path)}, contig, "drop", *out, build=build)
    used = People(people.id, people.label, ["train"] * len(people), sex=people.sex)
    filters = {"maf_min": 0, "variant_missing_max": 1, "hwe_p_min": 0}
    filter_variants(
        CohortStore(out[0]), used, None, tmp_path / "X.zip", tmp_path / "X.json", **filters
    )
    return CohortStore(tmp_path / "X.zip")


def kept_of(store, again) -> np.ndarray:
    """Which variants another store holds too: variants of one allele alone are filtered."""
    return np.isin(store.variants.id, again.variants.id)


def test_one_copy_however_it_is_written():
    calls = np.array([[[0, -2], [1, -1], [-1, 1], [1, 1], [0, 1], [-1, -1], [-1, -2]]], np.int8)
    man, woman = (np.full((1, 7), one) for one in (True, False))
    assert of_known_sex(calls, man)[0, :, 0].tolist() == [0, 1, 1, 1, -1, -1, -1]
    assert (of_known_sex(calls, man)[..., 1] == ABSENT).all()
    whole = [[-1, -1], [1, -1], [-1, 1], [1, 1], [0, 1], [-1, -1], [-1, -1]]
    assert of_known_sex(calls, woman)[0].tolist() == whole
    assert doubled(of_known_sex(calls, man))[0, :4].tolist() == [[0, 0], [1, 1], [1, 1], [1, 1]]
    rows = to_rows(of_known_sex(calls, man), "haplotype", once=True)
    assert (rows[1::2] == -1).all() and rows[::2].T.tolist() == [[0, 1, 1, 1, -1, -1, -1]]
    assert to_rows(of_known_sex(calls, man), "genotype").T.tolist() == [[0, 2, 2, 2, -1, -1, -1]]


def test_a_store_keeps_sex_and_copies(store):
    assert (store.read() == x_calls(PEOPLE, missing=0.03)).all()
    assert (store.people.sex == PEOPLE.sex).all()
    assert (store.variants[40:60].male_haploid == x_variants().male_haploid[40:60]).all()
    assert store.phased
    broken = np.full((190, 60, 2), ABSENT, np.int8)
    with pytest.raises(ValueError, match="-2 for the second allele"):
        x_store(store.path.with_name("other.zip"), PEOPLE, broken)


def test_vcf_has_one_allele_where_there_is_one_copy(store, tmp_path):
    need("bcftools")
    write_vcf(store, tmp_path / "x.vcf.gz")
    found = run("bcftools", "query", "-f", "[%GT ]\\n", tmp_path / "x.vcf.gz")
    calls = store.read()
    for words, own in zip(found.splitlines(), calls, strict=True):
        expected = [
            ("." if a < 0 else f"{a}") if b == ABSENT else ("./." if a < 0 else f"{a}|{b}")
            for a, b in own
        ]
        assert words.split() == expected
    again = imported(tmp_path, tmp_path / "x.vcf.gz", "vcf")
    assert (again.read() == calls[kept_of(store, again)]).all() and again.phased


@pytest.mark.parametrize("kind", ["plink", "pgen"])
def test_plink_files_have_sex_and_the_shared_ends_apart(kind, store, tmp_path):
    need("plink2")
    write, bfile = (write_plink, "--bfile") if kind == "plink" else (write_pgen, "--pfile")
    write([store], tmp_path / "c")
    said = run("plink2", bfile, tmp_path / "c", "--export", "vcf", "--out", tmp_path / "again")
    assert "Warning" not in said and "30 females, 30 males" in said
    people = open_source(kind, str(tmp_path / "c")).people_columns()
    assert people["sex"].astype(int).tolist() == PEOPLE.sex.tolist()
    # plink2 writes males of X with one allele
    text = (tmp_path / "again.vcf").read_text().splitlines()
    words = {row.split("\t")[2]: row.split("\t") for row in text if not row.startswith("#")}
    for name, own in zip(store.variants.id, store.read(), strict=True):
        single = [len(word) == 1 for word in words[name][9:]]
        assert single == (own[:, 1] == ABSENT).tolist()
    again = imported(tmp_path, tmp_path / "c", kind, build="none")
    calls, own = again.read(), store.read()[kept_of(store, again)]
    assert (np.sort(doubled(calls), axis=2) == np.sort(doubled(own), axis=2)).all()
    assert ((calls[..., 1] == ABSENT) == (own[..., 1] == ABSENT)).all()
    shared = "XY" if kind == "plink" else "PAR1"
    _, first, *_ = read_whole(open_source(kind, str(tmp_path / "c")), shared)
    assert (np.sort(first[:20]) == np.sort(store.read(slice(0, 20)))).all()


def test_plink19_reads_the_files_and_counts_men_once(store, tmp_path):
    need("plink1.9")
    write_plink([store], tmp_path / "c")
    run("plink1.9", "--bfile", tmp_path / "c", "--freq", "counts", "--out", tmp_path / "f")
    counts = pd.read_csv(tmp_path / "f.frq.counts", sep=r"\s+").set_index("SNP")
    ours = PackedCalls.of(store.read()).count(masks(np.ones((1, 60), bool)))
    counts = counts.loc[list(store.variants.id)]
    alt = np.where(counts["A1"] == "G", counts["C1"], counts["C2"])
    assert (alt == ours.alt[:, 0]).all()
    assert ((counts["C1"] + counts["C2"]).to_numpy() == ours.alleles[:, 0]).all()


def test_frequencies_and_hardy_weinberg_are_plink2s(store, tmp_path):
    need("plink2")
    write_pgen([store], tmp_path / "c")
    run("plink2", "--pfile", tmp_path / "c", "--freq", "--hardy", "--out", tmp_path / "p")
    ours = PackedCalls.of(store.read()).count(masks(np.ones((1, 60), bool)))
    theirs = pd.read_csv(tmp_path / "p.afreq", sep="\t").set_index("ID").loc[store.variants.id]
    assert (theirs["OBS_CT"].to_numpy() == ours.alleles[:, 0]).all()
    frequency = ours.alt[:, 0] / ours.alleles[:, 0]
    np.testing.assert_allclose(theirs["ALT_FREQS"], frequency, rtol=1e-5)
    hardy = pd.read_csv(tmp_path / "p.hardy.x", sep="\t").set_index("ID")
    women = masks((PEOPLE.sex != MALE)[None])
    p = pd.Series(smallest_p_values(PackedCalls.of(store.read()).count(women)), store.variants.id)
    own = store.variants.id[store.variants.male_haploid]
    assert set(hardy.index) == set(own)
    het = pd.Series(PackedCalls.of(store.read()).count(women).het[:, 0], store.variants.id)
    assert (hardy["FEMALE_HET_A1_CT"] == het[hardy.index]).all()
    # plink2's P of X has males in it (Graffelman and Weir 2016): compared without them
    run("plink2", "--pfile", tmp_path / "c", "--keep-females", "--hardy", "--out", tmp_path / "w")
    alone = pd.read_csv(tmp_path / "w.hardy.x", sep="\t").set_index("ID")
    np.testing.assert_allclose(alone["P"], p[alone.index], rtol=1e-4)


def test_men_count_once_in_what_is_filtered(tmp_path):
    calls = x_calls(PEOPLE)
    male = PEOPLE.sex == MALE
    calls[30, :, 0], calls[30, ~male, 1] = male, 0  # ALT is 30 of 90 alleles
    calls[31, male, 0] = -1  # a third of the alleles are missing
    raw = x_store(tmp_path / "raw.zip", PEOPLE, calls)
    used = People(PEOPLE.id, PEOPLE.label, ["train"] * 60, sex=PEOPLE.sex)
    for maf, missing in ((0.32, 0.32), (0.34, 0.34)):
        filters = {"maf_min": maf, "variant_missing_max": missing, "hwe_p_min": 0}
        filter_variants(raw, used, None, tmp_path / "X.zip", tmp_path / "X.json", **filters)
        kept = set(CohortStore(tmp_path / "X.zip").variants.id)
        assert ("x30" in kept) == (maf < 1 / 3)
        dropped = json.loads((tmp_path / "X.json").read_text())["dropped"]
        assert dropped["missing calls"] == (missing < 1 / 3)


def test_a_sample_sheet_says_the_sex(tmp_path):
    write_sample_sheet(PEOPLE, tmp_path / "s.tsv")
    assert (tmp_path / "s.tsv").read_text().splitlines()[:2] == [
        "sample_id\tlabel\tsex",
        "p0\ta\tmale",
    ]
    assert (read_sample_sheet(tmp_path / "s.tsv").sex == PEOPLE.sex).all()
