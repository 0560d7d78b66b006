"""Tables of text: separators, headings, rows of a wrong length, quotes, codes for "none"."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncohort.association.covariates import (
    covariate_notes,
    covariate_problems,
    covariate_values,
)
from syncohort.cohort.joining import read_join, write_join
from syncohort.cohort.labels import join_labels
from syncohort.cohort.people_checks import case_checks, label_checks, selection_checks
from syncohort.cohort.splits import read_kinship
from syncohort.errors import InputError
from syncohort.evaluation.association.discoveries import read_causal_snps
from syncohort.formats import tables
from syncohort.formats.columns import find_columns, is_odd_number, numbers_of
from syncohort.formats.fields import BLANKS, field_counts
from syncohort.formats.genetic_map import read_genetic_map
from syncohort.formats.missing_codes import MissingCodes, number_of
from syncohort.formats.summary_statistics import read_summary_statistics
from syncohort.formats.tables import TextTable, read_table

ROWS = [["id", "population", "age"], ["p1", "South Asian", "7"], ["p2", "FIN", ""]]


def write(folder, text, name="t.txt"):
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def refusal(path, **options) -> str:
    with pytest.raises(InputError) as caught:
        read_table(path, **options)
    return str(caught.value)


# --- what is read


@pytest.mark.parametrize("mark", ["\t", ",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff", "##made by a program, 2024; twice\n\n", "#"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv.gz"])
def test_separators_line_ends_and_headings(tmp_path, mark, end, start, name):
    text = start.replace("\n", end) + end.join(mark.join(row) for row in ROWS)
    for last in ("", end, end * 3):
        table = read_table(write(tmp_path, text + last, name))
        assert [list(table), *table.to_numpy().tolist()] == ROWS
        first = 1 + start.count("\n")
        assert table.index.tolist() == [first + 1, first + 2]


@pytest.mark.parametrize(
    "text",
    [
        "id population\np1 GBR\np2 FIN\n",
        "  id  population \n p1   GBR\n\n \np2\tFIN  ",
        '"id" "population"\n"p1" "GBR"\n"p2" "FIN"\n',
        "#id population\np1 GBR\np2 FIN\n",
        "# id population\np1 GBR\np2 FIN\n",
        "# made by me\nid population\np1 GBR\np2 FIN\n",
        "#made by me today\n#version 2\nid\tpopulation\np1\tGBR\np2\tFIN\n",
        "# made in 2024, by me, again\nid,population\np1,GBR\np2,FIN\n",
        "sep=,\nid,population\np1,GBR\np2,FIN\n",
        "id, population\np1, GBR\np2 ,FIN\n",
        'id,population\n"p1","GBR"\np2,"FIN"\n',
        "id,population\np1,GBR\np2,FIN\n,\n,\n",
    ],
)
def test_blanks_quotes_and_comments(tmp_path, text):
    table = read_table(write(tmp_path, text))
    assert list(table) == ["id", "population"]
    assert table.to_numpy().tolist() == [["p1", "GBR"], ["p2", "FIN"]]


def test_values_with_separators_stand_in_quotes(tmp_path):
    text = 'id,a,b\np1,"x, y","5"" long"\np2,O"Neil,z\n'
    assert read_table(write(tmp_path, text)).to_numpy().tolist() == [
        ["p1", "x, y", '5" long'],
        ["p2", 'O"Neil', "z"],
    ]
    text = 'id a\np1 "South Asian"\np2 "say ""x"""\n'
    assert read_table(write(tmp_path, text))["a"].tolist() == ["South Asian", 'say "x"']


def test_nothing_is_taken_for_a_number_or_for_none(tmp_path):
    text = "id\ta\nNA\t007\n1e5\tnull\nTrue\t#N/A\n"
    rows = [["NA", "007"], ["1e5", "null"], ["True", "#N/A"]]
    assert read_table(write(tmp_path, text)).to_numpy().tolist() == rows


