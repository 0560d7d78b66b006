"""Genetic maps: both layouts, interpolation, and messages."""

import gzip

import numpy as np
import pytest

from syncohort.errors import InputError
from syncohort.formats.genetic_map import (
    GeneticMap,
    constant_map,
    read_genetic_map,
    require_column_of_chromosomes,
)

PLINK = "20 rs1 0.0 1000\n20 rs2 0.5 2000\n20 rs3 2.5 3000\n21 . 0 10\n21 . 1 1000010\n"
HAPMAP = (
    "Chromosome\tPosition(bp)\tRate(cM/Mb)\tMap(cM)\n"
    "chr20\t1000\t500\t0.0\nchr20\t2000\t2000\t0.5\nchr20\t3000\t0\t2.5\n"
)
IMPUTE = "position COMBINED_rate(cM/Mb) Genetic_Map(cM)\n1000 500 0.0\n2000 2000 0.5\n3000 0 2.5\n"


@pytest.mark.parametrize("text", [PLINK, HAPMAP, IMPUTE])
@pytest.mark.parametrize("zipped", [False, True])
def test_layouts_give_the_same_map(tmp_path, text, zipped):
    path = tmp_path / "chr20.map"
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    for name in ("20", "chr20"):
        found = read_genetic_map(path, name)
        np.testing.assert_allclose(
            found.cM([1000, 1500, 2000, 2500, 3000]), [0, 0.25, 0.5, 1.5, 2.5]
        )


@pytest.mark.parametrize(
    "heading",
    [
        "chr id cM pos",
        "pos cM chr",
        "pos chr cM",
        "pposition rrate gposition",
        "gposition pposition rrate",
        "position Genetic_Map(cM) COMBINED_rate(cM/Mb)",
        "chr pos rate cM extra",
    ],
)
def test_columns_are_found_by_name_in_any_order(tmp_path, heading):
    names = heading.split()
    values = {"chr": ["20"] * 3, "pos": ["1000", "2000", "3000"], "cM": ["0", "0.5", "2.5"]}
    values |= {"pposition": values["pos"], "position": values["pos"]}
    values |= {"gposition": values["cM"], "Genetic_Map(cM)": values["cM"]}
    other = ["7", "8", "9"]
    rows = [" ".join(values.get(name, other)[k] for name in names) for k in range(3)]
    (tmp_path / "m.map").write_text("\n".join([heading, *rows]) + "\n")
    found = read_genetic_map(tmp_path / "m.map", "20")
    assert found.position_bp.tolist() == [1000, 2000, 3000]
    assert found.cM_at.tolist() == [0, 0.5, 2.5]


def test_the_path_may_name_the_chromosome_and_the_file_hold_several(tmp_path):
    (tmp_path / "map.20.txt").write_text(HAPMAP)
    assert read_genetic_map(tmp_path / "map.{chrom}.txt", "20").cM(2000) == 0.5
    (tmp_path / "all.map").write_text(PLINK)
    assert read_genetic_map(tmp_path / "all.map", "21").cM(500_010) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "name", ["genetic_map_chr20_b37.txt", "chr20.gmap", "map.chrom_20.txt", "b37.txt"]
)
def test_a_map_without_chromosomes_is_not_taken_for_another_one(tmp_path, name):
    (tmp_path / name).write_text(IMPUTE)
    (tmp_path / f"x{name}").write_text(HAPMAP.replace("chr20\t", "chr21\t"))
    read_genetic_map(tmp_path / name, "chr20")
    read_genetic_map(tmp_path / f"x{name}", "21")  # its column says it
    if name == "b37.txt":
        read_genetic_map(tmp_path / name, "21")
    else:
        with pytest.raises(InputError, match=r"name says chromosome 20, not 21.*write {chrom}"):
            read_genetic_map(tmp_path / name, "21")


@pytest.mark.parametrize(
    ("text", "tells"), [(PLINK, True), (HAPMAP, True), (IMPUTE, False), ("# x\n" + IMPUTE, False)]
)
def test_one_map_of_several_chromosomes_says_which_are_whose(tmp_path, text, tells):
    path = tmp_path / "b37.txt"
    path.write_text(text)
    require_column_of_chromosomes(path, ["20"])
    if tells:
        require_column_of_chromosomes(path, ["20", "21"])
    else:
        with pytest.raises(
            InputError, match=r"b37.txt: has no column .* has 20, 21.*write {chrom}"
        ):
            require_column_of_chromosomes(path, ["20", "21"])


def test_beyond_the_ends_the_mean_rate_goes_on():
    found = GeneticMap([1000, 2000, 3000], [1.0, 1.5, 3.0])
    np.testing.assert_allclose(found.cM([0, 500, 3500, 5000]), [0, 0.5, 3.5, 5.0])
    assert (np.diff(found.cM(np.arange(0, 6000, 7))) > 0).all()


