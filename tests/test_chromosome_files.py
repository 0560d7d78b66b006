"""One genotype file per chromosome, paths with braces, and files that do not belong together."""

import numpy as np
import pytest
from genotype_files import need, read_whole, run, simple_vcf, write_bgzip

from syncohort.errors import InputError
from syncohort.formats.contents import Contents
from syncohort.formats.readers import held_contigs, open_source, source_files

ENDS = {"plink": (".bed", ".bim", ".fam"), "pgen": (".pgen", ".pvar", ".psam")}
ENDS["bgen"] = (".bgen", ".sample")
MAKE = {"plink": ["--make-bed"], "pgen": ["--make-pgen"], "bgen": ["--export", "bgen-1.3"]}
KINDS = ["vcf", "plink", "pgen", "bgen"]


def write_files(folder, kind, chromosomes, people=6, n=30):
    """Files chr1, chr2 ... of a cohort, and its VCFs."""
    need("plink2")
    folder.mkdir(exist_ok=True)
    for at, chrom in enumerate(chromosomes):
        text = simple_vcf(n, people=people, contig=chrom, seed=at)
        write_bgzip(text, folder / f"chr{chrom}.vcf.gz")
        if kind != "vcf":
            vcf = folder / f"chr{chrom}.vcf.gz"
            run("plink2", "--vcf", vcf, *MAKE[kind], "--out", folder / f"chr{chrom}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefix", [True, False])
def test_a_file_per_chromosome_reads_like_each_alone(kind, prefix, tmp_path):
    write_files(tmp_path / "a", kind, ["1", "2", "10", "X"])
    end = ".vcf.gz" if kind == "vcf" else "" if prefix else ENDS[kind][0]
    path = f"{tmp_path}/a/chr{{chrom}}{end}"
    assert held_contigs(kind, path) == ["1", "2", "10", "X"]
    source = open_source(kind, path)
    assert source.contigs() == ["1", "2", "10", "X"] and len(source.sample_ids) == 6
    for chrom in ("2", "chr10"):
        bare = chrom.removeprefix("chr")
        alone = read_whole(open_source(kind, f"{tmp_path}/a/chr{bare}{end}"), bare)
        found = read_whole(source, chrom)
        assert found[0].contig == bare
        assert np.array_equal(found[1], alone[1])
    assert source.counts()["10"] == 30 and source.counts()["X"] is None
    files = [file.name for file in source_files("2", kind, path)]
    assert files == (["chr2.vcf.gz"] if kind == "vcf" else [f"chr2{x}" for x in ENDS[kind]])
    with pytest.raises(InputError, match="chromosome 4. It holds 1, 2, 10, X"):
        list(source.chunks("4"))


@pytest.mark.parametrize("kind", ["plink", "pgen"])
def test_one_table_of_people_beside_many_files(kind, tmp_path):
    write_files(tmp_path / "a", kind, ["1", "2"])
    _, variants, people = ENDS[kind]
    (tmp_path / f"all{people}").write_text((tmp_path / f"a/chr1{people}").read_text())
    for chrom in "12":
        (tmp_path / f"a/chr{chrom}{variants}").rename(tmp_path / f"sites_{chrom}{variants}")
    others = {
        people[1:]: f"{tmp_path}/all{people}",
        variants[1:]: f"{tmp_path}/sites_{{chrom}}{variants}",
    }
    source = open_source(kind, f"{tmp_path}/a/chr{{chrom}}", **others)
    assert len(read_whole(source, "2")[0]) == 30
    with pytest.raises(InputError, match="write {chrom} in both"):
        open_source(kind, f"{tmp_path}/a/chr1", **others)


@pytest.mark.parametrize("kind", KINDS)
def test_other_people_in_one_of_the_files(kind, tmp_path):
    write_files(tmp_path / "a", kind, ["1"])
    write_files(tmp_path / "a", kind, ["2"], people=7)
    end = ".vcf.gz" if kind == "vcf" else ""
    with pytest.raises(InputError, match="7 people, not the 6 .*not in both: p6"):
        read_whole(open_source(kind, f"{tmp_path}/a/chr{{chrom}}{end}"), "2")


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [("1", "2", "sex of 6 people"), ("1", "1", ""), ("0", "2", "")],
)
def test_files_that_contradict_each_other_about_people_stop(first, second, said, tmp_path):
    """The sex of a .fam: 0 is not known, and contradicts nothing."""
    write_files(tmp_path / "a", "plink", ["1", "2"])
    for chrom, sex in (("1", first), ("2", second)):
        fam = tmp_path / f"a/chr{chrom}.fam"
        rows = [line.split() for line in fam.read_text().splitlines()]
        fam.write_text("".join("\t".join([*row[:4], sex, row[5]]) + "\n" for row in rows))
    source = open_source("plink", f"{tmp_path}/a/chr{{chrom}}")
    if not said:
        assert len(read_whole(source, "2")[0]) == 30
        return
    with pytest.raises(InputError, match=f"chr2.bed: the {said} is not that of .*chr1"):
        read_whole(source, "2")


FOREIGN = ("2", "X", "GL000191.1", "1_random", "MT", "HLA-A")
UNPLACED = ("plink", "pgen")  # kinds that know chromosome 0