def test_blocks_end_in_the_middle_of_anything(tmp_path, monkeypatch):
    """Lines, line ends and letters of two bytes lie across the blocks the file is read in."""
    rows = [[f"p{i}", "Å" * (i % 5), str(i)] for i in range(50)]
    for mark, end in (("\t", "\n"), (",", "\r\n"), (";", "\r")):
        path = write(tmp_path, end.join(mark.join(row) for row in [ROWS[0], *rows]))
        for size in (64, 65, 66, 67, 200):
            monkeypatch.setattr(tables, "_BLOCK_BYTES", size)
            table = read_table(path)
            assert table.to_numpy().tolist() == rows
            assert table.index.tolist() == list(range(2, 52))


def test_only_the_columns_wanted(tmp_path):
    path = write(tmp_path, "\n".join(",".join(row) for row in ROWS))
    assert TextTable(path).read(["age", "id"]).to_numpy().tolist() == [["7", "p1"], ["", "p2"]]
    assert TextTable(write(tmp_path, "id,age\n")).read().empty


# --- what is refused, with file and line


@pytest.mark.parametrize("mark", ["\t", ",", ";", " "])
@pytest.mark.parametrize("values", [2, 4])
def test_rows_longer_or_shorter_than_the_heading(tmp_path, mark, values):
    """The first row, which pandas would let decide, as well as a later one."""
    good, bad = mark.join("abc"), mark.join("abcd"[:values])
    for line, rows in ((2, [bad, good]), (3, [good, bad]), (5, [good, "", good, bad])):
        path = write(tmp_path, "\n".join([mark.join(ROWS[0]), *rows]) + "\n")
        text = refusal(path)
        assert f"{path}, line {line}: found {values} fields, the heading has 3" in text
        assert text.count("found") == 1


def test_several_lines_at_once_and_advice(tmp_path):
    body = "\n".join(["p,1", *["p,1,2"] * 9])
    text = refusal(write(tmp_path, f"id,a\n{body}\n"), key="labels.table")
    assert text.startswith("labels.table: ")
    assert [f"line {line}:" in text for line in (3, 7, 8)] == [True, True, False]
    assert "and 4 more lines" in text and "A value that holds ',' needs quotes" in text
    text = refusal(write(tmp_path, "id population\np1 South Asian\np2 FIN\n"))
    assert "line 2: found 3 fields" in text and "A value that holds blanks needs quotes" in text
    text = refusal(write(tmp_path, "id a\n1 p1 x\n2 p2 y\n"))
    assert "row.names = FALSE" in text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('id,a\np1,"x\np2,y"\n', 2),
        ('id\ta\np1\tx\np2\t"y\np3\tz\n', 3),
        ('id a\np1 "South\nAsian" x\n', 2),
        ('id,a\np1,"x"y\n', 2),
        ('"id,a\np1,x\n', 1),
    ],
)
def test_quotes_close_in_their_row(tmp_path, text, line):
    message = refusal(write(tmp_path, text))
    assert f"line {line}: a double quote opens a value and does not close" in message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"id,a,a\n1,2,3\n", "line 1: the heading names more than one column 'a'"),
        (b"id,a, a\n1,2,3\n", "more than one column 'a'"),
        (
            "id,a\np1,Ä\n".encode("latin-1"),
            "line 2: not a table of text encoded as UTF-8 .byte 0xc4",
        ),
        ("id,a\np1,x\n".encode("utf-16"), "not a table of text but text in UTF-16"),
        (b"PK\x03\x04\x00", "a zip archive or an Excel workbook"),
        (b"id,a\np1,\x00\n", "line 2: not a table of text .a zero byte"),
        (b"", "it is empty"),
        (b"\n \n##x\n", "it is empty"),
        (gzip.compress(b"id,a\n" + b"p1,x\n" * 999)[:30], "cannot be read .*cut short"),
        (b"BZh9", "compressed with bzip2"),
    ],
)
def test_what_is_no_table(tmp_path, data, message):
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_table(path)
    with pytest.raises(InputError, match="none.csv: no such file"):
        read_table(tmp_path / "none.csv")


def test_columns_by_their_aliases(tmp_path):
    assert find_columns(["P-value", "p_val", "x"], "pval pvalue", "f") == ["p_val", "P-value"]
    assert find_columns(["x"], "pval", "f") == []
    with pytest.raises(InputError, match="f: the columns 'P-value' and 'p value' mean the same"):
        find_columns(["P-value", "p value"], "pvalue", "f")