def test_a_constant_rate():
    np.testing.assert_allclose(constant_map(1.3).cM([0, 500_000, 64_000_000]), [0, 0.65, 83.2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("20 rs1 0.5 1000\n20 rs2 0.1 2000\n", "cM falls from 0.5 to 0.1 at position 2000"),
        ("20 rs1 0.5 2000\n20 rs2 0.6 1000\n", "position 1000 does not come after"),
        ("20 rs1 0.5 2000\n", "1 positions"),
        ("21 rs1 0.5 2000\n21 rs1 0.5 3000\n", "no row of chromosome 20; it has 21"),
        ("20 rs1 0.5 2000\n20 rs2 x 3000\n", "line 2: the distance .cM. .x. is not a number"),
        ("chrom start end\n20 1 2\n", "line 1: a heading.*expected a PLINK"),
        ("20 a 0 1000\n20 b 0 2000\n", "chromosome 20: cM is 0 at every position"),
        ("chr pos Map(Morgan)\n20 1000 0\n20 2000 0.1\n", "line 1: a heading.*expected a PLINK"),
        ("pos Map(cM) Sex_Map(cM)\n1000 0 0\n2000 1 2\n", "line 1: a heading.*expected a PLINK"),
        ("20 1000 0.1\n", "the first line holds 3 values and no heading"),
        ("20 1000 0 0\n20 2000 0.5 1\n20 3000 0.5 2\n", "columns in another order"),
        ("chr20 1000 1.5 0\nchr20 2000 1.5 1\n", "0 cM/Mb .* are the columns in this order"),
        ("20 a 0 1000000\n20 b 0.3 31000000\n", "0.01 cM/Mb .* in Morgans. Write cM"),
        ("pos Map(cM)\n1000 0\n31000 30\n", "1e.03 cM/Mb .* positions in kb or Mb"),
        ("pos Map(cM)\n1000000 1000000\n31000000 31000000\n", "columns in another order"),
        ("pos Map(cM)\n1000 1\n2000 1\n", "0 cM/Mb"),
        ("pos Map(cM)\n-5 1\n2000 1\n", "line 2: the position -5 is below 0"),
        (
            f"20 a 0 1000\n20 b 1 {'9' * 20}\n",
            "bad.map, line 2: the position '9{20}' is no position",
        ),
        (f"pos Map(cM)\n5 0\n{2**31} 1\n", "bad.map, line 3: the position '2147483648' is no pos"),
        ("pos Map(cM)\n5 0,1\n2000 1,5\n", "'0,1' is not a number. Numbers are written"),
        ("chr pos Morgans\n20 1 0\n20 2 1\n", "in Morgans: write cM"),
        ("chr pos rate(cM/Mb)\n20 1 0\n20 2 1\n", "a rate, and no cM from the start"),
        ("pos cM_male cM_female\n1 0 0\n", "several columns of cM .cM_male, cM_female.: leave one"),
    ],
)
def test_what_is_no_map_is_refused(tmp_path, text, message):
    (tmp_path / "bad.map").write_text(text)
    with pytest.raises(InputError, match=message):
        read_genetic_map(tmp_path / "bad.map", "20")


def test_a_missing_map_is_named(tmp_path):
    with pytest.raises(InputError, match="none20.map: no such genetic map"):
        read_genetic_map(tmp_path / "none{chrom}.map", "20")


def test_the_map_of_decode_has_cM_at_the_end_of_each_stretch(tmp_path):
    text = "# a\n# b\nChr\tBegin\tEnd\tcMperMb\tcM\nchr20\t0\t1000000\t1\t1.0\n"
    (tmp_path / "m").write_text(text + "chr20\t1000000\t3000000\t2\t5.0\n")
    found = read_genetic_map(tmp_path / "m", "20")
    np.testing.assert_allclose(found.cM([1_000_000, 2_000_000, 3_000_000]), [1, 3, 5])


def test_variants_that_plink_ignores_are_no_points_of_a_map(tmp_path):
    (tmp_path / "m").write_text("20 a 0 -1000\n20 b 0.0 1000\n20 c 1.0 2000\n")
    assert read_genetic_map(tmp_path / "m", "20").position_bp.tolist() == [1000, 2000]


def test_comments_of_a_map_stand_above_its_rows(tmp_path):
    rows = ["20 a 0 1000\n", "20 b 1.0 2000\n"]
    (tmp_path / "m").write_text("".join(["# by cM of a study\n##x\n", *rows]))
    assert read_genetic_map(tmp_path / "m", "20").position_bp.tolist() == [1000, 2000]
    (tmp_path / "m").write_text("".join(["#chr id cM pos\n", *rows]))
    assert read_genetic_map(tmp_path / "m", "20").position_bp.tolist() == [1000, 2000]
    (tmp_path / "m").write_text("# x\n".join(rows))
    with pytest.raises(InputError, match="m, line 2: '# x' begins with # among the rows"):
        read_genetic_map(tmp_path / "m", "20")
