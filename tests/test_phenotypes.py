"""Releases as plink1.9 and plink2 read them: cases, controls, missing and numbers."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from cohorts import store_of

from syncohort.cohort_store import CohortStore
from syncohort.formats.pgen import write_pgen
from syncohort.formats.plink import write_plink
from syncohort.genotypes import People

CASE, CONTROL, UNKNOWN = 2, 1, -9

# labels of the people, case_label, and what each label is
MATRIX = {
    "words": ("control control case", None, {"case": CASE, "control": CONTROL}),
    "words, any case": ("Cases HEALTHY Cases", None, {"Cases": CASE, "HEALTHY": CONTROL}),
    "affected": ("unaffected affected", None, {"affected": CASE, "unaffected": CONTROL}),
    "patients": ("patient healthy", None, {"patient": CASE, "healthy": CONTROL}),
    "yes and no": ("no no yes", None, {"yes": CASE, "no": CONTROL}),
    "0 and 1": ("0 1 1", None, {"1": CASE, "0": CONTROL}),
    "1 and 2": ("1 2 1", None, {"2": CASE, "1": CONTROL}),
    "numbers by value": ("1.0 2.0 1.0", None, {"2.0": CASE, "1.0": CONTROL}),
    "a word and a name": ("asthma control", None, {}),
    "two countries": ("NO SE", None, {}),
    "a country and a word": ("NO YES control", None, {}),
    "two clusters": ("2 3 3", None, {}),
    "0 and 2": ("0 2", None, {}),
    "three clusters": ("0 1 2", None, {}),
    "fractions": ("0.5 1.5", None, {}),
    "populations": ("GBR FIN TSI", None, {}),
    "Namibia": ("NA GBR", None, {}),
    "blanks": ("Han_Chinese 1KG", None, {}),
    "one label": ("1 1 1", None, {}),
    "joined": ("GBR/case GBR/control FIN/case", None, {}),
    "named 0 of 0 and 1": ("0 1 1", "0", {"0": CASE, "1": CONTROL}),
    "named 1 of 1 and 2": ("1 2 2", "1", {"1": CASE, "2": CONTROL}),
    "named 1 of 0 and 1": ("0 1 0", "1", {"1": CASE, "0": CONTROL}),
    "named SE": ("NO SE NO", "SE", {"SE": CASE, "NO": CONTROL}),
    "named NO": ("NO YES YES", "NO", {"NO": CASE, "YES": CONTROL}),
    "named 3 of 2 and 3": ("2 3 3", "3", {"3": CASE, "2": CONTROL}),
    "named asthma": ("asthma control", "asthma", {"asthma": CASE, "control": CONTROL}),
    "named control": ("case control", "control", {"control": CASE, "case": CONTROL}),
    "named, of three": ("a b c", "a", {"a": CASE, "b": CONTROL, "c": CONTROL}),
    "named, only controls released": ("b b", "a", {"b": CONTROL}),
    "named, joined": (
        "GBR/case GBR/control FIN/case FIN/control",
        "case",
        {"GBR/case": CASE, "FIN/case": CASE, "GBR/control": CONTROL, "FIN/control": CONTROL},
    ),
    "yes and NO, any case": ("Yes NO", None, {"Yes": CASE, "NO": CONTROL}),
    "TRUE and FALSE": ("TRUE FALSE", None, {"TRUE": CASE, "FALSE": CONTROL}),
    "ALS and CTRL": ("ALS CTRL", None, {}),
    "named ALS": ("ALS CTRL", "ALS", {"ALS": CASE, "CTRL": CONTROL}),
    "another language": ("krank gesund", None, {}),
    "named, not ASCII": ("sjúk frísk", "sjúk", {"sjúk": CASE, "frísk": CONTROL}),
    "codes of missing": ("NONE nan GBR", None, {}),
    "named NONE": ("NONE nan", "NONE", {"NONE": CASE, "nan": CONTROL}),
    "blank and underscore": ("South_Asian South~Asian", None, {}),
    "odd letters": ("a/b a..b =1+1 'q' 😀 Å -x +y 1KG .z inf Na N/A", None, {}),
    "a long name": (f"{'x' * 300} {'x' * 299}", None, {}),
    "named, joined first": ("1/GBR 2/GBR", "1", {"1/GBR": CASE, "2/GBR": CONTROL}),
}


def run(*command) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def release(folder, people, case_label=None) -> CohortStore:
    """Write PLINK 1 and PLINK 2 files `r` of people of a few random variants."""
    calls = np.random.default_rng(1).integers(0, 2, (5, len(people), 2))
    store = store_of(folder / "r.zip", calls, people)
    write_plink([store], folder / "r", case_label=case_label)
    write_pgen([store], folder / "r", case_label=case_label)
    return store


def people_of(labels, values=None) -> People:
    blank = np.full(len(labels), "", dtype=object)
    return People([f"p{i}" for i in range(len(labels))], labels, blank, values)


READERS = [("plink1.9", "--bfile"), ("plink2", "--bfile"), ("plink2", "--pfile")]


def read_back(folder, program, flag) -> tuple[pd.Series, str]:
    """The phenotype of each person as a program writes it again, and what it says."""
    options = ["--allow-no-sex"] if program == "plink1.9" else []
    out = folder / f"{program}{flag}"
    log = run(program, flag, folder / "r", *options, "--make-just-fam", "--out", out)
    fam = pd.read_csv(f"{out}.fam", sep=r"\s+", header=None, dtype=str)
    assert set(fam[4]) == {"0"}  # nobody has a sex
    return pd.to_numeric(fam[5].replace("NA", "-9")), log


@pytest.mark.parametrize(("program", "flag"), READERS)
@pytest.mark.parametrize("name", MATRIX)
def test_both_programs_read_the_cases_of_the_labels(name, program, flag, tmp_path):
    text, case_label, expected = MATRIX[name]
    labels = [label.replace("_", " ").replace("~", "_") for label in text.split()] * 4 + [""]
    release(tmp_path, people_of(labels), case_label)
    codes, log = read_back(tmp_path, program, flag)
    wanted = [expected.get(label, UNKNOWN) for label in labels]
    if flag == "--pfile" and not expected:
        assert f"1 categorical phenotype loaded ({len(labels) - 1} values)" in log
        return
    assert codes.tolist() == wanted
    if program == "plink2" and expected:
        found = f"({wanted.count(CASE)} case{'s' if wanted.count(CASE) != 1 else ''}, "
        assert "1 binary phenotype loaded " in log and found in log


@pytest.mark.parametrize(("program", "flag"), READERS)
@pytest.mark.parametrize(
    "values",
    [
        [21.5, 30.25, 18.0, 0.0, 1.0, 2.0, -3.75, np.nan],
        [-9.0, 1.5, 2.5, 0.1],  # -9 is PLINK's missing
        [0.0, 1.0, 2.0, 1.0, np.nan],  # PLINK's cases and controls
        [1.0, 2.0, -9.0],
        [123456.75, 1e-7, 3e9],
        [0.99999999, 2.00000001, 1e-320],  # codes when they are rounded
        [-8.9999999, 3.0, 4.0],
    ],
)
def test_both_programs_read_numbers_as_numbers(values, program, flag, tmp_path):
    release(tmp_path, people_of(["bin"] * len(values), np.array(values)), "bin")
    codes, log = read_back(tmp_path, program, flag)
    known = np.isfinite(values)
    np.testing.assert_allclose(codes[known], np.array(values)[known], rtol=1e-5, atol=1.1e-5)
    assert (codes[~known] == UNKNOWN).all()
    assert f"1 quantitative phenotype loaded ({known.sum()} values)" in log or "plink1" in program


def test_the_fam_and_the_psam_say_the_same(tmp_path):
    for text, case_label, expected in MATRIX.values():
        release(tmp_path, people_of(text.split()), case_label)
        fam = pd.read_csv(tmp_path / "r.fam", sep="\t", header=None, dtype=str)
        psam = pd.read_csv(tmp_path / "r.psam", sep="\t", dtype=str, keep_default_na=False)
        if expected:
            assert list(psam) == ["#IID", "PHENO1"] and psam["PHENO1"].tolist() == fam[5].tolist()
        else:
            assert list(psam) == ["#IID", "label"] and set(fam[5]) == {"-9"}


def test_different_labels_are_different_categories_to_plink2(tmp_path):
    labels = [
        "South Asian",
        "South_Asian",
        "South  Asian",
        "NONE",
        "nan",
        "_nan",
        "1KG",
        "_1KG",
        "a",
    ] * 2
    release(tmp_path, people_of([*labels, ""]))
    run("plink2", "--pfile", tmp_path / "r", "--make-just-psam", "--out", tmp_path / "again")
    table = pd.read_csv(tmp_path / "again.psam", sep="\t", dtype=str, keep_default_na=False)
    names = table.iloc[:, -1].tolist()
    assert names[:9] == names[9:18] and len(set(names[:9])) == 9
    assert names[18] == "NONE" and "NONE" not in names[:18]
    assert names[1] == "South_Asian"  # what needs no change keeps its name