def test_numbers_name_the_line(tmp_path):
    table = read_table(write(tmp_path, "id,a\np1,2\n\np2,many\n"))
    with pytest.raises(InputError, match="f, line 4: the size 'many' is not a number"):
        numbers_of(table["a"], "f", "size")


KINDS = {  # each foreign table with a good file and the key that is put before its messages
    "labels": ("id,population\np1,a\n", lambda path: join({"table": str(path)})),
    "kinship": ("ID1,ID2,KINSHIP\na,b,0.2\n", lambda path: read_kinship(path, 0.1)),
    "gwas": ("SNP,A1,BETA,P\nrs1,A,0.1,0.5\n", read_summary_statistics),
    "causal": ("chrom,pos,effect\n1,5,0.5\n", read_causal_snps),
    "map": ("chr,pos,cM\n1,5,0.1\n1,9,0.2\n", lambda path: read_genetic_map(path, "1")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_foreign_table_is_read_strictly(tmp_path, kind):
    text, read = KINDS[kind]
    read(write(tmp_path, text))
    read(write(tmp_path, "\ufeff##a comment\n#" + text.replace("\n", "\r\n"), "t.csv.gz"))
    read(write(tmp_path, text.replace(",", " ")))
    heading, row = text.splitlines()[:2]
    n = heading.count(",") + 1
    for wrong in (f"{row},x", row.rsplit(",", 1)[0]):
        found = wrong.count(",") + 1
        for rows in ([wrong, row], [row, wrong]):
            path = write(tmp_path, "\n".join([heading, *rows]) + "\n")
            with pytest.raises(InputError, match=f"found {found} fields?, the heading has {n}"):
                read(path)
    with pytest.raises(InputError, match="line 3: a double quote opens"):
        read(write(tmp_path, f'{heading}\n{row}\n"{row}\n'))


# --- codes for "none"

# pandas.read_csv's list, BIDS, R, Stata, SAS, SPSS, SQL, Excel, PLINK
CODES = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "none", "NONE", "na", "n.a.", ".", "..",
    "-", "--", "?", ".a", ".Z", "\\N", "#NULL!", "#VALUE!", "#DIV/0!", "unknown", "Unknown", "missing",
    "MISSING", "not available", "Not_Available", "not applicable", " NA ", "'NA'", "(null)",
    "\u200bNA", "NA\ufeff", "-9", "-9.0", "-9.00", "-9e0", "\u22129", "-999", "-9999", "-999.0",
]  # fmt: skip
LOOK = [
    "NA/NA", "-9/-9", "NA?", "no answer", "inf", "n / a", "dk","0", "-1", "-8", "-99", "99", "999", "9999", "88", "undetermined", "refused", "<other>", "nd", "n/d", "[x]"]  # fmt: skip
CLASSES = ["control", "1", "2", "other", "NO", "nab", "+", "GBR", "Nancy", "missense"]


def join(options: dict, labels=None, cuts=None):
    people = pd.DataFrame({"sample": [f"p{i}" for i in range(len(labels or ["", ""]))]})
    if labels is not None:
        people["population"] = labels
    defaults = {
        "table": None,
        "id_column": None,
        "label_column": "population",
        "family_column": None,
        "missing": [],
        "minimum_people": 1,
        "rare": "stop",
        "person_missing_max": 0.1,
        "cuts": cuts,
    }
    return join_labels(people, np.zeros(len(people)), **defaults | options)


def table_of(tmp_path, values):
    rows = [f"p{i}\t{value}" for i, value in enumerate(values)]
    return str(write(tmp_path, "\n".join(["id\tpopulation", *rows]) + "\n", "labels.tsv"))


def lines_of(joined) -> dict:
    return {check.name: check for check in label_checks(joined)}


@pytest.mark.parametrize("code", CODES)
def test_codes_are_no_label_and_counted(tmp_path, code):
    labels = ["case", "control", code] * 4
    joined = join({"table": table_of(tmp_path, labels)}, labels)
    assert joined.people["label"].tolist() == ["case", "control", ""] * 4
    assert (joined.people["excluded"][2::3] == "no label").all()
    if code.strip():
        assert lines_of(joined)["values read as no label"].found == f"{code.strip()} (4)"


@pytest.mark.parametrize("code", LOOK)
def test_what_looks_like_a_code_is_kept_and_shown(tmp_path, code):
    labels = ["case", "control", code] * 4
    joined = join({"table": table_of(tmp_path, labels)}, labels)
    assert joined.people["label"].tolist() == labels
    line = lines_of(joined)["labels that look like a code"]
    assert (line.level, line.found) == ("look", f"{code} (4)")
    joined = join({"table": table_of(tmp_path, labels), "missing": [code]}, labels)
    assert joined.people["label"].tolist() == ["case", "control", ""] * 4


@pytest.mark.parametrize("name", CLASSES)
def test_ordinary_classes_are_neither(tmp_path, name):
    labels = ["case", name] * 4
    joined = join({"table": table_of(tmp_path, labels)}, labels)
    assert joined.people["label"].tolist() == labels
    assert set(lines_of(joined)) == {"people with a usable label"}


def test_zero_beside_one_and_two_is_shown(tmp_path):
    labels = ["0", "1", "2"] * 4
    line = lines_of(join({"table": table_of(tmp_path, labels)}, labels))
    assert line["labels that look like a code"].found == "0 (4)"
    labels = ["0", "1"] * 4
    assert "labels that look like a code" not in lines_of(
        join({"table": table_of(tmp_path, labels)}, labels)
    )


def test_codes_of_the_configuration_count_by_value_and_in_any_case(tmp_path):
    labels = ["a", "b", "EXCLUDED", "excluded", "7", "7.0", "007", "-7"]
    options = {"table": table_of(tmp_path, labels), "missing": ["Excluded", "7.00"]}
    assert join(options, labels).people["label"].tolist() == ["a", "b", "", "", "", "", "007", "-7"]


def test_numbers_by_value():
    assert [number_of(each) for each in ("-9", "-9.00", "+2", ".5", "1e3", "0")] == [-9, -9, 2, 0.5, 1000, 0]  # fmt: skip
    assert [number_of(each) for each in ("007", "", "-", "inf", "nan", "1_0", "0x1", "1.2.3")] == [None] * 8  # fmt: skip


def test_numeric_labels_and_codes_that_stand_apart(tmp_path):
    values = ["20.5", "31", "n/a", "-9.0", "999", "25", "#N/A", "24", "99", "-9"]
    joined = join({"table": table_of(tmp_path, values)}, values, cuts=[25])
    assert joined.problems == []
    assert joined.people["value"].tolist() == [
        "20.5",
        "31",
        "",
        "",
        "999",
        "25",
        "",
        "24",
        "99",
        "",
    ]
    assert joined.suspicious == {"999": 1, "99": 1}
    within = join({"table": table_of(tmp_path, ["-3.2", "-1", "2.5", "-1"])}, ["-"] * 4, cuts=[0])
    assert within.suspicious == {}  # -1 is one of the numbers


def test_covariates_follow_the_same_rule():
    table = pd.DataFrame(
        {
            "age": ["30", "n/a", "50", "-9.0", "#N/A", "40"],
            "sex": ["f", "None", "m", "unknown", "<NA>", "f"],
            "label": "a",
            "excluded": "",
            "value": "",
        }
    )
    assert covariate_problems(table, ["age", "sex"], []) == []
    values, filled = covariate_values(table, ["age", "sex"], [])
    np.testing.assert_allclose(values[:, 0], [30, 40, 50, 40, 40, 40])
    np.testing.assert_allclose(values[:, 1], [0, 1 / 3, 1, 1 / 3, 1 / 3, 0])
    assert filled == {"age": 3, "sex": 3}
    selection = {"covariates": ["age"], "statistics": "gwas.tsv"}
    found = selection_checks(
        table.assign(age=["30", "31", "999", "40", "41", "33"]), selection, None, [], 0.8
    )
    assert (found[0].name, found[0].found, found[0].level) == ("covariate age", "999 (1)", "look")


def test_pairs_without_kinship_are_unrelated(tmp_path, capsys):
    rows = "ID1 ID2 KINSHIP\na b 0.2\na c nan\na d NA\na e -9\nb c 0.01\n"
    assert read_kinship(write(tmp_path, rows), 0.1).to_numpy().tolist() == [["a", "b"]]
    assert "2 pairs have no kinship" in capsys.readouterr().out
    with pytest.raises(InputError, match="line 3: the kinship 'full' is not a number"):
        read_kinship(write(tmp_path, "ID1 ID2 KINSHIP\na b 0.2\na c full\n"), 0.1)
    assert read_kinship(write(tmp_path, "ID1 ID2 KINSHIP\n"), 0.1).empty


def test_missing_codes_of_a_column():
    found = MissingCodes(["x"]).is_missing(pd.Series(["X", "y", " NA", "-9.0", "9"]))
    assert found.tolist() == [True, False, True, True, False]


def test_labels_that_read_alike_are_shown(tmp_path):
    labels = ["Case", "case", "1", "1.0", "01", "control", "0"]
    joined = join({"table": table_of(tmp_path, labels)}, labels)
    line = lines_of(joined)["labels that read alike"]
    assert (line.level, line.found) == ("look", "'01' and '1' and '1.0', 'Case' and 'case'")


def test_numbers_beside_words_are_shown():
    table = pd.DataFrame({"dose": ["1", "2", "high"], "label": "a", "excluded": "", "value": ""})
    selection = {"covariates": ["dose"], "statistics": "gwas.tsv"}
    (line,) = selection_checks(table, selection, None, [], 0.8)
    assert (line.level, line.found) == ("look", "numbers beside words (high): read as classes")
    assert selection_checks(table, selection, None, ["high"], 0.8) == []


@pytest.mark.parametrize("name", ["value", "split", "label", "excluded", "family", "missing"])
def test_a_covariate_called_like_a_column_of_ours_stops(name):
    table = pd.DataFrame({"excluded": [""] * 6, "age": [*"123456"]})
    table[name] = table.get(name, "1")
    selection = {"covariates": ["age", name], "statistics": "gwas.tsv"}
    (line,) = (c for c in selection_checks(table, selection, None, [], 0.8) if "hides" in c.found)
    assert line.level == "stop" and f"column {name!r}" in line.found


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab,\t ;\n", max_size=60))
def test_fields_are_counted_as_python_splits_them(text):
    block = (text + "\n").encode()
    lines = text.split("\n")
    for mark in ",;\t":
        counts = field_counts(block, mark)
        assert counts.tolist() == [len(line.split(mark)) for line in lines]
    counts = field_counts(block, BLANKS)
    assert counts.tolist() == [len(line.split()) for line in lines]


@pytest.mark.parametrize("code", ["n/a", "None", "null", "unknown", "-9.0", "#N/A", "<NA>"])
def test_a_missing_code_is_no_control(tmp_path, code):
    labels = ["patient", "control", code] * 10
    joined = join({"table": table_of(tmp_path, labels)}, labels)
    (cases,) = case_checks(joined.people, "patient")
    assert cases.found.startswith("10 cases (patient), 10 ")


def test_a_case_label_that_stands_in_two_joined_columns_stops():
    people = pd.DataFrame({"label": ["1/1", "1/2", "2/1", "2/2"] * 3, "excluded": ""})
    (cases,) = case_checks(people, "2")
    assert cases.level == "stop" and "Recode the column of the disease" in cases.advice
    assert cases.found.startswith("labels.case_label '2' stands in 2 of the columns")
    for label, n_cases in (("1/2", 3), ("3", 6)):  # a whole label, and one of its column alone
        named = people.assign(
            label=people["label"].str.replace("/2", "/3" if label == "3" else "/2")
        )
        (cases,) = case_checks(named, label)
        assert cases.found.startswith(f"{n_cases} cases")


@pytest.mark.parametrize(
    ("labels", "case"),
    [
        (["control", "case"], "case"),
        (["1", "2"], "2"),
        (["GBR/Healthy", "GBR/Patient", "YRI/Healthy"], "Patient"),
        (["GBR", "YRI"], None),
        (["case", "control", "other"], None),
        (["case"], None),
    ],
)
def test_labels_that_read_like_cases_are_shown_where_nobody_said_so(labels, case):
    people = pd.DataFrame({"label": labels * 4, "excluded": ""})
    found = case_checks(people, None)
    assert bool(found) == (case is not None)
    for line in found:
        assert line.level == "look" and f"labels.case_label: '{case}'" in line.advice


def test_plus_and_minus_are_two_classes():
    assert not MissingCodes().is_missing(pd.Series(["+", "-", "+"])).any()
    assert MissingCodes().is_missing(pd.Series(["a", "-", "NA"])).tolist() == [False, True, True]


def test_what_the_join_noted_reaches_the_page(tmp_path):
    labels = ["case", "control", "n/a", "99"] * 4
    joined = join({"table": table_of(tmp_path, labels)}, labels)
    write_join(joined, tmp_path / "people.tsv", tmp_path / "notes.json")
    again = read_join(tmp_path / "people.tsv", tmp_path / "notes.json")
    assert lines_of(again) == lines_of(joined)
    assert (again.codes, again.suspicious) == ({"n/a": 4}, {"99": 4})


def test_the_sample_id_is_iid_where_fid_stands_beside_it(tmp_path):
    path = tmp_path / "labels.tsv"
    path.write_text("FID\tIID\tpop\np1\tp0\tX\np2\tp1\tY\np0\tp2\tX\n")
    joined = join({"table": str(path), "label_column": "pop"}, ["-"] * 3)
    assert joined.people["label"].tolist() == ["X", "Y", "X"]


@pytest.mark.parametrize(
    ("labels", "shown"),
    [("129", "9"), ("019", "9"), ("128", "8"), ("1279", "79"), ("123", ""), ("789", "")],
)
def test_a_small_number_that_stands_apart_is_shown(tmp_path, labels, shown):
    labels = list(labels) * 4
    assert set(join({"table": table_of(tmp_path, labels)}, labels).suspicious) == set(shown)


@pytest.mark.parametrize(
    "value", ["\u200b", "N\u200bA", "\uff2e\uff21", "Don\u2019t know", "\u22129"]
)
def test_codes_in_letters_that_look_alike_are_missing(value):
    assert MissingCodes().is_code(value)


@pytest.mark.parametrize(
    "value",
    ["NA/NA", "NA NA", "-9/-9", "NA.", "na?", "Unk.", "n / a", "NotAvailable", "NK", "n.k.", "D/K"]
    + ["pd.NA", "inf", "pending", "no answer", "no response", "not given", "unascertained"],
)
def test_what_looks_like_a_code_is_shown(value):
    assert MissingCodes().suspicious(pd.Series([value, "GBR", "FIN", "FIN"])) == {value: 1}


@pytest.mark.parametrize(
    "value", ["GBR/FIN", "Nan island", "NO", "South Asian", "NA12878", "St. Lucia"]
)
def test_names_that_only_resemble_codes_are_not_shown(value):
    codes = MissingCodes()
    assert not codes.is_code(value)
    assert codes.suspicious(pd.Series([value, "GBR", "FIN"])) == {}


def test_comments_below_the_heading_are_counted(tmp_path):
    text = "id\tpop\n# a note\np0\tA\n#p1\tB\np1\tA\n"
    joined = join({"table": str(write(tmp_path, text)), "label_column": "pop"}, ["-"] * 2)
    assert joined.people["label"].tolist() == ["A", "A"]
    line = lines_of(joined)["lines of the label table that begin with #"]
    assert (line.level, line.found) == ("look", "2, read as comments")
    quoted = write(tmp_path, 'id\tpop\n"#1"\tA\n')
    assert read_table(quoted).to_numpy().tolist() == [["#1", "A"]]


@pytest.mark.parametrize("text", ["#id\tpop\n#p0\tA\n#p1\tB\n", "#id pop\n#p0 A\n"])
def test_a_table_of_comments_alone_is_refused(tmp_path, text):
    assert "every line begins with #" in refusal(write(tmp_path, text))
    text = text.replace("#", "", 1)
    assert "every row begins with #" in refusal(write(tmp_path, text))
    assert read_table(write(tmp_path, "#made by me\n#id\tpop\n")).empty


@pytest.mark.parametrize(
    "comment", ["# my table", "#my\ttable", "# made by me, in 2024", "#note", "# id and pop"]
)
@pytest.mark.parametrize("mark", ["\t", ",", " "])
def test_the_heading_is_the_line_with_the_columns_wanted(tmp_path, comment, mark):
    text = f"{comment}\nid{mark}pop\np0{mark}A\np1{mark}B\n"
    for table in (text, text.replace("id", "#id", 1) if "id" not in comment else text):
        joined = join({"table": str(write(tmp_path, table)), "label_column": "pop"}, ["-"] * 2)
        assert joined.people["label"].tolist() == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("id,a\np1,x,\np2,y,\n", "These rows end with a separator that the heading does not have"),
        ("id\ta\np1\tx\np2\ty\t\t\n", "These rows end with a separator"),
        ("id,a,\np1,x\np2,y\n", "The heading ends with a separator"),
        ("id,a\np1,0,35\np2,1,5\n", "Are there numbers with a comma in them"),
        ("id,a\n1,p1,x\n2,p2,y\n", "row.names = FALSE"),
    ],
)
def test_advice_fits_what_is_wrong(tmp_path, text, advice):
    assert advice in refusal(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0,35", 1), ("1,234", 1), ("1 234", 1), ("1.234,5", 1), ("1'200", 1), ("<5", 1), ("12 %", 1)]
    + [
        ("0.35", 0),
        ("1e-5", 0),
        ("30 kg", 0),
        ("A,B", 0),
        ("12", 0),
        ("1-2", 0),
        ("1980-01-01", 0),
    ],
)
def test_numbers_that_no_program_reads(text, expected):
    assert is_odd_number(text) == bool(expected)


