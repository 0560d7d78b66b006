"""Phenotypes of .fam and .psam, value by value as plink1.9 and plink2 read them."""

import subprocess
from pathlib import Path
from shutil import which

import numpy as np
import pandas as pd
import pytest

from syncohort.cohort.labels import join_labels
from syncohort.errors import InputError
from syncohort.formats.oxford import read_sample
from syncohort.formats.people_files import (
    phenotype_problem,
    plink_phenotype,
    read_fam,
    read_psam,
)

N_PEOPLE = 12
# what both programs read, apart from how plink1.9 takes 0.0, nan and inf for measurements
NUMBERS = (
    "1 2", "1 2 0", "1 2 -9", "1 2 NA", "1 2 0 NA", "1 2 0 nan", "1 2 0 -9.0", "1.0 2.0 0.0",
    "1.0 2.0 -9.00", "0 1", "0 1 -9", "0 1 NA", "1", "2", "0", "-9", "NA", "-9 0", "0 2",
    "1 2 3", "0 1 2 3", "1.5 2 0 -9", "1.5 2 0 -9 NA", "1.5 NA -9.0 2.5", "1.5 nan 2.5", "1e0 2 2e0",
    "+1 +2", "01 02", "1 2 -9 -8", "0 0.5 1", "1 2 Na", "1 2 na", "1 2 NaN", "1 2 -9e0",
    "0.0 1 -9", "3", "1. 2.", ".5 1", "1 2 1.00000000001", "-1 -9 0", "100 -9 NA", "1 2 -9.5",
)  # fmt: skip
# plink2 stops at a word beside numbers; plink1.9 takes it for missing, as other programs' codes are
CODES_BESIDE_NUMBERS = (
    "1 2 0 .", "1 2 0 NONE", "1 2 none", "1 2 n/a", "1 2 N/A", "1 2 null", "1 2 #N/A", "1 2 -", "1 2 ?",
    "1 2 missing", "1.5 2.5 #N/A", "1 2 <NA>", "1 2 unknown",
)  # fmt: skip
WORDS = ("case control", "A B", "case control NONE", "FIN GBR TSI")
REFUSED = ("1 2 case", "1 2 inf", "1A 2", "A 1", "1,5 2,5", "0x1 0x2", "1 2 -9x", "NA 1 A")


def spread(coding: str) -> list[str]:
    values = coding.split()
    return [values[i % len(values)] for i in range(N_PEOPLE)]


def write_data(folder: Path, values: list[str]) -> None:
    rows = [f"f{i} p{i} 0 0 {1 + i % 2} {value}\n" for i, value in enumerate(values)]
    (folder / "x.fam").write_text("".join(rows))
    (folder / "x.bim").write_text("1\trs1\t0\t100\tA\tG\n")
    (folder / "x.bed").write_bytes(b"\x6c\x1b\x01" + bytes([0b10110010] * 3))
    heading = "#FID\tIID\tSEX\tPHENO1\n"
    rows = [f"f{i}\tp{i}\t{1 + i % 2}\t{value}\n" for i, value in enumerate(values)]
    (folder / "x.psam").write_text(heading + "".join(rows))


def plink(folder: Path, command: str) -> subprocess.CompletedProcess:
    program = command.split()[0]
    if which(program) is None:
        pytest.skip(f"{program} is not installed")
    return subprocess.run(command.split(), cwd=folder, capture_output=True, text=True, check=False)


def plink2_reads(folder: Path, people: str) -> list[str] | None:
    """The phenotype as plink2 has it, "" for missing; None where it refuses the file."""
    result = plink(folder, f"plink2 --bed x.bed --bim x.bim {people} --make-just-psam --out out")
    if result.returncode:
        assert "phenotype" in result.stderr or "numeric token" in result.stderr
        return None
    rows = [line.split("\t") for line in (folder / "out.psam").read_text().splitlines()]
    if rows[0][-1] != "PHENO1":
        return [""] * N_PEOPLE
    return ["" if row[-1] in ("NA", "NONE") else row[-1] for row in rows[1:]]


def plink1_reads(folder: Path) -> list[str]:
    plink(folder, "plink1.9 --bfile x --make-bed --allow-no-sex --out out")
    values = [line.split()[-1] for line in (folder / "out.fam").read_text().splitlines()]
    return ["" if value in ("-9", "nan") else value for value in values]


def ours(folder: Path) -> list[str]:
    fam, psam = read_fam(folder / "x.fam"), read_psam(folder / "x.psam")
    assert fam["phenotype"].tolist() == psam["PHENO1"].tolist()
    return psam["PHENO1"].tolist()