def foreign_files(folder, kind, own="1"):
    """A file named 1 that holds other chromosomes, too, and records without a place in a PLINK file;
    and a file named 2."""
    names = [*filter(None, [own]), *FOREIGN, *(["9"] if kind in UNPLACED else [])]
    texts = [simple_vcf(6, contig=contig, seed=v) for v, contig in enumerate(names)]
    rows = [line for text in texts for line in text.splitlines(True) if line[0] != "#"]
    contigs = "".join(f"##contig=<ID={name}>\n" for name in names)
    head = simple_vcf(0, contig="none").replace("##contig=<ID=none>\n", contigs)
    write_bgzip(head + "".join(rows), folder / "chr1.vcf.gz")
    write_bgzip(simple_vcf(6, contig="chr2"), folder / "chr2.vcf.gz")
    if kind == "vcf":
        return f"{folder}/chr{{chrom}}.vcf.gz"
    for name in "12":
        make = ("--allow-extra-chr", *MAKE[kind], "--out", folder / f"chr{name}")
        run("plink2", "--vcf", folder / f"chr{name}.vcf.gz", *make)
    if kind in UNPLACED:
        table = folder / f"chr1{ENDS[kind][1]}"
        table.write_text(table.read_text().replace("\n9\t", "\n0\t"))
    return f"{folder}/chr{{chrom}}"


@pytest.mark.parametrize("kind", KINDS)
def test_foreign_chromosomes_in_a_file_are_counted_by_name(kind, tmp_path):
    need("plink2")
    source = open_source(kind, foreign_files(tmp_path, kind))
    assert source.contigs() == ["1", "2"]
    for contig in "12":
        assert len(read_whole(source, contig)[0]) == 6
    file = "chr1.vcf.gz" if kind == "vcf" else f"chr1{ENDS[kind][0]}"
    others = {name.upper() for name in FOREIGN} | ({"0"} if kind in UNPLACED else set())
    assert source.counts() == {"1": 6, "2": 6} | {f"{name} in {file}": 6 for name in others}
    (note,) = source.notes
    assert f"{file}: holds records of other chromosomes than 1 (" in note


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_chromosome_than_its_name_stops(kind, tmp_path):
    need("plink2")
    source = open_source(kind, foreign_files(tmp_path, kind, own=""))
    with pytest.raises(InputError, match="chr1[.].*: no variants of chromosome 1. It holds 2, X"):
        read_whole(source, "1")


@pytest.mark.parametrize("kind", ["plink", "pgen"])
def test_no_file_fits(kind, tmp_path):
    with pytest.raises(InputError, match="no file fits"):
        open_source(kind, f"{tmp_path}/chr{{chrom}}")


@pytest.mark.parametrize("kind", KINDS)
def test_braces_in_a_path_are_themselves(kind, tmp_path):
    write_files(tmp_path / "a{b}c", kind, ["1", "2"])
    end = ".vcf.gz" if kind == "vcf" else ""
    assert held_contigs(kind, f"{tmp_path}/a{{b}}c/chr1{end}") == ["1"]
    source = open_source(kind, f"{tmp_path}/a{{b}}c/chr{{chrom}}{end}")
    assert len(read_whole(source, "2")[0]) == 30


@pytest.mark.parametrize("kind", ["plink", "pgen"])
def test_contigs_are_those_of_the_whole_table(kind, tmp_path):
    write_files(tmp_path / "a", kind, ["1", "X", "7"])
    end = ENDS[kind][1]
    tables = [(tmp_path / f"a/chr{c}{end}").read_text() for c in ("7", "1", "X")]
    head = "".join(line for line in tables[0].splitlines(True) if line.startswith("#"))
    rows = "".join(
        line for text in tables for line in text.splitlines(True) if not line.startswith("#")
    )
    (tmp_path / f"all{end}").write_text(head + rows)
    first, _, people = ENDS[kind]
    (tmp_path / f"all{first}").write_bytes(b"")
    (tmp_path / f"all{people}").write_text("p p 0 0 0 -9\n")
    assert held_contigs(kind, f"{tmp_path}/all") == ["1", "7", "X"]


@pytest.mark.parametrize("change", [-1, 1])
def test_a_fam_of_other_length_within_the_same_bytes_stops(change, tmp_path):
    write_files(tmp_path / "a", "plink", ["1"], people=6, n=400)
    fam = tmp_path / "a/chr1.fam"
    rows = fam.read_text().splitlines(True)
    rows = rows[:change] if change < 0 else [*rows, "more\tmore\t0\t0\t0\t-9\n"]
    fam.write_text("".join(rows))
    with pytest.raises(InputError, match="chr1.bed: .*people .*do not belong together"):
        open_source("plink", f"{tmp_path}/a/chr1")


@pytest.mark.parametrize("kind", ["plink", "pgen"])
@pytest.mark.parametrize("end", [1, 2])
@pytest.mark.parametrize("change", ["fewer", "more", "many more"])
def test_tables_of_other_length_stop(kind, end, change, tmp_path):
    write_files(tmp_path / "a", kind, ["1"], people=6, n=400)
    table = tmp_path / f"a/chr1{ENDS[kind][end]}"
    rows = table.read_text().splitlines(True)
    extra = {"fewer": rows[:-1], "more": [*rows, rows[-1].replace("p5", "q")]}
    extra["many more"] = [*rows, *(rows[-1].replace("p5", f"q{i}") for i in range(8))]
    table.write_text("".join(extra[change]))
    with pytest.raises(InputError, match="chr1"):
        read_whole(open_source(kind, f"{tmp_path}/a/chr1"), "1")


def test_what_was_found_in_a_file_is_worked_out_again_only_when_the_file_changes(tmp_path):
    file, notes, asked = tmp_path / "all.bim", tmp_path / "notes.json", []

    def work_out():
        asked.append(1)
        return ["1"]

    file.write_text("1 a 0 1 A C\n")
    for _ in range(2):
        assert Contents(notes).once("chromosomes", [file], work_out) == ["1"]
    file.write_text("2 a 0 1 A C\n1 b 0 1 A C\n")
    assert Contents(notes).once("chromosomes", [file], work_out) == ["1"]
    assert len(asked) == 2