def test_numbers_with_a_comma_are_no_values(tmp_path):
    table = table_of(tmp_path, ["0,35", "1,5", "2,5"])
    (problem, *_) = join({"table": table}, ["-"] * 3, cuts=[1]).problems
    assert "these values are not: 0,35, 1,5, 2,5; Numbers are written with a decimal" in problem


def test_labels_that_only_eyes_tell_apart_are_shown(tmp_path):
    labels = ["caf\u00e9", "cafe\u0301", "South Asian", "South_Asian", "<18", ">18"]
    joined = join({"table": table_of(tmp_path, labels)}, labels)
    found = lines_of(joined)["labels that read alike"].found
    assert found == r"'South Asian' and 'South_Asian', 'cafe\u0301' and 'caf\xe9'"


@pytest.mark.parametrize("other", ["a\u200bd", "\u0430d", "'ad'", "AD"])
def test_labels_that_look_the_same_are_shown(tmp_path, other):
    labels = ["ad", other, "b"]
    found = lines_of(join({"table": table_of(tmp_path, labels)}, labels))
    named = found["labels that read alike"].found
    assert "'ad'" in named and (other.isascii() or "\\u" in named)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["-818", "a", "b"], {"-818": 1}),
        (["-818", "-121", "3", "4", "5.5"], {"-818": 1, "-121": 1}),
        (["-818", "-12", "-3", "4", "5.5"], {}),
        (["-8.5", "3", "4"], {}),
    ],
)
def test_a_few_negative_numbers_are_shown(tmp_path, values, shown):
    assert join({"table": table_of(tmp_path, values)}, values).suspicious == shown