def as_numbers(values: list[str]) -> np.ndarray:
    return pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(float)


def test_the_matrix_is_as_large_as_what_people_write():
    assert len(NUMBERS) + len(CODES_BESIDE_NUMBERS) + len(WORDS) + len(REFUSED) >= 39


@pytest.mark.parametrize("coding", NUMBERS)
def test_numbers_are_read_as_plink_reads_them(tmp_path, coding):
    write_data(tmp_path, spread(coding))
    found = ours(tmp_path)
    for people in ("--fam x.fam", "--psam x.psam"):
        theirs = plink2_reads(tmp_path, people)
        np.testing.assert_allclose(as_numbers(found), as_numbers(theirs), rtol=1e-5)
    if "0.0" not in coding and "nan" not in coding.lower():
        np.testing.assert_allclose(as_numbers(found), as_numbers(plink1_reads(tmp_path)), rtol=1e-5)


@pytest.mark.parametrize("coding", CODES_BESIDE_NUMBERS)
def test_codes_of_other_programs_are_missing_as_in_plink1(tmp_path, coding):
    write_data(tmp_path, spread(coding))
    assert plink2_reads(tmp_path, "--psam x.psam") is None
    assert ours(tmp_path) == plink1_reads(tmp_path)
    assert phenotype_problem(pd.Series(spread(coding))) is None


@pytest.mark.parametrize("coding", WORDS)
def test_words_are_the_classes_of_plink2(tmp_path, coding):
    write_data(tmp_path, spread(coding))
    assert ours(tmp_path) == plink2_reads(tmp_path, "--psam x.psam")
    assert set(plink1_reads(tmp_path)) == {""}  # plink1.9 knows no classes


@pytest.mark.parametrize("coding", REFUSED)
def test_what_plink2_refuses_is_no_label(tmp_path, coding):
    write_data(tmp_path, spread(coding))
    assert plink2_reads(tmp_path, "--psam x.psam") is None
    joined = join_labels(
        read_psam(tmp_path / "x.psam"),
        np.zeros(N_PEOPLE),
        table=None,
        id_column=None,
        label_column="PHENO1",
        family_column=None,
        missing=[],
        minimum_people=1,
        rare="stop",
        person_missing_max=1.0,
    )
    assert "the genotype files: column 'PHENO1' " in joined.problems[0]
    assert "begins like a number" in joined.problems[0] or "beside numbers" in joined.problems[0]


@pytest.mark.parametrize("code", ["0", "-9", "NA", "nan", "."])
def test_missing_codes_beside_words(code):
    """plink2 stops here and plink1.9 reads no value at all; nobody means a class by these."""
    assert plink_phenotype(pd.Series(["case", "control", code])).tolist() == ["case", "control", ""]


def test_cases_and_controls_are_counted_as_plink_counts_them(tmp_path):
    write_data(tmp_path, spread("1 2 0 NA 2"))
    log = plink(tmp_path, "plink2 --bfile x --freq --out f").stdout
    found = ours(tmp_path)
    cases, controls = found.count("2"), found.count("1")
    assert f"1 binary phenotype loaded ({cases} cases, {controls} controls)" in log
    log = plink(tmp_path, "plink1.9 --bfile x --freq --allow-no-sex --out f").stdout
    assert f"{cases + controls} phenotype values loaded from .fam" in log


# --- headings and rows of a .psam


@pytest.mark.parametrize(
    "text",
    [
        "#FID\tIID\tPAT\tMAT\tSEX\tPHENO1\nF\ta\t0\t0\t1\t2\nF\tb\t0\ta\tNA\t1\n",
        "#IID SEX PHENO1\na 1 2\nb 0 1\n",
        "##a comment\n#IID\tSID\tSEX\tPHENO1\na\ts\t1\t2\nb\ts\t0\t1\n",
        "\ufeff#IID\tSEX\tPHENO1\r\na\t1\t2\r\nb\t0\t1\r\n",
        "F\ta\t0\t0\t1\t2\nF\tb\t0\ta\t0\t1\n",
        "#IID SEX PHENO1\n\na\t1  2\nb 0 1",
        "# a comment\n##b\n#IID\tSEX\tPHENO1\na\t1\t2\nb\t0\t1\n",
        "# a comment\nF\ta\t0\t0\t1\t2\nF\tb\t0\ta\t0\t1\n",
    ],
)
def test_every_heading_of_a_psam(tmp_path, text):
    (tmp_path / "x.psam").write_text(text, encoding="utf-8", newline="")
    people = read_psam(tmp_path / "x.psam").rename(columns={"phenotype": "PHENO1"})
    assert people["sample"].tolist() == ["a", "b"]
    assert people["sex"].tolist() == ["1", ""]
    assert people["PHENO1"].tolist() == ["2", "1"]
    assert "SID" not in people


