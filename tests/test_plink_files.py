"""PLINK 1 and 2 files that do not belong together or are laid out oddly, beside plink1.9 and plink2."""

import numpy as np
import pytest
from cohorts import people_of
from genotype_files import need, read_whole, run

from syncohort.cohort_store import CohortStore
from syncohort.errors import InputError
from syncohort.formats.bed_fit import require_fitting
from syncohort.formats.bgen_writing import write_bgen
from syncohort.formats.pgen import write_pgen
from syncohort.formats.plink import own_ids, write_plink
from syncohort.formats.readers import open_source
from syncohort.formats.sites import ID_MAX
from syncohort.genotype_writing import CohortWriter
from syncohort.genotypes import Variants


def bed_of(folder, dosages, alleles=("A", "C")):
    """A PLINK 1 data set of copies of allele 1, int [V, S], -1 missing."""
    n_variants, n_people = dosages.shape
    codes = np.zeros((n_variants, -(-n_people // 4) * 4), dtype=np.uint8)
    codes[:, :n_people] = np.array([3, 2, 0, 1])[dosages]
    shifts = np.array([0, 2, 4, 6], dtype=np.uint8)
    packed = (codes.reshape(n_variants, -1, 4) << shifts).sum(axis=2).astype(np.uint8)
    (folder / "x.bed").write_bytes(b"\x6c\x1b\x01" + packed.tobytes())
    rows = [f"1\tv{i}\t0\t{10 + i}\t{alleles[1]}\t{alleles[0]}\n" for i in range(n_variants)]
    (folder / "x.bim").write_text("".join(rows))
    (folder / "x.fam").write_text("".join(f"p{i} p{i} 0 0 0 -9\n" for i in range(n_people)))
    return str(folder / "x")


def change_people(folder, change):
    """Take people from the end of the .fam, or add some."""
    rows = (folder / "x.fam").read_text().splitlines(True)
    more = [f"q{i} q{i} 0 0 0 -9\n" for i in range(change)]
    (folder / "x.fam").write_text("".join(rows[: len(rows) + min(change, 0)] + more))


# --- numbers that do not fit


@pytest.mark.parametrize("n_variants", [8, 30, 49])
@pytest.mark.parametrize("n_people", [9, 10, 11, 12])
@pytest.mark.parametrize("change", [-3, -2, -1, 1, 2, 3])
def test_a_fam_of_other_length_is_found_with_few_variants(n_variants, n_people, change, tmp_path):
    rng = np.random.default_rng(n_variants + n_people)
    dosages = rng.binomial(2, rng.uniform(0.1, 0.5, (n_variants, 1)), (n_variants, n_people))
    path = bed_of(tmp_path, dosages)
    change_people(tmp_path, change)
    with pytest.raises(InputError, match="belong together") as error:
        open_source("plink", path)
    text = str(error.value)
    assert f"{n_people + change} people" in text or f"x.fam has {n_people + change}." in text


def test_a_common_allele_1_is_no_reason_to_stop(tmp_path):
    dosages = np.full((10, 10), 2)
    dosages[:, 0] = 0
    source = open_source("plink", bed_of(tmp_path, dosages))
    assert "for the last of the 10 people" in source.notes[0]
    dosages[3, 9] = 1
    assert open_source("plink", bed_of(tmp_path, dosages)).notes == []


@pytest.mark.parametrize("change", [-1, 1])
def test_the_numbers_that_would_fit_are_named(change, tmp_path):
    path = bed_of(tmp_path, np.ones((20, 8), int))
    bim = tmp_path / "x.bim"
    rows = bim.read_text().splitlines(True)
    bim.write_text("".join(rows[:-1] if change < 0 else [*rows, rows[-1]]))
    with pytest.raises(InputError, match="43 bytes.*size for.*20 variants"):
        open_source("plink", path)
    bim.write_text("".join(rows))
    change_people(tmp_path, 4 * change)
    with pytest.raises(InputError, match="size for 5 to 8 people"):
        open_source("plink", path)


def test_people_are_looked_at_in_a_wide_file(tmp_path):
    rng = np.random.default_rng(0)
    bed_of(tmp_path, rng.binomial(2, 0.3, (6, 1001)))
    files = [tmp_path / f"x.{end}" for end in ("bed", "bim", "fam")]
    assert require_fitting(*files, 6, 1001) == []
    with pytest.raises(InputError, match="holds at most 1,001 people"):
        require_fitting(*files, 6, 1002)
    with pytest.raises(InputError, match="at least 1,003 people"):
        bed_of(tmp_path, rng.binomial(2, 0.3, (6, 1003)))
        require_fitting(*files, 6, 1001)


# --- headings of a .fam


@pytest.mark.parametrize(
    ("heading", "reads"),
    [
        ("", True),
        ("#FID IID PAT MAT SEX PHENO1\n", True),
        ("#FID\tIID\tPAT\tMAT\tSEX\tPHENOTYPE\n", True),
        ("#IID FID PAT MAT SEX PHENO1\n", False),  # plink1.9 goes by place, plink2 by name
        ("#FID IID\n", False),
        ("FID IID PAT MAT SEX PHENO1\n", False),
    ],
)
def test_headings_of_a_fam(heading, reads, tmp_path):
    need("plink1.9", "plink2")
    path = bed_of(tmp_path, np.arange(12).reshape(4, 3) % 3)
    rows = "f1 a 0 0 1 1\nf2 b 0 0 2 2\nf3 c 0 0 2 1\n"
    (tmp_path / "x.fam").write_text(heading + rows)
    if not reads:
        with pytest.raises(InputError, match=r"x.fam|x.bed"):
            open_source("plink", path)
        return
    found = open_source("plink", path).people_columns()
    columns = ["family", "sample", "father", "mother", "sex", "phenotype"]
    assert list(found) == ["sample", "family", *columns[2:]]
    for program, option in (("plink1.9", "--make-just-fam"), ("plink2", "--make-just-fam")):
        run(program, "--bfile", path, option, "--out", tmp_path / "o")
        ours = found[columns].replace({"father": {"": "0"}, "mother": {"": "0"}})
        theirs = [line.split() for line in (tmp_path / "o.fam").read_text().splitlines()]
        assert ours.to_numpy().tolist() == theirs


# --- comments

ABOVE = ["# a comment", "##a comment", "#FAM PERSON PAT MAT SEX PHENO", "#a\n#b\n##c"]


@pytest.mark.parametrize("comment", ABOVE)
@pytest.mark.parametrize("end", ["fam", "bim"])
def test_comments_above_the_rows_are_none_of_them(end, comment, tmp_path):
    need("plink1.9", "plink2")
    path = bed_of(tmp_path, np.arange(15).reshape(5, 3) % 3)
    plain = read_whole(open_source("plink", path), "1")
    file = tmp_path / f"x.{end}"
    file.write_text(f"{comment}\n{file.read_text()}")
    source = open_source("plink", path)
    variants, calls, *_ = read_whole(source, "1")
    assert source.sample_ids.tolist() == ["p0", "p1", "p2"]
    assert np.array_equal(variants.position_bp, plain[0].position_bp)
    assert np.array_equal(calls, plain[1])
    for program in ("plink1.9", "plink2"):
        run(program, "--bfile", path, "--make-bed", "--out", tmp_path / "o")
        assert (tmp_path / "o.fam").read_text().count("\n") == 3
        ids = [line.split()[1] for line in (tmp_path / "o.bim").read_text().splitlines()]
        assert ids == variants.id.tolist()


@pytest.mark.parametrize("comment", ["# x", "##x", "#1 v 0 5 A C", "#f x 0 0 0 -9"])
@pytest.mark.parametrize("end", ["fam", "bim"])
def test_a_comment_among_the_rows_stops(end, comment, tmp_path):
    path = bed_of(tmp_path, np.arange(15).reshape(5, 3) % 3)
    file = tmp_path / f"x.{end}"
    first, *rest = file.read_text().splitlines(True)
    file.write_text(f"## above\n{first}{comment}\n{''.join(rest)}")
    with pytest.raises(InputError, match=rf"x\.{end}, line 3: '{comment}' begins with # among"):
        open_source("plink", path)


@pytest.mark.parametrize(
    ("end", "comment", "message"),
    [
        ("fam", "# IID FID PAT MAT SEX PHENO", "names IID as column 1, which is column 2"),
        ("bim", "#CHR BP ID CM A1 A2", "names BP as column 2, which is column 4"),
    ],
)
def test_a_comment_that_says_another_order_of_columns_stops(end, comment, message, tmp_path):
    path = bed_of(tmp_path, np.arange(15).reshape(5, 3) % 3)
    file = tmp_path / f"x.{end}"
    file.write_text(f"## above\n{comment}\n{file.read_text()}")
    with pytest.raises(InputError, match=rf"x\.{end}, line 2: .* {message}"):
        open_source("plink", path)


# --- ids


def test_quotes_in_ids_are_letters(tmp_path):
    need("plink2")
    path = bed_of(tmp_path, np.arange(12).reshape(4, 3) % 3)
    bim = tmp_path / "x.bim"
    bim.write_text(bim.read_text().replace("v0", '"v0').replace("v2", 'v"2').replace("v3", "v'3"))
    run("plink2", "--bfile", path, "--export", "vcf", "--out", tmp_path / "o")
    rows = [line.split("\t") for line in (tmp_path / "o.vcf").read_text().splitlines()]
    variants, calls, *_ = read_whole(open_source("plink", path), "1")
    assert variants.id.tolist() == [row[2] for row in rows if row[0] == "1"]
    words = [["/".join(map(str, call)) for call in row] for row in calls]
    assert words == [row[9:] for row in rows if row[0] == "1"]


def test_calls_are_those_of_pandas_plink(tmp_path):
    """The library holds the whole .bim and refuses quotes in ids; its calls are the measure of ours."""
    from pandas_plink import read_plink1_bin

    rng = np.random.default_rng(4)
    path = bed_of(tmp_path, rng.integers(-1, 3, (57, 13)))
    theirs = read_plink1_bin(
        f"{path}.bed", f"{path}.bim", f"{path}.fam", verbose=False, ref="a0"
    ).values  # [S, V], copies of column 5
    ours = np.concatenate([chunk.calls for chunk in open_source("plink", path).chunks("1")])
    dosage = np.where((ours < 0).any(axis=2), np.nan, ours.sum(axis=2))
    np.testing.assert_array_equal(dosage.T, theirs)


# --- ids


def variants_of(*records):
    """Variants of (position, id, REF, ALT)."""
    position, ids, ref, alt = zip(*records, strict=True)
    return Variants("1", np.array(position), list(ids), list(zip(ref, alt, strict=True)))


def test_copies_of_an_id_get_their_alleles_or_a_number():
    long = "A" * ID_MAX
    shared = [(10, "rs1", "A", "C"), (20, "rs1", "A", "C"), (30, "rs1", "A", long)]
    others = [(40, "rs1:A:C", "G", "T"), (50, ".", "A", "C"), (60, ".", "A", "G")]
    ids = own_ids(variants_of(*shared, *others))
    assert ids == ["rs1:1", "rs1:2", "rs1:3", "rs1:A:C", ".", "."]
    assert own_ids(variants_of(*shared[1:])) == ["rs1:A:C", "rs1:1"]


@pytest.mark.parametrize("length", [17_000, 70_000])
def test_long_alleles_make_no_ids_that_other_programs_refuse(length, tmp_path):
    need("plink2")
    long = "A" + "CG" * (length // 2)
    variants = variants_of((10, "a" * 9_000, "A", long), (10, "b" * 9_000, "A", "T"))
    twins = variants_of((10, "x", "A", long), (10, "x", "A", "T"))
    for name, own in (("long", variants), ("twins", twins)):
        with CohortWriter(tmp_path / f"{name}.zip", people_of(["a"] * 3)) as writer:
            writer.append(own, np.array([[[0, 1]] * 3, [[1, 0]] * 3], dtype=np.int8), True)
        store, out = CohortStore(tmp_path / f"{name}.zip"), tmp_path / name
        write_plink([store], out)
        write_pgen([store], out)
        write_bgen([store], out)
        for given in (
            ("--bfile", out),
            ("--pfile", out),
            ("--bgen", f"{out}.bgen", "ref-first", "--sample", f"{out}.sample"),
        ):
            run("plink2", *given, "--freq", "--out", tmp_path / "freq")