def test_joined_labels_of_different_values_stop(tmp_path):
    text = "id\tpop\tdisease\np0\ta/b\tc\np1\ta\t{}\n"
    for second, n in (("b/c", 1), ("b", 0)):
        table = str(write(tmp_path, text.format(second), "labels.tsv"))
        joined = join({"table": table, "label_column": ["pop", "disease"]}, ["", ""])
        assert len(joined.problems) == n
    assert "a/b/c" not in str(joined.problems)


AGE = ["30", "31", "40", "44", "52", "38"]
COVARIATES = [
    ({"age": AGE}, "ok", ""),
    ({"age": ["30"] * 6}, "look", "the same for everybody: it adjusts for nothing"),
    ({"batch": ["b1"] * 6}, "look", "the same for everybody"),
    ({"age": ["30", "NA"] * 3}, "look", "the same for everybody"),
    ({"age": AGE, "twice": [str(2 * int(each)) for each in AGE]}, "look", "follows from the cov"),
    ({"sex": list("mfmfmf")}, "ok", "2 classes (f, m)"),
    ({"sex": list("mfMFmf")}, "look", "'F' and 'f', 'M' and 'm' read alike"),
    ({"born": ["1980-01-01", "1981-02-01"] * 3}, "look", "2 classes (1980-01-01, 1981-02-01)"),
    ({"age": ["30,5", "31,5"] * 3}, "stop", "column 'age' holds 30,5, 31,5. Numbers are written"),
    ({"crp": ["<5", "7", "8", "9", "10", "11"]}, "stop", "column 'crp' holds <5. Numbers are"),
    ({"age": [*AGE[:5], "inf"]}, "stop", "column 'age' holds inf, which is no number"),
    ({"age": ["NA"] * 6}, "stop", "column 'age' has no value"),
]