def test_a_psam_without_heading_may_lack_the_phenotype(tmp_path):
    (tmp_path / "x.psam").write_text("F a 0 0 1\nF b a 0 2\n")
    people = read_psam(tmp_path / "x.psam")
    assert list(people) == ["sample", "family", "father", "mother", "sex"]
    assert people["father"].tolist() == ["", "a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#FID\tSEX\nF\t1\n", "the heading lacks IID; found family, sex"),
        ("#IID\tP\tP\na\t1\t2\n", "line 1: the heading names more than one column 'P'"),
        (
            "#IID\tP\na\t1\nb\nc\t1\t2\n",
            "(?s)line 3: found 1 field.*line 4: found 3 fields, the head",
        ),
        ("#IID\tP\n", "holds no people"),
        ("", "holds no people"),
        ("#IID\tP\na\t1\na\t1\n", "sample ids occur more than once: a"),
        ("#IID\tP\na\t1\n0\t1\n", "a person has the id 0 .IID., which means nobody"),
        ("#IID\tP\na\t1\n#b\t1\n", "line 3: '#b.t1' begins with # among the rows"),
        ("#IID\tP\n#IID\tP\na\t1\n", "line 2: '#IID.tP' begins with # among the rows"),
        ("f 0 0 0 1 1\n", "a person has the id 0 .IID., which means nobody"),
    ],
)
def test_a_psam_that_cannot_be_used(tmp_path, text, message):
    (tmp_path / "x.psam").write_text(text)
    with pytest.raises(InputError, match=message):
        read_psam(tmp_path / "x.psam")


@pytest.mark.parametrize("heading", ["#FID IID F M S P", "#IID SEX"])
def test_a_fam_with_a_heading_stops(tmp_path, heading):
    (tmp_path / "x.fam").write_text(f"{heading}\na a 0 0 1 1\n")
    with pytest.raises(InputError, match="x.fam, line 1: .* begins a heading"):
        read_fam(tmp_path / "x.fam")


def test_parents_are_found_in_the_family_then_by_an_id_of_their_own(tmp_path):
    rows = [
        "F1 1 0 0 1 1",
        "F1 2 0 0 2 1",
        "F1 3 1 2 1 1",
        "F2 1 0 0 1 1",
        "F2 4 1 9 1 1",  # the mother, 9, is not in the file
        "F2 5 1 9 1 1",
        "F3 6 1 2 1 1",  # 1 is in two families and not in this one; 2 is one person
    ]
    (tmp_path / "x.fam").write_text("\n".join(rows) + "\n")
    people = read_fam(tmp_path / "x.fam").set_index("sample")
    assert people.loc["F1_3", ["father", "mother"]].tolist() == ["F1_1", "F1_2"]
    assert people.loc["F2_4", "father"] == "F2_1"
    assert people.loc["F2_4", "mother"] == people.loc["F2_5", "mother"] == "F2_9"
    assert people.loc["F3_6"][["father", "mother"]].tolist() == ["1", "F1_2"]
    assert people.loc["F1_1", ["father", "mother"]].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("heading", "found"),
    [
        ("#IID\tSEX\tsample", "'IID' and 'sample' would both be 'sample'"),
        ("#IID\tSEX\tsex", "'SEX' and 'sex'"),
        ("#FID\tIID\tfamily", "'FID' and 'family'"),
        ("#IID\tPAT\tfather", "'PAT' and 'father'"),
        ("ID_1 ID_2 sample", "'ID_2' and 'sample'"),
        ("ID_1 ID_2 family", "'ID_1' and 'family'"),
        ("ID SEX sex", "'SEX' and 'sex'"),
    ],
)
def test_columns_called_as_others_are_here_are_refused(heading, found, tmp_path):
    is_psam = heading.startswith("#")
    body = "a\t1\tx\nb\t2\ty\n" if is_psam else "0 D D\na 1 x\nb 2 y\n"
    (tmp_path / "people").write_text(f"{heading}\n{body}")
    with pytest.raises(InputError, match=found):
        (read_psam if is_psam else read_sample)(tmp_path / "people")