@pytest.mark.parametrize(("columns", "level", "found"), COVARIATES)
def test_covariates_that_do_not_do_what_is_meant(columns, level, found):
    table = pd.DataFrame(columns).assign(label=["a", "b"] * 3, excluded="", value="")
    lines = selection_checks(
        table, {"covariates": list(columns), "statistics": "gwas.tsv"}, None, [], 0.8
    )
    if found:
        assert (level, found) in [(line.level, line.found[: len(found)]) for line in lines]
    else:
        assert lines == []


@pytest.mark.parametrize(
    ("case_label", "meant"),
    [("Case", "case"), ("1", "1.0"), ("case ", "case"), ("South_Asian", "South Asian"), ("b", "")],
)
def test_a_case_label_that_is_written_otherwise_is_found(tmp_path, case_label, meant):
    labels = ["case", "1.0", "South Asian", "control/a"] * 4
    joined = join({"table": table_of(tmp_path, labels)}, labels)
    (line,) = case_checks(joined.people, case_label)
    assert line.level == "stop"
    assert line.found.endswith(f"; is it {meant!r}?") if meant else "is it" not in line.found


def test_a_covariate_that_repeats_another_does_not_spoil_the_next():
    columns = {"age": AGE, "twice": [str(2 * int(each)) for each in AGE], "sex": list("mmfmff")}
    table = pd.DataFrame(columns).assign(label=["a", "b"] * 3, excluded="", value="")
    notes = covariate_notes(table, list(columns), [])
    assert set(notes) == {"twice", "sex"} and notes["sex"] == ("2 classes (f, m)", "")


@pytest.mark.parametrize(
    ("labels", "advice"),
    [
        ([str(i * 0.37) for i in range(12)], "a label that is a number needs bins: labels.cuts"),
        ([f"p{i}" for i in range(12)], "is this the column of the labels"),
        (list("aaaaaaab"), "leave them out with `labels: {rare: drop}`"),
    ],
)
def test_labels_of_few_people_are_what_they_seem(tmp_path, labels, advice):
    joined = join({"table": table_of(tmp_path, labels), "minimum_people": 5}, labels)
    assert advice in joined.problems[0]


@pytest.mark.parametrize(
    ("label", "stops"),
    [
        *[
            ("=1+1", True),
            ("=cmd|' /C calc'!A0", True),
            ("@SUM(A1)", True),
            ("-2+3+cmd|'x'!A0", True),
        ],
        *[("+", False), ("+/-", False), ("-1", False), ("a=1", False), ("<5", False)],
    ],
)
def test_labels_that_a_spreadsheet_would_run_stop(tmp_path, label, stops):
    labels = [label, "b"] * 10
    found = join({"table": table_of(tmp_path, labels)}, labels).problems
    assert any("takes for formulas" in each and repr(label) in each for each in found) == stops


def test_cuts_that_divide_nobody_stop(tmp_path):
    values = [str(i) for i in range(20, 30)]
    table = table_of(tmp_path, values)
    (problem,) = join({"table": table}, values, cuts=[185, 250]).problems
    assert (
        "labels.cuts 185, 250 divide nobody: the values of column 'population' are 20 to 29"
        in problem
    )
    assert join({"table": table}, values, cuts=[25, 250]).problems == []
